// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/property_override.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/toml_loader.h"

namespace edgetwin::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::vector<PropertyOverride> Read(std::string_view text) {
  ConfigProblems problems;
  const std::optional<ConfigNode> root = ParseToml(text, "t.toml", problems);
  EXPECT_TRUE(root);
  ConfigReader reader(*root, "properties", problems);
  std::vector<PropertyOverride> result = ReadPropertyOverrides(reader);
  EXPECT_EQ(problems.ToString(), "");
  return result;
}

model::PropertyDef Def(std::string_view path, model::ValueType type = model::ValueType::kDouble) {
  model::PropertyDef def;
  def.path = *model::Path::Parse(path);
  def.type = type;
  return def;
}

TEST(PropertyOverrideTest, SetsWhatItSaysAndLeavesTheRest) {
  const auto overrides = Read(R"(
    ["boiler/temperature"]
    deadband = 0.2
    min_period = "1s"
    heartbeat = "5m"
    local_only = true
    decimals = 1
    unit = "Cel"
    description = "Flow"
    min = 20
    max = 80.5
  )");
  model::PropertyDef def = Def("boiler/temperature");
  def.source = "unit 3";
  ASSERT_TRUE(ApplyOverrides(overrides, def));
  EXPECT_EQ(def.policy, (model::ReportPolicy{0.2, 1s, 5min}));
  EXPECT_TRUE(def.local_only);
  EXPECT_EQ(def.decimals, 1);
  EXPECT_EQ(def.unit, "Cel");
  EXPECT_EQ(def.description, "Flow");
  EXPECT_EQ(def.min, 20);
  EXPECT_EQ(def.max, 80.5);
  EXPECT_EQ(def.source, "unit 3");
  EXPECT_TRUE(model::Check(def));

  model::PropertyDef other = Def("boiler/pressure");
  other.policy.deadband = 3;
  const model::PropertyDef before = other;
  ASSERT_TRUE(ApplyOverrides(overrides, other));
  EXPECT_EQ(other, before);
}

TEST(PropertyOverrideTest, TheLaterOfTwoThatMatchWinsKeyByKey) {
  const auto overrides = Read(R"(
    ["**"]
    deadband = 1
    unit = "bar"
    ["boiler/*"]
    deadband = 2
    ["pump"]
    unit = "rpm"
  )");
  model::PropertyDef boiler = Def("boiler/pressure");
  ASSERT_TRUE(ApplyOverrides(overrides, boiler));
  EXPECT_EQ(boiler.policy.deadband, 2);
  EXPECT_EQ(boiler.unit, "bar");
  model::PropertyDef pump = Def("pump/speed");
  ASSERT_TRUE(ApplyOverrides(overrides, pump));
  EXPECT_EQ(pump.policy.deadband, 1);
  EXPECT_EQ(pump.unit, "rpm");
}

TEST(PropertyOverrideTest, WhatMeansNothingForATypeIsPassedOver) {
  const auto overrides =
      Read("[\"**\"]\ndeadband = 1\ndecimals = 2\nmin = 0\nmax = 9\nheartbeat = \"1m\"\n");
  for (const auto type :
       {model::ValueType::kString, model::ValueType::kBool, model::ValueType::kBytes}) {
    model::PropertyDef def = Def("a/b", type);
    ASSERT_TRUE(ApplyOverrides(overrides, def));
    EXPECT_EQ(def.policy, (model::ReportPolicy{0, 0s, 1min}));
    EXPECT_EQ(def.decimals, std::nullopt);
    EXPECT_EQ(def.min, std::nullopt);
    EXPECT_EQ(def.max, std::nullopt);
    EXPECT_TRUE(model::Check(def));
  }
  model::PropertyDef counter = Def("a/b", model::ValueType::kInt);
  ASSERT_TRUE(ApplyOverrides(overrides, counter));
  EXPECT_EQ(counter.policy.deadband, 1);
  EXPECT_EQ(counter.decimals, std::nullopt);
  EXPECT_EQ(counter.max, 9);
}

