// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/time_text.h"

#include <gtest/gtest.h>

namespace edgetwin::driver {
namespace {

std::int64_t Milliseconds(std::string_view text, TimeFormat format = TimeFormat::kAuto) {
  const Result<WallTime> time = ParseTime(text, format);
  EXPECT_TRUE(time) << text;
  return time ? time->time_since_epoch().count() : -1;
}

// 2026-09-21T10:00:00Z, from date(1).
constexpr std::int64_t kTen = 1'789'984'800'000;

TEST(TimeTextTest, ReadsIso8601WithAndWithoutAZone) {
  EXPECT_EQ(Milliseconds("2026-09-21T10:00:00Z"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21T10:00:00"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21 10:00:00"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21 10:00"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21T12:00:00+02:00"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21T12:00:00+02"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21T04:30:00-0530"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21 10:00:00 +00:00"), kTen);
  EXPECT_EQ(Milliseconds("2026-09-21"), kTen - 10 * 3'600'000);
  EXPECT_EQ(Milliseconds("2026-09-21T10:00:00.1239"), kTen + 123);
  EXPECT_EQ(Milliseconds("2026-09-21T10:00:00,5Z"), kTen + 500);
  EXPECT_EQ(Milliseconds("1969-12-31 23:59:59"), -1000);
  EXPECT_EQ(Milliseconds("2016-12-31 23:59:60"), Milliseconds("2017-01-01 00:00:00"));
}

TEST(TimeTextTest, ReadsUnixTimeInSecondsAndMilliseconds) {
  EXPECT_EQ(Milliseconds("1789984800"), kTen);
  EXPECT_EQ(Milliseconds("1789984800.25"), kTen + 250);
  EXPECT_EQ(Milliseconds("1789984800000"), kTen);
  EXPECT_EQ(Milliseconds("1.7899848e9"), kTen);
  EXPECT_EQ(Milliseconds("86400", TimeFormat::kMilliseconds), 86'400);
  EXPECT_EQ(Milliseconds("86400", TimeFormat::kSeconds), 86'400'000);
}

TEST(TimeTextTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "today", "2026-02-30", "2026-13-01", "2026-00-10", "2026-09-21T24:00:00",
        "2026-09-21T10:60", "2026-09-21T10:00:00.", "2026-09-21T10:00:00+", "2026-09-21T10:00:00+2",
        "2026-09-21T10:00:00Zx", "2026-09-21x10:00:00", "2026-9-21", "0000-01-01", "1e30", "nan",
        "inf", "-1e15", "12 34"}) {
    EXPECT_FALSE(ParseTime(text, TimeFormat::kAuto)) << text;
  }
  EXPECT_FALSE(ParseTime("1789984800", TimeFormat::kIso));
  EXPECT_FALSE(ParseTime("2026-09-21", TimeFormat::kSeconds));
  EXPECT_EQ(ParseTime("2026-02-30", TimeFormat::kIso).error().text, "'2026-02-30' is no time");
}

}  // namespace
}  // namespace edgetwin::driver
