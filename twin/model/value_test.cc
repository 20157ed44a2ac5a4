// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/value.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "twin/model/path.h"
#include "twin/model/property.h"

namespace edgetwin::model {
namespace {

TEST(ValueTest, EqualityIsOfBits) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double other_nan = std::bit_cast<double>(std::bit_cast<std::uint64_t>(nan) ^ 1);
  EXPECT_EQ(Value(nan), Value(nan));
  EXPECT_FALSE(Value(nan) == Value(other_nan));
  EXPECT_FALSE(Value(0.0) == Value(-0.0));
  EXPECT_FALSE(Value(std::int64_t{1}) == Value(1.0));
  EXPECT_FALSE(Value(std::string("a")) == Value(Bytes{"a"}));
}

TEST(ValueTest, ScalingIsUsedOnlyWhereItGivesTheSameBitsBack) {
  EXPECT_EQ(ScaleExactly(12.34, 2), 1234);
  EXPECT_EQ(ScaleExactly(-0.01, 2), -1);
  EXPECT_EQ(ScaleExactly(0.0, 2), 0);
  EXPECT_FALSE(ScaleExactly(-0.0, 2));
  EXPECT_FALSE(ScaleExactly(12.345, 2));
  EXPECT_FALSE(ScaleExactly(1e300, 2));
  EXPECT_FALSE(ScaleExactly(std::nan(""), 2));
  EXPECT_FALSE(ScaleExactly(INFINITY, 0));
  std::mt19937_64 random(7);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::bit_cast<double>(random());
    for (const int decimals : {0, 2, 9}) {
      const auto scaled = ScaleExactly(value, decimals);
      if (!scaled) continue;
      EXPECT_EQ(Value(Unscale(*scaled, decimals)), Value(value));
    }
  }
}

TEST(ValueTest, FormatShowsDeclaredDecimalsUnlessTheyWouldLie) {
  EXPECT_EQ(Format(Value(12.5), 2), "12.50");
  EXPECT_EQ(Format(Value(12.3456), 2), "12.3456");
  EXPECT_EQ(Format(Value(true)), "true");
  EXPECT_EQ(Format(Value(Bytes{std::string("\x01\xff", 2)})), "0x01ff");
  EXPECT_EQ(Format(Value()), "-");
}

TEST(ValueTest, WhatFormatShowsParsesBack) {
  for (const Value& value :
       {Value(true), Value(std::numeric_limits<std::int64_t>::min()), Value(0.1),
        Value(std::string("a b")), Value(Bytes{std::string("\x00\x10", 2)})}) {
    const auto parsed = ParseValue(Format(value), value.type());
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(*parsed, value);
  }
}

TEST(ValueTest, ParsingSaysWhatItWouldTake) {
  EXPECT_EQ(ParseValue("maybe", ValueType::kBool).error().text,
            "'maybe' is not a bool: true or false (also 1, on, 0, off)");
  EXPECT_FALSE(ParseValue("1.5", ValueType::kInt));
  EXPECT_FALSE(ParseValue("9223372036854775808", ValueType::kInt));
  EXPECT_FALSE(ParseValue("12abc", ValueType::kDouble));
  EXPECT_FALSE(ParseValue("0x1", ValueType::kBytes));
  EXPECT_FALSE(ParseValue("0xzz", ValueType::kBytes));
}

TEST(ValueTest, JsonSaysWhatJsonCannot) {
  EXPECT_EQ(ToJson(Value(std::string("a\"\n\x01"))), R"("a\"\n\u0001")");
  EXPECT_EQ(ToJson(Value(-INFINITY)), R"({"double":"-inf"})");
  EXPECT_EQ(ToJson(Value(Bytes{"ab"})), R"({"base64":"YWI="})");
  EXPECT_EQ(ToJson(Value(Bytes{"abc"})), R"({"base64":"YWJj"})");
  EXPECT_EQ(ToJson(Value()), "null");
}

TEST(PathTest, TakesThingAndProperty) {
  const auto path = Path::Parse("plant/tank/level");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->thing(), "plant/tank");
  EXPECT_EQ(path->property(), "level");
}

TEST(PathTest, RefusesWhatIsNoPathAndSaysWhy) {
  for (const char* wrong :
       {"", "/", "a", "a/", "/a", "a//b", "a/ b", "a/..", "a/b\n", "a/b/c/d/e/f/g/h/i"}) {
    const auto path = Path::Parse(wrong);
    ASSERT_FALSE(path) << wrong;
    EXPECT_FALSE(path.error().text.empty());
  }
  EXPECT_FALSE(Path::Parse("a/" + std::string(200, 'b')));
}

TEST(PathTest, PatternsMatchWithinAndAcrossSegments) {
  EXPECT_TRUE(Matches("plant/*", "plant/level"));
  EXPECT_FALSE(Matches("plant/*", "plant/tank/level"));
  EXPECT_TRUE(Matches("plant/**", "plant/tank/level"));
  EXPECT_TRUE(Matches("**/level", "plant/tank/level"));
  EXPECT_TRUE(Matches("plant", "plant/tank/level"));
  EXPECT_FALSE(Matches("plant", "plants/level"));
  EXPECT_TRUE(Matches("p?/x", "p1/x"));
  EXPECT_FALSE(Matches("p?/x", "p/x"));
}

