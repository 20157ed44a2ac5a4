// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A stated limit with its counter: what may grow says how far, how far it has come, and how often
// the limit bit.

#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace edgetwin {

// What `status` shows of one limit.
struct LimitReport {
  std::string name;  // With the unit last: "posted_tasks", "pending_batch_rows".
  std::uint64_t max = 0;
  std::uint64_t used = 0;
  std::uint64_t peak = 0;
  std::uint64_t hits = 0;  // How often something was refused, dropped or delayed by it.
};

// Thread-safe.
class Limit {
 public:
  explicit Limit(std::uint64_t max) : max_(max) {}

  std::uint64_t max() const { return max_; }
  bool Fits(std::uint64_t used) const { return used <= max_; }
  void Use(std::uint64_t used) {
    used_.store(used, std::memory_order_relaxed);
    std::uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (used > peak && !peak_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
    }
  }
  void Hit() { hits_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }

  LimitReport Report(std::string name) const {
    return {std::move(name), max_, used_.load(std::memory_order_relaxed),
            peak_.load(std::memory_order_relaxed), hits()};
  }

 private:
  const std::uint64_t max_;
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> peak_{0};
  std::atomic<std::uint64_t> hits_{0};
};

}  // namespace edgetwin
