// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A connection to one broker that comes back by itself: names are looked up on a thread that lives
// for that alone, everything else is the loop's. SINGLE-THREADED, on the loop's thread.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/secret.h"
#include "twin/base/loop.h"
#include "twin/mqtt/backoff.h"
#include "twin/mqtt/broker_url.h"
#include "twin/mqtt/client.h"
#include "twin/mqtt/lookup.h"

namespace edgetwin::mqtt_driver {

struct ConnectionOptions {
  mqtt::BrokerUrl broker;
  mqtt::ClientOptions client;  // Without the password.
  driver::SecretPlace password;
  std::string ca_file;  // PEM; empty: the system's.
  std::string cert_file;
  driver::SecretPlace key;
  int protocol = 0;  // 5, 4 (3.1.1), or 0: 5, and 4 after the broker refused 5.
  bool clean_start = true;
  std::chrono::seconds session_expiry{3'600};  // Of sessions that aren't clean.
  // Between two attempts: random in [0, min(backoff_max, backoff_min * 2^n)].
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{60'000};
  std::vector<std::string> subscriptions;
  int qos = 0;
};

// Never called from within a call to the connection; each may destroy it.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  virtual void OnUp() = 0;  // Connected and subscribed.
  // Also for each attempt that failed. kUnavailable, kTimeout, kPermission (credentials, trust) …
  virtual void OnDown(const Error& why) = 0;
  virtual void OnMessage(std::string_view topic, std::string_view payload, bool retained) = 0;
  virtual void OnAcknowledged(int number, int reason) = 0;
};

class Connection final : private mqtt::ClientEvents {
 public:
  // All references outlive it. Begins at once.
  Connection(Loop& loop, const ConnectionOptions& options, mqtt::Traffic& traffic,
             ConnectionEvents& events);
  // Prompt; says goodbye to the broker.
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool up() const { return client_ && client_->up(); }
  // As mqtt::Client's.
  Status Send(const std::string& topic, std::string_view payload);
  Result<int> Publish(const std::string& topic, std::string_view payload, bool retain);

  // While waiting to try again: how long still.
  std::optional<std::chrono::milliseconds> next_try() const;
  LimitReport backoff() const { return backoff_.Report("pause_ms"); }

 private:
  void Try();
  void OnRoute(Result<mqtt::Route> route);
  void Connect();
  Status ReadSecrets();
  void Fail(const Error& why);

  void OnClientUp() override;
  void OnClientDown(const mqtt::ClientLoss& loss) override;
  void OnClientMessage(std::string_view topic, std::span<const std::byte> bytes,
                       bool retained) override;
  void OnClientAcknowledged(int number, int reason) override {
    events_.OnAcknowledged(number, reason);
  }

  Loop& loop_;
  const ConnectionOptions& options_;
  mqtt::Traffic& traffic_;
  ConnectionEvents& events_;
  mqtt::ClientOptions client_options_;  // With the password, of one attempt.
  mqtt::Backoff backoff_;
  std::unique_ptr<mqtt::Lookup> lookup_;
  mqtt::Route route_;
  std::size_t address_ = 0;  // In route_.
  bool refuses_5_ = false;   // The broker.
  std::unique_ptr<mqtt::Client> client_;
  Loop::Id timer_ = Loop::Id::kNone;  // The next attempt, or the deadline of the look-up.
  std::optional<MonoTime> next_try_;
  MonoTime up_since_{};
};

}  // namespace edgetwin::mqtt_driver