TEST(PathTest, PatternsForPeersHaveWildcardsInPlaceOfSegmentsOnly) {
  for (const char* right :
       {"**", "a/b", "a/*", "*/b", "*/*", "a/**", "*/**", "a/*/c/**", "a/b/c/d/e/f/g/**"}) {
    EXPECT_TRUE(ValidPattern(right)) << right;
  }
  for (const char* wrong : {"", "*", "a", "/", "a/", "/b", "a//b", "**/b", "a/**/c", "a*/b", "a/b*",
                            "a/***", "a/?", "a/..", "a/ b", "a/\xc3\xa9", "a/b/c/d/e/f/g/h/**"}) {
    EXPECT_FALSE(ValidPattern(wrong)) << wrong;
  }
  EXPECT_TRUE(ValidPattern("a/" + std::string(kPathBytesMax - 2, 'b')));
  EXPECT_FALSE(ValidPattern("a/" + std::string(kPathBytesMax - 1, 'b')));
}

TEST(PathTest, PatternsForPeersMatchByWholeSegments) {
  EXPECT_TRUE(Matches("**", "plant/tank/level"));
  EXPECT_TRUE(Matches("*/level", "tank/level"));
  EXPECT_FALSE(Matches("*/level", "plant/tank/level"));
  EXPECT_FALSE(Matches("*/level", "tank/levels"));
  EXPECT_TRUE(Matches("*/*/level", "plant/tank/level"));
  EXPECT_TRUE(Matches("plant/**", "plant/level"));
  EXPECT_FALSE(Matches("plant/**", "plants/level"));
  EXPECT_FALSE(Matches("plant/tank/**", "plant/tank"));
  EXPECT_TRUE(Matches("plant/tank", "plant/tank/level"));
  EXPECT_FALSE(Matches("plant/tank", "plant/tanks"));
}

TEST(PathTest, NamesFromHardwareBecomeSegments) {
  EXPECT_EQ(ToSegment("Core 0 (pkg)"), "Core_0__pkg_");
  EXPECT_EQ(ToSegment(""), "_");
  EXPECT_EQ(ToSegment(".."), "_");
}

TEST(PropertyTest, AlarmLimitsAreCheckedWithTheDefinition) {
  PropertyDef def;
  def.path = *Path::Parse("tank/level");
  def.type = ValueType::kDouble;
  const auto said = [&](const AlarmLimits& limits) {
    def.alarm = limits;
    const Status status = Check(def);
    return status ? std::string("ok") : status.error().text;
  };
  const std::string at = "property 'tank/level': ";
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(said({.high = 90, .low = 10, .hysteresis = 79.5, .delay = kAlarmDelayMax}), "ok");
  EXPECT_EQ(said({.high = 90, .low = {}, .hysteresis = 200}), "ok");
  EXPECT_EQ(said({.high = kInfinity, .low = {}}), at + "an alarm limit must be a finite number");
  EXPECT_EQ(said({.high = {}, .low = kNan}), at + "an alarm limit must be a finite number");
  EXPECT_EQ(said({.high = 10, .low = 10}),
            at + "the alarm's low limit 10 must be below its high limit 10");
  EXPECT_EQ(said({.high = 90, .low = {}, .hysteresis = -1}),
            at + "the alarm's hysteresis must be a number of at least 0");
  EXPECT_EQ(said({.high = 90, .low = {}, .hysteresis = kNan}),
            at + "the alarm's hysteresis must be a number of at least 0");
  EXPECT_EQ(said({.high = 90, .low = 10, .hysteresis = 80}),
            at + "the alarm's hysteresis 80 must be smaller than the distance of its limits, 80");
  EXPECT_EQ(said({.high = 90, .low = {}, .delay = std::chrono::milliseconds(-1)}),
            at + "the alarm's delay must be from 0 to 24 h");
  EXPECT_EQ(said({.high = 90, .low = {}, .delay = kAlarmDelayMax + std::chrono::milliseconds(1)}),
            at + "the alarm's delay must be from 0 to 24 h");
  for (const ValueType type : {ValueType::kBool, ValueType::kString, ValueType::kBytes}) {
    def.type = type;
    EXPECT_EQ(said({.high = 90, .low = {}}),
              at + "alarm limits are for numbers, not for " + std::string(ToString(type)));
    EXPECT_EQ(said({}), "ok");
  }
  def.type = ValueType::kInt;
  EXPECT_EQ(said({.high = 90, .low = 10}), "ok");
}

TEST(PropertyTest, WritesAreCheckedAgainstTypeAndLimits) {
  PropertyDef def;
  def.path = *Path::Parse("valve/position");
  def.type = ValueType::kDouble;
  def.decimals = 1;
  def.min = 0;
  def.max = 100;
  EXPECT_EQ(CheckWritable(def, Value(5.0)).error().code, ErrorCode::kUnsupported);
  def.writable = true;
  EXPECT_TRUE(CheckWritable(def, Value(5.0)));
  EXPECT_TRUE(CheckWritable(def, Value(std::int64_t{5})));
  EXPECT_EQ(CheckWritable(def, Value(100.5)).error().text,
            "'valve/position' takes at most 100.0, not 100.5");
  EXPECT_FALSE(CheckWritable(def, Value(-1.0)));
  EXPECT_FALSE(CheckWritable(def, Value(std::nan(""))));
  EXPECT_FALSE(CheckWritable(def, Value(std::string("5"))));
}

}  // namespace
}  // namespace edgetwin::model
