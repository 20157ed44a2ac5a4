// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/mqtt_driver.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "drivers/mqtt/data_set.h"
#include "drivers/sdk/policy.h"
#include "twin/base/check.h"
#include "twin/base/random.h"
#include "twin/mqtt/reason.h"

namespace edgetwin::mqtt_driver {
namespace {

using model::Value;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view kBrokerPart = "broker";
constexpr int kNobodySubscribed = 0x10;  // MQTT 5, table 3-4.
constexpr int kRefused = 0x80;           // From here on, reasons are failures.

// Of all those that are wrong, with how many more there are.
Status FirstOf(const std::vector<Result<Value>>& values) {
  const auto wrong = [](const Result<Value>& value) { return !value.has_value(); };
  const auto first = std::ranges::find_if(values, wrong);
  if (first == values.end()) return {};
  const auto more = std::count_if(first + 1, values.end(), [&](const Result<Value>& value) {
    return wrong(value) && value.error() != first->error();
  });
  if (more == 0) return first->error();
  return MakeError(first->error().code,
                   first->error().text + " (and " + std::to_string(more) + " more)");
}

// What is wrong with a message is the device's doing: kInvalid is for operators.
Error AsReceived(Error error) {
  if (error.code == ErrorCode::kInvalid) error.code = ErrorCode::kCorrupt;
  return error;
}

// Whether the device has taken `wanted`: a number went through a text or a float on its way.
bool SameAs(const Value& wanted, const Value& heard, const extract::Conversion& conversion) {
  if (wanted == heard) return true;
  if (wanted.type() != model::ValueType::kDouble || heard.type() != wanted.type()) return false;
  constexpr double kSingle = 1e-6;  // What a float leaves of a number.
  const double a = driver::Rounded(wanted.real(), conversion.decimals);
  const double b = driver::Rounded(heard.real(), conversion.decimals);
  return std::abs(a - b) <= kSingle * std::max(std::abs(a), std::abs(b));
}

std::string RandomClientId() {
  char id[32];
  std::snprintf(id, sizeof id, "edgetwin-%08x", static_cast<unsigned>(RandomBits()));
  return id;
}

}  // namespace

bool MqttDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().count();
  options_ = ReadMqttOptions(config);
  traffic_ = std::make_unique<mqtt::Traffic>(options_.connection.client);
  message_limit_ = std::make_unique<Limit>(options_.connection.client.message_bytes_max);
  decoders_.clear();
  std::set<std::string, std::less<>> metrics;
  for (const SourceOptions& source : options_.sources) {
    decoders_.emplace_back(source);
    for (const PropertyOptions& property : source.properties) {
      if (!property.metric.empty()) metrics.insert(property.metric);
    }
  }
  parts_ = std::vector<Part>(options_.sources.size());
  nodes_ = std::make_unique<SparkplugNodes>(std::move(metrics));
  channels_ = std::make_unique<Channels>(options_, [this](std::size_t source, const Error& why) {
    (void)Told(source, loop_->Now(), why);
  });
  return config.problems().count() == problems;
}

std::string MqttDriver::exclusive() const {
  const std::string& id = options_.connection.client.client_id;
  if (id.empty()) return {};
  return "the client id \"" + id + "\" at " + options_.connection.broker.text;
}

Status MqttDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  for (Part& part : parts_) part = Part();
  broker_failing_ = "not connected yet";
  broker_error_.clear();
  nodes_->Forget();
  if (Status started = channels_->Start(loop, sink); !started) return started;
  loop_ = &loop;
  sink_ = &sink;
  ++generation_;
  connection_options_ = options_.connection;
  std::string& id = connection_options_.client.client_id;
  if (id.empty()) id = RandomClientId();
  connection_ = std::make_unique<Connection>(loop, connection_options_, *traffic_,
                                             static_cast<ConnectionEvents&>(*this));
  return {};
}

void MqttDriver::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  connection_.reset();
  channels_->Stop();
  for (auto& [id, call] : calls_) loop_->Cancel(call.timer);
  calls_.clear();
  calls_limit_.Use(0);
  loop_ = nullptr;
  sink_ = nullptr;
}

std::uint64_t MqttDriver::UnixMs() const {
  return static_cast<std::uint64_t>(loop_->clock().UntrustedWall().time_since_epoch().count());
}

