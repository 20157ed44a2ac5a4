// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/flash_budget.h"

#include <algorithm>

#include "twin/history/gather/recorder.h"

namespace edgetwin::runtime {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::chrono::hours kDay{24};
constexpr std::size_t kHours = 24;
// An opening writes more than the hours after it.
constexpr std::chrono::minutes kProjectAfter{10};
// So many steps are of the lowest priority: from 5 minutes to kWindowMax.
constexpr int kLowSteps = 4;
// Below this part of what is left, windows become shorter again: more than a step's half, so that
// they don't swing.
constexpr double kEase = 0.4;

double MillisOf(std::chrono::microseconds time) {
  return static_cast<double>(duration_cast<milliseconds>(time).count());
}

std::int64_t DayOf(WallTime wall) {
  return std::chrono::floor<std::chrono::days>(wall).time_since_epoch().count();
}

}  // namespace

FlashBudget::FlashBudget(std::uint64_t day_bytes_max, MonoTime now) : judged_{now, 0} {
  use_.day_bytes_max = day_bytes_max;
  hours_.push_back({now, 0});
}

void FlashBudget::Continue(const history::FlashDay& before) {
  if (before.day != day_) return;
  use_.today_bytes += before.bytes - std::min(before.bytes, continued_);
  continued_ = std::max(continued_, before.bytes);
}

bool FlashBudget::Observe(std::uint64_t bytes, MonoTime now, WallTime wall) {
  const std::int64_t day = DayOf(wall);
  if (day != day_) {
    // A clock that was set makes a day shorter or longer.
    before_today_ = day_ == 0 ? 0 : bytes_;
    continued_ = 0;
    day_ = day;
  }
  bytes_ = bytes;
  use_.today_bytes = continued_ + bytes - before_today_;
  use_.day_bytes_peak = std::max(use_.day_bytes_peak, use_.today_bytes);
  const Mark& oldest = hours_.front();
  if (now - oldest.at >= kProjectAfter) {
    const double rate = static_cast<double>(bytes - oldest.bytes) / MillisOf(now - oldest.at);
    use_.year_bytes = static_cast<std::uint64_t>(rate * MillisOf(kDay) * 365);
  }
  if (now - hours_.back().at >= std::chrono::hours(1)) hours_.push_back({now, bytes});
  if (hours_.size() > kHours) hours_.pop_front();
  if (use_.day_bytes_max == 0 || now - judged_.at < JudgePeriod()) return false;
  return Judge(now, wall);
}

FlashUse FlashBudget::UseNow(std::uint64_t bytes) const {
  FlashUse use = use_;
  use.today_bytes += bytes - std::min(bytes, bytes_);
  use.day_bytes_peak = std::max(use.day_bytes_peak, use.today_bytes);
  return use;
}

milliseconds FlashBudget::JudgePeriod() const {
  const auto longest = std::ranges::max(windows());
  return std::max<milliseconds>(kJudgePeriod, 2 * longest);
}

// Against what is left of the budget for what is left of the day.
bool FlashBudget::Judge(MonoTime now, WallTime wall) {
  const double spent = static_cast<double>(bytes_ - judged_.bytes) / MillisOf(now - judged_.at);
  judged_ = {now, bytes_};
  const auto left_time = std::chrono::floor<std::chrono::days>(wall) + kDay - wall;
  const std::uint64_t left = use_.day_bytes_max - std::min(use_.day_bytes_max, use_.today_bytes);
  // The last minutes of a day say nothing of the next one.
  const double allowed = static_cast<double>(left) /
                         MillisOf(std::max<milliseconds>(left_time, std::chrono::hours(1)));
  const int before = use_.stretch;
  // Twice the window halves about what a sample costs.
  for (double rate = spent; rate > allowed && use_.stretch < kStretchMax; rate /= 2) {
    ++use_.stretch;
  }
  if (use_.stretch > before) ++use_.stretched;
  if (spent < kEase * allowed && use_.stretch > 0) --use_.stretch;
  return use_.stretch != before;
}

std::array<milliseconds, history::kPriorities> FlashBudget::windows() const {
  auto windows = history::RecorderOptions().window;
  const auto stretch = [](milliseconds& window, int steps) {
    window = std::min<milliseconds>(window * (1 << steps), kWindowMax);
  };
  stretch(windows[static_cast<std::size_t>(history::Priority::kLow)],
          std::min(use_.stretch, kLowSteps));
  stretch(windows[static_cast<std::size_t>(history::Priority::kNormal)],
          std::max(use_.stretch - kLowSteps, 0));
  return windows;
}

}  // namespace edgetwin::runtime
