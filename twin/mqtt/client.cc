// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/client.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "twin/base/check.h"
#include "twin/mqtt/reason.h"
#include "twin/mqtt/tls_context.h"

namespace edgetwin::mqtt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Room for the topic and whatever else a broker puts around a frame.
constexpr std::size_t kAliasPropertyBytes = 3;  // MQTT 5, 3.3.2.3.4.
constexpr std::size_t kPacketOverheadMax = 1024;
// Unsent bytes that the kernel takes: small, so that a frame that matters overtakes what waits here
// instead of queueing behind a full socket buffer.
constexpr int kUnsentBytesMax = 16 << 10;
// A route that died under sent data is noticed by then; keepalive notices it under silence.
constexpr milliseconds kUserTimeout{30'000};
// Packets read before other work of the loop gets its turn.
constexpr int kPacketsAtOnce = 32;
constexpr std::size_t kMqttPacketBytesMax = 268'435'455;  // MQTT 5, 1.5.5.
constexpr std::size_t kMqttStringBytesMax = 65'535;       // MQTT 5, 1.5.4.
// TLS records, packets behind the unfinished one.
constexpr std::uint64_t kUnfinishedSlackBytes = 64 << 10;

void InitLibrary() {
  KeepOpensslUntilTheEnd();
  static const int result = mosquitto_lib_init();
  EDGETWIN_CHECK(result == MOSQ_ERR_SUCCESS);
}

std::size_t VarintBytes(std::size_t value) {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}

void SetOption(int fd, int level, int name, int value) {
  // Each is for speed or for noticing loss early; the connection works without.
  [[maybe_unused]] const int ignored = setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

Traffic::Traffic(const ClientOptions& options)
    : backlog_bytes(options.backlog_bytes_max),
      // Plain TCP is read packet by packet; a TLS record may hold many.
      inbox_bytes(4 * options.message_bytes_max) {}

Client::Client(Loop& loop, const ClientOptions& options, Traffic& traffic, ClientEvents& events)
    : loop_(loop), options_(options), traffic_(traffic), events_(events) {
  InitLibrary();
}

Client::~Client() {
  *alive_ = false;
  for (const Loop::Id id : {readable_, writable_, deadline_, keepalive_, report_}) loop_.Cancel(id);
  if (handle_ != nullptr) mosquitto_destroy(handle_);
  if (fd_ >= 0) close(fd_);
  traffic_.backlog_bytes.Use(0);
}

Status Client::Connect(ClientTarget target) {
  EDGETWIN_CHECK(phase_ == Phase::kIdle);
  target_ = std::move(target);
  if (Status made = MakeHandle(); !made) return made;
  StartConnecting();
  return {};
}

Status Client::MakeHandle() {
  const char* const id = options_.client_id.empty() ? nullptr : options_.client_id.c_str();
  handle_ = mosquitto_new(id, target_.clean_start, this);
  if (handle_ == nullptr) {
    return Invalid("client_id \"" + options_.client_id + "\": " + std::strerror(errno));
  }
  mosquitto_connect_v5_callback_set(handle_, &Client::OnConnack);
  mosquitto_subscribe_callback_set(handle_, &Client::OnSuback);
  mosquitto_message_callback_set(handle_, &Client::OnMessage);
  mosquitto_publish_v5_callback_set(handle_, &Client::OnPublished);
  mosquitto_disconnect_v5_callback_set(handle_, &Client::OnDisconnected);
  mosquitto_log_callback_set(handle_, &Client::OnLog);
  mosquitto_int_option(handle_, MOSQ_OPT_PROTOCOL_VERSION, target_.protocol);
  if (!options_.username.empty()) {
    const char* password = options_.password.empty() ? nullptr : options_.password.c_str();
    if (mosquitto_username_pw_set(handle_, options_.username.c_str(), password) != 0) {
      return Invalid("username \"" + options_.username + "\" is no UTF-8 text");
    }
  }
  if (!target_.will_topic.empty()) {
    if (target_.will.size() > kMqttStringBytesMax ||
        mosquitto_will_set(handle_, target_.will_topic.c_str(),
                           static_cast<int>(target_.will.size()), target_.will.data(), 0,
                           false) != MOSQ_ERR_SUCCESS) {
      return Invalid("a Will of " + std::to_string(target_.will.size()) + " bytes to \"" +
                     target_.will_topic + "\" can't be set");
    }
  }
  if (target_.tls) {
    mosquitto_int_option(handle_, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(handle_, MOSQ_OPT_SSL_CTX, target_.tls->get());
  }
  return {};
}

void Client::StartConnecting() {
  if (target_.protocol == MQTT_PROTOCOL_V5) {
    mosquitto_property* properties = nullptr;
    mosquitto_property_add_int32(
        &properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
        static_cast<std::uint32_t>(options_.message_bytes_max + kPacketOverheadMax));
    if (!target_.clean_start) {
      mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                   static_cast<std::uint32_t>(target_.session_expiry.count()));
    }
    // The only call that takes properties for CONNECT is the blocking one. It keeps them before it
    // finds that there is no host; the asynchronous one then sends what is kept.
    mosquitto_connect_bind_v5(handle_, nullptr, 0, 0, nullptr, properties);
    mosquitto_property_free_all(&properties);
  }
  errno = 0;
  const int result =
      mosquitto_connect_bind_async(handle_, target_.address.c_str(), target_.port,
                                   static_cast<int>(options_.keepalive.count()), nullptr);
  const int system_error = errno;
  const int socket = mosquitto_socket(handle_);
  // MOSQ_ERR_CONN_PENDING is what success looks like. TLS has made its first step already; if the
  // peer was quick, or refused the connection, that step has met the failure.
  if (result > 0 || socket < 0 || TlsIsDead()) {
    // Even the whole handshake may be over, and CONNECT have met the broker's refusal.
    tls_done_ = target_.tls && system_error == EPROTO;
    loss_.reached = result == MOSQ_ERR_TLS || tls_done_;
    BreakConnecting(system_error);
    return ReportSoon();
  }
  fd_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (fd_ < 0) {
    Break(Exhausted(std::string("no file descriptor: ") + std::strerror(errno)));
    return ReportSoon();
  }
  // libmosquitto's own would be inherited by programs that are started meanwhile.
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  SetSocketOptions();
  phase_ = Phase::kConnecting;
  StartTimer(options_.connect_timeout, "connecting");
  UpdateWatches();
}

void Client::SetSocketOptions() {
  SetOption(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  SetOption(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kUserTimeout.count()));
}

void Client::StartTimer(milliseconds timeout, std::string_view doing) {
  loop_.Cancel(deadline_);
  deadline_ = loop_.After(timeout, [this, timeout, doing] {
    Break(TimedOut(target_.name + " at " + target_.address + ": " + std::string(doing) +
                   " took longer than " + std::to_string(timeout.count()) + " ms"));
    ReportBreak();
  });
}

void Client::UpdateWatches() {
  const bool want_write =
      phase_ == Phase::kConnecting ||
      (InTlsHandshake() ? SSL_want_write(static_cast<SSL*>(mosquitto_ssl_get(handle_)))
                        : mosquitto_want_write(handle_));
  const bool want_read = phase_ != Phase::kConnecting;
  const auto set = [this](Loop::Id& id, bool wanted, unsigned direction) {
    if (wanted == (id != Loop::Id::kNone)) return;
    if (wanted) {
      id = loop_.Watch(fd_, direction, [this](unsigned ready) { OnReady(ready); });
    } else {
      loop_.Cancel(std::exchange(id, Loop::Id::kNone));
    }
  };
  set(readable_, want_read, Loop::kReadable);
  set(writable_, want_write, Loop::kWritable);
}

bool Client::InTlsHandshake() const {
  return target_.tls && !tls_done_ && mosquitto_ssl_get(handle_) != nullptr;
}

void Client::OnReady(unsigned ready) {
  if (phase_ == Phase::kBroken) return ReportBreak();
  const std::shared_ptr<bool> alive = alive_;
  if (phase_ == Phase::kConnecting) FinishConnecting();
  // Reading first: a TLS alert or DISCONNECT that says why must not be lost to a failing write.
  if (phase_ != Phase::kBroken && (InTlsHandshake() || (ready & Loop::kReadable) != 0)) Read();
  if (!*alive) return;
  const bool waited = !unsent_.empty();
  if (phase_ != Phase::kBroken && mosquitto_want_write(handle_)) Write();
  if (phase_ == Phase::kBroken) return ReportBreak();
  UpdateWatches();
  if (waited && unsent_.empty()) events_.OnClientDrained();
}

void Client::FinishConnecting() {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return BreakConnecting(error);
  loss_.reached = true;
  phase_ = Phase::kHandshake;
  StartTimer(options_.handshake_timeout,
             target_.tls ? "the TLS and MQTT handshake" : "the MQTT handshake");
  keepalive_ = loop_.Every(seconds(1), [this] {
    errno = 0;
    const int result = mosquitto_loop_misc(handle_);
    CheckResult(result, errno, "waiting");
    if (phase_ == Phase::kBroken) return ReportBreak();
    UpdateWatches();
  });
}

// A connection that is refused was never reset: these came after it stood, from a peer that is
// quick and likes no TLS.
void Client::BreakConnecting(int system_error) {
  if (system_error == ECONNRESET || system_error == EPIPE) loss_.reached = true;
  if (loss_.reached && target_.tls) return Break(TlsError());
  Break(Unavailable("cannot connect to " + target_.name + " at " + target_.address + ": " +
                    LossText(MOSQ_ERR_ERRNO, system_error)));
}

void Client::Read() {
  for (int i = 0; i < kPacketsAtOnce && phase_ != Phase::kBroken; ++i) {
    const std::uint64_t before = packets_;
    errno = 0;
    const int result = mosquitto_loop_read(handle_, 1);
    const int system_error = errno;
    // What was read before the connection broke still counts.
    if (phase_ == Phase::kUp && (!DeliverInbox() || !TellAcknowledged())) return;
    CheckResult(result, system_error, "reading");
    if (phase_ == Phase::kBroken) return;
    if (InTlsHandshake()) {
      tls_done_ = SSL_is_init_finished(static_cast<SSL*>(mosquitto_ssl_get(handle_))) == 1;
      if (!tls_done_) {
        if (TlsIsDead()) CheckResult(MOSQ_ERR_ERRNO, system_error, "reading");
        return;
      }
      continue;
    }
    if (!Settle()) return;
    if (packets_ == before) {
      CheckUnfinishedPacket();
      return;
    }
    unfinished_from_.reset();
  }
}

void Client::Write() {
  if (InTlsHandshake() || phase_ == Phase::kConnecting) return;
  errno = 0;
  const int result = mosquitto_loop_write(handle_, 1);
  CheckResult(result, errno, "writing");
}

bool Client::Settle() {
  if (phase_ == Phase::kHandshake && connack_ && !suback_) {
    connack_.reset();
    Subscribe();
  }
  if (phase_ == Phase::kHandshake && suback_) {
    for (std::size_t i = 0; i < target_.subscriptions.size(); ++i) {
      const int granted = i < granted_.size() ? granted_[i] : 0x80;
      if (granted < 0x80) continue;
      mosquitto_disconnect(handle_);
      Break({ErrorCode::kPermission, target_.name + " refused the subscription to \"" +
                                         target_.subscriptions[i] + "\" (" + ReasonText(granted) +
                                         "); check the broker's access rules for this client"});
      return false;
    }
    const std::size_t needed = target_.subscriptions.size();
    hears_short_topic_ =
        !target_.short_topic.empty() && needed < granted_.size() && granted_[needed] < 0x80;
    phase_ = Phase::kUp;
    loss_.was_up = true;
    loop_.Cancel(std::exchange(deadline_, Loop::Id::kNone));
    // It formats a text for each packet.
    mosquitto_log_callback_set(handle_, nullptr);
    const std::shared_ptr<bool> alive = alive_;
    events_.OnClientUp();
    // A broker may send what the subscription brings before it confirms it.
    return *alive && DeliverInbox();
  }
  return phase_ != Phase::kBroken;
}

void Client::Subscribe() {
  std::vector<char*> topics;
  for (std::string& topic : target_.subscriptions) topics.push_back(topic.data());
  if (!target_.short_topic.empty()) topics.push_back(target_.short_topic.data());
  if (topics.empty()) {
    suback_ = true;  // There is nothing to wait for.
    return;
  }
  const bool spared = target_.protocol == MQTT_PROTOCOL_V5 && !target_.retained;
  const int options = spared ? MQTT_SUB_OPT_SEND_RETAIN_NEVER : 0;
  errno = 0;
  const int result = mosquitto_subscribe_multiple(handle_, nullptr, static_cast<int>(topics.size()),
                                                  topics.data(), target_.qos, options, nullptr);
  CheckResult(result, errno, "subscribing");
}

bool Client::DeliverInbox() {
  if (inbox_.empty()) return true;
  const std::shared_ptr<bool> alive = alive_;
  std::vector<Received> inbox = std::move(inbox_);
  inbox_.clear();
  inbox_bytes_ = 0;
  for (const Received& received : inbox) {
    events_.OnClientMessage(received.topic, received.bytes, received.retained);
    if (!*alive) return false;
  }
  // Its memory is used again.
  inbox.clear();
  inbox_ = std::move(inbox);
  traffic_.inbox_bytes.Use(0);
  return true;
}

bool Client::TellAcknowledged() {
  const std::shared_ptr<bool> alive = alive_;
  for (const auto& [number, reason] : std::exchange(acknowledgements_, {})) {
    events_.OnClientAcknowledged(number, reason);
    if (!*alive) return false;
  }
  return true;
}

// libmosquitto takes a packet of any size before anybody is asked. MQTT 5 brokers were told what is
// too much; others may pass on 256 MB.
void Client::CheckUnfinishedPacket() {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
    return;
  }
  if (!unfinished_from_) {
    unfinished_from_ = info.tcpi_bytes_received;
    unfinished_since_ = loop_.Now();
    return;
  }
  // Answers to keepalives are not seen here as packets; they are less than a byte a second.
  const auto waited = std::chrono::duration_cast<seconds>(loop_.Now() - unfinished_since_);
  const std::uint64_t most = options_.message_bytes_max + kUnfinishedSlackBytes +
                             static_cast<std::uint64_t>(waited.count());
  if (info.tcpi_bytes_received - *unfinished_from_ <= most) return;
  ++traffic_.oversized_dropped;
  Break(Exhausted(target_.name + " sends a message far above the limit of " +
                  std::to_string(options_.message_bytes_max) + " bytes; disconnected from it"));
}

std::size_t Client::PublishBytes(std::size_t topic_bytes, std::size_t properties_bytes,
                                 std::size_t payload_bytes) const {
  const std::size_t length = target_.protocol == MQTT_PROTOCOL_V5 ? 1 : 0;
  const std::size_t remaining = 2 + topic_bytes + length + properties_bytes + payload_bytes;
  return 1 + VarintBytes(remaining) + remaining;
}

Status Client::CheckRoom(std::size_t message_bytes, std::size_t packet_bytes) {
  Limit& backlog = traffic_.backlog_bytes;
  if (!backlog.Fits(packet_bytes) || packet_bytes > kMqttPacketBytesMax) {
    return Invalid("a message of " + std::to_string(message_bytes) +
                   " bytes can never be sent; backlog_bytes_max is " +
                   std::to_string(backlog.max()));
  }
  if (!backlog.Fits(unsent_bytes_ + packet_bytes)) {
    backlog.Hit();
    return Exhausted("the backlog is at its limit of " + std::to_string(backlog.max()) + " bytes");
  }
  return {};
}

Status Client::Send(const std::string& topic, std::span<const std::byte> bytes) {
  if (phase_ != Phase::kUp) return Unavailable("not connected to " + target_.name);
  const bool alias = takes_aliases_ && topic == target_.alias_topic;
  const std::size_t topic_bytes = alias && alias_known_ ? 0 : topic.size();
  const std::size_t packet_bytes =
      PublishBytes(topic_bytes, alias ? kAliasPropertyBytes : 0, bytes.size());
  if (Status room = CheckRoom(bytes.size(), packet_bytes); !room) return room;
  unsent_.push_back(packet_bytes);
  unsent_bytes_ += packet_bytes;
  UseBacklog();
  errno = 0;
  const int result = PublishUnconfirmed(topic, bytes, alias);
  const int system_error = errno;
  if (result == MOSQ_ERR_SUCCESS) {
    alias_known_ |= alias;
    ++traffic_.messages_sent;
    traffic_.bytes_sent += packet_bytes;
    if (!unsent_.empty()) UpdateWatches();
    return {};
  }
  if (result == MOSQ_ERR_OVERSIZE_PACKET) {
    unsent_.pop_back();
    unsent_bytes_ -= packet_bytes;
    UseBacklog();
  }
  return SendingFailed(result, system_error, bytes.size());
}

Result<int> Client::Publish(const std::string& topic, std::span<const std::byte> bytes,
                            bool retain) {
  if (phase_ != Phase::kUp) return Unavailable("not connected to " + target_.name);
  constexpr std::size_t kNumberBytes = 2;  // MQTT 5, 3.3.2.2.
  const std::size_t packet_bytes = kNumberBytes + PublishBytes(topic.size(), 0, bytes.size());
  if (Status room = CheckRoom(bytes.size(), packet_bytes); !room) return room.error();
  int number = 0;
  errno = 0;
  const int result = mosquitto_publish(handle_, &number, topic.c_str(),
                                       static_cast<int>(bytes.size()), bytes.data(), 1, retain);
  const int system_error = errno;
  if (result != MOSQ_ERR_SUCCESS) return SendingFailed(result, system_error, bytes.size());
  unacknowledged_[number] = packet_bytes;
  unsent_bytes_ += packet_bytes;
  UseBacklog();
  ++traffic_.messages_sent;
  traffic_.bytes_sent += packet_bytes;
  UpdateWatches();
  return number;
}

Error Client::SendingFailed(int result, int system_error, std::size_t message_bytes) {
  if (result == MOSQ_ERR_OVERSIZE_PACKET) {
    return Invalid(target_.name + " takes no message of " + std::to_string(message_bytes) +
                   " bytes");
  }
  CheckResult(result, system_error, "sending");
  ReportSoon();
  return Unavailable(loss_.why.text);
}

// QoS 0 packets leave in the order in which they are handed over, and an alias lives as long as the
// connection: the first packet with it is always in front of those that rely on it.
int Client::PublishUnconfirmed(const std::string& topic, std::span<const std::byte> bytes,
                               bool alias) {
  const auto size = static_cast<int>(bytes.size());
  if (!alias)
    return mosquitto_publish(handle_, nullptr, topic.c_str(), size, bytes.data(), 0, false);
  mosquitto_property* properties = nullptr;
  mosquitto_property_add_int16(&properties, MQTT_PROP_TOPIC_ALIAS, 1);
  const char* name = alias_known_ ? nullptr : topic.c_str();
  const int result =
      mosquitto_publish_v5(handle_, nullptr, name, size, bytes.data(), 0, false, properties);
  mosquitto_property_free_all(&properties);
  return result;
}

void Client::Disconnect() {
  if (phase_ == Phase::kHandshake || phase_ == Phase::kUp) mosquitto_disconnect(handle_);
  phase_ = Phase::kBroken;
  for (Loop::Id* id : {&readable_, &writable_, &deadline_, &keepalive_, &report_}) {
    loop_.Cancel(std::exchange(*id, Loop::Id::kNone));
  }
}

void Client::CheckResult(int result, int system_error, std::string_view doing) {
  if (phase_ == Phase::kBroken) return;
  if (connack_ && *connack_ != 0) {
    loss_.refused_version = *connack_ == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
                            (target_.protocol != MQTT_PROTOCOL_V5 && *connack_ == 1);
    return Break(ConnackError(*connack_, target_.protocol, target_.name, options_.username,
                              options_.client_id));
  }
  if (result == MOSQ_ERR_SUCCESS && mosquitto_socket(handle_) >= 0) return;
  if (disconnect_ && result == MOSQ_ERR_SUCCESS) {
    return Break(Unavailable(target_.name + " disconnected us: " + ReasonText(*disconnect_)));
  }
  const bool handshake = phase_ == Phase::kHandshake;
  if (target_.tls && handshake && !tls_done_) {
    return Break(TlsError());
  }
  std::string text =
      target_.name + ": " + LossText(result, system_error) + " (" + std::string(doing) + ")";
  if (handshake && target_.tls) text += TlsHints();
  Break(Unavailable(std::move(text)));
}

std::string Client::LossText(int result, int system_error) const {
  switch (result) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN: return "the connection was closed by the broker";
    case MOSQ_ERR_KEEPALIVE:
      return "the broker has not answered for " + std::to_string(options_.keepalive.count()) + " s";
    case MOSQ_ERR_PROTOCOL: return "the peer does not speak MQTT as it should";
    case MOSQ_ERR_ERRNO:
      if (system_error == 0) return "the connection was closed by the broker";
      // libmosquitto's word for whatever OpenSSL says.
      if (system_error == EPROTO) return "the TLS connection broke";
      return std::strerror(system_error);
    default: return mosquitto_strerror(result);
  }
}