void MqttDriver::OnUp() {
  const std::uint64_t generation = generation_;
  broker_failing_.clear();
  sink_->Polled(kBrokerPart, microseconds(0), {});
  if (generation != generation_ || !channels_->BrokerIsBack()) return;
  // Births aren't retained: who doesn't ask learns of a node when it is born the next time.
  for (const SourceOptions& source : options_.sources) {
    if (source.rebirth && source.node.exact()) AskForRebirth(source.node.filter());
  }
}

void MqttDriver::OnDown(const Error& why) {
  const std::uint64_t generation = generation_;
  broker_failing_ = broker_error_ = why.text;
  nodes_->Forget();
  if (!channels_->BrokerIsAway()) return;
  sink_->Polled(kBrokerPart, microseconds(0), why);
  while (generation == generation_ && !calls_.empty()) {
    EndCall(calls_.begin()->first,
            TimedOut("published, but the connection broke before it was confirmed: " + why.text));
  }
}

void MqttDriver::OnMessage(std::string_view topic, std::string_view payload, bool retained) {
  message_limit_->Use(payload.size());
  if (topic.size() > kTopicBytesMax) {
    ++foreign_;
    return;
  }
  bool ours = false;
  // Sparkplug's messages are never retained, but for mistakes: births of who may be long dead.
  const auto sparkplug = retained ? std::nullopt : ParseSparkplugTopic(topic);
  if (sparkplug && ReadsNode(sparkplug->node)) {
    ours = true;
    if (!OnSparkplug(*sparkplug, payload)) return;
  }
  for (std::size_t i = 0; i < options_.sources.size(); ++i) {
    if (options_.sources[i].format == Format::kSparkplug) continue;
    const std::optional<Captures> captures = options_.sources[i].pattern.Captured(topic);
    if (!captures) continue;
    ours = true;
    if (!OnPlain(i, *captures, payload, retained)) return;
  }
  if (!ours) ++foreign_;
}

bool MqttDriver::Told(std::size_t source, MonoTime begun, const Status& status) {
  Part& part = parts_[source];
  part.failing = status ? std::string() : status.error().text;
  if (!status) part.last_error = status.error().text;
  const std::uint64_t generation = generation_;
  sink_->Polled(options_.sources[source].topic, loop_->Now() - begun, status);
  return generation == generation_;
}

bool MqttDriver::OnPlain(std::size_t source, const Captures& captures, std::string_view payload,
                         bool retained) {
  const MonoTime begun = loop_->Now();
  if (retained && !options_.sources[source].retained) {
    ++retained_;
    return true;
  }
  const Result<std::size_t> origin = channels_->OriginOf(source, captures);
  if (!origin) return Told(source, begun, origin.error());
  channels_->Heard(*origin);
  const std::vector<Result<Value>> values = decoders_[source].Values(payload);
  Status status = FirstOf(values);
  std::optional<WallTime> time;
  if (const auto said = decoders_[source].Time(payload)) {
    time = *said;
  } else if (status) {
    status = said.error();
  }
  const std::vector<std::size_t> mine = channels_->origins()[*origin].channels;
  std::vector<std::string> raw;
  if (sink_->wants_raw()) raw = decoders_[source].Raw(payload);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!raw.empty() && !raw[i].empty()) sink_->Raw(channels_->channel(mine[i]).id, raw[i]);
    const bool going_on = values[i] ? channels_->Report(mine[i], *values[i], time, false)
                                    : channels_->ReportBad(mine[i]);
    if (!going_on || (values[i] && !Took(mine[i], *values[i]))) return false;
  }
  return Told(source, begun, status ? status : Status(AsReceived(status.error())));
}

bool MqttDriver::OnSparkplug(const SparkplugTopic& topic, std::string_view bytes) {
  const MonoTime begun = loop_->Now();
  const std::string place = topic.device.empty() ? topic.node : topic.node + "/" + topic.device;
  std::vector<std::pair<std::size_t, Captures>> readers;
  for (std::size_t i = 0; i < options_.sources.size(); ++i) {
    if (options_.sources[i].format != Format::kSparkplug) continue;
    if (auto captures = options_.sources[i].pattern.Captured(place)) {
      readers.emplace_back(i, *std::move(captures));
    }
  }
  Result<Payload> payload = DecodePayload(bytes, payload_limits_);
  if (!payload) {
    for (const auto& [source, captures] : readers) {
      if (!Told(source, begun, payload.error())) return false;
    }
    return true;
  }
  // Of a device that nobody reads, only the number counts.
  if (readers.empty() && !topic.device.empty()) payload->metrics.clear();
  const NodeNews news = nodes_->On(topic, *payload);
  if (!OnNodeTrouble(topic, news)) return false;
  for (const auto& [source, captures] : readers) {
    if (!OnNews(source, captures, news, *payload)) return false;
  }
  return true;
}

