// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/replay_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::replay {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class ReplayDriverTest : public ::testing::Test {
 protected:
  ReplayDriverTest() { fs::create_directories(folder_); }
  ~ReplayDriverTest() override {
    driver_.Stop();
    fs::remove_all(folder_);
  }

  void Write(const std::string& text) {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << text;
  }

  bool Init(const std::string& options) {
    const Result<ConfigNode> node =
        driver::testing::ParseOptions("file = \"" + file_ + "\"\n" + options);
    EXPECT_TRUE(node) << node.error().text;
    ConfigReader config(*node, "drivers.pump", problems_);
    const bool ready = driver_.Init(config);
    config.Finish();
    return ready;
  }

  static std::string Rows(int count) {
    std::string text = "time,x\n";
    for (int i = 0; i < count; ++i)
      text += std::to_string(1'700'000'000 + i) + "," + std::to_string(i) + "\n";
    return text;
  }

  fs::path folder_ =
      fs::path(::testing::TempDir()) / ("replay_driver_test_" + std::to_string(getpid()));
  std::string file_ = folder_ / "data.csv";
  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  ConfigProblems problems_;
  ReplayDriver driver_;
};

TEST_F(ReplayDriverTest, AFileThatIsNotThereYetIsUnavailableAndCanBeStartedLater) {
  ASSERT_TRUE(Init(""));
  Status status = driver_.Start(loop_, sink_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().text, HasSubstr("data.csv: No such file"));
  Write(Rows(1));
  EXPECT_TRUE(driver_.Start(loop_, sink_));
}

TEST_F(ReplayDriverTest, AFileThatIsStillWrittenIsUnavailable) {
  Write("");
  ASSERT_TRUE(Init(""));
  Status status = driver_.Start(loop_, sink_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().text, HasSubstr("data.csv is empty"));
  Write("time,pres");
  status = driver_.Start(loop_, sink_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(status.error().text, HasSubstr("the first line has no end yet"));
  Write("time,pressure\n");
  EXPECT_TRUE(driver_.Start(loop_, sink_));
}

TEST_F(ReplayDriverTest, AMissingColumnIsNamedWithTheNearest) {
  Write("timestamp,presure\n1,2\n");
  ASSERT_TRUE(Init("[[column]]\ncolumn = \"pressure\"\n"));
  const Status status = driver_.Start(loop_, sink_);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().text,
              HasSubstr("data.csv:1: there is no column 'pressure'; did you mean 'presure'?"));
}

TEST_F(ReplayDriverTest, PlaysAtTheRecordedDistances) {
  Write(Rows(100));
  ASSERT_TRUE(Init("speed = 2.0"));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  EXPECT_EQ(driver_.rows(), 1u);
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.rows(), 21u);
  EXPECT_EQ(sink_.Last("pump/x").value, model::Value(20.0));
  EXPECT_EQ(sink_.Last("pump/x").time, clock_.UntrustedWall() - milliseconds(1))
      << "sampled now, not when recorded";
}

