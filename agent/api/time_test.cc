// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "agent/api/json.h"
#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

// The first second that 32 bits do not hold.
constexpr WallTime kBeyond32Bits{std::chrono::seconds(2'147'483'648)};

TEST(TimeJsonTest, TellsMillisecondsInUtc) {
  EXPECT_EQ(TimeJson(sys_days(2026y / 2 / 28) + 23h + 59min + 58s + 7ms),
            "2026-02-28T23:59:58.007Z");
}

TEST(TimeJsonTest, TellsAndReadsTimesThatTheOldTimesOf32BitsDoNotHold) {
  EXPECT_EQ(TimeJson(kBeyond32Bits), "2038-01-19T03:14:08.000Z");
  for (const WallTime time : {kBeyond32Bits, kBeyond32Bits + 68 * 366 * 24h,
                              WallTime(sys_days(9999y / 12 / 31) + 24h - 1ms)}) {
    EXPECT_EQ(ParseTime(TimeJson(time)), time) << TimeJson(time);
  }
}

TEST(TimeJsonTest, WhatNoYearOfFourDigitsHasIsANumber) {
  EXPECT_EQ(TimeJson(sys_days(10000y / 1 / 1)), 253'402'300'800'000);
  EXPECT_EQ(TimeJson(WallTime(-1ms)), -1);
  EXPECT_EQ(TimeJson(WallTime{}), nullptr);
}

TEST(TimeJsonTest, ReadsNoDateThatNoCalendarHas) {
  EXPECT_FALSE(ParseTime("2026-02-30T00:00:00.000Z"));
  EXPECT_FALSE(ParseTime("2026-13-01T00:00:00.000Z"));
  EXPECT_FALSE(ParseTime("2026-02-01T00:00:00.000Z "));
  EXPECT_FALSE(ParseTime(17));
}

TEST(LocalTimeTest, KnowsTimesThatTheOldTimesOf32BitsDoNotHold) {
  ASSERT_EQ(setenv("TZ", "EST5", 1), 0);
  tzset();
  EXPECT_EQ(LocalTime(kBeyond32Bits + 6h, WallTime(1ms)), "2038-01-19 04:14:08");
  EXPECT_EQ(LocalTime(kBeyond32Bits + 6h, kBeyond32Bits + 7h), "04:14:08");
  unsetenv("TZ");
}

}  // namespace
}  // namespace edgetwin::api
