// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/ on small recordings.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/replay/replay_driver.h"

namespace edgetwin::replay {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/replay";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "pump";
  runner.make = [] { return ReplayKind().make(); };
  runner.step = std::chrono::seconds(60);
  runner.show_times = true;
  return runner;
}

class ReplayGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(ReplayGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, ReplayGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(ReplaySampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::replay
