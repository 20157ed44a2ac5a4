// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/poll_schedule.h"

#include <gtest/gtest.h>

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;

constexpr MonoTime kStart{std::chrono::seconds(100)};

TEST(PollScheduleTest, DoesNotDriftWhenEveryPollEndsLate) {
  PollSchedule schedule(milliseconds(100), kStart);
  for (int i = 0; i < 1000; ++i) schedule.Done(schedule.due() + milliseconds(37));
  EXPECT_EQ(schedule.due(), kStart + 1000 * milliseconds(100));
  EXPECT_EQ(schedule.missed(), 0u);
}

TEST(PollScheduleTest, SkipsAndCountsThePeriodsThatALongPollCovers) {
  PollSchedule schedule(milliseconds(100), kStart);
  schedule.Done(kStart + milliseconds(250));
  EXPECT_EQ(schedule.due(), kStart + milliseconds(300));
  EXPECT_EQ(schedule.missed(), 2u);
}

TEST(PollScheduleTest, APollThatEndsAtTheNextSlotMissesNothing) {
  PollSchedule schedule(milliseconds(100), kStart);
  schedule.Done(kStart + milliseconds(100));
  EXPECT_EQ(schedule.due(), kStart + milliseconds(100));
  EXPECT_EQ(schedule.missed(), 0u);
}

TEST(PollScheduleTest, ATimerThatFiresEarlyDoesNotRepeatItsSlot) {
  PollSchedule schedule(milliseconds(100), kStart);
  schedule.Done(kStart - milliseconds(1));
  EXPECT_EQ(schedule.due(), kStart + milliseconds(100));
}

TEST(PollScheduleTest, ANightOfSuspensionIsOneJump) {
  PollSchedule schedule(milliseconds(10), kStart);
  schedule.Done(kStart + std::chrono::hours(8));
  EXPECT_EQ(schedule.missed(), 8u * 3600 * 100 - 1);
  EXPECT_EQ(schedule.due(), kStart + std::chrono::hours(8));
}

}  // namespace
}  // namespace edgetwin::driver
