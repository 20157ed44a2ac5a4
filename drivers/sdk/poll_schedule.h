// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// When to poll: a pure state machine over (period, now).

#pragma once

#include <chrono>
#include <cstdint>

#include "twin/base/clock.h"

namespace edgetwin::driver {

// Polls are due at first + n · period, whatever a poll takes and however late a timer fires, so the
// schedule does not drift. Periods that pass while a poll runs (or the machine sleeps) are skipped
// and counted, never made up for.
class PollSchedule {
 public:
  PollSchedule() = default;
  PollSchedule(std::chrono::microseconds period, MonoTime first) : period_(period), due_(first) {}

  MonoTime due() const { return due_; }
  // The poll that was due has ended at `now`: due() becomes the first slot not before `now`.
  void Done(MonoTime now);
  std::uint64_t missed() const { return missed_; }

 private:
  std::chrono::microseconds period_{1};
  MonoTime due_;
  std::uint64_t missed_ = 0;
};

}  // namespace edgetwin::driver
