// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/ on recorded trees.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/host/host_driver.h"
#include "drivers/host/mounts.h"
#include "drivers/sdk/sysfs/files.h"
#include "drivers/sdk/sysfs/text.h"

namespace edgetwin::host {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/host";

// A recorded tree says in space/NAME what statvfs said: block size, blocks, free, available,
// inodes, free inodes. A mount's name doesn't tell where the tree begins, so every folder above is
// tried.
Result<FilesystemSpace> RecordedSpace(const std::string& folder) {
  for (fs::path root = folder; root != root.root_path(); root = root.parent_path()) {
    if (!fs::is_directory(root / "space")) continue;
    const std::string relative = fs::path(folder).lexically_relative(root);
    const std::string name = MountName(relative == "." ? "/" : "/" + relative);
    const Result<std::string> text = sysfs::ReadOnce(root / "space" / name);
    if (!text) return text.error();
    std::string_view rest = *text;
    FilesystemSpace space;
    for (std::uint64_t* field : {&space.block_bytes, &space.blocks, &space.blocks_free,
                                 &space.blocks_available, &space.inodes, &space.inodes_free}) {
      *field = sysfs::TakeUnsigned(rest).value_or(0);
    }
    return space;
  }
  return NotFound("no space/ above " + folder);
}

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "host";
  runner.make = [] { return std::make_unique<HostDriver>(RecordedSpace); };
  return runner;
}

class HostGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(HostGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, HostGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(HostSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::host
