// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/http_driver.h"

#include <algorithm>
#include <utility>

#include "drivers/http/failure.h"
#include "twin/base/check.h"
#include "twin/base/random.h"

namespace edgetwin::http_driver {
namespace {

using extract::ToJson;
using model::Value;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kIdleSpare = 4;  // Connections kept beside one a host: redirects' targets.

// The shortest pause of a breaker where nothing is polled whose period it could be.
constexpr milliseconds kWriteOnlyPause{1'000};

// A timer may fire this much before the poll is due; see poll_driver.cc.
constexpr microseconds kEarlyMax{2'000};

std::string WithValue(std::string text, const std::string& json) {
  for (std::size_t at = text.find(kValueMark); at != text.npos;
       at = text.find(kValueMark, at + json.size())) {
    text.replace(at, kValueMark.size(), json);
  }
  return text;
}

bool Authorized(const MessageOptions& message) {
  return message.auth.type != AuthOptions::Type::kNone;
}

// The first of what is wrong, with how much more is.
Status FirstOf(const std::vector<Result<Value>>& values) {
  const auto wrong = [](const Result<Value>& value) { return !value.has_value(); };
  const auto first = std::find_if(values.begin(), values.end(), wrong);
  if (first == values.end()) return {};
  const auto more = std::count_if(first + 1, values.end(), [&](const Result<Value>& value) {
    return wrong(value) && value.error() != first->error();
  });
  if (more == 0) return first->error();
  return MakeError(first->error().code,
                   first->error().text + " (and " + std::to_string(more) + " more)");
}

}  // namespace

bool HttpDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().list().size();
  options_ = ReadHttpOptions(config);
  hosts_.clear();
  parts_.clear();
  properties_.clear();
  std::size_t body_bytes_max = 0;
  for (const RequestOptions& request : options_.requests) {
    body_bytes_max = std::max(body_bytes_max, request.body_bytes_max);
    parts_.push_back({request.name, HostOf(request.message.url.origin), {}, {}});
  }
  for (const PropertyOptions& property : options_.properties) {
    Property own;
    own.part = property.request.value_or(parts_.size());
    if (property.write) own.write_host = HostOf(property.write->message.url.origin);
    if (!property.request) parts_.push_back({property.name, own.write_host, {}, {}});
    properties_.push_back(std::move(own));
  }
  body_limit_ = std::make_unique<Limit>(body_bytes_max);
  return config.problems().list().size() == problems;
}

std::size_t HttpDriver::HostOf(const std::string& origin) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const Host& host) { return host.origin == origin; });
  if (found != hosts_.end()) return static_cast<std::size_t>(found - hosts_.begin());
  hosts_.emplace_back().origin = origin;
  return hosts_.size() - 1;
}

milliseconds HttpDriver::PeriodOf(std::size_t host) const {
  std::optional<milliseconds> shortest;
  for (std::size_t i = 0; i < options_.requests.size(); ++i) {
    if (parts_[i].host != host) continue;
    const milliseconds period = options_.requests[i].period;
    shortest = std::min(period, shortest.value_or(period));
  }
  return shortest.value_or(kWriteOnlyPause);
}

