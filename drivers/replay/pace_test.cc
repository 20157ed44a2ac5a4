// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/pace.h"

#include <gtest/gtest.h>

namespace edgetwin::replay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonoTime kStart{seconds(100)};
constexpr WallTime kRecorded{seconds(1'000'000)};

TEST(PaceTest, KeepsTheRecordedDistancesDividedByTheSpeed) {
  Pace pace(10, kStart);
  EXPECT_EQ(pace.DueOf(kRecorded), kStart);
  EXPECT_EQ(pace.DueOf(kRecorded + seconds(1)), kStart + milliseconds(100));
  EXPECT_EQ(pace.DueOf(kRecorded + seconds(61)), kStart + milliseconds(6100));
}

TEST(PaceTest, DoesNotDriftAtSpeedsThatDivideBadly) {
  Pace pace(3, kStart);
  MonoTime due;
  for (int i = 0; i <= 300'000; ++i) due = pace.DueOf(kRecorded + seconds(i));
  EXPECT_EQ(due, kStart + seconds(100'000));
}

TEST(PaceTest, ARowThatStepsBackIsDueAtOnceAndTheDistancesGoOnFromIt) {
  Pace pace(1, kStart);
  pace.DueOf(kRecorded);
  pace.DueOf(kRecorded + seconds(5));
  EXPECT_EQ(pace.DueOf(kRecorded - seconds(3600)), kStart + seconds(5));
  EXPECT_EQ(pace.DueOf(kRecorded - seconds(3598)), kStart + seconds(7));
  EXPECT_EQ(pace.steps_back(), 1u);
}

TEST(PaceTest, GoesOnFromTheNextRowWithoutCatchingUp) {
  Pace pace(1, kStart);
  pace.DueOf(kRecorded);
  pace.GoOn(kStart + seconds(3600));
  EXPECT_EQ(pace.DueOf(kRecorded + seconds(1)), kStart + seconds(3600));
  EXPECT_EQ(pace.DueOf(kRecorded + seconds(2)), kStart + seconds(3601));
  EXPECT_EQ(pace.steps_back(), 0u);
}

TEST(PaceTest, AGapOfAgesDoesNotOverflow) {
  Pace pace(0.001, kStart);
  pace.DueOf(WallTime(milliseconds(-62'135'596'800'000)));
  EXPECT_GT(pace.DueOf(WallTime(milliseconds(253'402'300'799'999))),
            kStart + std::chrono::hours(24 * 365 * 90));
}

TEST(LoopShiftTest, TheNextRoundBeginsOneUsualDistanceAfterTheLastRow) {
  LoopShift shift;
  for (const int s : {0, 10, 20, 30}) shift.Row(kRecorded + seconds(s));
  ASSERT_TRUE(shift.NextRound());
  EXPECT_EQ(shift.shift(), seconds(40));
  for (const int s : {0, 10, 20, 30}) shift.Row(kRecorded + seconds(s));
  ASSERT_TRUE(shift.NextRound());
  EXPECT_EQ(shift.shift(), seconds(80));
}

TEST(LoopShiftTest, TimeGoesOnEvenWhenARoundEndsBeforeItBegan) {
  LoopShift shift;
  for (const int s : {100, 110, 20}) shift.Row(kRecorded + seconds(s));
  ASSERT_TRUE(shift.NextRound());
  EXPECT_EQ(kRecorded + seconds(100) + shift.shift(), kRecorded + seconds(30));
}

TEST(LoopShiftTest, OneRowIsASecondLongAndNoneIsTheEnd) {
  LoopShift shift;
  shift.Row(kRecorded);
  ASSERT_TRUE(shift.NextRound());
  EXPECT_EQ(shift.shift(), seconds(1));
  EXPECT_FALSE(shift.NextRound());
}

}  // namespace
}  // namespace edgetwin::replay