// What a message means for more than its own node or device.
bool MqttDriver::OnNodeTrouble(const SparkplugTopic& topic, const NodeNews& news) {
  using Kind = NodeNews::Kind;
  const bool restarted = news.kind == Kind::kNodeRestarted;
  const bool died = news.kind == Kind::kNodeDied;
  if (news.kind == Kind::kValues && !news.in_order) AskForRebirth(topic.node);
  if (!news.lost_order && !restarted && !died) return true;
  for (std::size_t i = 0; i < channels_->origins().size(); ++i) {
    const Channels::Origin& origin = channels_->origins()[i];
    const SourceOptions& source = options_.sources[origin.source];
    if (source.format != Format::kSparkplug) continue;
    const std::string place = Expanded(source.topic, source.pattern.names(), origin.captures)
                                  .substr(kSparkplugNamespace.size() + 1);
    const bool of_device = place.starts_with(topic.node + "/");
    if (!of_device && place != topic.node) continue;
    if (restarted && !of_device) continue;  // It has its values from this message.
    const std::size_t index = origin.source;
    if (!(news.lost_order ? channels_->Doubt(i) : channels_->AllBad(i))) return false;
    if (of_device && died && !Told(index, loop_->Now(), Unavailable("the node is dead"))) {
      return false;
    }
  }
  return true;
}

bool MqttDriver::OnNews(std::size_t source, const Captures& captures, const NodeNews& news,
                        const Payload& payload) {
  using Kind = NodeNews::Kind;
  const MonoTime begun = loop_->Now();
  if (news.kind == Kind::kNothing) return true;
  if (news.kind == Kind::kNodeDied) return Told(source, begun, Unavailable("the node is dead"));
  const Result<std::size_t> origin = channels_->OriginOf(source, captures);
  if (!origin) return Told(source, begun, origin.error());
  if (news.kind == Kind::kDeviceDied) {
    return channels_->AllBad(*origin) && Told(source, begun, Unavailable("the device is dead"));
  }
  channels_->Heard(*origin);
  const std::vector<PropertyOptions>& properties = options_.sources[source].properties;
  const std::vector<std::size_t> mine = channels_->origins()[*origin].channels;
  Status status;
  for (const Reading& reading : news.readings) {
    for (std::size_t i = 0; i < properties.size(); ++i) {
      if (properties[i].metric != reading.name) continue;
      if (!OnReading(source, mine[i], reading, payload, !news.in_order, status)) return false;
    }
  }
  return Told(source, begun, status);
}

bool MqttDriver::OnReading(std::size_t source, std::size_t channel, const Reading& reading,
                           const Payload& payload, bool doubtful, Status& status) {
  const Metric& metric = *reading.metric;
  std::optional<WallTime> time;
  const std::optional<std::uint64_t> said = metric.time_ms ? metric.time_ms : payload.time_ms;
  // Beyond the year 200,000,000 are no times.
  if (said && *said < (std::uint64_t{1} << 62)) {
    time = WallTime(milliseconds(static_cast<std::int64_t>(*said)));
  }
  // Kept by the node while it was offline: what is known since then goes before it.
  if (metric.historical && (!time || !channels_->IsNews(channel, *time))) {
    ++historical_ignored_;
    return true;
  }
  if (!metric.historical && !options_.sources[source].payload_time) time.reset();
  if (sink_->wants_raw()) sink_->Raw(channels_->channel(channel).id, Shown(metric, reading.type));
  if (metric.null) return channels_->ReportBad(channel);
  const PropertyOptions& property = *channels_->channel(channel).options;
  const auto* place =
      property.place ? std::get_if<extract::PointerPlace>(&*property.place) : nullptr;
  const Result<Value> value = place != nullptr ? ValueAt(metric, *place, property.conversion)
                                               : ValueOf(metric, reading.type, property.conversion);
  if (value) return channels_->Report(channel, *value, time, doubtful) && Took(channel, *value);
  if (value.error().code == ErrorCode::kExhausted) ++data_sets_refused_;
  if (status) status = Corrupt(property.name + ": " + value.error().text);
  return channels_->ReportBad(channel);
}

