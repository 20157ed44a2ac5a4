// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/flash_budget.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace edgetwin::runtime {
namespace {

using namespace std::chrono_literals;
using history::Priority;

constexpr std::uint64_t kMiB = 1 << 20;

class FlashBudgetTest : public testing::Test {
 protected:
  // Writes `rate` bytes a minute.
  void Run(FlashBudget& budget, std::chrono::minutes time, std::uint64_t rate) {
    for (auto passed = 0min; passed < time; passed += FlashBudget::kPeriod) {
      now_ += FlashBudget::kPeriod;
      wall_ += FlashBudget::kPeriod;
      bytes_ += rate;
      budget.Observe(bytes_, now_, wall_);
    }
  }
  static std::chrono::milliseconds Window(const FlashBudget& budget, Priority priority) {
    return budget.windows()[static_cast<std::size_t>(priority)];
  }
  MonoTime now_{};
  WallTime wall_ = std::chrono::sys_days{std::chrono::year{2026} / 9 / 21};
  std::uint64_t bytes_ = 0;
};

TEST_F(FlashBudgetTest, TodayBeginsAtMidnightAndAYearIsProjectedFromTheLastDay) {
  FlashBudget budget(0, now_);
  Run(budget, 9min, 1'000);
  EXPECT_FALSE(budget.use().year_bytes) << "an opening says nothing of a year";
  Run(budget, 24h - 10min, 1'000);
  EXPECT_EQ(budget.use().today_bytes, 1'439'000u);
  Run(budget, 1min, 1'000);
  EXPECT_EQ(budget.use().today_bytes, 1'000u) << "midnight's own minute is of the new day";
  EXPECT_NEAR(static_cast<double>(*budget.use().year_bytes), 365.0 * 1'440'000, 365.0 * 2'000);
  Run(budget, 25h, 5'000);
  EXPECT_NEAR(static_cast<double>(*budget.use().year_bytes), 365.0 * 5 * 1'440'000, 365.0 * 10'000);
  EXPECT_EQ(budget.use().stretch, 0) << "there is no budget";
}

TEST_F(FlashBudgetTest, TheLowestPriorityIsStretchedFirstAndTheHighestNever) {
  FlashBudget budget(100 * kMiB, now_);
  const auto high = Window(budget, Priority::kHigh);
  const auto normal = Window(budget, Priority::kNormal);
  // Three times what it may be.
  Run(budget, 10min, 300 * kMiB / 1'440);
  EXPECT_EQ(budget.use().stretch, 2);
  EXPECT_EQ(budget.use().stretched, 1u);
  EXPECT_EQ(Window(budget, Priority::kLow), 20min);
  EXPECT_EQ(Window(budget, Priority::kNormal), normal);
  Run(budget, 10h, 300 * kMiB / 1'440);
  EXPECT_EQ(budget.use().stretch, FlashBudget::kStretchMax);
  EXPECT_EQ(Window(budget, Priority::kLow), FlashBudget::kWindowMax);
  EXPECT_EQ(Window(budget, Priority::kNormal), FlashBudget::kWindowMax);
  EXPECT_EQ(Window(budget, Priority::kHigh), high);
  EXPECT_TRUE(budget.use().exceeded());
}

TEST_F(FlashBudgetTest, WindowsBecomeShorterAgainWhenThereIsRoom) {
  FlashBudget budget(100 * kMiB, now_);
  Run(budget, 10min, 150 * kMiB / 1'440);
  ASSERT_EQ(budget.use().stretch, 1);
  Run(budget, 2h, 80 * kMiB / 1'440);
  EXPECT_EQ(budget.use().stretch, 1) << "it is needed";
  Run(budget, 2h, 10 * kMiB / 1'440);
  EXPECT_EQ(budget.use().stretch, 0);
  EXPECT_EQ(budget.use().stretched, 1u);
  EXPECT_FALSE(budget.use().exceeded());
}

// Bytes by how long the history gathers: half as many a sample for twice the window, of a thing
// that would spend four times its budget.
TEST_F(FlashBudgetTest, AStretchedHistoryKeepsItsBudgetFromTheSecondDayOn) {
  FlashBudget budget(100 * kMiB, now_);
  std::uint64_t first_day = 0;
  for (auto minute = 0min; minute < 48h; minute += 1min) {
    const std::uint64_t low = 300 * kMiB / 1'440 * (5min / 1min);
    const std::uint64_t spent =
        low / static_cast<std::uint64_t>(Window(budget, Priority::kLow) / 1min);
    Run(budget, 1min, spent + 20 * kMiB / 1'440);
    if (minute < 24h) first_day = std::max(first_day, budget.use().today_bytes);
  }
  EXPECT_LT(first_day, 110 * kMiB);
  EXPECT_LE(budget.use().today_bytes, 100 * kMiB);
  EXPECT_LT(budget.use().stretched, 20u) << "it swings";
}

TEST_F(FlashBudgetTest, ARestartGoesOnWithTheDay) {
  FlashBudget budget(100 * kMiB, now_);
  Run(budget, 60min, 1'000);
  const history::FlashDay before = budget.today();
  EXPECT_EQ(before.bytes, 60'000u);
  FlashBudget next(100 * kMiB, now_);
  bytes_ = 0;
  Run(next, 1min, 500);
  next.Continue(before);
  EXPECT_EQ(next.use().today_bytes, 60'500u);
  Run(next, 1min, 500);
  EXPECT_EQ(next.use().today_bytes, 61'000u);
  Run(next, 24h, 500);
  next.Continue(before);
  EXPECT_EQ(next.use().today_bytes, 500u * (60 + 3)) << "that was yesterday";
}

}  // namespace
}  // namespace edgetwin::runtime