// libmosquitto takes a failing system call in the handshake for "again later", for ever.
bool Client::TlsIsDead() const {
  const auto* ssl = static_cast<const SSL*>(mosquitto_ssl_get(handle_));
  return ssl != nullptr && SSL_is_init_finished(ssl) == 0 && !BIO_should_retry(SSL_get_rbio(ssl));
}

Error Client::TlsError() const {
  const std::string& refused = target_.tls->refused();
  return {ErrorCode::kPermission,
          "no TLS connection to " + target_.name + ": " +
              (refused.empty() ? "the broker does not go on with it" + TlsHints() : refused)};
}

std::string Client::TlsHints() const {
  std::string text;
  if (!last_tls_log_.empty()) text += "; " + last_tls_log_;
  if (!target_.tls->own_problem().empty()) text += "; " + target_.tls->own_problem();
  // The broker's alert can be lost to the reset that follows it.
  if (text.empty() && !tls_done_) text = "; is its port one for TLS?";
  if (text.empty() && !target_.tls->has_certificate()) {
    text = "; does it want a client certificate?";
  }
  return text;
}

void Client::Break(Error why) {
  if (phase_ == Phase::kBroken) return;
  phase_ = Phase::kBroken;
  loss_.why = std::move(why);
}

// Once the caller, who may be in the middle of something, has returned.
void Client::ReportSoon() {
  report_ = loop_.After(std::chrono::microseconds(0), [this] { ReportBreak(); });
}

