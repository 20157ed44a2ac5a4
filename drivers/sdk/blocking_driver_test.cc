// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/blocking_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::driver {
namespace {

using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::RecordingSink;

// A device with three parts of one property each, which blocks where a test wants it to. It
// outlives every driver, as hardware does.
class Device {
 public:
  // Operations whose name is held block until released.
  void Hold(const std::string& operation) {
    const std::lock_guard lock(mutex_);
    held_.insert(operation);
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    held_.clear();
    changed_.notify_all();
  }
  void SetSilent(std::size_t part, bool silent) {
    const std::lock_guard lock(mutex_);
    if (silent) {
      silent_.insert(part);
    } else {
      silent_.erase(part);
    }
  }
  void SetSteps(std::size_t steps) {
    const std::lock_guard lock(mutex_);
    steps_ = steps;
  }
  std::size_t steps() {
    const std::lock_guard lock(mutex_);
    return steps_;
  }

  // Notes the operation; false when the device doesn't answer.
  bool Do(const std::string& operation, std::size_t part) {
    std::unique_lock lock(mutex_);
    ++inside_;
    inside_peak_ = std::max(inside_peak_, inside_);
    log_.push_back(operation);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_.contains(operation); });
    --inside_;
    return !silent_.contains(part);
  }

  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  std::size_t Count(const std::string& operation) {
    const std::vector<std::string> all = log();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), operation));
  }
  int inside_peak() {
    const std::lock_guard lock(mutex_);
    return inside_peak_;
  }
  void AwaitInside() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> held_;
  std::set<std::size_t> silent_;
  std::vector<std::string> log_;
  std::size_t steps_ = 1;
  int inside_ = 0;
  int inside_peak_ = 0;
};

class DeviceBus final : public BlockingBus {
 public:
  explicit DeviceBus(std::shared_ptr<Device> device) : device_(std::move(device)) {}

  PollStep Poll(std::size_t part, bool first, MonoTime) override {
    std::size_t& at = step_[part];
    at = first ? 0 : at + 1;
    PollStep step;
    step.answered = device_->Do("poll " + std::to_string(part), part);
    if (!step.answered) {
      step.status = TimedOut("no answer");
      return step;
    }
    step.more = at + 1 < device_->steps();
    step.readings.push_back({part, Value(++value_)});
    return step;
  }
  BusAnswer Write(std::size_t property, const Value& value, MonoTime) override {
    if (!device_->Do("write " + std::to_string(property), property)) {
      return {TimedOut("no answer"), false, false};
    }
    return {value, true, true};
  }
  BusAnswer Read(std::size_t property, MonoTime) override {
    device_->Do("read " + std::to_string(property), property);
    return {Value(std::int64_t{77})};
  }

 private:
  std::shared_ptr<Device> device_;
  std::map<std::size_t, std::size_t> step_;
  std::int64_t value_ = 1000;
};

class TestDriver final : public BlockingDriver {
 public:
  TestDriver(std::shared_ptr<Device> device, BusOptions options) : device_(std::move(device)) {
    Configure(std::move(options));
  }
  bool Init(ConfigReader&) override { return true; }

 protected:
  std::unique_ptr<BlockingBus> MakeBus() override { return std::make_unique<DeviceBus>(device_); }

 private:
  std::shared_ptr<Device> device_;
};

std::string PathOf(std::size_t part) {
  return "thing/p" + std::to_string(part);
}

BusOptions OptionsFor(std::string name) {
  BusOptions options;
  options.name = std::move(name);
  for (std::size_t i = 0; i < 3; ++i) {
    options.parts.push_back({"part " + std::to_string(i), milliseconds(20)});
    model::PropertyDef def;
    def.path = *model::Path::Parse(PathOf(i));
    def.type = model::ValueType::kInt;
    def.writable = true;
    options.properties.push_back({i, def});
  }
  options.operation_deadline = milliseconds(50);
  options.write_deadline = milliseconds(50);
  options.stuck_after = milliseconds(100);
  options.request_wait_max = seconds(20);
  options.breaker_max = milliseconds(100);
  return options;
}

class BlockingDriverTest : public ::testing::Test {
 protected:
  BlockingDriverTest() {
    name_ = std::string("test.") + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    options_ = OptionsFor(name_);
  }
  ~BlockingDriverTest() override {
    if (driver_) driver_->Stop();
    device_->Release();
    while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();
  }

  void Start() {
    driver_ = std::make_unique<TestDriver>(device_, options_);
    ASSERT_TRUE(driver_->Start(*loop_, *sink_));
  }
  // Whether `condition` came true within ten seconds of running the loop.
  bool RunUntil(const std::function<bool()>& condition) {
    const MonoTime end = clock_.Now() + seconds(10);
    while (!condition()) {
      if (clock_.Now() > end) return false;
      loop_->RunFor(milliseconds(2));
    }
    return true;
  }
  std::size_t SampleCount(std::size_t part) { return sink_->Samples(PathOf(part)).size(); }
  std::size_t BadCount(std::size_t part) {
    const auto& samples = sink_->Samples(PathOf(part));
    return static_cast<std::size_t>(
        std::count_if(samples.begin(), samples.end(),
                      [](const auto& sample) { return sample.quality == model::Quality::kBad; }));
  }
  model::PropertyId IdOf(std::size_t part) { return sink_->IdOf(PathOf(part)); }