bool MqttDriver::ReadsNode(std::string_view node) const {
  return std::ranges::any_of(options_.sources, [&](const SourceOptions& source) {
    return source.format == Format::kSparkplug && source.node.Matches(node);
  });
}

bool MqttDriver::WantsRebirth(std::string_view node) const {
  return std::ranges::any_of(options_.sources, [&](const SourceOptions& source) {
    return source.rebirth && source.node.Matches(node);
  });
}

void MqttDriver::AskForRebirth(std::string_view node) {
  if (!WantsRebirth(node) || !nodes_->TakeRebirth(node, loop_->Now())) return;
  // When it can't be sent the connection breaks, or the next message asks again.
  (void)connection_->Send(CommandTopic(node, {}), EncodeRebirth(UnixMs()));
}

Status MqttDriver::Write(model::PropertyId id, const Value& value, driver::WriteDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  const std::optional<std::size_t> index = channels_->Find(id);
  if (!index) return NotFound("the driver has no such property");
  const Channels::Channel& channel = channels_->channel(*index);
  if (!channel.options->def.writable) {
    return Unsupported("'" + channel.options->name + "' is read-only");
  }
  if (!connection_->up()) {
    return Unavailable("the broker is away: " + broker_failing_);
  }
  if (!calls_limit_.Fits(calls_.size() + 1)) {
    calls_limit_.Hit();
    return Exhausted(std::to_string(kCallsMax) + " writes are under way");
  }
  Call call;
  call.channel = *index;
  call.value = value;
  call.done = std::move(done);
  const bool plain = channel.options->write.has_value();
  if (Status sent = plain ? Publish(channel, call) : PublishCommand(channel, call); !sent) {
    return sent;
  }
  const std::uint64_t number = ++last_call_;
  call.timer = loop_->After(options_.write_timeout, [this, number] { OnCallDeadline(number); });
  calls_.emplace(number, std::move(call));
  calls_limit_.Use(calls_.size());
  return {};
}

Status MqttDriver::Publish(const Channels::Channel& channel, Call& call) {
  const WriteOptions& write = *channel.options->write;
  Format format = Format::kText;
  call.topic = write.topic;
  if (channel.origin != Channels::kNone) {
    const Channels::Origin& origin = channels_->origins()[channel.origin];
    const SourceOptions& source = options_.sources[origin.source];
    format = source.format;
    call.topic = Expanded(write.topic, source.pattern.names(), origin.captures);
  }
  call.retain = write.retain;
  const Result<std::string> message = MessageFor(*channel.options, format, call.value);
  if (!message) return message.error();
  const Result<int> number = connection_->Publish(call.topic, *message, write.retain);
  if (!number) return number.error();
  call.number = *number;
  return {};
}

Status MqttDriver::PublishCommand(const Channels::Channel& channel, Call& call) {
  const Channels::Origin& origin = channels_->origins()[channel.origin];
  const SourceOptions& source = options_.sources[origin.source];
  const std::string place = Expanded(source.topic, source.pattern.names(), origin.captures)
                                .substr(kSparkplugNamespace.size() + 1);
  const std::size_t node_end = place.find('/', place.find('/') + 1);
  const std::string node = place.substr(0, node_end);
  const std::string device = node_end == place.npos ? "" : place.substr(node_end + 1);
  if (!nodes_->Alive(node, device)) {
    return Unavailable(source.topic + " is dead, or has not been born since we listen");
  }
  const std::string& metric = channel.options->metric;
  const Result<std::string> message = EncodeCommand(
      nodes_->TargetOf(node, device, metric), call.value, channel.options->conversion, UnixMs());
  if (!message) return message.error();
  call.topic = CommandTopic(node, device);
  return connection_->Send(call.topic, *message);
}

// What a device says may be the outcome of a write.
bool MqttDriver::Took(std::size_t channel, const Value& value) {
  const std::uint64_t generation = generation_;
  std::vector<std::uint64_t> done;
  for (auto& [id, call] : calls_) {
    if (call.channel != channel) continue;
    call.heard = value;
    if (SameAs(call.value, value, channels_->channel(channel).options->conversion)) {
      done.push_back(id);
    }
  }
  for (const std::uint64_t id : done) {
    EndCall(id, calls_.at(id).value);
    if (generation != generation_) return false;
  }
  return true;
}

