// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One connection to one address of one broker, from the TCP handshake to its loss; the only file
// pair that includes mosquitto.h.
//
// libmosquitto 2.0 is used as a codec with a socket: none of its threads, no reconnecting of its
// own. What it does behind its documentation, and this code relies on (checked in the sources
// of 2.0.11):
// - mosquitto_connect_bind_async with a numeric address doesn't block.
// - Its callbacks run under a lock and while one runs, publishing only queues. So no callback here
// does more
//   than take a note; what follows is done when the library has returned.
// - In a TLS handshake, mosquitto_loop_read is what goes on with it, also when the socket became
// writable.
// - It closes its socket at any error, without a word. So a duplicate is what is watched.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/limit.h"
#include "twin/base/loop.h"
#include "twin/base/result.h"
#include "twin/mqtt/tls_context.h"

struct mosquitto;
struct mosquitto_message;
struct mqtt5__property;  // NOLINT: the library's name.

namespace edgetwin::mqtt {

struct ClientOptions {
  std::string client_id;  // Empty: the broker makes one up.
  std::string username;
  std::string password;                // Read by the caller from a file or a systemd credential.
  std::chrono::seconds keepalive{60};  // 5 to 65,535.
  std::size_t message_bytes_max = 256 << 10;  // Received; larger ones are dropped and counted.
  std::size_t backlog_bytes_max = 1 << 20;    // Sent but not yet taken by the kernel.
  std::chrono::milliseconds connect_timeout{10'000};
  // For TLS, CONNACK and SUBACK together.
  std::chrono::milliseconds handshake_timeout{30'000};
};

// What is counted over all connections of one user.
struct Traffic {
  explicit Traffic(const ClientOptions& options);
  std::uint64_t messages_sent = 0;
  // MQTT bytes of PUBLISH packets: fixed header, topic, properties, payload.
  std::uint64_t bytes_sent = 0, bytes_received = 0;
  std::uint64_t oversized_dropped = 0;  // Received, above message_bytes_max.
  std::uint64_t retained_dropped = 0;   // Received, where they are not wanted.
  Limit backlog_bytes;                  // Handed to libmosquitto, not yet to the kernel.
  Limit inbox_bytes;                    // Received in one read, not yet delivered.
};

struct ClientLoss {
  Error why;
  bool reached = false;  // The TCP connection stood.
  bool was_up = false;
  bool refused_version = false;  // The broker doesn't speak this MQTT version.
};

// Called on the loop's thread, never from within a call to the client; each may destroy it.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void OnClientUp() = 0;
  virtual void OnClientDown(const ClientLoss& loss) = 0;  // The last call.
  // Valid during the call. `retained`: kept by the broker, from before the subscription.
  virtual void OnClientMessage(std::string_view topic, std::span<const std::byte> bytes,
                               bool retained) = 0;
  virtual void OnClientDrained() {}  // All that was sent at QoS 0 is with the kernel.
  // What Publish gave this number to, is acknowledged, or refused by a reason of 0x80 and above.
  virtual void OnClientAcknowledged(int number, int reason) {
    (void)number;
    (void)reason;
  }
};

struct ClientTarget {
  std::string address;  // Numeric.
  std::uint16_t port = 0;
  std::string name;                 // For people: the URL.
  std::shared_ptr<TlsContext> tls;  // None: plain TCP.
  int protocol = 5;                 // Or 4, which is MQTT 3.1.1.
  std::vector<std::string> subscriptions;
  std::string short_topic;  // Subscribed to as well, if the broker lets us. Empty: none.
  int qos = 0;              // Of the subscriptions: 0 or 1.
  bool retained = false;    // Whether retained messages are wanted.
  // MQTT 5 sessions that aren't clean are kept by the broker for as long.
  bool clean_start = true;
  std::chrono::seconds session_expiry{0};
  std::string alias_topic;  // Sent once, if the broker takes an alias for it. Empty: none.
  std::string will_topic;   // Empty: no Will.
  std::string will;
};

class Client {
 public:
  // All references outlive the client.
  Client(Loop& loop, const ClientOptions& options, Traffic& traffic, ClientEvents& events);
  // Without a goodbye: the broker publishes the Will.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins; events tell the rest. An error is one of the options; the client is of no use then.
  Status Connect(ClientTarget target);
  // At QoS 0. kUnavailable: down. kExhausted: the backlog is at its limit. kInvalid: larger than
  // backlog or broker can ever take. Nothing was sent then.
  Status Send(const std::string& topic, std::span<const std::byte> bytes);
  // As Send, at QoS 1; OnClientAcknowledged brings the number that is returned, once. A connection
  // that breaks before leaves open whether it was delivered. It counts as backlog until then.
  Result<int> Publish(const std::string& topic, std::span<const std::byte> bytes, bool retain);
  // Says goodbye and closes; no Will, no more events.
  void Disconnect();
  bool up() const { return phase_ == Phase::kUp; }
  bool hears_short_topic() const { return hears_short_topic_; }
  bool drained() const { return unsent_.empty(); }