  SystemClock clock_;
  std::shared_ptr<Device> device_ = std::make_shared<Device>();
  std::unique_ptr<EventLoop> loop_ = std::make_unique<EventLoop>(clock_);
  std::unique_ptr<RecordingSink> sink_ = std::make_unique<RecordingSink>(clock_);
  std::string name_;
  BusOptions options_;
  std::unique_ptr<TestDriver> driver_;
};

TEST_F(BlockingDriverTest, PollsEveryPartAgainAndAgain) {
  Start();
  EXPECT_TRUE(
      RunUntil([&] { return SampleCount(0) > 4 && SampleCount(1) > 4 && SampleCount(2) > 4; }));
  EXPECT_EQ(device_->inside_peak(), 1);
  for (const PartStatus& part : driver_->parts()) EXPECT_EQ(part.state, "ok");
}

TEST_F(BlockingDriverTest, WritesGoBeforeWaitingPolls) {
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  Result<Value> written = Unavailable("not called");
  ASSERT_TRUE(driver_->Write(IdOf(2), Value(std::int64_t{5}), [&](auto r) { written = r; }));
  device_->Release();
  ASSERT_TRUE(RunUntil([&] { return written.has_value(); }));
  EXPECT_EQ(written->integer(), 5);
  EXPECT_EQ(sink_->Samples(PathOf(2)).front().value.integer(),
            5);  // The effective value is a sample too.
  const std::vector<std::string> log = device_->log();
  ASSERT_GE(log.size(), 2u);
  EXPECT_EQ(log[0], "poll 0");
  EXPECT_EQ(log[1], "write 2");
}

TEST_F(BlockingDriverTest, ReadGivesAFreshValue) {
  Start();
  Result<Value> got = Unavailable("not called");
  ASSERT_TRUE(driver_->Read(IdOf(1), [&](auto r) { got = r; }));
  ASSERT_TRUE(RunUntil([&] { return got.has_value(); }));
  EXPECT_EQ(got->integer(), 77);
}

TEST_F(BlockingDriverTest, ALongPollLetsOtherPartsInBetweenItsSteps) {
  for (BusPart& part : options_.parts) part.period = seconds(60);
  device_->SetSteps(3);
  Start();
  ASSERT_TRUE(RunUntil([&] { return device_->log().size() == 9; }));
  const std::vector<std::string> log = device_->log();
  EXPECT_EQ(std::vector<std::string>(log.begin(), log.begin() + 3),
            (std::vector<std::string>{"poll 0", "poll 1", "poll 2"}));
}

