// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A circuit breaker: decides when a device that doesn't answer may be tried again.
//
// Pure: time comes in as an argument, randomness as a seed.

#pragma once

#include <chrono>
#include <cstdint>

#include "twin/base/clock.h"

namespace edgetwin::driver {

struct BreakerOptions {
  int failures_max = 3;                              // In a row, before it opens. At least 1.
  std::chrono::microseconds backoff_min{1'000'000};  // The part's period.
  std::chrono::microseconds backoff_max{
      60'000'000};  // The longest wait; backoff_min wins when larger.
};

// Closed: every try is allowed. After `failures_max` failures in a row it opens: none is allowed
// before next_try(); then one is, the probe (half-open). A probe that fails opens it again with a
// longer wait, a success closes it. The wait is drawn evenly between backoff_min and a bound that
// starts at twice backoff_min and doubles with each failed probe up to backoff_max (full jitter),
// so devices that fell silent together are not probed together.
class Breaker {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };

  Breaker(const BreakerOptions& options, std::uint64_t seed);

  // Whether a try may start now. True in kOpen makes it kHalfOpen: whoever got it owes Succeeded or
  // Failed.
  bool Allow(MonoTime now);
  void Succeeded();
  // Returns whether this failure opened a closed breaker.
  bool Failed(MonoTime now);

  State state() const { return state_; }
  // Meaningful while open.
  MonoTime next_try() const { return next_try_; }
  int failures() const { return failures_; }  // In a row.

 private:
  std::chrono::microseconds DrawWait();

  BreakerOptions options_;
  std::uint64_t random_;
  State state_ = State::kClosed;
  int failures_ = 0;
  int failed_probes_ = 0;
  MonoTime next_try_{};
};

}  // namespace edgetwin::driver
