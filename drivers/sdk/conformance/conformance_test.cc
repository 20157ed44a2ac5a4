// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The suite passes a driver that does all right, and notices each thing that one may do wrong.

#include "drivers/sdk/conformance/conformance.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <unistd.h>

#include <utility>

namespace edgetwin::driver::testing {
namespace {

using ::testing::HasSubstr;

enum class Fault {
  kNone,
  kOpensInInit,
  kPassesOverMistakes,
  kReportsNothing,
  kLeavesATimer,
  kLeavesADescriptor,
  kHoldsADescriptor,
  kBlamesTheOperator,
  kDoesNotComeBack,
  kSaysNothingOfASilentDevice,
  kAnswersTwice,
  kAnswersAfterStop,
  kTakesWhatIsRefused,
  kTakesUnknownIds,
};
Fault fault = Fault::kNone;

struct Device {
  bool plugged = true;
  bool silent = false;
  std::int64_t level = 7;
} device;

class TankDriver final : public Driver {
 public:
  ~TankDriver() override {
    if (held_ >= 0) close(held_);
  }

  bool Init(ConfigReader& config) override {
    if (fault == Fault::kOpensInInit) close(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
    if (fault == Fault::kPassesOverMistakes) {
      config.Has("level_max");
      return true;
    }
    level_max_ = config.Int("level_max", 100, 1, 1'000);
    return config.problems().empty();
  }

  Status Start(Loop& loop, SampleSink& sink) override {
    loop_ = &loop;
    sink_ = &sink;
    model::PropertyDef def;
    def.path = *model::Path::Parse("tank/level");
    def.type = model::ValueType::kInt;
    def.writable = true;
    id_ = *sink.Define(def);
    timer_ = loop.Every(std::chrono::milliseconds(5), [this] { Poll(); });
    if (fault == Fault::kLeavesADescriptor) (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
    // One at a time, however often it is started.
    if (fault == Fault::kHoldsADescriptor && held_ < 0)
      held_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return {};
  }

  void Stop() override {
    if (fault == Fault::kLeavesATimer) {
      loop_->Every(std::chrono::milliseconds(5), [] {});
    }
    loop_->Cancel(timer_);
    if (fault != Fault::kAnswersAfterStop) loop_->Cancel(answer_);
  }

  Status Write(model::PropertyId id, const model::Value& value, WriteDone done) override {
    if (id != id_ && fault != Fault::kTakesUnknownIds) return NotFound("there is no such property");
    answer_ = loop_->After(std::chrono::milliseconds(5), [this, value, done = std::move(done)] {
      const auto level = static_cast<std::int64_t>(value.AsNumber().value_or(0));
      const bool refused = level > level_max_ && fault != Fault::kTakesWhatIsRefused;
      if (!refused) device.level = level;
      done(refused ? Result<model::Value>(Invalid("it would overflow")) : value);
      if (fault == Fault::kAnswersTwice) done(value);
    });
    return {};
  }

 private:
  void Poll() {
    if (fault == Fault::kReportsNothing) return;
    if (device.plugged && !device.silent && !lost_) {
      sink_->Report(id_, model::Value(device.level), model::Quality::kGood);
      return sink_->Polled({}, {}, {});
    }
    if (fault == Fault::kDoesNotComeBack) lost_ = true;
    if (fault == Fault::kSaysNothingOfASilentDevice && device.silent) return;
    sink_->ReportBad(id_);
    const Status failed = fault == Fault::kBlamesTheOperator ? Status(Invalid("no tank"))
                                                             : Status(Unavailable("no tank"));
    sink_->Polled({}, {}, failed);
  }

  Loop* loop_ = nullptr;
  SampleSink* sink_ = nullptr;
  model::PropertyId id_{};
  Loop::Id timer_ = Loop::Id::kNone;
  Loop::Id answer_ = Loop::Id::kNone;
  std::int64_t level_max_ = 100;
  bool lost_ = false;
  int held_ = -1;
};

DriverKind TankKind() {
  return {.name = "tank", .description = "a tank", .make = [] {
            return std::unique_ptr<Driver>(new TankDriver);
          }};
}

class TankBench final : public Bench {
 public:
  TankBench() { device = {}; }
  std::string options() const override { return ""; }
  std::vector<std::string> mistakes() const override { return {"level_max = 0"}; }
  std::vector<std::string> paths() const override { return {"tank/level"}; }
  bool Unplug() override {
    device.plugged = false;
    return true;
  }
  void Replug() override { device.plugged = true; }
  bool Hang() override {
    device.silent = true;
    return true;
  }
  void Resume() override { device.silent = false; }
  std::optional<Writing> writing() const override {
    return Writing{"tank/level", model::Value(std::int64_t{42}), model::Value(std::int64_t{101})};
  }
};

EDGETWIN_DRIVER_CONFORMS(TankConformance, TankKind, TankBench);

class SuiteTest : public ::testing::Test {
 protected:
  SuiteTest() { SetPatience(std::chrono::seconds(2)); }
  ~SuiteTest() override {
    fault = Fault::kNone;
    SetPatience(kPatience);
  }

  // What the check says of a driver that does this wrong.
  static std::string Says(void (*check)(const Subject&), Fault wrong) {
    fault = wrong;
    ::testing::TestPartResultArray results;
    {
      const ::testing::ScopedFakeTestPartResultReporter reporter(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
      check({TankKind(), [] { return std::make_unique<TankBench>(); }});
    }
    std::string text;
    for (int i = 0; i < results.size(); ++i) {
      if (results.GetTestPartResult(i).failed()) text += results.GetTestPartResult(i).message();
    }
    return text;
  }
};

TEST_F(SuiteTest, NoticesWhatInitMustNotDo) {
  EXPECT_THAT(Says(CheckInitDoesNoIo, Fault::kOpensInInit), HasSubstr("openat"));
  EXPECT_THAT(Says(CheckMistakesAreReported, Fault::kPassesOverMistakes), HasSubstr("level_max"));
}

TEST_F(SuiteTest, NoticesThatNothingIsRead) {
  EXPECT_THAT(Says(CheckTheDeviceIsRead, Fault::kReportsNothing), HasSubstr("tank/level"));
}

TEST_F(SuiteTest, NoticesWhatIsLeft) {
  EXPECT_THAT(Says(CheckStopIsFinal, Fault::kLeavesATimer), HasSubstr("timers and watches"));
  EXPECT_THAT(Says(CheckStopIsFinal, Fault::kLeavesADescriptor), HasSubstr("/dev/null"));
  EXPECT_THAT(Says(CheckStopIsFinal, Fault::kHoldsADescriptor), HasSubstr("/dev/null"));
}

TEST_F(SuiteTest, NoticesHowItTakesALostDevice) {
  EXPECT_THAT(Says(CheckUnplugAndReplug, Fault::kBlamesTheOperator), HasSubstr("no tank"));
  EXPECT_THAT(Says(CheckUnplugAndReplug, Fault::kDoesNotComeBack), HasSubstr("not good"));
  EXPECT_NE(Says(CheckAHungDeviceIsContained, Fault::kSaysNothingOfASilentDevice), "");
}

TEST_F(SuiteTest, NoticesWrongOutcomesOfWrites) {
  EXPECT_THAT(Says(CheckWritesReportTheirOutcome, Fault::kAnswersTwice), HasSubstr("called"));
  EXPECT_THAT(Says(CheckWritesReportTheirOutcome, Fault::kAnswersAfterStop),
              HasSubstr("called_late"));
  EXPECT_THAT(Says(CheckWritesReportTheirOutcome, Fault::kTakesWhatIsRefused), HasSubstr("101"));
  EXPECT_NE(Says(CheckWritesReportTheirOutcome, Fault::kTakesUnknownIds), "");
}

}  // namespace
}  // namespace edgetwin::driver::testing
