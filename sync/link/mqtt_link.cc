// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/link/mqtt_link.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sync/link/topic.h"
#include "twin/base/check.h"
#include "twin/mqtt/backoff.h"
#include "twin/mqtt/client.h"
#include "twin/mqtt/lookup.h"

namespace edgetwin::sync {
namespace {

using mqtt::Route;
using mqtt::TlsFiles;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kMqttStringBytesMax = 65'535;  // MQTT 5, 1.5.4.
// A session lasts for hours and a device's address is drawn anew for each connection: two of 10,000
// devices with the same one are to be expected, and do no harm, as frames name their session.
constexpr std::size_t kAddressCharacters = 4;
constexpr std::string_view kAddressAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
// What a broker doesn't let through is tried again after this, at the cost of one repeated Hello.
constexpr std::chrono::hours kAddressPause{24};

Status CheckTexts(const MqttOptions& options) {
  if (options.client_id.empty()) return Invalid("client_id must not be empty");
  if (!options.device.empty()) {
    if (Status id = CheckDeviceId(options.device); !id) return id;
  }
  if (options.username.empty() && !options.password.empty()) {
    return Invalid("a password needs a username");
  }
  for (const std::string* text : {&options.client_id, &options.username, &options.password}) {
    if (text->size() > kMqttStringBytesMax) {
      return Invalid("client_id, username and password have at most " +
                     std::to_string(kMqttStringBytesMax) + " bytes; one has " +
                     std::to_string(text->size()));
    }
  }
  return {};
}

// Everything that no retry can cure.
Status CheckOptions(const MqttOptions& options, const TlsFiles& files) {
  if (options.brokers.empty()) return Invalid("no broker is configured");
  if (Status texts = CheckTexts(options); !texts) return texts;
  const auto keepalive = options.keepalive.count();
  if (keepalive < 5 || keepalive > 65'535) {
    return Invalid("keepalive " + std::to_string(keepalive) + " s is not from 5 to 65535 s");
  }
  if (options.protocol != 0 && options.protocol != 4 && options.protocol != 5) {
    return Invalid("protocol " + std::to_string(options.protocol) + " is none of 0, 4 and 5");
  }
  if (options.backoff_min.count() < 0 || options.backoff_max.count() < 1) {
    return Invalid("backoff from " + std::to_string(options.backoff_min.count()) + " to " +
                   std::to_string(options.backoff_max.count()) + " ms is no range");
  }
  const bool tls = std::ranges::any_of(options.brokers, &BrokerUrl::tls);
  return tls ? mqtt::CheckTlsFiles(files) : Status();
}

mqtt::ClientOptions ClientOptionsOf(const MqttOptions& options) {
  return {.client_id = options.client_id,
          .username = options.username,
          .password = options.password,
          .keepalive = options.keepalive,
          .message_bytes_max = options.frame_bytes_max,
          .backlog_bytes_max = options.backlog_bytes_max,
          .connect_timeout = options.connect_timeout,
          .handshake_timeout = options.handshake_timeout};
}

class MqttLink final : public Link, private mqtt::ClientEvents {
 public:
  MqttLink(Loop& loop, MqttOptions options);
  ~MqttLink() override { Close(); }

  Status Open(LinkEvents& events) override;
  Status Send(std::string_view peer, std::span<const std::byte> bytes) override;
  Status SendTo(std::string_view peer, std::string_view address,
                std::span<const std::byte> bytes) override;
  std::string OfferAddress() override;
  bool drained() const override { return !client_ || client_->drained(); }
  void LimitBackoff(milliseconds backoff_max) override { backoff_limit_ = backoff_max; }
  void Proved() override { backoff_.Reset(); }
  void Close() override;
  LinkStats stats() const override;
  std::vector<LimitReport> limits() const override;

 private:
  struct Broker {
    BrokerUrl url{};
    // Kept while its thread is blocked, over rounds if need be: never two for one broker.
    std::unique_ptr<mqtt::Lookup> lookup{};
    // Found after its turn was over: for the next one, or slow names would never be reached.
    std::optional<Route> late_route{};
    bool refuses_5 = false;
  };

  // The way of one attempt: Try, then OnRoute, then Connect to each address, then the client's
  // events.
  void Try(std::size_t broker);
  void OnRoute(std::size_t broker, Result<Route> route);
  void Connect();
  void Fail(const Error& why);
  // Goes on with `next` after `delay`.
  void Schedule(microseconds delay, std::size_t next);
  void StopWaiting();
  int ProtocolFor(const Broker& broker) const;

  void OnClientUp() override;
  void OnClientDown(const mqtt::ClientLoss& loss) override;
  void OnClientMessage(std::string_view topic, std::span<const std::byte> bytes,
                       bool retained) override;
  void OnClientDrained() override { events_->OnLinkDrained(); }
  milliseconds Pause();

