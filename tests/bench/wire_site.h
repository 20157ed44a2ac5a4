// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device of 100 writable properties, the real cloud and a real broker, with taps on both links.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/agent.h"
#include "tests/bench/mqtt_tap.h"
#include "tests/bench/synthetic_driver.h"
#include "tests/bench/wire_peers.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "twin/base/event_loop.h"

namespace edgetwin::bench {

class WireSite {
 public:
  static constexpr const char* kDevice = "bench-gateway-01";  // 16 characters.
  static constexpr std::size_t kProperties = 100;

  // Starts everything. What went wrong is in trouble().
  explicit WireSite(bool full_precision);
  ~WireSite();

  const std::string& trouble() const { return trouble_; }
  MqttTap& device_tap() { return device_tap_; }
  MqttTap& cloud_tap() { return cloud_tap_; }
  std::uint16_t broker_port() const { return broker_.port(); }
  std::int64_t wall_ms() const;

  void Report(const std::vector<WireValue>& values);
  // Asks the cloud for these. False, with trouble(): it refused.
  bool Want(const std::vector<WireValue>& values, int decimals);
  // What the driver was told to write since the last call.
  std::vector<WireValue> TakeWritten();

  // Runs until everything is durable at the other side and nothing passed for longer than either
  // side waits before it sends something again. False, with trouble(): not within 20 s.
  bool Quiet();
  void RunFor(double us);
  // Breaks the device's connection, and returns when another session has begun and all is quiet.
  // `meanwhile` changes while there is no connection.
  bool Reconnect(const std::vector<WireValue>& meanwhile = {});

  sync::EdgeStatus status() const { return agent_->engine().status(); }

 private:
  bool Until(const std::function<bool()>& done, double seconds);
  bool Fail(std::string what);

  tests::TestBroker broker_;
  MqttTap device_tap_;
  MqttTap cloud_tap_;
  tests::TempDir cloud_folder_;
  tests::TempDir store_;
  std::uint16_t api_port_;
  std::unique_ptr<tests::Child> cloud_;
  SystemClock clock_;
  EventLoop loop_;
  std::unique_ptr<runtime::Agent> agent_;
  std::vector<WireValue> written_;
  std::string trouble_;
};

}  // namespace edgetwin::bench