Status HttpDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  if (Status usable = Client::CheckLibrary(); !usable) return usable;
  by_id_.clear();
  missed_before_ = missed();
  polls_ = std::vector<Poll>(options_.requests.size());
  for (std::size_t i = 0; i < properties_.size(); ++i) {
    const PropertyOptions& options = options_.properties[i];
    const Result<model::PropertyId> id = sink.Define(options.def);
    if (!id) return id.error();
    by_id_[*id] = i;
    properties_[i].id = *id;
    properties_[i].last = Value();
    properties_[i].bad = false;
    if (!options.request) continue;
    Poll& poll = polls_[*options.request];
    poll.extraction.Add(options.name, options.place, options.conversion);
    poll.properties.push_back(i);
  }
  loop_ = &loop;
  sink_ = &sink;
  ++generation_;
  client_ = std::make_unique<Client>(loop, hosts_.size() + kIdleSpare);
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const driver::BreakerOptions breaker{options_.breaker_failures, PeriodOf(i),
                                         options_.breaker_max};
    hosts_[i] =
        Host{hosts_[i].origin, driver::Breaker(breaker, RandomBits()), false, {}, Loop::Id::kNone};
  }
  for (Part& part : parts_) part.failing = part.last_error = {};

  // The first poll comes at once. From then on each has its own share of the period, and within
  // that a place by chance, so that neither requests nor gateways that start together poll
  // together.
  const MonoTime now = loop.Now();
  const auto count = static_cast<std::int64_t>(polls_.size());
  for (std::size_t i = 0; i < polls_.size(); ++i) {
    const microseconds period = options_.requests[i].period;
    const microseconds share = period / count;
    microseconds phase = share * static_cast<std::int64_t>(i) +
                         microseconds(RandomBelow(static_cast<std::uint64_t>(share.count())));
    if (phase * 2 < period) phase += period;
    polls_[i].schedule = driver::PollSchedule(period, now + phase);
    polls_[i].due = true;
    ArmPoll(i);
  }
  for (std::size_t i = 0; i < hosts_.size(); ++i) WakeAt(i, now);
  return {};
}

void HttpDriver::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  client_.reset();
  for (Poll& poll : polls_) loop_->Cancel(std::exchange(poll.timer, Loop::Id::kNone));
  for (Host& host : hosts_) {
    loop_->Cancel(std::exchange(host.timer, Loop::Id::kNone));
    host.busy = false;
  }
  for (auto& [id, call] : calls_) loop_->Cancel(call.timer);
  calls_.clear();
  calls_limit_.Use(0);
  loop_ = nullptr;
  sink_ = nullptr;
}

void HttpDriver::ArmPoll(std::size_t request) {
  Poll& poll = polls_[request];
  const microseconds wait = std::max(microseconds(0), poll.schedule.due() - loop_->Now());
  loop_->Cancel(poll.timer);
  poll.timer = loop_->After(wait, [this, request] {
    Poll& mine = polls_[request];
    mine.timer = Loop::Id::kNone;
    if (loop_->Now() + kEarlyMax < mine.schedule.due()) return ArmPoll(request);
    mine.due = true;
    mine.slot = true;
    Dispatch(parts_[request].host);
  });
}

void HttpDriver::WakeAt(std::size_t host, MonoTime at) {
  Host& own = hosts_[host];
  loop_->Cancel(own.timer);
  own.timer = loop_->After(std::max(microseconds(0), at - loop_->Now()), [this, host] {
    hosts_[host].timer = Loop::Id::kNone;
    Dispatch(host);
  });
}

std::size_t HttpDriver::HostOf(const Call& call) const {
  const Property& property = properties_[call.property];
  return call.phase == Call::Phase::kWrite ? property.write_host : parts_[property.part].host;
}

void HttpDriver::Dispatch(std::size_t host) {
  const std::uint64_t generation = generation_;
  const MonoTime now = loop_->Now();
  Host& own = hosts_[host];
  while (!own.busy) {
    const auto next = std::find_if(calls_.begin(), calls_.end(), [&](const auto& entry) {
      const Call::Phase phase = entry.second.phase;
      return (phase == Call::Phase::kWrite || phase == Call::Phase::kRead) &&
             HostOf(entry.second) == host;
    });
    if (next == calls_.end()) break;
    if (!own.breaker->Allow(now)) {
      EndCall(next->first, Silent(next->second.property, host));
      if (generation != generation_) return;
    } else if (next->second.phase == Call::Phase::kWrite) {
      SendWrite(next->first, next->second);
    } else {
      SendRequest(*options_.properties[next->second.property].request);
    }
  }
  if (own.busy) return;
  std::optional<std::size_t> next;
  for (std::size_t i = 0; i < polls_.size(); ++i) {
    if (parts_[i].host != host || !polls_[i].due) continue;
    if (!next || polls_[i].sent < polls_[*next].sent) next = i;
  }
  if (!next) return;
  if (now < own.not_before) return WakeAt(host, own.not_before);
  if (!own.breaker->Allow(now)) return WakeAt(host, own.breaker->next_try());
  SendRequest(*next);
}

