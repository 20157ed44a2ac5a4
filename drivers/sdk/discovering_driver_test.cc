// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/discovering_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::driver {
namespace {

using model::Value;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ManualLoop;
using testing::RecordingSink;

// What is plugged in: buses with things of one property each. Its buses outlive every driver.
struct World {
  std::map<std::string, std::vector<std::string>> buses;
  Status status;
  std::map<std::string, int> made;

  // The bus "hung" answers nothing until it is let go.
  std::mutex mutex;
  std::condition_variable changed;
  bool held = true;

  void LetGo() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
  void Block() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !held; });
  }
};

class WorldBus final : public BlockingBus {
 public:
  WorldBus(std::shared_ptr<World> world, std::size_t things, bool hangs)
      : world_(std::move(world)), things_(things), hangs_(hangs) {}

  PollStep Poll(std::size_t, bool, MonoTime) override {
    if (hangs_) world_->Block();
    PollStep step;
    for (std::size_t i = 0; i < things_; ++i) step.readings.push_back({i, Value(std::int64_t{1})});
    return step;
  }
  BusAnswer Write(std::size_t, const Value&, MonoTime) override { return {Unsupported("no")}; }
  BusAnswer Read(std::size_t property, MonoTime) override {
    return {Value(static_cast<std::int64_t>(100 + property))};
  }

 private:
  const std::shared_ptr<World> world_;
  const std::size_t things_;
  const bool hangs_;
};

class WorldDriver final : public DiscoveringDriver {
 public:
  explicit WorldDriver(std::shared_ptr<World> world) : world_(std::move(world)) {}

 protected:
  void Configure(ConfigReader&) override {}
  FoundBuses Scan() override {
    FoundBuses found;
    found.status = world_->status;
    for (const auto& [name, things] : world_->buses) {
      FoundBus bus;
      bus.options.name = name;
      bus.options.parts = {{name, period()}};
      for (const std::string& thing : things) {
        model::PropertyDef def;
        def.path = *model::Path::Parse(thing + "/value");
        def.type = model::ValueType::kInt;
        bus.options.properties.push_back({0, std::move(def)});
      }
      bus.make = [world = world_, name = name, count = things.size()] {
        ++world->made[name];
        return std::make_unique<WorldBus>(world, count, name == "hung");
      };
      found.buses.push_back(std::move(bus));
    }
    return found;
  }

 private:
  std::shared_ptr<World> world_;
};

// Passes everything on, and does something at each poll.
class PolledSink final : public SampleSink {
 public:
  PolledSink(SampleSink& sink, std::function<void()> polled)
      : sink_(&sink), polled_(std::move(polled)) {}
  Result<model::PropertyId> Define(model::PropertyDef def) override {
    return sink_->Define(std::move(def));
  }
  void Report(model::PropertyId id, Value value, model::Quality quality) override {
    sink_->Report(id, std::move(value), quality);
  }
  void ReportAt(model::PropertyId id, model::Sample sample) override {
    sink_->ReportAt(id, std::move(sample));
  }
  void ReportBad(model::PropertyId id) override { sink_->ReportBad(id); }
  void Remove(model::PropertyId id) override { sink_->Remove(id); }
  void Polled(std::string_view part, std::chrono::microseconds took,
              const Status& result) override {
    sink_->Polled(part, took, result);
    polled_();
  }

 private:
  SampleSink* sink_;
  std::function<void()> polled_;
};

class DiscoveringDriverTest : public ::testing::Test {
 protected:
  DiscoveringDriverTest() {
    // A name of its own: a thread of the test before may still be ending.
    static int tests = 0;
    const Result<ConfigNode> node = testing::ParseOptions("period = \"10s\"\n");
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.found" + std::to_string(++tests), problems);
    EXPECT_TRUE(driver_.Init(config)) << problems.ToString();
    loop_.AwaitWhile([this] {
      const std::vector<LimitReport> limits = driver_.limits();
      return std::any_of(limits.begin(), limits.end(), [](const LimitReport& limit) {
        return limit.name == "polls_under_way" && limit.used > 0;
      });
    });
  }
  ~DiscoveringDriverTest() override {
    driver_.Stop();
    world_->LetGo();
  }

  const std::shared_ptr<World> world_ = std::make_shared<World>();
  ManualClock clock_;
  ManualLoop loop_{clock_};
  RecordingSink sink_{clock_};
  WorldDriver driver_{world_};
};

TEST_F(DiscoveringDriverTest, ABusThatIsFoundAgainKeepsRunning) {
  world_->buses = {{"a", {"pump"}}};
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(35));
  EXPECT_EQ(world_->made["a"], 1);
  EXPECT_EQ(sink_.Samples("pump/value").size(), 4u);
}

