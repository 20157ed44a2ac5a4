// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/ on recorded trees.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/iio/iio_driver.h"

namespace edgetwin::iio {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/iio";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "field";
  runner.make = [] { return IioKind().make(); };
  return runner;
}

class IioGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(IioGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, IioGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(IioSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::iio
