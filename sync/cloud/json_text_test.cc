// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/json_text.h"

#include <gtest/gtest.h>

#include <chrono>

namespace edgetwin::cloud {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

TEST(JsonTextTest, TellsTimesInUtcWhereverDevicesClocksStand) {
  EXPECT_EQ(JsonTime(sys_days(2026y / 9 / 21) + 12h + 250ms), "\"2026-09-21T12:00:00.250Z\"");
  EXPECT_EQ(JsonTime(WallTime(2'147'483'648s)), "\"2038-01-19T03:14:08.000Z\"");
  EXPECT_EQ(JsonTime(WallTime(-1ms)), "\"1969-12-31T23:59:59.999Z\"");
  EXPECT_EQ(JsonTime(sys_days(0y / 1 / 1)), "\"0000-01-01T00:00:00.000Z\"");
  EXPECT_EQ(JsonTime(sys_days(9999y / 12 / 31) + 24h - 1ms), "\"9999-12-31T23:59:59.999Z\"");
}

TEST(JsonTextTest, WhatNoYearOfFourDigitsHasIsANumber) {
  EXPECT_EQ(JsonTime(sys_days(0y / 1 / 1) - 1ms), "-62167219200001");
  EXPECT_EQ(JsonTime(sys_days(10000y / 1 / 1)), "253402300800000");
}

}  // namespace
}  // namespace edgetwin::cloud
