// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs testcases/. Those with a file `frames` are what a bus says, as `candump -L` writes it down,
// with the DBC file beside it; the others are about options only.

#include "drivers/sdk/testing/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "drivers/can/can_driver_test_base.h"

namespace edgetwin::can {
namespace {

namespace fs = std::filesystem;
namespace testing = driver::testing;

const fs::path kFolder = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/can";

testing::GoldenRunner Runner() {
  testing::GoldenRunner runner;
  runner.instance = "engine";
  runner.make = [] { return CanKind().make(); };
  return runner;
}

std::string ReadText(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// "(1.250000) can0 123#0011AABB", or with "##" and a digit of flags for CAN FD.
struct Logged {
  std::chrono::microseconds at{0};
  canfd_frame frame{};
};
Logged ParseLogged(const std::string& line) {
  std::istringstream words(line);
  std::string time;
  std::string interface;
  std::string text;
  words >> time >> interface >> text;
  Logged logged;
  logged.at = std::chrono::microseconds(std::llround(std::stod(time.substr(1)) * 1e6));
  const std::size_t mark = text.find('#');
  const bool fd = text.substr(mark, 2) == "##";
  logged.frame.can_id = static_cast<std::uint32_t>(std::stoul(text.substr(0, mark), nullptr, 16));
  if (mark > 3) logged.frame.can_id |= CAN_EFF_FLAG;
  for (std::size_t at = mark + (fd ? 3 : 1); at + 1 < text.size(); at += 2) {
    logged.frame.data[logged.frame.len++] =
        static_cast<std::uint8_t>(std::stoul(text.substr(at, 2), nullptr, 16));
  }
  return logged;
}

// The transcript after each second of the log.
std::string Play(const fs::path& folder) {
  std::string text = ReadText(folder / "driver.toml");
  for (std::size_t at = text.find("{case}"); at != text.npos; at = text.find("{case}")) {
    text.replace(at, 6, folder.string());
  }
  const auto options = testing::ParseOptions(text);
  if (!options) return options.error().text;
  FakeBus bus;
  ManualClock clock;
  testing::ManualLoop loop(clock);
  testing::RecordingSink sink(clock);
  CanDriver driver(bus.opener());
  ConfigProblems problems;
  ConfigReader config(*options, "drivers.engine", problems);
  config.Has("kind");
  if (!driver.Init(config)) return problems.ToString();
  config.Finish();
  if (!problems.empty()) return problems.ToString();
  if (const Status started = driver.Start(loop, sink); !started) return started.error().text;
  std::istringstream log(ReadText(folder / "frames"));
  std::string transcript = "# start\n" + sink.TakeTranscript();
  std::chrono::microseconds now{0};
  const auto play_until = [&](std::chrono::microseconds end) {
    while (now < end) {
      const auto second = std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds(1);
      const auto next = std::min<std::chrono::microseconds>(end, second);
      loop.Run(next - now);
      now = next;
      if (now != second) continue;
      transcript += "# " + std::to_string(second.count()) + " s\n" + sink.TakeTranscript();
    }
  };
  for (std::string line; std::getline(log, line);) {
    if (line.empty() || line[0] == '#') continue;
    const Logged logged = ParseLogged(line);
    play_until(logged.at);
    EXPECT_TRUE(bus.PutFrame(logged.frame)) << line;
    loop.Run(std::chrono::microseconds(0));
  }
  play_until(std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds(1));
  driver.Stop();
  sink.Revoke();
  return transcript;
}

class CanGoldenTest : public ::testing::TestWithParam<fs::path> {};

TEST_P(CanGoldenTest, ReportsWhatIsExpected) {
  const bool played = fs::exists(GetParam() / "frames");
  const std::string reported =
      played ? Play(GetParam()) : testing::RunGoldenCase(Runner(), GetParam());
  EXPECT_EQ(reported, testing::ExpectedOf(GetParam(), reported));
}

// An empty list of cases fails as an uninstantiated test.
INSTANTIATE_TEST_SUITE_P(Cases, CanGoldenTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(kFolder / "testcases")),
                         [](const auto& golden) { return golden.param.filename().string(); });

TEST(CanSampleTest, TheSampleConfigurationIsAccepted) {
  EXPECT_EQ(testing::SampleProblems(Runner(), kFolder / "sample.toml"), "");
}

}  // namespace
}  // namespace edgetwin::can
