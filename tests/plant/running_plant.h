// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

#include "tests/plant/plant_server.h"

namespace edgetwin::tests {

// A server with its thread, for tests.
class RunningPlant {
 public:
  explicit RunningPlant(std::uint16_t port = 0)
      : server_({.port = port, .units = 8, .log_file = {}}) {
    const Status listening = server_.Listen();
    EXPECT_TRUE(listening) << listening.error().text;
    thread_ = std::thread([this] { server_.Run(); });
  }
  ~RunningPlant() {
    server_.Stop();
    thread_.join();
  }
  RunningPlant(const RunningPlant&) = delete;
  RunningPlant& operator=(const RunningPlant&) = delete;
  PlantServer* operator->() { return &server_; }

 private:
  PlantServer server_;
  std::thread thread_;
};

}  // namespace edgetwin::tests
