// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The only sources of time. Pure code takes `now` as an argument; the shell reads it here.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "twin/base/result.h"

namespace edgetwin {

struct MonoClockTag {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::microseconds;
};

// Microseconds since some start, the same for the whole process; counts while suspended; never
// steps back.
using MonoTime = std::chrono::time_point<MonoClockTag, std::chrono::microseconds>;

// Milliseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime Now() const = 0;
  // kUnavailable until the clock is trusted: boards without an RTC start in the past.
  virtual Result<WallTime> Wall() const = 0;
  // The wall clock as it stands, trusted or not.
  virtual WallTime UntrustedWall() const = 0;
};

// CLOCK_BOOTTIME and CLOCK_REALTIME. The wall clock is trusted when it is not before the day this
// release was made. Thread-safe.
class SystemClock final : public Clock {
 public:
  MonoTime Now() const override;
  Result<WallTime> Wall() const override;
  WallTime UntrustedWall() const override;
};

// The machine's clock, and while that isn't trusted, the time that somebody else told.
// SINGLE-THREADED with Map.
class MappedClock final : public Clock {
 public:
  explicit MappedClock(const Clock& own) : own_(own) {}  // Must outlive this.

  // It was `wall` at `at`, as far as somebody trustworthy knows.
  void Map(MonoTime at, WallTime wall) { mapped_ = Mark{at, wall}; }

  MonoTime Now() const override { return own_.Now(); }
  Result<WallTime> Wall() const override;
  WallTime UntrustedWall() const override;

 private:
  struct Mark {
    MonoTime at;
    WallTime wall;
  };
  const Clock& own_;
  std::optional<Mark> mapped_;
};

// For tests and simulations: time moves only when told to. Not thread-safe.
class ManualClock final : public Clock {
 public:
  MonoTime Now() const override { return now_; }
  Result<WallTime> Wall() const override;
  WallTime UntrustedWall() const override { return wall_; }

  void Advance(std::chrono::microseconds by);
  void SetWall(WallTime wall) { wall_ = wall; }
  void SetTrusted(bool trusted) { trusted_ = trusted; }

 private:
  MonoTime now_{std::chrono::seconds(1)};
  WallTime wall_{std::chrono::milliseconds(1'790'000'000'000)};  // 2026-09-21
  std::chrono::microseconds rest_{0};
  bool trusted_ = true;
};

}  // namespace edgetwin
