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

TEST(PropertyOverrideTest, EqualMeansSayingTheSameWhereverItStands) {
  EXPECT_EQ(Read("[valve]\nmin = 1\n"), Read("\n\n[valve]\nmin = 1\n"));
  EXPECT_NE(Read("[valve]\nmin = 1\n"), Read("[valve]\nmax = 1\n"));
  EXPECT_NE(Read("[a]\n[b]\n"), Read("[b]\n[a]\n"));  // The order is the order of application.
}

}  // namespace
}  // namespace edgetwin::config
