// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/: what a receiver sends stands in a file.

#include "drivers/sdk/testing/golden.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "drivers/nmea/nmea_driver.h"
#include "twin/base/check.h"

namespace edgetwin::nmea {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/nmea";

// A pipe with the file's bytes in it, which stays open as a line does when nothing is said.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    for (const int fd : senders_) close(fd);
  }

  Result<serial::Port> Open(const serial::PortOptions& options) {
    std::ostringstream text;
    text << std::ifstream(options.device).rdbuf();
    const std::string bytes = text.str();
    std::array<int, 2> ends{};
    EDGETWIN_CHECK(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
    senders_.push_back(ends[1]);
    EDGETWIN_CHECK(write(ends[1], bytes.data(), bytes.size()) ==
                   static_cast<ssize_t>(bytes.size()));
    return serial::Port::Adopt(ends[0]);
  }

 private:
  std::vector<int> senders_;
};

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "receiver";
  runner.make = [] {
    return std::make_unique<NmeaDriver>(
        [line = std::make_shared<Line>()](const serial::PortOptions& options, const std::string&) {
          return line->Open(options);
        });
  };
  runner.step = std::chrono::seconds(3);
  return runner;
}

class NmeaGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(NmeaGoldenTest, ReportsWhatIsExpected) {
  const std::string reported = testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, NmeaGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(NmeaSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::nmea