TEST_F(ReplayDriverTest, WhoWantsItIsToldTheCell) {
  Write("time,x,y\n1700000000,1.50,\xff" + std::string(200, 'z') + "\n");
  ASSERT_TRUE(Init(""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  EXPECT_EQ(sink_.RawOf("pump/x"), "1.50");
  EXPECT_EQ(sink_.RawOf("pump/y"), "?" + std::string(99, 'z')) << "why it is bad";
}

TEST_F(ReplayDriverTest, AtFullSpeedItYieldsToTheLoop) {
  Write(Rows(10'000));
  ASSERT_TRUE(Init("speed = \"max\""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  std::vector<std::uint64_t> seen;
  // Another timer of the same moment gets its turns between the driver's.
  std::function<void()> other = [&] {
    seen.push_back(driver_.rows());
    if (seen.size() < 20) loop_.After(milliseconds(0), other);
  };
  loop_.After(milliseconds(0), other);
  loop_.Run(milliseconds(1));
  ASSERT_EQ(seen.size(), 20u);
  for (std::size_t i = 1; i < seen.size(); ++i)
    EXPECT_LE(seen[i] - seen[i - 1], ReplayDriver::kLinesPerTurn);
  EXPECT_LT(seen.back(), 10'000u);
  EXPECT_EQ(driver_.rows(), 10'000u);
  EXPECT_EQ(driver_.parts().at(0).state, "ended");
  EXPECT_EQ(loop_.pending(), 0u) << "what has ended needs no timer";
}

TEST_F(ReplayDriverTest, ManyBadLinesAlsoYieldToTheLoop) {
  std::string text = "time,x\n";
  for (int i = 0; i < 5000; ++i) text += "never,1\n";
  Write(text);
  ASSERT_TRUE(Init("speed = \"max\""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  EXPECT_EQ(driver_.bad_lines(), 5000u);
  EXPECT_GE(sink_.polls().size(), 5000 / ReplayDriver::kLinesPerTurn);
  EXPECT_THAT(sink_.polls()[0].result.error().text, HasSubstr("data.csv:2: 'never' is no time"));
}

TEST_F(ReplayDriverTest, ALoopOverAFileWithoutGoodLinesWaitsForOthers) {
  Write("time,x\nnever,1\n");
  ASSERT_TRUE(Init("speed = 1\nloop = true"));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_THAT(driver_.parts().at(0).last_error, HasSubstr("no line could be played"));
  EXPECT_EQ(driver_.bad_lines(), 11u) << "once a second";
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kBad);
  Write(Rows(100));
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kGood);
}

TEST_F(ReplayDriverTest, ALoopGoesOnInTime) {
  Write(Rows(10));
  ASSERT_TRUE(Init("speed = 1\nloop = true\ntime = \"recorded\""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(35));
  const auto& samples = sink_.Samples("pump/x");
  ASSERT_EQ(samples.size(), 36u);
  EXPECT_EQ(driver_.rounds(), 3u);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].time, WallTime(seconds(1'700'000'000 + static_cast<int>(i))));
    EXPECT_EQ(samples[i].value, model::Value(static_cast<double>(i % 10)));
  }
}

TEST_F(ReplayDriverTest, ALoopGoesOnWhenTheHeadingIsTheOldOneAgain) {
  Write(Rows(3));
  ASSERT_TRUE(Init("loop = true"));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  Write("x,time\n1,2\n");
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_THAT(driver_.parts().at(0).last_error,
              HasSubstr("data.csv:1: the heading has changed since the start"));
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kBad);
  EXPECT_EQ(driver_.rows(), 3u) << "not a row of the other file";
  EXPECT_EQ(driver::testing::CodeOf(sink_.polls().back().result), ErrorCode::kCorrupt);
  Write(Rows(100));
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kGood);
}

// As `cp` does it: empty first, then more and more of it, not always whole lines.
TEST_F(ReplayDriverTest, ALoopSurvivesAFileThatIsCopiedOverIt) {
  const std::string other = Rows(50);
  for (const std::size_t half :
       {std::size_t{0}, std::size_t{3}, std::size_t{7}, other.size() / 2}) {
    ReplayDriver driver;
    Write(Rows(3));
    const auto node = driver::testing::ParseOptions("file = \"" + file_ + "\"\nloop = true");
    ConfigReader config(*node, "drivers.pump", problems_);
    ASSERT_TRUE(driver.Init(config));
    ASSERT_TRUE(driver.Start(loop_, sink_));
    loop_.Run(milliseconds(1));
    Write(other.substr(0, half));
    loop_.Run(seconds(5));
    Write(other);
    loop_.Run(seconds(60));
    EXPECT_EQ(driver.parts().at(0).state, "ok") << half;
    EXPECT_GT(driver.rows(), 50u) << half;
    EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kGood) << half;
    driver.Stop();
  }
}

TEST_F(ReplayDriverTest, AFileThatIsGoneIsBadUntilAnotherIsThereAndNothingIsCaughtUp) {
  Write(Rows(3));
  ASSERT_TRUE(Init("loop = true"));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  fs::remove(file_);
  loop_.Run(seconds(3600));
  EXPECT_EQ(driver_.rows(), 3u);
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kBad);
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_EQ(driver::testing::CodeOf(sink_.polls().back().result), ErrorCode::kUnavailable);
  Write(Rows(10));
  loop_.Run(seconds(5));
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
  EXPECT_EQ(sink_.Last("pump/x").quality, model::Quality::kGood);
  EXPECT_GE(driver_.rows(), 3u + 4u);
  EXPECT_LE(driver_.rows(), 3u + 6u);
  EXPECT_EQ(driver_.bad_lines(), 0u) << driver_.parts().at(0).last_error;
}

TEST_F(ReplayDriverTest, StopsInTheMiddleAndStartsFromTheBeginning) {
  Write(Rows(100));
  ASSERT_TRUE(Init(""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  driver_.Stop();
  EXPECT_EQ(loop_.pending(), 0u);
  loop_.Run(seconds(5));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(1));
  EXPECT_EQ(sink_.Last("pump/x").value, model::Value(0.0));
}

TEST_F(ReplayDriverTest, APathOfAnotherInstanceFailsTheStart) {
  Write(Rows(3));
  ASSERT_TRUE(Init(""));
  sink_.ClaimElsewhere("pump/x");
  EXPECT_EQ(driver::testing::CodeOf(driver_.Start(loop_, sink_)), ErrorCode::kConflict);
  EXPECT_EQ(loop_.pending(), 0u);
}

TEST_F(ReplayDriverTest, PlaysOnTheRealLoop) {
  Write(Rows(2000));
  ASSERT_TRUE(Init("speed = \"max\""));
  const SystemClock clock;
  EventLoop loop(clock);
  driver::testing::RecordingSink sink(clock);
  ASSERT_TRUE(driver_.Start(loop, sink));
  const MonoTime deadline = clock.Now() + seconds(30);
  while (driver_.parts().at(0).state != "ended" && clock.Now() < deadline)
    loop.RunFor(milliseconds(5));
  EXPECT_EQ(driver_.rows(), 2000u);
  driver_.Stop();
}

// Public recordings, kept outside of the source tree.
fs::path PublicData() {
  const char* folder = std::getenv("EDGETWIN_SHARED_DIR");
  return (folder != nullptr ? fs::path(folder) : fs::path(EDGETWIN_SOURCE_DIR) / "../shared") /
         "data/nab";
}

TEST_F(ReplayDriverTest, EveryRowOfThePublicRecordingsIsPlayed) {
  if (!fs::is_directory(PublicData())) GTEST_SKIP() << "no recordings in " << PublicData();
  int files = 0;
  for (const auto& entry : fs::directory_iterator(PublicData())) {
    if (entry.path().extension() != ".csv") continue;
    ++files;
    // An independent reading: "YYYY-MM-DD hh:mm:ss,VALUE".
    std::vector<double> values;
    std::ifstream in(entry.path());
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
      if (line.find(',') != line.npos)
        values.push_back(std::strtod(line.c_str() + line.find(',') + 1, nullptr));
    }
    file_ = entry.path();
    ReplayDriver driver;
    const Result<ConfigNode> node = driver::testing::ParseOptions(
        "file = \"" + file_ + "\"\nspeed = \"max\"\ntime = \"recorded\"\n");
    ConfigReader config(*node, "drivers.nab", problems_);
    ASSERT_TRUE(driver.Init(config)) << problems_.ToString();
    driver::testing::RecordingSink sink(clock_);
    ASSERT_TRUE(driver.Start(loop_, sink));
    loop_.Run(milliseconds(1));
    EXPECT_EQ(driver.bad_lines(), 0u) << file_ << driver.parts().at(0).last_error;
    const auto& samples = sink.Samples("nab/value");
    ASSERT_EQ(samples.size(), values.size()) << file_;
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(samples[i].value, model::Value(values[i])) << file_ << " " << i;
    driver.Stop();
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace edgetwin::replay