  Loop& loop_;
  const MqttOptions options_;
  const TlsFiles files_;
  const bool is_device_;
  const mqtt::ClientOptions client_options_;
  mqtt::Traffic traffic_;
  LinkStats stats_;
  mqtt::Backoff backoff_;
  milliseconds backoff_limit_{0};
  LinkEvents* events_ = nullptr;  // None: closed.
  std::vector<Broker> brokers_;
  std::size_t current_ = 0;
  Route route_;
  std::size_t address_ = 0;  // In route_.
  std::unique_ptr<mqtt::Client> client_;
  Loop::Id timer_ = Loop::Id::kNone;  // The next attempt, or the deadline of a look-up.
  std::optional<MonoTime> next_try_;
  std::string topic_;                      // Reused; a device's never changes.
  std::string address_offered_;            // Of this connection; empty in the cloud.
  std::string short_topic_;                // That of it.
  bool address_unheard_ = false;           // It was offered, and nothing has come there since.
  std::optional<MonoTime> address_again_;  // None is offered before.
};

MqttLink::MqttLink(Loop& loop, MqttOptions options)
    : loop_(loop),
      options_(std::move(options)),
      files_{options_.ca_file, options_.certificate_file, options_.key_file},
      is_device_(!options_.device.empty()),
      client_options_(ClientOptionsOf(options_)),
      traffic_(client_options_),
      backoff_(options_.backoff_min, options_.backoff_max, options_.random) {
  EDGETWIN_CHECK(options_.random != nullptr);
  for (const BrokerUrl& url : options_.brokers) brokers_.push_back({.url = url});
  if (is_device_) FormatTopic(options_.device, Direction::kUp, topic_);
}

Status MqttLink::Open(LinkEvents& events) {
  EDGETWIN_CHECK(events_ == nullptr);
  if (Status fine = CheckOptions(options_, files_); !fine) return fine;
  events_ = &events;
  Schedule(microseconds(0), 0);
  return {};
}

void MqttLink::Close() {
  events_ = nullptr;
  StopWaiting();
  if (client_) client_->Disconnect();
  client_.reset();
  for (Broker& broker : brokers_) {
    broker.lookup.reset();
    broker.late_route.reset();
  }
  route_ = {};
  stats_.up = false;
}

void MqttLink::StopWaiting() {
  loop_.Cancel(std::exchange(timer_, Loop::Id::kNone));
  next_try_.reset();
}

void MqttLink::Schedule(microseconds delay, std::size_t next) {
  StopWaiting();
  next_try_ = loop_.Now() + delay;
  timer_ = loop_.After(delay, [this, next] { Try(next); });
}

void MqttLink::Try(std::size_t index) {
  StopWaiting();
  current_ = index;
  Broker& broker = brokers_[index];
  stats_.broker = broker.url.text;
  if (broker.late_route) return OnRoute(index, *std::exchange(broker.late_route, std::nullopt));
  if (!broker.lookup) {
    broker.lookup = std::make_unique<mqtt::Lookup>(
        loop_, broker.url, files_,
        [this, index](Result<Route> route) { OnRoute(index, std::move(route)); });
  }
  timer_ = loop_.After(options_.connect_timeout, [this, index] {
    timer_ = Loop::Id::kNone;
    Fail(TimedOut("resolving \"" + brokers_[index].url.host + "\" takes longer than " +
                  std::to_string(options_.connect_timeout.count()) + " ms"));
  });
}

void MqttLink::OnRoute(std::size_t index, Result<Route> route) {
  Broker& broker = brokers_[index];
  broker.lookup.reset();
  const bool too_late = index != current_ || client_ || next_try_;
  if (too_late) {
    if (route) broker.late_route = *std::move(route);
    return;
  }
  StopWaiting();
  if (!route) return Fail(route.error());
  route_ = *std::move(route);
  address_ = 0;
  Connect();
}

int MqttLink::ProtocolFor(const Broker& broker) const {
  if (options_.protocol != 0) return options_.protocol;
  return broker.refuses_5 ? 4 : 5;
}

void MqttLink::Connect() {
  const Broker& broker = brokers_[current_];
  mqtt::ClientTarget target;
  target.address = route_.addresses[address_];
  target.port = broker.url.port;
  target.name = broker.url.text;
  target.tls = route_.tls;
  target.protocol = ProtocolFor(broker);
  if (is_device_) {
    address_offered_.clear();
    for (std::size_t i = 0; i < kAddressCharacters; ++i) {
      const auto at = static_cast<std::size_t>(options_.random(kAddressAlphabet.size()));
      address_offered_ += kAddressAlphabet[at];
    }
    short_topic_ = ShortTopic(address_offered_);
    address_unheard_ = false;
    target.subscriptions = {Topic(options_.device, Direction::kDown),
                            Topic(kEveryDevice, Direction::kDown)};
    target.short_topic = short_topic_;
    target.alias_topic = topic_;
  } else {
    target.subscriptions = {Topic("+", Direction::kUp)};
  }
  if (is_device_ && options_.will) {
    target.will_topic = Topic(options_.device, Direction::kUp);
    target.will = options_.will();
  }
  client_ = std::make_unique<mqtt::Client>(loop_, client_options_, traffic_,
                                           static_cast<mqtt::ClientEvents&>(*this));
  if (Status begun = client_->Connect(std::move(target)); !begun) {
    OnClientDown({.why = std::move(begun).error()});
  }
}

void MqttLink::OnClientUp() {
  stats_.up = true;
  ++stats_.connects;
  events_->OnLinkUp();
}

void MqttLink::OnClientDown(const mqtt::ClientLoss& loss) {
  client_.reset();
  Broker& broker = brokers_[current_];
  if (loss.refused_version && options_.protocol == 0 && !broker.refuses_5) {
    broker.refuses_5 = true;
    return Connect();
  }
  // A broker's other addresses help against a dead route, not against its refusal.
  if (!loss.reached && address_ + 1 < route_.addresses.size()) {
    ++address_;
    return Connect();
  }
  if (!loss.was_up) return Fail(loss.why);
  stats_.up = false;
  stats_.last_error = loss.why.text;
  Schedule(Pause(), 0);
  events_->OnLinkDown(loss.why);
}

milliseconds MqttLink::Pause() {
  const milliseconds pause = backoff_.Next();
  if (backoff_limit_.count() <= 0 || pause <= backoff_limit_) return pause;
  // Jitter all the same: nobody's limit is the moment when everybody comes.
  return milliseconds(options_.random(static_cast<std::uint64_t>(backoff_limit_.count()) + 1));
}

void MqttLink::Fail(const Error& why) {
  ++stats_.failures;
  stats_.last_error = why.text;
  const bool round_over = current_ + 1 == brokers_.size();
  Schedule(round_over ? Pause() : milliseconds(0), round_over ? 0 : current_ + 1);
  events_->OnLinkDown(why);
}

void MqttLink::OnClientMessage(std::string_view topic, std::span<const std::byte> bytes, bool) {
  if (is_device_ && topic == short_topic_) {
    address_unheard_ = false;
    ++stats_.frames_received;
    return events_->OnLinkFrame(options_.device, bytes);
  }
  const auto device = DeviceOfTopic(topic, is_device_ ? Direction::kDown : Direction::kUp);
  const bool ours =
      device && (!is_device_ || *device == options_.device || *device == kEveryDevice);
  if (!ours) {
    ++stats_.foreign_dropped;
    return;
  }
  // The cloud has only just come: that nothing was heard before says nothing.
  if (is_device_ && *device == kEveryDevice) address_unheard_ = false;
  ++stats_.frames_received;
  events_->OnLinkFrame(is_device_ ? std::string_view(options_.device) : *device, bytes);
}

Status MqttLink::Send(std::string_view peer, std::span<const std::byte> bytes) {
  if (is_device_) {
    if (!peer.empty() && peer != options_.device) {
      return Invalid("device \"" + options_.device + "\" can't send as \"" + std::string(peer) +
                     "\"");
    }
  } else {
    if (peer != kEveryDevice && !IsDeviceId(peer)) return CheckDeviceId(peer);
    FormatTopic(peer, Direction::kDown, topic_);
  }
  if (!client_ || !client_->up()) {
    const std::string& why = stats_.last_error;
    return Unavailable("the link is down" + (why.empty() ? "" : ": " + why));
  }
  return client_->Send(topic_, bytes);
}

Status MqttLink::SendTo(std::string_view peer, std::string_view address,
                        std::span<const std::byte> bytes) {
  if (is_device_ || address.empty()) return Send(peer, bytes);
  if (!IsShortAddress(address)) {
    return Invalid("'" + std::string(address) + "' is no short address");
  }
  if (!client_ || !client_->up()) return Send(peer, bytes);  // It says why that fails.
  return client_->Send(ShortTopic(address), bytes);
}

std::string MqttLink::OfferAddress() {
  if (address_unheard_) {
    address_unheard_ = false;
    address_again_ = loop_.Now() + kAddressPause;
  }
  if (!is_device_ || !client_ || !client_->hears_short_topic()) return {};
  if (address_again_ && loop_.Now() < *address_again_) return {};
  address_unheard_ = true;
  return address_offered_;
}

LinkStats MqttLink::stats() const {
  LinkStats stats = stats_;
  stats.frames_sent = traffic_.messages_sent;
  stats.bytes_sent = traffic_.bytes_sent;
  stats.bytes_received = traffic_.bytes_received;
  stats.oversized_dropped = traffic_.oversized_dropped;
  stats.retained_dropped = traffic_.retained_dropped;
  if (next_try_) {
    stats.next_try = std::max(milliseconds(0),
                              std::chrono::duration_cast<milliseconds>(*next_try_ - loop_.Now()));
  }
  return stats;
}

std::vector<LimitReport> MqttLink::limits() const {
  return {traffic_.backlog_bytes.Report("link_backlog_bytes"),
          traffic_.inbox_bytes.Report("link_inbox_bytes"), backoff_.Report("link_backoff_ms")};
}

}  // namespace

std::unique_ptr<Link> MakeMqttLink(Loop& loop, MqttOptions options) {
  return std::make_unique<MqttLink>(loop, std::move(options));
}

}  // namespace edgetwin::sync
