// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The driver over lines that follow a script.

#include "drivers/gpio/gpio_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "drivers/gpio/gpio_driver_test_lines.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::gpio {
namespace {

using driver::testing::CodeOf;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* kDoor = "[[line]]\nname = \"door\"\nline = \"DOOR\"\n";
constexpr const char* kPulses = "[[line]]\nname = \"pulses\"\noffset = 4\nmode = \"counter\"\n";
constexpr const char* kPump = "[[line]]\nname = \"pump\"\nline = \"RELAY1\"\nmode = \"output\"\n";

class GpioDriverTest : public ::testing::Test {
 protected:
  ~GpioDriverTest() override {
    driver_.Stop();
    sink_.Revoke();
    loop_.Run(seconds(10));
    EXPECT_EQ(loop_.pending(), 0u);
    for (const auto& [name, script] : scripts_) EXPECT_FALSE(script.held) << name;
  }

  void Start(const std::string& options) {
    const auto node = driver::testing::ParseOptions("chip = \"io\"\nthing = \"p\"\n" + options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.panel", problems);
    ASSERT_TRUE(driver_.Init(config)) << problems.ToString();
    config.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
    Pass(milliseconds(1));
  }
  void Pass(microseconds time) { loop_.Run(time); }
  Script& Door() { return scripts_["DOOR of io"]; }
  Script& Pulses() { return scripts_["line 4 of io"]; }
  Script& Pump() { return scripts_["RELAY1 of io"]; }
  // The line changes now; `tell`: the kernel has an edge of it.
  void Edge(Script& script, bool level, bool tell = true) {
    script.level = level;
    if (!tell) return;
    const auto now = clock_.Now().time_since_epoch() - behind_;
    script.edges.push_back({level, std::chrono::nanoseconds(now).count()});
    ASSERT_EQ(write(script.ends[1], "x", 1), 1);
  }
  model::Value Last(std::string_view path) { return sink_.Last(path).value; }
  bool Bad(std::string_view path) { return sink_.Last(path).quality == model::Quality::kBad; }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_.limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }
  auto Note() {
    return [this](Result<model::Value> result) { results_.push_back(std::move(result)); };
  }