void HttpDriver::SendWrite(std::uint64_t id, Call& call) {
  const WriteOptions& write = *options_.properties[call.property].write;
  const MonoTime now = loop_->Now();
  Exchange exchange;
  exchange.message = write.message;
  exchange.message.body = WithValue(
      write.message.body, *ToJson(call.value, options_.properties[call.property].conversion));
  exchange.timeout =
      std::max(std::chrono::ceil<milliseconds>(call.deadline - now), milliseconds(1));
  exchange.once = true;
  call.phase = Call::Phase::kWriteSent;
  hosts_[properties_[call.property].write_host].busy = true;
  client_->Start(std::move(exchange),
                 [this, id, now](const Outcome& outcome) { OnWritten(id, now, outcome); });
}

void HttpDriver::SendRequest(std::size_t request) {
  const RequestOptions& options = options_.requests[request];
  Poll& poll = polls_[request];
  // Who asks for a value wants the value, not to hear that a copy of it is good.
  bool fresh = options.message.method != "GET";
  for (auto& [id, call] : calls_) {
    if (call.phase != Call::Phase::kRead) continue;
    if (options_.properties[call.property].request != request) continue;
    call.phase = Call::Phase::kReadSent;
    fresh = true;
  }
  Exchange exchange;
  exchange.message = options.message;
  exchange.timeout = options.timeout;
  exchange.body_bytes_max = options.body_bytes_max;
  exchange.redirects_max = options.redirects_max;
  if (!fresh && !poll.etag.empty()) exchange.more_headers.emplace_back("If-None-Match", poll.etag);
  if (!fresh && !poll.last_modified.empty()) {
    exchange.more_headers.emplace_back("If-Modified-Since", poll.last_modified);
  }
  const bool conditional = !exchange.more_headers.empty();
  poll.sent = loop_->Now();
  hosts_[parts_[request].host].busy = true;
  client_->Start(std::move(exchange),
                 [this, request, conditional, sent = poll.sent](const Outcome& outcome) {
                   OnAnswer(request, sent, conditional, outcome);
                 });
}

void HttpDriver::NoteHost(std::size_t host, const Outcome& outcome) {
  Host& own = hosts_[host];
  own.busy = false;
  const MonoTime now = loop_->Now();
  if (!outcome.answered) {
    own.breaker->Failed(now);
    return;
  }
  own.breaker->Succeeded();
  if (!outcome.answer || !outcome.answer->retry_after) return;
  if (StatusOf(outcome.answer->status, false)) return;
  own.not_before =
      now + std::min<microseconds>(*outcome.answer->retry_after, microseconds(kRetryAfterMax));
}

void HttpDriver::NotePart(std::size_t part, const Status& status) {
  parts_[part].failing = status ? std::string() : status.error().text;
  if (!status) parts_[part].last_error = status.error().text;
}

std::vector<Result<Value>> HttpDriver::Values(std::size_t request, bool conditional,
                                              const Outcome& outcome) {
  Poll& poll = polls_[request];
  const auto all = [&](const Error& error) {
    return std::vector<Result<Value>>(poll.properties.size(), Result<Value>(error));
  };
  if (!outcome.answer) {
    if (outcome.answer.error().code == ErrorCode::kExhausted) body_limit_->Hit();
    return all(outcome.answer.error());
  }
  const Answer& answer = *outcome.answer;
  if (answer.status == 304 && conditional) {
    std::vector<Result<Value>> values;
    for (const std::size_t property : poll.properties) values.push_back(properties_[property].last);
    return values;
  }
  const MessageOptions& message = options_.requests[request].message;
  if (Status status = StatusOf(answer.status, Authorized(message)); !status) {
    return all(status.error());
  }
  body_limit_->Use(answer.body.size());
  std::vector<Result<Value>> values = poll.extraction.From(answer.body);
  if (sink_->wants_raw()) {
    const std::vector<std::string> raw = poll.extraction.Raw(answer.body);
    for (std::size_t i = 0; i < raw.size(); ++i) properties_[poll.properties[i]].raw = raw[i];
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    properties_[poll.properties[i]].last = values[i].value_or(Value());
  }
  // A copy that lacks something is worth nothing; neither is another address's validator.
  const bool whole = !answer.redirected && FirstOf(values).has_value();
  poll.etag = whole ? answer.etag : std::string();
  poll.last_modified = whole ? answer.last_modified : std::string();
  return values;
}

