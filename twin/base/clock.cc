// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/clock.h"

#include <ctime>

namespace edgetwin {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// 2026-11-01: no clock that is right can be before it.
constexpr WallTime kReleased{seconds(1'793'491'200)};

nanoseconds Read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace

MonoTime SystemClock::Now() const {
  return MonoTime(duration_cast<microseconds>(Read(CLOCK_BOOTTIME)));
}

WallTime SystemClock::UntrustedWall() const {
  return WallTime(duration_cast<milliseconds>(Read(CLOCK_REALTIME)));
}

Result<WallTime> SystemClock::Wall() const {
  const WallTime now = UntrustedWall();
  if (now < kReleased) return Unavailable("the wall clock is before this release was made");
  return now;
}

Result<WallTime> MappedClock::Wall() const {
  Result<WallTime> own = own_.Wall();
  if (own || !mapped_) return own;
  return mapped_->wall + duration_cast<milliseconds>(Now() - mapped_->at);
}

WallTime MappedClock::UntrustedWall() const {
  const Result<WallTime> wall = Wall();
  return wall ? *wall : own_.UntrustedWall();
}

Result<WallTime> ManualClock::Wall() const {
  if (!trusted_) return Unavailable("the wall clock is not trusted yet");
  return wall_;
}

void ManualClock::Advance(microseconds by) {
  now_ += by;
  rest_ += by;
  const auto whole = duration_cast<milliseconds>(rest_);
  wall_ += whole;
  rest_ -= whole;
}

}  // namespace edgetwin
