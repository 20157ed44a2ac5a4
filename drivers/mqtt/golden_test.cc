// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/: what is wrong with options. What brokers pass on is not a matter of files; see
// mqtt_driver_test.cc.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/mqtt/mqtt_driver.h"

namespace edgetwin::mqtt_driver {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/mqtt";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "plant";
  runner.make = [] { return MqttKind().make(); };
  return runner;
}

class MqttGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(MqttGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, MqttGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(MqttSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
