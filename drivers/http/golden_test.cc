// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/: what is wrong with options. What servers answer is not a matter of files; see
// http_driver_test.cc.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/http/http_driver.h"

namespace edgetwin::http_driver {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/http";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "boiler";
  runner.make = [] { return HttpKind().make(); };
  return runner;
}

class HttpGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(HttpGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, HttpGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(HttpSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::http_driver