void Client::ReportBreak() {
  if (phase_ != Phase::kBroken) return;
  Disconnect();
  const ClientLoss loss = loss_;
  events_.OnClientDown(loss);
}

void Client::OnConnack(mosquitto*, void* self, int reason, int, const mqtt5__property* properties) {
  Self(self).connack_ = reason;
  std::uint16_t aliases = 0;
  mosquitto_property_read_int16(properties, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, &aliases, false);
  Self(self).takes_aliases_ = aliases > 0;
  ++Self(self).packets_;
}

void Client::OnSuback(mosquitto*, void* self, int, int count, const int* granted) {
  Self(self).suback_ = true;
  Self(self).granted_.assign(granted, granted + count);
  ++Self(self).packets_;
}

void Client::OnMessage(mosquitto*, void* self, const mosquitto_message* message) {
  Client& client = Self(self);
  Traffic& traffic = client.traffic_;
  ++client.packets_;
  const std::string_view topic = message->topic;
  const auto size = static_cast<std::size_t>(message->payloadlen);
  traffic.bytes_received += client.PublishBytes(topic.size(), 0, size);
  if (message->retain && !client.target_.retained) {
    ++traffic.retained_dropped;
    return;
  }
  if (size > client.options_.message_bytes_max) {
    ++traffic.oversized_dropped;
    return;
  }
  Limit& inbox = traffic.inbox_bytes;
  if (!inbox.Fits(client.inbox_bytes_ + size)) return inbox.Hit();
  client.inbox_bytes_ += size;
  inbox.Use(client.inbox_bytes_);
  const auto* bytes = static_cast<const std::byte*>(message->payload);
  client.inbox_.push_back(
      {std::string(topic), std::vector<std::byte>(bytes, bytes + size), message->retain});
}

// At QoS 1 once it is acknowledged, else once it is with the kernel.
void Client::OnPublished(mosquitto*, void* self, int number, int reason, const mqtt5__property*) {
  Client& client = Self(self);
  if (const auto found = client.unacknowledged_.find(number);
      found != client.unacknowledged_.end()) {
    client.unsent_bytes_ -= found->second;
    client.unacknowledged_.erase(found);
    client.acknowledgements_.emplace_back(number, reason);
    ++client.packets_;
  } else if (!client.unsent_.empty()) {
    client.unsent_bytes_ -= client.unsent_.front();
    client.unsent_.pop_front();
  }
  client.UseBacklog();
}

void Client::OnDisconnected(mosquitto*, void* self, int reason, const mqtt5__property*) {
  Self(self).disconnect_ = reason;
}

void Client::OnLog(mosquitto*, void* self, int level, const char* text) {
  if (level != MOSQ_LOG_ERR) return;
  // "OpenSSL Error[0]: error:0A000412:SSL routines::sslv3 alert bad certificate".
  const std::string_view line = text;
  const std::size_t colon = line.rfind(':');
  Self(self).last_tls_log_ = line.substr(colon == std::string_view::npos ? 0 : colon + 1);
}

}  // namespace edgetwin::mqtt
