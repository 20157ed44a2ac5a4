// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/stamp_clock.h"

#include <gtest/gtest.h>

#include <limits>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::iio {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;

TEST(StampClockTest, TheKernelsClocksAreKnown) {
  EXPECT_EQ(*ParseStampClock("realtime"), CLOCK_REALTIME);
  EXPECT_EQ(*ParseStampClock("monotonic"), CLOCK_MONOTONIC);
  EXPECT_EQ(*ParseStampClock("tai"), CLOCK_TAI);
  EXPECT_EQ(*ParseStampClock(std::string_view("boottime\n\0", 10)), CLOCK_BOOTTIME)
      << "as Linux 6.1 gives it";
  EXPECT_EQ(driver::testing::CodeOf(ParseStampClock("sundial")), ErrorCode::kUnsupported);
}

TEST(StampClockTest, AnAgeIsTheDifferenceInMicroseconds) {
  EXPECT_EQ(AgeOf(kNow - 1'234'999, kNow), microseconds(1'234));
  EXPECT_EQ(AgeOf(kNow - 3'600'000'000'000, kNow), std::chrono::hours(1));
}

TEST(StampClockTest, AStampALittleAheadIsOfNow) {
  // Coarse clocks are behind the fine ones.
  EXPECT_EQ(AgeOf(kNow + 4'000'000, kNow), microseconds(0));
}

TEST(StampClockTest, WhatCanNotBeAStampIsNone) {
  EXPECT_FALSE(AgeOf(0, kNow));
  EXPECT_FALSE(AgeOf(0, 5'000'000'000)) << "soon after the start of a monotonic clock";
  EXPECT_FALSE(AgeOf(std::numeric_limits<std::int64_t>::min(), kNow));
  EXPECT_FALSE(AgeOf(std::numeric_limits<std::int64_t>::max(), kNow));
  EXPECT_FALSE(AgeOf(kNow + 1'000'000'001, kNow));
  EXPECT_FALSE(AgeOf(kNow - 86'400'000'001'000, kNow));
  EXPECT_FALSE(AgeOf(1, kNow));
}

}  // namespace
}  // namespace edgetwin::iio
