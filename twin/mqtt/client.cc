// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/link/mqtt_client.h"

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

#include "sync/link/reason.h"
#include "sync/link/tls_context.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
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

LinkTraffic::LinkTraffic(const MqttOptions& options)
    : backlog_bytes(options.backlog_bytes_max),
      // Plain TCP is read packet by packet; a TLS record may hold many.
      inbox_bytes(4 * options.frame_bytes_max) {}

MqttClient::MqttClient(Loop& loop, const MqttOptions& options, LinkTraffic& traffic,
                       ClientEvents& events)
    : loop_(loop), options_(options), traffic_(traffic), events_(events) {
  InitLibrary();
}

MqttClient::~MqttClient() {
  *alive_ = false;
  for (const Loop::Id id : {readable_, writable_, deadline_, keepalive_, report_}) loop_.Cancel(id);
  if (handle_ != nullptr) mosquitto_destroy(handle_);
  if (fd_ >= 0) close(fd_);
  traffic_.backlog_bytes.Use(0);
}

Status MqttClient::Connect(ClientTarget target) {
  EDGETWIN_CHECK(phase_ == Phase::kIdle);
  target_ = std::move(target);
  if (Status made = MakeHandle(); !made) return made;
  StartConnecting();
  return {};
}

Status MqttClient::MakeHandle() {
  handle_ = mosquitto_new(options_.client_id.c_str(), true, this);
  if (handle_ == nullptr) {
    return Invalid("client_id \"" + options_.client_id + "\": " + std::strerror(errno));
  }
  mosquitto_connect_v5_callback_set(handle_, &MqttClient::OnConnack);
  mosquitto_subscribe_callback_set(handle_, &MqttClient::OnSuback);
  mosquitto_message_callback_set(handle_, &MqttClient::OnMessage);
  mosquitto_publish_callback_set(handle_, &MqttClient::OnPublished);
  mosquitto_disconnect_v5_callback_set(handle_, &MqttClient::OnDisconnected);
  mosquitto_log_callback_set(handle_, &MqttClient::OnLog);
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

void MqttClient::StartConnecting() {
  if (target_.protocol == MQTT_PROTOCOL_V5) {
    mosquitto_property* properties = nullptr;
    mosquitto_property_add_int32(
        &properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
        static_cast<std::uint32_t>(options_.frame_bytes_max + kPacketOverheadMax));
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

void MqttClient::SetSocketOptions() {
  SetOption(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  SetOption(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kUserTimeout.count()));
}

void MqttClient::StartTimer(milliseconds timeout, std::string_view doing) {
  loop_.Cancel(deadline_);
  deadline_ = loop_.After(timeout, [this, timeout, doing] {
    Break(TimedOut(target_.name + " at " + target_.address + ": " + std::string(doing) +
                   " took longer than " + std::to_string(timeout.count()) + " ms"));
    ReportBreak();
  });
}

void MqttClient::UpdateWatches() {
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

bool MqttClient::InTlsHandshake() const {
  return target_.tls && !tls_done_ && mosquitto_ssl_get(handle_) != nullptr;
}

void MqttClient::OnReady(unsigned ready) {
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

void MqttClient::FinishConnecting() {
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
void MqttClient::BreakConnecting(int system_error) {
  if (system_error == ECONNRESET || system_error == EPIPE) loss_.reached = true;
  if (loss_.reached && target_.tls) return Break(TlsError());
  Break(Unavailable("cannot connect to " + target_.name + " at " + target_.address + ": " +
                    LossText(MOSQ_ERR_ERRNO, system_error)));
}

void MqttClient::Read() {
  for (int i = 0; i < kPacketsAtOnce && phase_ != Phase::kBroken; ++i) {
    const std::uint64_t before = packets_;
    errno = 0;
    const int result = mosquitto_loop_read(handle_, 1);
    const int system_error = errno;
    // What was read before the connection broke still counts.
    if (phase_ == Phase::kUp && !DeliverInbox()) return;
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

void MqttClient::Write() {
  if (InTlsHandshake() || phase_ == Phase::kConnecting) return;
  errno = 0;
  const int result = mosquitto_loop_write(handle_, 1);
  CheckResult(result, errno, "writing");
}

bool MqttClient::Settle() {
  if (phase_ == Phase::kHandshake && connack_ && !suback_) {
    connack_.reset();
    Subscribe();
  } else if (phase_ == Phase::kHandshake && suback_) {
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

void MqttClient::Subscribe() {
  std::vector<char*> topics;
  for (std::string& topic : target_.subscriptions) topics.push_back(topic.data());
  if (!target_.short_topic.empty()) topics.push_back(target_.short_topic.data());
  const int options = target_.protocol == MQTT_PROTOCOL_V5 ? MQTT_SUB_OPT_SEND_RETAIN_NEVER : 0;
  errno = 0;
  const int result = mosquitto_subscribe_multiple(handle_, nullptr, static_cast<int>(topics.size()),
                                                  topics.data(), 0, options, nullptr);
  CheckResult(result, errno, "subscribing");
}

bool MqttClient::DeliverInbox() {
  if (inbox_.empty()) return true;
  const std::shared_ptr<bool> alive = alive_;
  std::vector<Received> inbox = std::move(inbox_);
  inbox_.clear();
  inbox_bytes_ = 0;
  for (const Received& received : inbox) {
    events_.OnClientFrame(received.topic, received.bytes);
    if (!*alive) return false;
  }
  // Its memory is used again.
  inbox.clear();
  inbox_ = std::move(inbox);
  traffic_.inbox_bytes.Use(0);
  return true;
}

// libmosquitto takes a packet of any size before anybody is asked. MQTT 5 brokers were told what is
// too much; others may pass on 256 MB.
void MqttClient::CheckUnfinishedPacket() {
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
  const std::uint64_t most =
      options_.frame_bytes_max + kUnfinishedSlackBytes + static_cast<std::uint64_t>(waited.count());
  if (info.tcpi_bytes_received - *unfinished_from_ <= most) return;
  ++traffic_.stats.oversized_dropped;
  Break(Exhausted(target_.name + " sends a message far above the frame limit of " +
                  std::to_string(options_.frame_bytes_max) + " bytes; disconnected from it"));
}

std::size_t MqttClient::PublishBytes(std::size_t topic_bytes, std::size_t properties_bytes,
                                     std::size_t payload_bytes) const {
  const std::size_t length = target_.protocol == MQTT_PROTOCOL_V5 ? 1 : 0;
  const std::size_t remaining = 2 + topic_bytes + length + properties_bytes + payload_bytes;
  return 1 + VarintBytes(remaining) + remaining;
}

Status MqttClient::Send(const std::string& topic, std::span<const std::byte> bytes) {
  if (phase_ != Phase::kUp) return Unavailable("not connected to " + target_.name);
  const bool alias = takes_aliases_ && topic == target_.alias_topic;
  const std::size_t topic_bytes = alias && alias_known_ ? 0 : topic.size();
  const std::size_t packet_bytes =
      PublishBytes(topic_bytes, alias ? kAliasPropertyBytes : 0, bytes.size());
  Limit& backlog = traffic_.backlog_bytes;
  if (!backlog.Fits(packet_bytes) || packet_bytes > kMqttPacketBytesMax) {
    return Invalid("a frame of " + std::to_string(bytes.size()) +
                   " bytes can never be sent; backlog_bytes_max is " +
                   std::to_string(backlog.max()));
  }
  if (!backlog.Fits(unsent_bytes_ + packet_bytes)) {
    backlog.Hit();
    return Exhausted("the link's backlog is at its limit of " + std::to_string(backlog.max()) +
                     " bytes");
  }
  unsent_.push_back(packet_bytes);
  unsent_bytes_ += packet_bytes;
  backlog.Use(unsent_bytes_);
  errno = 0;
  const int result = Publish(topic, bytes, alias);
  const int system_error = errno;
  if (result == MOSQ_ERR_SUCCESS) {
    alias_known_ |= alias;
    ++traffic_.stats.frames_sent;
    traffic_.stats.bytes_sent += packet_bytes;
    if (!unsent_.empty()) UpdateWatches();
    return {};
  }
  if (result == MOSQ_ERR_OVERSIZE_PACKET) {
    unsent_.pop_back();
    unsent_bytes_ -= packet_bytes;
    backlog.Use(unsent_bytes_);
    return Invalid(target_.name + " takes no frame of " + std::to_string(bytes.size()) + " bytes");
  }
  CheckResult(result, system_error, "sending");
  ReportSoon();
  return Unavailable(loss_.why.text);
}

// QoS 0 packets leave in the order in which they are handed over, and an alias lives as long as the
// connection: the first packet with it is always in front of those that rely on it.
int MqttClient::Publish(const std::string& topic, std::span<const std::byte> bytes, bool alias) {
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

void MqttClient::Disconnect() {
  if (phase_ == Phase::kHandshake || phase_ == Phase::kUp) mosquitto_disconnect(handle_);
  phase_ = Phase::kBroken;
  for (Loop::Id* id : {&readable_, &writable_, &deadline_, &keepalive_, &report_}) {
    loop_.Cancel(std::exchange(*id, Loop::Id::kNone));
  }
}

void MqttClient::CheckResult(int result, int system_error, std::string_view doing) {
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

std::string MqttClient::LossText(int result, int system_error) const {
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
bool MqttClient::TlsIsDead() const {
  const auto* ssl = static_cast<const SSL*>(mosquitto_ssl_get(handle_));
  return ssl != nullptr && SSL_is_init_finished(ssl) == 0 && !BIO_should_retry(SSL_get_rbio(ssl));
}

Error MqttClient::TlsError() const {
  const std::string& refused = target_.tls->refused();
  return {ErrorCode::kPermission,
          "no TLS connection to " + target_.name + ": " +
              (refused.empty() ? "the broker does not go on with it" + TlsHints() : refused)};
}

std::string MqttClient::TlsHints() const {
  std::string text;
  if (!last_tls_log_.empty()) text += "; " + last_tls_log_;
  if (!target_.tls->own_problem().empty()) text += "; " + target_.tls->own_problem();
  // The broker's alert can be lost to the reset that follows it.
  if (text.empty() && !tls_done_) text = "; is its port one for TLS?";
  if (text.empty() && options_.certificate_file.empty()) {
    text = "; does it want a client certificate?";
  }
  return text;
}

void MqttClient::Break(Error why) {
  if (phase_ == Phase::kBroken) return;
  phase_ = Phase::kBroken;
  loss_.why = std::move(why);
}

// Once the caller, who may be in the middle of something, has returned.
void MqttClient::ReportSoon() {
  report_ = loop_.After(std::chrono::microseconds(0), [this] { ReportBreak(); });
}

void MqttClient::ReportBreak() {
  if (phase_ != Phase::kBroken) return;
  Disconnect();
  const ClientLoss loss = loss_;
  events_.OnClientDown(loss);
}

void MqttClient::OnConnack(mosquitto*, void* self, int reason, int,
                           const mqtt5__property* properties) {
  Self(self).connack_ = reason;
  std::uint16_t aliases = 0;
  mosquitto_property_read_int16(properties, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, &aliases, false);
  Self(self).takes_aliases_ = aliases > 0;
  ++Self(self).packets_;
}

void MqttClient::OnSuback(mosquitto*, void* self, int, int count, const int* granted) {
  Self(self).suback_ = true;
  Self(self).granted_.assign(granted, granted + count);
  ++Self(self).packets_;
}

void MqttClient::OnMessage(mosquitto*, void* self, const mosquitto_message* message) {
  MqttClient& client = Self(self);
  LinkStats& stats = client.traffic_.stats;
  ++client.packets_;
  const std::string_view topic = message->topic;
  const auto size = static_cast<std::size_t>(message->payloadlen);
  stats.bytes_received += client.PublishBytes(topic.size(), 0, size);
  if (message->retain) {
    ++stats.retained_dropped;
    return;
  }
  if (size > client.options_.frame_bytes_max) {
    ++stats.oversized_dropped;
    return;
  }
  Limit& inbox = client.traffic_.inbox_bytes;
  if (!inbox.Fits(client.inbox_bytes_ + size)) return inbox.Hit();
  client.inbox_bytes_ += size;
  inbox.Use(client.inbox_bytes_);
  const auto* bytes = static_cast<const std::byte*>(message->payload);
  client.inbox_.push_back({std::string(topic), std::vector<std::byte>(bytes, bytes + size)});
}

void MqttClient::OnPublished(mosquitto*, void* self, int) {
  MqttClient& client = Self(self);
  if (client.unsent_.empty()) return;
  client.unsent_bytes_ -= client.unsent_.front();
  client.unsent_.pop_front();
  client.traffic_.backlog_bytes.Use(client.unsent_bytes_);
}

void MqttClient::OnDisconnected(mosquitto*, void* self, int reason, const mqtt5__property*) {
  Self(self).disconnect_ = reason;
}

void MqttClient::OnLog(mosquitto*, void* self, int level, const char* text) {
  if (level != MOSQ_LOG_ERR) return;
  // "OpenSSL Error[0]: error:0A000412:SSL routines::sslv3 alert bad certificate".
  const std::string_view line = text;
  const std::size_t colon = line.rfind(':');
  Self(self).last_tls_log_ = line.substr(colon == std::string_view::npos ? 0 : colon + 1);
}

}  // namespace edgetwin::sync
