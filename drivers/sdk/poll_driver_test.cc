// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/poll_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::driver {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Counts its polls; each takes `work` of the clock's time.
class Counter final : public PollDriver {
 public:
  explicit Counter(ManualClock* clock = nullptr) : clock_(clock) {}
  ~Counter() override { Stop(); }

  Status open_result;
  Status poll_result;
  milliseconds work{0};
  int opened = 0;
  int closed = 0;
  std::vector<MonoTime> polls;

 protected:
  void Configure(ConfigReader&) override {}
  Status Open(SampleSink& sink) override {
    if (!open_result) return open_result;
    ++opened;
    model::PropertyDef def;
    def.path = *model::Path::Parse("counter/polls");
    def.type = model::ValueType::kInt;
    Result<model::PropertyId> id = sink.Define(def);
    if (!id) return id.error();
    id_ = *id;
    return {};
  }
  Status Poll(SampleSink& sink) override {
    polls.push_back(loop().Now());
    if (work.count() > 0) clock_->Advance(work);
    if (!poll_result) {
      sink.ReportBad(id_);
      return poll_result;
    }
    sink.Report(id_, model::Value(static_cast<std::int64_t>(polls.size())));
    return {};
  }
  void Close() override { ++closed; }

 private:
  ManualClock* clock_;
  model::PropertyId id_ = model::kNoProperty;
};

class PollDriverTest : public ::testing::Test {
 protected:
  bool Init(std::string_view options) {
    Result<ConfigNode> node = testing::ParseOptions(options);
    EXPECT_TRUE(node);
    ConfigReader config(*node, "drivers.counter", problems_);
    const bool ready = driver_.Init(config);
    config.Finish();
    return ready;
  }
  microseconds At(std::size_t poll) const { return driver_.polls.at(poll) - begin_; }

  ManualClock clock_;
  testing::ManualLoop loop_{clock_};
  testing::RecordingSink sink_{clock_};
  MonoTime begin_ = clock_.Now();
  ConfigProblems problems_;
  Counter driver_{&clock_};
};

