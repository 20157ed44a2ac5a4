// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the link's tests share: a loop, links with short times, and a record of their events.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/link/mqtt_link.h"
#include "twin/base/event_loop.h"

namespace edgetwin::sync {

inline std::span<const std::byte> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class Recorder : public LinkEvents {
 public:
  void OnLinkUp() override { ++ups; }
  void OnLinkDown(const Error& why) override { downs.push_back(why); }
  void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) override {
    frames.emplace_back(peer,
                        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  int ups = 0;
  std::vector<Error> downs;
  std::vector<std::pair<std::string, std::string>> frames;
};

using Frames = std::vector<std::pair<std::string, std::string>>;

class LinkTest : public testing::Test {
 protected:
  // A device's link, or with an empty id the cloud's.
  static MqttOptions Options(const std::string& device, std::vector<std::string> urls) {
    static int clients = 0;
    MqttOptions options;
    for (const std::string& url : urls) options.brokers.push_back(ParseBrokerUrl(url).value());
    options.device = device;
    options.client_id = (device.empty() ? "cloud-" : device + "-") + std::to_string(++clients);
    options.backoff_min = std::chrono::milliseconds(1);
    options.backoff_max = std::chrono::milliseconds(20);
    options.random = [](std::uint64_t below) { return below - 1; };
    return options;
  }

  // Runs the loop until `done` holds.
  template <class Predicate>
  [[nodiscard]] bool RunUntil(Predicate done,
                              std::chrono::milliseconds at_most = std::chrono::seconds(20)) {
    const auto deadline = loop_.Now() + at_most;
    while (!done()) {
      if (loop_.Now() > deadline) return false;
      loop_.RunFor(std::chrono::milliseconds(1));
    }
    return true;
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
};

}  // namespace edgetwin::sync