TEST(PropertyOverrideTest, LimitsNarrowTheDriversAndNeverWidenThem) {
  model::PropertyDef def = Def("valve/position");
  def.min = 0;
  def.max = 100;
  ASSERT_TRUE(ApplyOverrides(Read("[valve]\nmin = -50\nmax = 80\n"), def));
  EXPECT_EQ(def.min, 0);
  EXPECT_EQ(def.max, 80);
}

TEST(PropertyOverrideTest, AmongOverridesTheLaterLimitWinsEvenIfWider) {
  model::PropertyDef def = Def("valve/position");
  ASSERT_TRUE(ApplyOverrides(Read("[\"**\"]\nmax = 10\n[valve]\nmax = 80\n"), def));
  EXPECT_EQ(def.max, 80);
}

TEST(PropertyOverrideTest, LimitsThatLeaveNoValueAreAConflictThatNamesTheLine) {
  model::PropertyDef def = Def("valve/position");
  def.max = 100;
  const Status status = ApplyOverrides(Read("\n[valve]\nmin = 150\n"), def);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_THAT(status.error().text, HasSubstr("t.toml:2"));
}

TEST(PropertyOverrideTest, AlarmLimitsAreSetKeyByKey) {
  const auto overrides = Read(R"(
    ["tank/*"]
    alarm_high = 90
    alarm_low = 10.5
    alarm_hysteresis = 2
    alarm_delay = "30s"
    ["tank/level"]
    alarm_high = 95
  )");
  model::PropertyDef level = Def("tank/level");
  ASSERT_TRUE(ApplyOverrides(overrides, level));
  EXPECT_EQ(level.alarm, (model::AlarmLimits{95, 10.5, 2, 30s}));
  EXPECT_TRUE(model::Check(level));
  model::PropertyDef count = Def("tank/count", model::ValueType::kInt);
  ASSERT_TRUE(ApplyOverrides(overrides, count));
  EXPECT_EQ(count.alarm.high, 90);
  model::PropertyDef name = Def("tank/name", model::ValueType::kString);
  ASSERT_TRUE(ApplyOverrides(overrides, name));
  EXPECT_EQ(name.alarm, model::AlarmLimits());
}

TEST(PropertyOverrideTest, AlarmLimitsOfSeveralTablesMustFitTogether) {
  const auto overrides = Read(R"(["tank/*"]
    alarm_low = 10
    alarm_hysteresis = 20
    ["tank/level"]
    alarm_high = 25
    ["tank/flow"]
    alarm_high = 5
  )");
  model::PropertyDef level = Def("tank/level");
  const Status narrow = ApplyOverrides(overrides, level);
  ASSERT_FALSE(narrow);
  EXPECT_EQ(narrow.error().code, ErrorCode::kConflict);
  EXPECT_EQ(narrow.error().text,
            "'tank/level': with t.toml:4, the alarm's hysteresis 20 must be smaller than the "
            "distance of its limits, 15");
  model::PropertyDef flow = Def("tank/flow");
  const Status crossed = ApplyOverrides(overrides, flow);
  ASSERT_FALSE(crossed);
  EXPECT_THAT(crossed.error().text, HasSubstr("t.toml:6"));
  EXPECT_THAT(crossed.error().text, HasSubstr("low limit 10 must be below its high limit 5"));
}

TEST(PropertyOverrideTest, AlarmKeysMakeADifference) {
  for (const char* key :
       {"alarm_high = 1", "alarm_low = 1", "alarm_hysteresis = 1", "alarm_delay = \"1s\""}) {
    EXPECT_NE(Read("[valve]\n"), Read(std::string("[valve]\n") + key + "\n")) << key;
  }
}

TEST(PropertyOverrideTest, EqualMeansSayingTheSameWhereverItStands) {
  EXPECT_EQ(Read("[valve]\nmin = 1\n"), Read("\n\n[valve]\nmin = 1\n"));
  EXPECT_NE(Read("[valve]\nmin = 1\n"), Read("[valve]\nmax = 1\n"));
  EXPECT_NE(Read("[a]\n[b]\n"), Read("[b]\n[a]\n"));  // The order is the order of application.
}

}  // namespace
}  // namespace edgetwin::config