void MqttDriver::OnAcknowledged(int number, int reason) {
  const auto found = std::ranges::find_if(
      calls_, [&](const auto& entry) { return entry.second.number == number; });
  if (found == calls_.end()) return;
  Call& call = found->second;
  call.number.reset();
  if (reason >= kRefused) {
    return EndCall(found->first,
                   MakeError(ErrorCode::kPermission, "the broker refused it on \"" + call.topic +
                                                         "\": " + mqtt::ReasonText(reason)));
  }
  if (reason == kNobodySubscribed && !call.retain) {
    return EndCall(found->first, Unavailable("nobody listens to \"" + call.topic + "\""));
  }
  if (channels_->channel(call.channel).origin == Channels::kNone) {
    EndCall(found->first, call.value);
  }
}

void MqttDriver::OnCallDeadline(std::uint64_t id) {
  Call& call = calls_.at(id);
  call.timer = Loop::Id::kNone;
  if (call.heard) return EndCall(id, *call.heard);
  EndCall(id,
          TimedOut((call.number ? "published to \"" : "taken by the broker for \"") + call.topic +
                   "\", but not confirmed within " + FormatDuration(options_.write_timeout)));
}

void MqttDriver::EndCall(std::uint64_t id, Result<Value> result) {
  const auto found = calls_.find(id);
  const Call call = std::move(found->second);
  calls_.erase(found);
  calls_limit_.Use(calls_.size());
  loop_->Cancel(call.timer);
  call.done(std::move(result));
}

std::vector<driver::PartStatus> MqttDriver::parts() const {
  std::vector<driver::PartStatus> result;
  driver::PartStatus broker{
      std::string(kBrokerPart), broker_failing_.empty() ? "ok" : "failing", broker_error_, {}};
  if (connection_ && connection_->next_try()) {
    broker.state = "open";
    broker.next_try = *connection_->next_try();
  }
  result.push_back(std::move(broker));
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    result.push_back(
        {options_.sources[i].topic, part.failing.empty() ? "ok" : "failing", part.last_error, {}});
  }
  if (!nodes_) return result;
  for (const SparkplugNodes::State& node : nodes_->states()) {
    result.push_back(
        {"node " + node.node, node.problem.empty() ? "ok" : "failing", node.problem, {}});
  }
  return result;
}

std::vector<LimitReport> MqttDriver::limits() const {
  if (!traffic_) return {};
  std::vector<LimitReport> result;
  LimitReport messages = message_limit_->Report("message_bytes");
  messages.hits = traffic_->oversized_dropped;
  result.push_back(std::move(messages));
  result.push_back(traffic_->inbox_bytes.Report("inbox_bytes"));
  result.push_back(traffic_->backlog_bytes.Report("backlog_bytes"));
  result.push_back(calls_limit_.Report("writes_under_way"));
  result.push_back({"subscriptions", kSourcesMax, options_.connection.subscriptions.size(),
                    options_.connection.subscriptions.size(), 0});
  for (LimitReport& limit : channels_->limits()) result.push_back(std::move(limit));
  result.push_back({"foreign_messages", 0, 0, 0, foreign_});
  result.push_back({"retained_dropped", 0, 0, 0, retained_});
  const bool sparkplug = std::ranges::any_of(options_.sources, [](const SourceOptions& source) {
    return source.format == Format::kSparkplug;
  });
  if (!sparkplug) return result;
  result.push_back({"historical_ignored", 0, 0, 0, historical_ignored_});
  result.push_back(payload_limits_.metrics.Report("sparkplug_metrics"));
  result.push_back(payload_limits_.depth.Report("sparkplug_template_depth"));
  result.push_back({"sparkplug_data_sets", kDataSetCellsMax, 0, 0, data_sets_refused_});
  for (LimitReport& limit : nodes_->limits()) result.push_back(std::move(limit));
  return result;
}

driver::DriverKind MqttKind() {
  return {"mqtt", "Messages of an MQTT broker: JSON, text, Sparkplug B",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<MqttDriver>(); }};
}

}  // namespace edgetwin::mqtt_driver