TEST_F(BlockingDriverTest, ASilentPartIsBadOnceIsTriedSeldomAndDelaysNoOther) {
  device_->SetSilent(1, true);
  options_.breaker_max = seconds(60);
  for (BusPart& part : options_.parts) part.period = milliseconds(10);
  Start();
  ASSERT_TRUE(RunUntil([&] { return SampleCount(0) >= 100 && SampleCount(2) >= 100; }));
  EXPECT_EQ(BadCount(1), 1u);
  EXPECT_EQ(SampleCount(1), 1u);
  EXPECT_LT(device_->Count("poll 1"), 20u);
  EXPECT_EQ(driver_->parts()[1].state, "open");
  EXPECT_GT(driver_->parts()[1].next_try.count(), 0);
  EXPECT_EQ(driver_->parts()[1].last_error, "no answer");
  EXPECT_EQ(driver_->parts()[0].state, "ok");
  const Status refused = driver_->Write(IdOf(1), Value(std::int64_t{1}), [](auto) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(BlockingDriverTest, APartThatAnswersAgainIsGoodAgain) {
  device_->SetSilent(1, true);
  Start();
  ASSERT_TRUE(RunUntil([&] { return driver_->parts()[1].state == "open"; }));
  device_->SetSilent(1, false);
  ASSERT_TRUE(RunUntil([&] { return driver_->parts()[1].state == "ok"; }));
  EXPECT_TRUE(RunUntil([&] { return sink_->Last(PathOf(1)).quality == model::Quality::kGood; }));
}

TEST_F(BlockingDriverTest, AHangingOperationIsNoticedAndTheBusRecoversFromIt) {
  Start();
  ASSERT_TRUE(RunUntil([&] { return SampleCount(2) > 0; }));
  device_->Hold("write 0");
  Result<Value> written = Value();
  ASSERT_TRUE(driver_->Write(IdOf(0), Value(std::int64_t{5}), [&](auto r) { written = r; }));
  ASSERT_TRUE(RunUntil([&] { return !written.has_value(); }));
  EXPECT_EQ(written.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(written.error().text, ::testing::HasSubstr("past its deadline"));
  for (const PartStatus& part : driver_->parts()) EXPECT_EQ(part.state, "stuck");
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(sink_->Last(PathOf(i)).quality, model::Quality::kBad);
  EXPECT_FALSE(driver_->Write(IdOf(1), Value(std::int64_t{5}), [](auto) { FAIL(); }));

  device_->Release();
  EXPECT_TRUE(RunUntil([&] { return sink_->Last(PathOf(0)).quality == model::Quality::kGood; }));
  EXPECT_EQ(driver_->parts()[0].state, "ok");
}

TEST_F(BlockingDriverTest, StopIsPromptAndAbandonsAHangingThreadSafely) {
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  bool called = false;
  ASSERT_TRUE(driver_->Write(IdOf(1), Value(std::int64_t{5}), [&](auto) { called = true; }));
  const MonoTime begin = clock_.Now();
  driver_->Stop();
  EXPECT_LT(clock_.Now() - begin, milliseconds(500));
  sink_->Revoke();
  driver_.reset();
  loop_->RunFor(milliseconds(20));
  sink_.reset();
  loop_.reset();
  EXPECT_TRUE(BlockingDriver::ThreadLives(name_));
  device_->Release();  // The thread comes back to find everything gone.
  while (BlockingDriver::ThreadLives(name_)) std::this_thread::yield();
  EXPECT_FALSE(called);
  EXPECT_EQ(device_->Count("write 1"), 0u);
}

TEST_F(BlockingDriverTest, NoSecondThreadStartsWhileTheFirstOneHangs) {
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  driver_.reset();
  Start();  // Reconfigured: another object, the same instance.
  ASSERT_TRUE(RunUntil([&] { return driver_->parts()[1].state == "stuck"; }));
  EXPECT_EQ(device_->log().size(), 1u);
  EXPECT_EQ(sink_->Last(PathOf(1)).quality, model::Quality::kBad);

  device_->Release();
  ASSERT_TRUE(RunUntil([&] { return SampleCount(1) > 3; }));
  EXPECT_EQ(driver_->parts()[1].state, "ok");
  EXPECT_EQ(device_->inside_peak(), 1);
}

TEST_F(BlockingDriverTest, ItCanBeStartedAgainRightAfterStop) {
  Start();
  ASSERT_TRUE(RunUntil([&] { return SampleCount(0) > 0; }));
  driver_->Stop();
  const std::size_t before = SampleCount(0);
  ASSERT_TRUE(driver_->Start(*loop_, *sink_));
  EXPECT_TRUE(RunUntil([&] { return SampleCount(0) > before + 2; }));
}

TEST_F(BlockingDriverTest, WaitingRequestsAreBoundedAndCounted) {
  options_.requests_max = 2;
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  int done = 0;
  const auto count = [&](auto) { ++done; };
  EXPECT_TRUE(driver_->Write(IdOf(1), Value(std::int64_t{1}), count));
  EXPECT_TRUE(driver_->Read(IdOf(1), count));
  const Status third = driver_->Write(IdOf(1), Value(std::int64_t{3}), count);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kExhausted);
  const LimitReport report = driver_->limits().front();
  EXPECT_EQ(report.name, "queued_requests");
  EXPECT_EQ(report.used, 2u);
  EXPECT_EQ(report.hits, 1u);
  device_->Release();
  EXPECT_TRUE(RunUntil([&] { return done == 2; }));
  EXPECT_EQ(driver_->limits().front().used, 0u);
}

TEST_F(BlockingDriverTest, ARequestThatWaitedTooLongIsNeverSent) {
  options_.request_wait_max = milliseconds(40);
  options_.stuck_after = seconds(60);
  options_.operation_deadline = seconds(60);
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  Result<Value> written = Value();
  ASSERT_TRUE(driver_->Write(IdOf(1), Value(std::int64_t{1}), [&](auto r) { written = r; }));
  ASSERT_TRUE(RunUntil([&] { return !written.has_value(); }));
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  device_->Release();
  ASSERT_TRUE(RunUntil([&] { return SampleCount(1) > 2; }));
  EXPECT_EQ(device_->Count("write 1"), 0u);
}

TEST_F(BlockingDriverTest, PollsThatAreDueWhileOneIsUnderWayAreSkippedAndCounted) {
  options_.stuck_after = seconds(60);
  device_->Hold("poll 0");
  Start();
  device_->AwaitInside();
  ASSERT_TRUE(RunUntil([&] { return driver_->limits().back().hits > 5; }));
  EXPECT_EQ(device_->Count("poll 0"), 1u);
}

TEST_F(BlockingDriverTest, ACallbackMayStopTheDriver) {
  Start();
  bool called = false;
  ASSERT_TRUE(driver_->Write(IdOf(0), Value(std::int64_t{1}), [&](auto) {
    called = true;
    driver_->Stop();
    sink_->Revoke();
  }));
  ASSERT_TRUE(RunUntil([&] { return called; }));
  loop_->RunFor(milliseconds(50));
}

}  // namespace
}  // namespace edgetwin::driver
