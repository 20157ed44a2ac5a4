// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/pace.h"

#include <algorithm>

namespace edgetwin::replay {
namespace {

// Beyond any run, and small enough to be added to any time.
constexpr double kWaitMaxUs = 3e15;  // About 95 years.

constexpr std::chrono::milliseconds kOnlyRowDistance{1000};

}  // namespace

MonoTime Pace::DueOf(WallTime time) {
  if (!anchor_) {
    anchor_ = time;
  } else if (time < last_) {
    ++steps_back_;
    const double passed = 1000.0 * static_cast<double>((last_ - *anchor_).count()) / speed_;
    anchor_due_ +=
        std::chrono::microseconds(static_cast<std::int64_t>(std::min(passed, kWaitMaxUs)));
    anchor_ = time;
  }
  last_ = time;
  const double wait = 1000.0 * static_cast<double>((time - *anchor_).count()) / speed_;
  return anchor_due_ +
         std::chrono::microseconds(static_cast<std::int64_t>(std::min(wait, kWaitMaxUs)));
}

void Pace::GoOn(MonoTime now) {
  anchor_.reset();
  anchor_due_ = now;
}

void LoopShift::Row(WallTime time) {
  if (!first_) {
    first_ = time;
  } else if (time > last_) {
    span_ += time - last_;
    ++distances_;
  }
  last_ = time;
}

bool LoopShift::NextRound() {
  if (!first_) return false;
  const auto usual = distances_ == 0 ? kOnlyRowDistance : span_ / distances_;
  shift_ += last_ - *first_ + std::max(std::chrono::milliseconds(1), usual);
  first_.reset();
  span_ = std::chrono::milliseconds(0);
  distances_ = 0;
  return true;
}

}  // namespace edgetwin::replay
