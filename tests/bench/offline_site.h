// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device that comes online, each part a process of its own: a broker, edgetwin-cloud, and
// edgetwind, whose driver reads a Modbus device once a second. What passes between the agent and
// the broker is counted, and so is what each process takes.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/mqtt_tap.h"
#include "tests/bench/register_server.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::bench {

// Of MQTT, packets with all that is in them.
struct OfflineTraffic {
  std::uint64_t history_up = 0, history_down = 0;  // PUBLISH packets of P3.
  std::uint64_t history_frames = 0;
  std::uint64_t other_up = 0, other_down = 0;
};

// What it took at most.
struct Peak {
  double pss_kb = 0;  // Of what was sampled.
  double hwm_kb = 0;  // RSS, by the kernel's own account.
};

class OfflineSite {
 public:
  static constexpr const char* kDevice = "bench-gw-0001";

  // `folder`: the device's store, which may have a history.db; `bytes_max` of it. Starts broker,
  // cloud and the Modbus device. What went wrong is in trouble().
  OfflineSite(std::string folder, std::size_t properties, std::uint64_t bytes_max);
  ~OfflineSite();

  bool StartAgent();
  // One look at everything: to be called every 100 ms or so.
  void Look();
  bool running();

  double started_us() const { return started_us_; }
  std::optional<double> connected_us() const { return connected_us_; }
  // When the first value of this site's device was seen in the cloud's API.
  std::optional<double> first_live_us() const;
  // From the Modbus device's answer to the cloud's API, of all rounds that were seen since the last
  // call, in microseconds.
  std::vector<double> TakeLatencies();
  std::uint64_t rounds() const { return registers_.rounds(); }

  const OfflineTraffic& traffic() const { return traffic_; }
  bool counted() const { return !tap_.lost(); }
  const Peak& agent_peak() const { return agent_peak_; }
  const Peak& cloud_peak() const { return cloud_peak_; }
  Cost AgentCost() const { return Measure(agent_->pid()); }
  Cost CloudCost() const { return Measure(cloud_->pid()); }

  // Null when nobody answers.
  nlohmann::json Device(const std::string& target) const;
  nlohmann::json Cloud(const std::string& target) const;

  // By SIGTERM; false when one doesn't end well.
  bool StopAgent();
  bool StopCloud();
  std::uint16_t broker_port() const { return broker_.port(); }
  std::string cloud_folder() const { return cloud_folder_.path().string(); }
  const std::string& trouble() const { return trouble_; }

 private:
  bool Fail(const std::string& what);
  void Watch();
  void ReadEvents(int fd);
  void TakeEvents(std::string& text);
  static bool Stop(std::unique_ptr<tests::Child>& child);

  const std::string folder_;
  const std::size_t properties_;
  const std::uint64_t bytes_max_;
  tests::TempDir files_;
  tests::TempDir cloud_folder_;
  tests::TestBroker broker_;
  MqttTap tap_;
  RegisterServer registers_;
  std::uint16_t api_port_;
  std::unique_ptr<tests::Child> cloud_;
  std::unique_ptr<tests::Child> agent_;
  double started_us_ = 0;
  std::optional<double> connected_us_;
  OfflineTraffic traffic_;
  Peak agent_peak_, cloud_peak_;
  std::string trouble_;

  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::optional<double> first_live_us_;
  std::vector<double> latencies_;
  std::thread watcher_;
};

}  // namespace edgetwin::bench
