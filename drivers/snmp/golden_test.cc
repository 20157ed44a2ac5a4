// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/: what is wrong with options. What agents answer is not a matter of files; see
// snmp_driver_test.cc.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/snmp/snmp_driver.h"

namespace edgetwin::snmp_driver {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/snmp";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "ups";
  runner.make = [] { return SnmpKind().make(); };
  return runner;
}

class SnmpGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(SnmpGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, SnmpGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(SnmpSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::snmp_driver
