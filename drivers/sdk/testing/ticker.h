// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For devices that do something by themselves: a receiver that tells where it is, a node of a bus.

#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace edgetwin::driver::testing {

// Calls `turn` every 20 ms, on a thread of its own, until it is destroyed: best a class's last
// member. A turn must not wait.
class Ticker {
 public:
  explicit Ticker(std::function<void()> turn);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // No turn while it is held.
  [[nodiscard]] std::unique_lock<std::mutex> Hold() { return std::unique_lock(mutex_); }

 private:
  void Run();

  const std::function<void()> turn_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace edgetwin::driver::testing
