// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/gpio/debouncer.h"

#include <gtest/gtest.h>

namespace edgetwin::gpio {
namespace {

using std::chrono::milliseconds;

constexpr MonoTime At(int ms) {
  return MonoTime(milliseconds(ms));
}

TEST(DebouncerTest, ALevelCountsOnceItHasLasted) {
  Debouncer debouncer(milliseconds(10), false, At(0));
  EXPECT_FALSE(debouncer.Take(true, At(100)));
  EXPECT_EQ(debouncer.due(), At(110));
  EXPECT_FALSE(debouncer.Pass(At(109)));
  EXPECT_FALSE(debouncer.stable());
  EXPECT_TRUE(debouncer.Pass(At(110)));
  EXPECT_TRUE(debouncer.stable());
  EXPECT_EQ(debouncer.due(), std::nullopt);
}

TEST(DebouncerTest, EachBounceBeginsAnew) {
  Debouncer debouncer(milliseconds(10), false, At(0));
  for (int ms = 100; ms < 120; ms += 4) {
    EXPECT_FALSE(debouncer.Take(true, At(ms)));
    EXPECT_FALSE(debouncer.Take(false, At(ms + 2)));
  }
  EXPECT_FALSE(debouncer.Take(true, At(120)));
  EXPECT_FALSE(debouncer.Pass(At(129)));
  EXPECT_TRUE(debouncer.Pass(At(130)));
}

TEST(DebouncerTest, AGlitchIsNothing) {
  Debouncer debouncer(milliseconds(10), true, At(0));
  debouncer.Take(false, At(100));
  debouncer.Take(true, At(109));
  EXPECT_EQ(debouncer.due(), std::nullopt);
  EXPECT_FALSE(debouncer.Pass(At(1'000)));
}

TEST(DebouncerTest, APulseThatLastedIsSeenThoughItsEdgesComeTogether) {
  Debouncer debouncer(milliseconds(10), false, At(0));
  EXPECT_FALSE(debouncer.Take(true, At(100)));
  EXPECT_TRUE(debouncer.Take(false, At(110)));
  EXPECT_TRUE(debouncer.stable());
  EXPECT_TRUE(debouncer.Pass(At(120)));
  EXPECT_FALSE(debouncer.stable());
}

TEST(DebouncerTest, TheSameLevelAgainDoesNotBeginAnew) {
  Debouncer debouncer(milliseconds(10), false, At(0));
  debouncer.Take(true, At(100));
  debouncer.Take(true, At(105));
  EXPECT_EQ(debouncer.due(), At(110));
}

}  // namespace
}  // namespace edgetwin::gpio
