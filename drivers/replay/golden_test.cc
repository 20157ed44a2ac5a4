// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/ on small recordings.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

class ReplayGoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ReplayGoldenTest, ReportsWhatIsExpected) {
  const fs::path folder = kFolder / "testcases" / GetParam();
  const fs::path scratch =
      fs::path(::testing::TempDir()) / ("replay_golden_" + GetParam() + std::to_string(getpid()));
  fs::create_directories(scratch);
  const std::string reported = testing::RunGoldenCase(Runner(), folder, scratch);
  fs::remove_all(scratch);
  EXPECT_EQ(reported, testing::ExpectedOf(folder, reported));
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const fs::path& folder : testing::FindGoldenCases(kFolder / "testcases")) {
    names.push_back(folder.filename().string());
  }
  return names;
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, ReplayGoldenTest, ::testing::ValuesIn(CaseNames()),
                         [](const auto& golden) { return golden.param; });

TEST(ReplaySampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::replay