 private:
  enum class Phase { kIdle, kConnecting, kHandshake, kUp, kBroken };
  struct Received {
    std::string topic;
    std::vector<std::byte> bytes;
    bool retained = false;
  };

  Status MakeHandle();
  void StartConnecting();
  void SetSocketOptions();
  void OnReady(unsigned ready);
  void FinishConnecting();
  void BreakConnecting(int system_error);
  void Read();
  void Write();
  void Subscribe();
  // Runs what the callbacks noted. False: the client is gone or done.
  bool Settle();
  bool DeliverInbox();
  void CheckResult(int result, int system_error, std::string_view doing);
  void CheckUnfinishedPacket();
  void Break(Error why);
  // Reports the loss if there is one: the last thing a task does.
  void ReportBreak();
  void ReportSoon();
  void UpdateWatches();
  void StartTimer(std::chrono::milliseconds timeout, std::string_view doing);
  bool InTlsHandshake() const;
  bool TlsIsDead() const;
  std::size_t PublishBytes(std::size_t topic_bytes, std::size_t properties_bytes,
                           std::size_t payload_bytes) const;
  // Whether a packet of that size may go into the backlog.
  Status CheckRoom(std::size_t message_bytes, std::size_t packet_bytes);
  // After a call of libmosquitto's that failed.
  Error SendingFailed(int result, int system_error, std::size_t message_bytes);
  int PublishUnconfirmed(const std::string& topic, std::span<const std::byte> bytes, bool alias);
  bool TellAcknowledged();
  void UseBacklog() { traffic_.backlog_bytes.Use(unsent_bytes_); }
  std::string LossText(int result, int system_error) const;
  Error TlsError() const;
  // What else is known about a failure of TLS, each with a "; " before it.
  std::string TlsHints() const;

  static Client& Self(void* data) { return *static_cast<Client*>(data); }
  static void OnConnack(mosquitto*, void* self, int reason, int flags, const mqtt5__property*);
  static void OnSuback(mosquitto*, void* self, int id, int count, const int* granted);
  static void OnMessage(mosquitto*, void* self, const mosquitto_message* message);
  static void OnPublished(mosquitto*, void* self, int id, int reason, const mqtt5__property*);
  static void OnDisconnected(mosquitto*, void* self, int reason, const mqtt5__property*);
  static void OnLog(mosquitto*, void* self, int level, const char* text);

  Loop& loop_;
  const ClientOptions& options_;
  Traffic& traffic_;
  ClientEvents& events_;
  ClientTarget target_;
  mosquitto* handle_ = nullptr;
  // False once destroyed, for those on the stack that have just made a call out.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  Phase phase_ = Phase::kIdle;
  ClientLoss loss_;
  bool tls_done_ = false;
  int fd_ = -1;  // A duplicate of libmosquitto's.
  Loop::Id readable_ = Loop::Id::kNone;
  Loop::Id writable_ = Loop::Id::kNone;
  Loop::Id deadline_ = Loop::Id::kNone;
  Loop::Id keepalive_ = Loop::Id::kNone;
  Loop::Id report_ = Loop::Id::kNone;

  // Notes of the callbacks.
  std::uint64_t packets_ = 0;
  std::optional<int> connack_;
  std::optional<int> disconnect_;
  std::vector<int> granted_;
  bool suback_ = false;
  bool takes_aliases_ = false;  // The broker.
  bool hears_short_topic_ = false;
  std::vector<Received> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::string last_tls_log_;

  bool alias_known_ = false;        // The broker knows what alias_topic's alias stands for.
  std::deque<std::size_t> unsent_;  // Sizes of the PUBLISH packets in libmosquitto's queue.
  std::size_t unsent_bytes_ = 0;    // With those of unacknowledged_.
  std::map<int, std::size_t> unacknowledged_;          // Sizes of QoS 1 packets, by their number.
  std::vector<std::pair<int, int>> acknowledgements_;  // Numbers and reasons, to be told.
  std::optional<std::uint64_t>
      unfinished_from_;  // Bytes received when a packet was seen incomplete.
  MonoTime unfinished_since_{};
};

}  // namespace edgetwin::mqtt
