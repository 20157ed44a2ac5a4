// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// When a recorded row is played: a pure state machine over recorded times.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "twin/base/clock.h"

namespace edgetwin::replay {

// Keeps the recorded distances between rows, divided by the speed, without drift. A row whose time
// is before the one before it (a logger whose clock was set, files joined in the wrong order) is
// due at once, and the distances go on from it.
class Pace {
 public:
  // `speed`: recorded seconds per second; the first row is due at `start`.
  Pace(double speed, MonoTime start) : speed_(speed), anchor_due_(start) {}
  Pace() : Pace(1, MonoTime()) {}

  // Rows in their order, with times that Loop's shift is part of already.
  MonoTime DueOf(WallTime time);
  // The next row is due `now`, and the distances go on from it: what was missed isn't caught up.
  void GoOn(MonoTime now);

  std::uint64_t steps_back() const { return steps_back_; }

 private:
  double speed_;
  std::optional<WallTime> anchor_;  // Where the distances are counted from.
  MonoTime anchor_due_;
  WallTime last_;
  std::uint64_t steps_back_ = 0;
};

// How far the times of each next round of a file are moved on, so that time goes on where the round
// before ended.
class LoopShift {
 public:
  // The recorded time of each row of a round.
  void Row(WallTime time);
  // The next round begins one usual distance after the last row of this one. False when the round
  // had no row.
  bool NextRound();
  std::chrono::milliseconds shift() const { return shift_; }

 private:
  std::chrono::milliseconds shift_{0};
  std::optional<WallTime> first_;
  WallTime last_;
  std::chrono::milliseconds span_{0};  // Of the distances forward.
  std::int64_t distances_ = 0;
};

}  // namespace edgetwin::replay