TEST_F(PollDriverTest, PollsAtOnceAndThenEveryPeriod) {
  ASSERT_TRUE(Init("period = \"250ms\""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  EXPECT_EQ(driver_.polls.size(), 0u) << "Start itself must not poll";
  loop_.Run(seconds(1));
  ASSERT_EQ(driver_.polls.size(), 5u);
  EXPECT_EQ(At(0), milliseconds(0));
  EXPECT_EQ(At(4), seconds(1));
}

TEST_F(PollDriverTest, ThePhaseDelaysTheFirstPoll) {
  ASSERT_TRUE(Init("period = \"1s\"\nphase = \"300ms\""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(2));
  ASSERT_EQ(driver_.polls.size(), 2u);
  EXPECT_EQ(At(0), milliseconds(300));
  EXPECT_EQ(At(1), milliseconds(1300));
}

TEST_F(PollDriverTest, SlowPollsDoNotShiftTheSchedule) {
  ASSERT_TRUE(Init("period = \"100ms\""));
  driver_.work = milliseconds(60);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(10));
  EXPECT_EQ(At(99), milliseconds(9900));
  EXPECT_EQ(driver_.limits().at(0).hits, 0u);
}

TEST_F(PollDriverTest, MissedPeriodsAreSkippedAndCountedAndNeverBunched) {
  ASSERT_TRUE(Init("period = \"100ms\""));
  driver_.work = milliseconds(250);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(260));
  driver_.work = milliseconds(0);
  loop_.Run(milliseconds(300));
  EXPECT_EQ(At(0), milliseconds(0));
  EXPECT_EQ(At(1), milliseconds(300));
  EXPECT_EQ(At(2), milliseconds(400));
  const LimitReport limit = driver_.limits().at(0);
  EXPECT_EQ(limit.name, "poll_us");
  EXPECT_EQ(limit.max, 100'000u);
  EXPECT_EQ(limit.peak, 250'000u);
  EXPECT_EQ(limit.hits, 2u);
}

TEST_F(PollDriverTest, TellsTheSinkHowLongEachPollTookAndHowItEnded) {
  ASSERT_TRUE(Init(""));
  driver_.work = milliseconds(7);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(500));
  driver_.poll_result = Unavailable("the sensor is gone");
  loop_.Run(seconds(1));
  ASSERT_EQ(sink_.polls().size(), 2u);
  EXPECT_EQ(sink_.polls()[0].took, milliseconds(7));
  EXPECT_TRUE(sink_.polls()[0].result);
  EXPECT_EQ(sink_.polls()[1].result.error().text, "the sensor is gone");
  EXPECT_EQ(sink_.polls()[1].part, "");
  EXPECT_EQ(sink_.Last("counter/polls").quality, model::Quality::kBad);
}

TEST_F(PollDriverTest, AFailedPollDoesNotStopTheNext) {
  ASSERT_TRUE(Init(""));
  driver_.poll_result = Unavailable("gone");
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  EXPECT_EQ(driver_.polls.size(), 6u);
}

TEST_F(PollDriverTest, AfterStopTheSinkIsLeftAloneAndNoTimerIsLeft) {
  ASSERT_TRUE(Init(""));
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(1));
  driver_.Stop();
  sink_.Revoke();
  EXPECT_EQ(loop_.pending(), 0u);
  loop_.Run(seconds(10));
  EXPECT_EQ(driver_.closed, 1);
  driver_.Stop();
  EXPECT_EQ(driver_.closed, 1) << "Stop is idempotent";
}

TEST_F(PollDriverTest, StartsAgainAfterStopAndKeepsItsCounters) {
  ASSERT_TRUE(Init("period = \"100ms\""));
  driver_.work = milliseconds(250);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(250));
  driver_.Stop();
  driver_.work = milliseconds(0);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(milliseconds(250));
  EXPECT_EQ(driver_.opened, 2);
  EXPECT_EQ(driver_.limits().at(0).hits, 2u);
  EXPECT_EQ(driver_.polls.size(), 4u);
}

TEST_F(PollDriverTest, AFailedOpenLeavesNothingBehindAndMayBeTriedAgain) {
  ASSERT_TRUE(Init(""));
  driver_.open_result = Unavailable("not plugged in");
  const Status status = driver_.Start(loop_, sink_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(loop_.pending(), 0u);
  EXPECT_EQ(driver_.closed, 0);
  driver_.open_result = {};
  EXPECT_TRUE(driver_.Start(loop_, sink_));
}

TEST_F(PollDriverTest, PeriodsOutsideTheLimitsAreProblems) {
  EXPECT_FALSE(Init("period = \"5ms\""));
  EXPECT_THAT(problems_.ToString(), HasSubstr("drivers.counter.period"));
  EXPECT_FALSE(Init("period = \"2d\""));
}

TEST_F(PollDriverTest, APhaseAboveThePeriodIsAProblem) {
  EXPECT_FALSE(Init("period = \"1s\"\nphase = \"2s\""));
  EXPECT_THAT(problems_.ToString(), HasSubstr("2s is longer than the period, 1s"));
}

TEST_F(PollDriverTest, KeepsItsScheduleOnTheRealLoop) {
  ASSERT_TRUE(Init("period = \"20ms\""));
  const SystemClock clock;
  EventLoop loop(clock);
  testing::RecordingSink sink(clock);
  const MonoTime start = clock.Now();
  ASSERT_TRUE(driver_.Start(loop, sink));
  while (driver_.polls.size() < 26) loop.RunFor(milliseconds(10));
  driver_.Stop();
  // The 26th poll's slot is the 25th after the start or, on a busy machine, a later one; a timer is
  // early by 2 ms at most.
  EXPECT_GE(driver_.polls[25] - start, 25 * milliseconds(20) - milliseconds(2));
}

}  // namespace
}  // namespace edgetwin::driver