bool HttpDriver::ReportAll(std::size_t request, const std::vector<Result<Value>>& values) {
  const std::uint64_t generation = generation_;
  const std::vector<std::size_t> targets = polls_[request].properties;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Property& property = properties_[targets[i]];
    // Told once: what stood there before an answer failed says nothing of that one.
    const std::string raw = std::exchange(property.raw, {});
    if (!raw.empty()) sink_->Raw(property.id, raw);
    if (values[i]) {
      property.bad = false;
      sink_->Report(property.id, *values[i]);
    } else if (!std::exchange(property.bad, true)) {
      sink_->ReportBad(property.id);
    }
    if (generation != generation_) return false;
  }
  return true;
}

void HttpDriver::OnAnswer(std::size_t request, MonoTime sent, bool conditional,
                          const Outcome& outcome) {
  const std::uint64_t generation = generation_;
  const MonoTime now = loop_->Now();
  Poll& poll = polls_[request];
  const std::size_t host = parts_[request].host;
  NoteHost(host, outcome);
  poll.due = false;
  if (std::exchange(poll.slot, false)) {
    poll.schedule.Done(now);
    ArmPoll(request);
  }
  const std::vector<Result<Value>> values = Values(request, conditional, outcome);
  const Status status = FirstOf(values);
  NotePart(request, status);
  std::vector<std::pair<std::uint64_t, Result<Value>>> ended;
  for (const auto& [id, call] : calls_) {
    const std::optional<std::size_t> own = options_.properties[call.property].request;
    if (call.phase != Call::Phase::kReadSent || own != request) continue;
    const auto at = std::find(poll.properties.begin(), poll.properties.end(), call.property) -
                    poll.properties.begin();
    ended.emplace_back(id, values[static_cast<std::size_t>(at)]);
  }
  Dispatch(host);
  if (generation != generation_ || !ReportAll(request, values)) return;
  sink_->Polled(parts_[request].name, now - sent, status);
  for (auto& [id, value] : ended) {
    if (generation != generation_) return;
    EndCall(id, std::move(value));
  }
}

void HttpDriver::OnWritten(std::uint64_t id, MonoTime sent, const Outcome& outcome) {
  const std::uint64_t generation = generation_;
  Call& call = calls_.at(id);  // Its deadline leaves it to the exchange, which has the same.
  const Property& property = properties_[call.property];
  const PropertyOptions& options = options_.properties[call.property];
  NoteHost(property.write_host, outcome);
  Status status;
  if (!outcome.answer) {
    status = outcome.answer.error();
  } else {
    status = StatusOf(outcome.answer->status, Authorized(options.write->message));
  }
  NotePart(property.part, status);
  const std::size_t part = property.part;
  const std::size_t write_host = property.write_host;
  const bool reads_back = status && options.request;
  if (reads_back) {
    call.phase = Call::Phase::kRead;
    call.written = true;
  }
  sink_->Polled(parts_[part].name, loop_->Now() - sent, status);
  if (generation != generation_) return;
  if (!status) {
    EndCall(id, status.error());
  } else if (!reads_back) {
    EndCall(id, calls_.at(id).value);
  }
  if (generation != generation_) return;
  Dispatch(write_host);
  if (generation == generation_ && parts_[part].host != write_host) Dispatch(parts_[part].host);
}

Result<std::size_t> HttpDriver::Find(model::PropertyId id) const {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return NotFound("the driver has no such property");
  return found->second;
}

Status HttpDriver::Write(model::PropertyId id, const Value& value, driver::WriteDone done) {
  const Result<std::size_t> property = Find(id);
  if (!property) return property.error();
  const PropertyOptions& options = options_.properties[*property];
  if (!options.write || !options.def.writable) {
    return Unsupported("'" + options.def.path.text() + "' is read-only");
  }
  if (const Result<std::string> json = ToJson(value, options.conversion); !json) {
    return json.error();
  }
  Call call;
  call.phase = Call::Phase::kWrite;
  call.property = *property;
  call.value = value;
  call.done = std::move(done);
  return Enter(std::move(call), options.write->timeout);
}

