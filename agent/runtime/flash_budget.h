// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How much is written to flash a day, and how long the history must gather to stay within what it
// may be. Pure.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "twin/base/clock.h"
#include "twin/history/gather/records.h"

namespace edgetwin::runtime {

struct FlashUse {
  std::uint64_t today_bytes = 0;  // Since midnight, UTC.
  // At the rate of the last 24 hours, or of as many as there were; nothing in the first minutes.
  std::optional<std::uint64_t> year_bytes;
  std::uint64_t day_bytes_max = 0;  // 0: there is no budget.
  int stretch = 0;                  // The history gathers longer in so many steps.
  std::uint64_t stretched = 0;      // How often it was made to.
  std::uint64_t day_bytes_peak = 0;
  bool exceeded() const { return day_bytes_max != 0 && today_bytes > day_bytes_max; }
};

class FlashBudget {
 public:
  // `day_bytes_max`: 0 for none.
  FlashBudget(std::uint64_t day_bytes_max, MonoTime now);

  // `bytes`: written since the start. Every kPeriod. True when the windows are others now.
  bool Observe(std::uint64_t bytes, MonoTime now, WallTime wall);
  static constexpr std::chrono::minutes kPeriod{1};

  // What a process before this one wrote; ignored unless it is of the same day.
  void Continue(const history::FlashDay& before);
  history::FlashDay today() const { return {day_, use_.today_bytes}; }

  const FlashUse& use() const { return use_; }
  // With what was written since, `bytes` in all.
  FlashUse UseNow(std::uint64_t bytes) const;
  // How long the history gathers, by priority. The lowest is stretched first, the highest never.
  std::array<std::chrono::milliseconds, history::kPriorities> windows() const;

  // At least, and twice the longest window, so that each judgement sees some of its commits.
  static constexpr std::chrono::minutes kJudgePeriod{10};
  static constexpr std::chrono::minutes kWindowMax{60};
  static constexpr int kStretchMax = 10;

 private:
  struct Mark {
    MonoTime at;
    std::uint64_t bytes;
  };
  bool Judge(MonoTime now, WallTime wall);
  std::chrono::milliseconds JudgePeriod() const;

  FlashUse use_;
  std::int64_t day_ = 0;
  std::uint64_t before_today_ = 0;  // Written by this process on earlier days.
  std::uint64_t continued_ = 0;     // Written today by another one.
  std::uint64_t bytes_ = 0;
  std::deque<Mark> hours_;  // One an hour, 24 at most.
  Mark judged_;
};

}  // namespace edgetwin::runtime
