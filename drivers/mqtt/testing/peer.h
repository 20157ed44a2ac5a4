// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Somebody else at the broker, for tests.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/mqtt/connection.h"
#include "twin/base/check.h"

namespace edgetwin::mqtt_driver {

using Messages = std::vector<std::pair<std::string, std::string>>;  // Topics and payloads.

class Peer final : private ConnectionEvents {
 public:
  Peer(Loop& loop, const std::string& url, std::vector<std::string> subscriptions)
      : traffic_(options_.client) {
    options_.broker = *mqtt::ParseBrokerUrl(url);
    options_.subscriptions = std::move(subscriptions);
    options_.backoff_min = options_.backoff_max = std::chrono::milliseconds(20);
    connection_ = std::make_unique<Connection>(loop, options_, traffic_,
                                               static_cast<ConnectionEvents&>(*this));
  }

  bool up() const { return connection_->up(); }
  void Publish(const std::string& topic, std::string_view payload, bool retain = false) {
    const auto number = connection_->Publish(topic, payload, retain);
    EDGETWIN_CHECK(number.has_value());
  }
  const Messages& heard() const { return heard_; }
  // What it does whenever it is connected, and with each message.
  std::function<void()> greet;
  std::function<void(const std::string& topic, const std::string& payload)> answer;

 private:
  void OnUp() override {
    if (greet) greet();
  }
  void OnDown(const Error&) override {}
  void OnMessage(std::string_view topic, std::string_view payload, bool) override {
    heard_.emplace_back(topic, payload);
    const auto [own_topic, own_payload] = heard_.back();
    if (answer) answer(own_topic, own_payload);
  }
  void OnAcknowledged(int, int) override {}

  ConnectionOptions options_;
  mqtt::Traffic traffic_;
  std::unique_ptr<Connection> connection_;
  Messages heard_;
};

}  // namespace edgetwin::mqtt_driver