Status HttpDriver::Read(model::PropertyId id, driver::ReadDone done) {
  const Result<std::size_t> property = Find(id);
  if (!property) return property.error();
  const PropertyOptions& options = options_.properties[*property];
  if (!options.request) {
    return Unsupported("'" + options.def.path.text() + "' has no request to be read by");
  }
  Call call;
  call.property = *property;
  call.done = std::move(done);
  // One exchange may be under way already.
  return Enter(std::move(call), 2 * options_.requests[*options.request].timeout);
}

Error HttpDriver::Silent(std::size_t property, std::size_t host) const {
  return Unavailable(hosts_[host].origin +
                     " does not answer: " + parts_[properties_[property].part].last_error);
}

Status HttpDriver::Enter(Call call, milliseconds within) {
  const std::size_t host = HostOf(call);
  const MonoTime now = loop_->Now();
  const driver::Breaker& breaker = *hosts_[host].breaker;
  if (breaker.state() == driver::Breaker::State::kOpen && now < breaker.next_try()) {
    return Silent(call.property, host);
  }
  if (!calls_limit_.Fits(calls_.size() + 1)) {
    calls_limit_.Hit();
    return Exhausted(std::to_string(kCallsMax) + " writes and reads are under way");
  }
  const std::uint64_t id = ++last_call_;
  call.deadline = now + within;
  call.timer = loop_->After(within, [this, id] { OnCallDeadline(id); });
  calls_.emplace(id, std::move(call));
  calls_limit_.Use(calls_.size());
  Dispatch(host);
  return {};
}

void HttpDriver::OnCallDeadline(std::uint64_t id) {
  Call& call = calls_.at(id);
  call.timer = Loop::Id::kNone;
  if (call.phase == Call::Phase::kWriteSent) return;  // The exchange ends now, too.
  const std::size_t host = HostOf(call);
  if (call.phase == Call::Phase::kWrite) {
    EndCall(id, Unavailable("not sent: " + hosts_[host].origin + " was busy until the deadline"));
  } else {
    EndCall(id, TimedOut("no answer until the deadline"));
  }
}

void HttpDriver::EndCall(std::uint64_t id, Result<Value> result) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const Call call = std::move(found->second);
  calls_.erase(found);
  calls_limit_.Use(calls_.size());
  loop_->Cancel(call.timer);
  if (call.written && !result) {
    result = MakeError(result.error().code, "written, but not confirmed: " + result.error().text);
  }
  call.done(std::move(result));
}

std::vector<driver::PartStatus> HttpDriver::parts() const {
  std::vector<driver::PartStatus> result;
  for (const Part& part : parts_) {
    driver::PartStatus status{
        part.name, part.failing.empty() ? "ok" : "failing", part.last_error, {}};
    const Host& host = hosts_[part.host];
    if (loop_ != nullptr && host.breaker->state() != driver::Breaker::State::kClosed) {
      status.state = "open";
      status.next_try =
          std::max(milliseconds(0),
                   std::chrono::ceil<milliseconds>(host.breaker->next_try() - loop_->Now()));
    }
    result.push_back(std::move(status));
  }
  return result;
}

std::uint64_t HttpDriver::missed() const {
  std::uint64_t sum = missed_before_;
  for (const Poll& poll : polls_) sum += poll.schedule.missed();
  return sum;
}

std::vector<LimitReport> HttpDriver::limits() const {
  if (!body_limit_) return {};
  LimitReport polls;
  polls.name = "polls_due";
  polls.max = polls_.size();
  polls.used = static_cast<std::uint64_t>(
      std::count_if(polls_.begin(), polls_.end(), [](const Poll& poll) { return poll.due; }));
  polls.peak = polls_.size();
  polls.hits = missed();
  return {calls_limit_.Report("calls_under_way"), body_limit_->Report("response_bytes"), polls};
}

driver::DriverKind HttpKind() {
  return {"http", "HTTP servers and devices with an HTTP API, by libcurl",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<HttpDriver>(); }};
}

}  // namespace edgetwin::http_driver