  ManualClock clock_;
  microseconds behind_ = seconds(1);  // The kernel's clock, which is another.
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::map<std::string, Script> scripts_;
  GpioDriver driver_{std::make_unique<ScriptedLines>(scripts_)};
  std::vector<Result<model::Value>> results_;
};

const model::Value kTrue(true);
const model::Value kFalse(false);
model::Value Int(std::int64_t value) {
  return model::Value(value);
}

TEST_F(GpioDriverTest, AnInputIsReportedAtOnceWhenItChanges) {
  Door().level = true;
  Start(kDoor);
  EXPECT_EQ(Last("p/door"), kTrue);
  Edge(Door(), false);
  Pass(microseconds(0));
  EXPECT_EQ(Last("p/door"), kFalse);
  EXPECT_EQ(Door().spec.consumer, "edgetwin:door");
  EXPECT_EQ(sink_.DefOf("p/door").source, "DOOR of io");
}

TEST_F(GpioDriverTest, WhoWantsItIsToldTheLineItself) {
  Start(std::string(kDoor) + "active_low = true\ndebounce = \"20ms\"\n" + kPulses + kPump);
  EXPECT_EQ(sink_.RawOf("p/door"), "high");
  EXPECT_EQ(sink_.RawOf("p/pulses"), "no edge yet");
  EXPECT_EQ(sink_.RawOf("p/pump"), "low");
  Edge(Door(), true);
  Edge(Pulses(), true);
  Pass(seconds(1));
  EXPECT_EQ(Last("p/door"), kTrue);
  EXPECT_EQ(sink_.RawOf("p/door"), "low, last edge falling");
  EXPECT_EQ(sink_.RawOf("p/pulses"), "last edge rising");
}

TEST_F(GpioDriverTest, APulseBetweenTwoTurnsIsReportedTwice) {
  Start(kDoor);
  const std::size_t before = sink_.Samples("p/door").size();
  Edge(Door(), true);
  Edge(Door(), false);
  Pass(microseconds(0));
  ASSERT_EQ(sink_.Samples("p/door").size(), before + 2);
  EXPECT_EQ(sink_.Samples("p/door")[before].value, kTrue);
  EXPECT_EQ(Last("p/door"), kFalse);
}

TEST_F(GpioDriverTest, ABouncingContactIsReportedOnce) {
  Start(std::string(kDoor) + "debounce = \"20ms\"\n");
  Pass(milliseconds(100));
  const std::size_t before = sink_.Samples("p/door").size();
  for (int i = 0; i < 7; ++i) {
    Edge(Door(), i % 2 == 0);
    Pass(milliseconds(3));
  }
  Pass(milliseconds(16));
  EXPECT_EQ(sink_.Samples("p/door").size(), before);
  Pass(milliseconds(2));
  EXPECT_EQ(sink_.Samples("p/door").size(), before + 1);
  EXPECT_EQ(Last("p/door"), kTrue);
}

TEST_F(GpioDriverTest, EdgesAreDebouncedByWhenTheyWereThoughTheyAreReadLate) {
  Start(std::string(kPulses) + "debounce = \"20ms\"\n");
  // The first one shows how the clocks differ.
  Edge(Pulses(), true);
  Pass(milliseconds(30));
  // A turn that takes half a second: two pulses that lasted, and two that did not.
  for (const int lasting : {30, 5, 25, 5}) {
    Edge(Pulses(), false);
    clock_.Advance(milliseconds(40));
    Edge(Pulses(), true);
    clock_.Advance(milliseconds(lasting));
  }
  Edge(Pulses(), false);
  Pass(seconds(1));
  EXPECT_EQ(Last("p/pulses"), Int(3));
}

TEST_F(GpioDriverTest, DebouncingGoesOnAfterTheMachineWasSuspended) {
  Start(std::string(kDoor) + "debounce = \"20ms\"\n");
  Edge(Door(), true);
  Pass(milliseconds(30));
  EXPECT_EQ(Last("p/door"), kTrue);
  // The kernel's monotonic clock stands still meanwhile, the loop's does not.
  clock_.Advance(std::chrono::hours(1));
  behind_ += std::chrono::hours(1);
  Pass(seconds(1));
  const std::size_t before = sink_.Samples("p/door").size();
  Edge(Door(), false);
  Pass(milliseconds(5));
  EXPECT_EQ(sink_.Samples("p/door").size(), before);
  Edge(Door(), true);
  Pass(milliseconds(50));
  EXPECT_EQ(sink_.Samples("p/door").size(), before);
}

TEST_F(GpioDriverTest, AnInstanceHasAtMostSoManyLines) {
  std::string text = "chip = \"io\"\n";
  for (std::size_t i = 0; i <= kLinesMax; ++i) {
    text += "[[line]]\nname = \"l" + std::to_string(i) + "\"\noffset = " + std::to_string(i) + "\n";
  }
  const auto node = driver::testing::ParseOptions(text);
  ASSERT_TRUE(node);
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.panel", problems);
  EXPECT_FALSE(driver_.Init(config));
  EXPECT_THAT(problems.ToString(), HasSubstr("line[256]: is one line more than 256"));
}

TEST_F(GpioDriverTest, ACounterCountsAndReportsOnceAPeriod) {
  Start(kPulses);
  EXPECT_EQ(Pulses().spec.edges, Edges::kRising);
  EXPECT_EQ(Last("p/pulses"), Int(0));
  const std::size_t before = sink_.Samples("p/pulses").size();
  for (int i = 0; i < 40; ++i) {
    Edge(Pulses(), true);
    Pass(milliseconds(1));
  }
  EXPECT_EQ(sink_.Samples("p/pulses").size(), before);
  Pass(seconds(1));
  EXPECT_EQ(sink_.Samples("p/pulses").size(), before + 1);
  EXPECT_EQ(Last("p/pulses"), Int(40));
}

TEST_F(GpioDriverTest, ACounterCanCountBothEdges) {
  Start(std::string(kPulses) + "edge = \"both\"\n");
  for (int i = 0; i < 4; ++i) Edge(Pulses(), i % 2 == 0);
  Pass(seconds(1));
  EXPECT_EQ(Last("p/pulses"), Int(4));
}

TEST_F(GpioDriverTest, ATurnTakesAtMostSoManyEdgesAndAFullQueueIsCounted) {
  Start(std::string(kPulses) + kDoor);
  const std::size_t most = GpioDriver::kEdgesPerTurnMax;
  Edge(Pulses(), true);
  Pulses().more = 100 * most;
  Pass(microseconds(0));
  EXPECT_GE(Pulses().more, 90 * most);  // A few turns.
  const std::size_t taken = 100 * most - Pulses().more;
  Pulses().more = 0;
  EXPECT_GE(LimitOf("turn_edges").hits, 1u);
  EXPECT_GE(LimitOf("edge_queue").hits, 4u);
  Pass(seconds(1));
  EXPECT_EQ(Last("p/pulses"), Int(static_cast<std::int64_t>(taken) + 1));
}

TEST_F(GpioDriverTest, EdgesThatWereDroppedAreNoticedAndTheLevelIsFound) {
  Start(kDoor);
  Edge(Door(), true);
  Edge(Door(), false, false);
  Edge(Door(), true);
  Pass(microseconds(0));
  EXPECT_EQ(LimitOf("missed_edges").hits, 1u);
  Edge(Door(), false, false);
  Pass(seconds(1));
  EXPECT_EQ(Last("p/door"), kFalse);
}

TEST_F(GpioDriverTest, AChipWithoutEdgesIsPolled) {
  Door().gives_edges = false;
  Start(std::string("poll = \"50ms\"\n") + kDoor);
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
  EXPECT_THAT(driver_.parts().at(0).last_error, HasSubstr("polled"));
  Edge(Door(), true, false);
  Pass(milliseconds(51));
  EXPECT_EQ(Last("p/door"), kTrue);
}

TEST_F(GpioDriverTest, ACounterOfAChipWithoutEdgesFails) {
  Pulses().gives_edges = false;
  Start(kPulses);
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_TRUE(Bad("p/pulses"));
}

TEST_F(GpioDriverTest, AnOutputIsWrittenAndReadBack) {
  Start(kPump);
  EXPECT_TRUE(sink_.DefOf("p/pump").writable);
  ASSERT_TRUE(driver_.Write(sink_.IdOf("p/pump"), kTrue, Note()));
  EXPECT_TRUE(results_.empty());  // Not before the caller has returned.
  EXPECT_EQ(Last("p/pump"), kTrue);
  Pass(microseconds(0));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(*results_[0], kTrue);
  // The result is what is there, not what was wanted.
  Pump().stuck = true;
  ASSERT_TRUE(driver_.Write(sink_.IdOf("p/pump"), kFalse, Note()));
  Pass(microseconds(0));
  EXPECT_EQ(*results_.at(1), kTrue);
}

TEST_F(GpioDriverTest, AnOutputIsSafeAfterTheStop) {
  Start(std::string(kPump) + "safe = true\n");
  EXPECT_TRUE(Pump().spec.initial);
  ASSERT_TRUE(driver_.Write(sink_.IdOf("p/pump"), kFalse, Note()));
  driver_.Stop();
  EXPECT_EQ(Pump().sets, (std::vector<bool>{false, true}));
  EXPECT_FALSE(Pump().held);
}

TEST_F(GpioDriverTest, AnOutputWithoutASafeLevelStaysAsItIs) {
  Start(kPump);
  ASSERT_TRUE(driver_.Write(sink_.IdOf("p/pump"), kTrue, Note()));
  driver_.Stop();
  EXPECT_EQ(Pump().sets, (std::vector<bool>{true}));
}

TEST_F(GpioDriverTest, InputsAreNotWritten) {
  Start(std::string(kDoor) + kPulses);
  EXPECT_EQ(CodeOf(driver_.Write(sink_.IdOf("p/door"), kTrue, Note())), ErrorCode::kUnsupported);
  EXPECT_EQ(CodeOf(driver_.Write(sink_.IdOf("p/pulses"), Int(1), Note())), ErrorCode::kUnsupported);
}

TEST_F(GpioDriverTest, ALineIsReadAfreshOnRequest) {
  Start(std::string(kPump) + kDoor);
  Pump().level = true;
  ASSERT_TRUE(driver_.Read(sink_.IdOf("p/pump"), Note()));
  Pass(microseconds(0));
  EXPECT_EQ(*results_.at(0), kTrue);
  Pump().there = false;
  EXPECT_EQ(CodeOf(driver_.Read(sink_.IdOf("p/pump"), Note())), ErrorCode::kUnavailable);
}

TEST_F(GpioDriverTest, CallsThatAreNotAnsweredHaveALimit) {
  Start(kPump);
  for (std::uint64_t i = 0; i < GpioDriver::kCallsMax; ++i) {
    ASSERT_TRUE(driver_.Write(sink_.IdOf("p/pump"), kTrue, Note()));
  }
  EXPECT_EQ(CodeOf(driver_.Write(sink_.IdOf("p/pump"), kTrue, Note())), ErrorCode::kExhausted);
  EXPECT_EQ(CodeOf(driver_.Read(sink_.IdOf("p/pump"), Note())), ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("calls_under_way").hits, 2u);
  Pass(microseconds(0));
  EXPECT_EQ(results_.size(), GpioDriver::kCallsMax);
}

TEST_F(GpioDriverTest, ABusyLineIsToldWithItsConsumerAndTheOthersGoOn) {
  Door().consumer = "gpio-keys";
  Start(std::string(kDoor) + kPump);
  EXPECT_TRUE(Bad("p/door"));
  EXPECT_EQ(driver_.parts().at(0).last_error, "DOOR of io is used by 'gpio-keys'");
  EXPECT_EQ(Last("p/pump"), kFalse);
  Door().consumer.clear();
  Pass(seconds(2));
  EXPECT_FALSE(Bad("p/door"));
  EXPECT_EQ(driver_.parts().at(0).last_error, "");
}

TEST_F(GpioDriverTest, AChipThatIsUnpluggedIsAwaited) {
  Start(std::string(kDoor) + kPump);
  Door().there = false;
  Pump().there = false;
  Pass(seconds(1));
  EXPECT_TRUE(Bad("p/door"));
  EXPECT_TRUE(Bad("p/pump"));
  EXPECT_FALSE(Door().held);
  EXPECT_EQ(CodeOf(driver_.Write(sink_.IdOf("p/pump"), kTrue, Note())), ErrorCode::kUnavailable);
  const int requests = Door().requests;
  Pass(seconds(10));
  EXPECT_LE(Door().requests, requests + 11);
  Door().there = true;
  Door().level = true;
  Pump().there = true;
  Pass(seconds(2));
  EXPECT_EQ(Last("p/door"), kTrue);
  EXPECT_FALSE(Bad("p/pump"));
  Edge(Door(), false);
  Pass(microseconds(0));
  EXPECT_EQ(Last("p/door"), kFalse);
}

TEST_F(GpioDriverTest, AChipThatGoesWithAnEdgeIsLostAtOnce) {
  Start(kDoor);
  Edge(Door(), true);
  Door().there = false;
  Pass(microseconds(0));
  EXPECT_TRUE(Bad("p/door"));
  EXPECT_EQ(CodeOf(sink_.polls().back().result), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace edgetwin::gpio