TEST_F(DiscoveringDriverTest, OnlyTheBusThatChangedIsMadeAnew) {
  world_->buses = {{"a", {"pump"}}, {"b", {"fan"}}};
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  world_->buses["a"].push_back("tank");
  loop_.Run(seconds(10));
  EXPECT_EQ(world_->made["a"], 2);
  EXPECT_EQ(world_->made["b"], 1);
  EXPECT_THAT(sink_.paths(), ElementsAre("fan/value", "pump/value", "tank/value"));
  EXPECT_EQ(sink_.Last("tank/value").value, Value(std::int64_t{1}));
}

TEST_F(DiscoveringDriverTest, WhatIsGoneIsRemovedAndMayComeBack) {
  world_->buses = {{"a", {"pump"}}, {"b", {"fan"}}};
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  world_->buses.erase("b");
  loop_.Run(seconds(10));
  EXPECT_THAT(sink_.paths(), ElementsAre("pump/value"));
  world_->buses["b"] = {"fan"};
  loop_.Run(seconds(10));
  EXPECT_THAT(sink_.paths(), ElementsAre("fan/value", "pump/value"));
}

TEST_F(DiscoveringDriverTest, AThingThatMovesToAnotherBusIsNotRemoved) {
  world_->buses = {{"a", {"pump", "fan"}}, {"b", {"tank"}}};
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  sink_.TakeTranscript();
  world_->buses = {{"a", {"pump"}}, {"b", {"tank", "fan"}}};
  loop_.Run(seconds(10));
  EXPECT_THAT(sink_.TakeTranscript(), ::testing::Not(HasSubstr("removed")));
  EXPECT_GE(sink_.Samples("fan/value").size(), 2u);
}

TEST_F(DiscoveringDriverTest, APropertyThatIsRefusedKeepsNoNeighbourFromBeingRead) {
  world_->buses = {{"a", {"pump", "fan"}}};
  sink_.ClaimElsewhere("pump/value");
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  EXPECT_THAT(sink_.paths(), ElementsAre("fan/value"));
  EXPECT_EQ(sink_.Last("fan/value").value, Value(std::int64_t{1}));
  EXPECT_THAT(sink_.TakeTranscript(), HasSubstr("polled: conflict: "));
}

TEST_F(DiscoveringDriverTest, AFailedScanIsToldAndSoIsThatItIsOver) {
  world_->status = Unavailable("the folder can't be listed");
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  ASSERT_EQ(sink_.polls().size(), 1u);
  EXPECT_FALSE(sink_.polls().back().result);
  world_->status = {};
  loop_.Run(seconds(10));
  ASSERT_EQ(sink_.polls().size(), 2u);
  EXPECT_TRUE(sink_.polls().back().result);
  loop_.Run(seconds(10));
  EXPECT_EQ(sink_.polls().size(), 2u);
}

TEST_F(DiscoveringDriverTest, ABusThatHangsDelaysNoOther) {
  world_->buses = {{"a", {"pump"}}, {"hung", {"fan"}}};
  loop_.AwaitWhile(
      [this] { return !sink_.Has("pump/value") || sink_.Last("pump/value").value.none(); });
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(1));
  EXPECT_EQ(sink_.Last("pump/value").value, Value(std::int64_t{1}));
  EXPECT_TRUE(sink_.Last("fan/value").value.none());
}

TEST_F(DiscoveringDriverTest, AReadGoesToTheBusThatHasTheProperty) {
  world_->buses = {{"a", {"pump"}}, {"b", {"tank", "fan"}}};
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  std::optional<Result<Value>> answer;
  loop_.AwaitWhile([&] { return !answer; });
  ASSERT_TRUE(driver_.Read(sink_.IdOf("fan/value"),
                           [&](Result<Value> value) { answer = std::move(value); }));
  loop_.Run(std::chrono::milliseconds(1));
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ(**answer, Value(std::int64_t{101}));
}

TEST_F(DiscoveringDriverTest, TheOwnerMayStopItForWhatItHearsAndStartItAgain) {
  world_->buses = {{"a", {"pump"}}};
  PolledSink stopping(sink_, [this] { driver_.Stop(); });
  ASSERT_TRUE(driver_.Start(loop_, stopping));
  loop_.Run(seconds(30));
  EXPECT_EQ(sink_.polls().size(), 1u);
  EXPECT_EQ(loop_.pending(), 0u);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  loop_.Run(seconds(5));
  EXPECT_EQ(sink_.Samples("pump/value").size(), 2u);
}

}  // namespace
}  // namespace edgetwin::driver
