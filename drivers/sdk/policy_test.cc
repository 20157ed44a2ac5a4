// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "drivers/sdk/testing/options.h"

namespace edgetwin::driver {
namespace {

using model::PropertyDef;
using model::ValueType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class PolicyTest : public ::testing::Test {
 protected:
  // `text` as the table [drivers.pump].
  ConfigReader Read(std::string_view text) {
    Result<ConfigNode> parsed = testing::ParseOptions(text);
    EXPECT_TRUE(parsed) << parsed.error().text;
    node_ = *parsed;
    return ConfigReader(node_, "drivers.pump", problems_);
  }

  static PropertyDef Double() {
    PropertyDef def;
    def.path = *model::Path::Parse("pump/pressure");
    def.type = ValueType::kDouble;
    return def;
  }

  ConfigNode node_;
  ConfigProblems problems_;
};

TEST_F(PolicyTest, KeysThatAreAbsentKeepTheDefinitionsDefaults) {
  PropertyDef def = Double();
  def.unit = "kPa";
  def.decimals = 2;
  def.policy = {0.5, seconds(1), seconds(60)};
  const PropertyDef before = def;
  ConfigReader config = Read("");
  ReadPropertyOptions(config, def);
  ReadWriteOptions(config, def);
  EXPECT_TRUE(problems_.empty()) << problems_.ToString();
  EXPECT_EQ(def, before);
}

TEST_F(PolicyTest, EveryOptionLandsInTheDefinition) {
  PropertyDef def = Double();
  ConfigReader config = Read(R"(deadband = 0.25
min_period = "2s"
heartbeat = "10m"
unit = "bar"
decimals = 3
description = "at the inlet"
local_only = true
writable = true
min = -1
max = 16.5)");
  ReadPropertyOptions(config, def);
  ReadWriteOptions(config, def);
  config.Finish();
  EXPECT_TRUE(problems_.empty()) << problems_.ToString();
  EXPECT_EQ(def.policy, (model::ReportPolicy{0.25, seconds(2), std::chrono::minutes(10)}));
  EXPECT_EQ(def.unit, "bar");
  EXPECT_EQ(def.decimals, 3);
  EXPECT_EQ(def.description, "at the inlet");
  EXPECT_TRUE(def.local_only);
  EXPECT_TRUE(def.writable);
  EXPECT_EQ(def.min, -1.0);
  EXPECT_EQ(def.max, 16.5);
  EXPECT_TRUE(model::Check(def));
}

TEST_F(PolicyTest, DecimalsAndDeadbandOfAStringAreRefused) {
  PropertyDef def = Double();
  def.type = ValueType::kString;
  ConfigReader config = Read("decimals = 2\ndeadband = 1.0\n");
  ReadPropertyOptions(config, def);
  ASSERT_EQ(problems_.list().size(), 2u) << problems_.ToString();
  EXPECT_EQ(problems_.list()[0].key, "drivers.pump.decimals");
  EXPECT_THAT(problems_.list()[0].text, HasSubstr("string"));
  EXPECT_EQ(problems_.list()[1].key, "drivers.pump.deadband");
  EXPECT_TRUE(model::Check(def)) << "what is left must be sound";
}

TEST_F(PolicyTest, AHeartbeatBelowTheMinimumPeriodIsRefused) {
  PropertyDef def = Double();
  ConfigReader config = Read("min_period = \"10s\"\nheartbeat = \"5s\"\n");
  ReadPropertyOptions(config, def);
  ASSERT_EQ(problems_.list().size(), 1u);
  EXPECT_THAT(problems_.list()[0].text, HasSubstr("5s is shorter than min_period, 10s"));
}

TEST_F(PolicyTest, AMinimumAboveTheMaximumIsRefused) {
  PropertyDef def = Double();
  ConfigReader config = Read("min = 10\nmax = 2\n");
  ReadWriteOptions(config, def);
  ASSERT_EQ(problems_.list().size(), 1u);
  EXPECT_THAT(problems_.list()[0].text, HasSubstr("10 is above max, 2"));
}

TEST_F(PolicyTest, LimitsOfABoolAreRefused) {
  PropertyDef def = Double();
  def.type = ValueType::kBool;
  ConfigReader config = Read("writable = true\nmax = 2\n");
  ReadWriteOptions(config, def);
  ASSERT_EQ(problems_.list().size(), 1u);
  EXPECT_EQ(problems_.list()[0].key, "drivers.pump.max");
}

TEST_F(PolicyTest, TheThingIsTheInstanceUnlessNamed) {
  ConfigReader config = Read("");
  EXPECT_EQ(ReadThing(config), "pump");
  ConfigReader named = Read("thing = \"plant/pump2\"");
  EXPECT_EQ(ReadThing(named), "plant/pump2");
  EXPECT_TRUE(problems_.empty());
}

TEST_F(PolicyTest, AThingThatCannotBeginAPathIsRefused) {
  ConfigReader config = Read("thing = \"plant//pump\"");
  ReadThing(config);
  ASSERT_EQ(problems_.list().size(), 1u);
  EXPECT_EQ(problems_.list()[0].key, "drivers.pump.thing");
}

TEST_F(PolicyTest, ALaterRuleWinsKeyByKey) {
  ConfigReader config = Read(R"([[policy]]
match = "**"
deadband = 1.0
heartbeat = "1h"
[[policy]]
match = "cpu/*"
deadband = 5.0)");
  PolicyRules rules;
  rules.Read(config);
  config.Finish();
  EXPECT_TRUE(problems_.empty()) << problems_.ToString();
  PropertyDef cpu = Double();
  rules.Apply("cpu/total_percent", cpu);
  EXPECT_EQ(cpu.policy.deadband, 5.0);
  EXPECT_EQ(cpu.policy.heartbeat, std::chrono::hours(1));
  PropertyDef memory = Double();
  rules.Apply("memory/used_percent", memory);
  EXPECT_EQ(memory.policy.deadband, 1.0);
}

TEST_F(PolicyTest, ARuleNeverMakesAContradictoryDefinition) {
  ConfigReader config = Read("[[policy]]\nmatch = \"**\"\ndeadband = 1.0\ndecimals = 2\n");
  PolicyRules rules;
  rules.Read(config);
  PropertyDef def = Double();
  def.type = ValueType::kString;
  rules.Apply("system/kernel", def);
  EXPECT_TRUE(model::Check(def));
  EXPECT_EQ(def.policy.deadband, 0);
}

TEST_F(PolicyTest, ARuleWithoutAPatternAndUnknownKeysAreRefused) {
  ConfigReader config = Read("[[policy]]\ndeadbant = 1.0\n");
  PolicyRules rules;
  rules.Read(config);
  ASSERT_EQ(problems_.list().size(), 2u) << problems_.ToString();
  EXPECT_THAT(problems_.ToString(), HasSubstr("match"));
  EXPECT_THAT(problems_.ToString(), HasSubstr("deadbant"));
}

TEST_F(PolicyTest, RulesHaveALimit) {
  std::string text;
  for (std::size_t i = 0; i <= PolicyRules::kRulesMax; ++i) text += "[[policy]]\nmatch = \"a\"\n";
  ConfigReader config = Read(text);
  PolicyRules rules;
  rules.Read(config);
  EXPECT_THAT(problems_.ToString(), HasSubstr("more than 100 rules"));
}

TEST(RoundedTest, GivesWhatTheWireSendsAsASmallInteger) {
  for (const double value : {0.1 + 0.2, 12.3456, 99.95, -3.14159, 1e6 / 3, 2.675}) {
    for (int decimals = 0; decimals <= model::kDecimalsMax; ++decimals) {
      const double rounded = Rounded(value, decimals);
      EXPECT_TRUE(model::ScaleExactly(rounded, decimals)) << value << " to " << decimals;
      EXPECT_NEAR(rounded, value, 0.5000001 * std::pow(10, -decimals));
    }
  }
}

TEST(RoundedTest, HasNoNegativeZero) {
  EXPECT_FALSE(std::signbit(Rounded(-0.04, 1)));
}

TEST(RoundedTest, LeavesAloneWhatItCannotRound) {
  EXPECT_EQ(Rounded(0.123456, {}), 0.123456);
  EXPECT_EQ(Rounded(1e300, 9), 1e300);
  EXPECT_EQ(Rounded(std::numeric_limits<double>::infinity(), 2),
            std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(Rounded(std::nan(""), 2)));
}

}  // namespace
}  // namespace edgetwin::driver
