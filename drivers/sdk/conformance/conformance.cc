// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "drivers/sdk/conformance/no_io.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/clock.h"
#include "twin/base/event_loop.h"

namespace edgetwin::driver::testing {
namespace {

namespace fs = std::filesystem;
using model::Quality;
using model::Value;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr char kInstance[] = "drivers.conformance";
// So many turns of the loop show that it goes on.
constexpr int kTicks = 50;
constexpr milliseconds kTick{5};
// What comes late is given this long to come.
constexpr milliseconds kAfterwards{300};

milliseconds patience = kPatience;

std::size_t CountIn(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}
std::size_t Descriptors() {
  return CountIn("/proc/self/fd");
}
// What each descriptor is of: a line each.
std::string OpenFiles() {
  std::string text;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const fs::path target = fs::read_symlink(entry.path(), error);
    text += "\n  " + entry.path().filename().string() + " " + target.string();
  }
  return text;
}
std::size_t Threads() {
  return CountIn("/proc/self/task");
}

// A real loop that knows what is still set on it.
class CountingLoop final : public Loop {
 public:
  explicit CountingLoop(const Clock& clock) : loop_(clock) {}

  void RunFor(microseconds wait) { loop_.RunFor(wait); }
  std::size_t pending() const { return set_.size(); }

  void Post(Task task) override { loop_.Post(std::move(task)); }
  Id After(microseconds delay, Task task) override {
    const auto id = std::make_shared<Id>(Id::kNone);
    *id = loop_.After(delay, [this, id, task = std::move(task)] {
      set_.erase(*id);
      task();
    });
    return Set(*id);
  }
  Id Every(microseconds period, Task task) override {
    return Set(loop_.Every(period, std::move(task)));
  }
  Id Watch(int fd, unsigned directions, std::function<void(unsigned)> task) override {
    return Set(loop_.Watch(fd, directions, std::move(task)));
  }
  Id OnSignal(int signal, Task task) override {
    return Set(loop_.OnSignal(signal, std::move(task)));
  }
  void Cancel(Id id) override {
    set_.erase(id);
    loop_.Cancel(id);
  }
  const Clock& clock() const override { return loop_.clock(); }

 private:
  Id Set(Id id) {
    set_.insert(id);
    return id;
  }

  EventLoop loop_;
  std::set<Id> set_;
};

// A driver with its device, as the agent would run it.
class Trial {
 public:
  explicit Trial(const Subject& subject) : bench_(subject.bench()), driver_(subject.kind.make()) {
    const Result<ConfigNode> node = ParseOptions(bench_->options());
    EXPECT_TRUE(node) << node.error().text;
    if (!node) return;
    ConfigReader reader(*node, kInstance, problems_);
    EXPECT_TRUE(driver_->Init(reader)) << problems_.ToString();
    reader.Finish();
    EXPECT_TRUE(problems_.empty()) << problems_.ToString();
  }
  ~Trial() {
    Stop();
    bench_->Resume();
    (void)Until([this] { return Threads() <= threads_; });
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  Bench& bench() { return *bench_; }
  Driver& driver() { return *driver_; }
  RecordingSink& sink() { return *sink_; }
  CountingLoop& loop() { return loop_; }

  // kUnavailable is tried again, as the supervisor does, until it starts or patience ends.
  Status Start() {
    sink_ = std::make_unique<RecordingSink>(clock_);
    Status started = driver_->Start(loop_, *sink_);
    (void)Until([&] {
      if (CodeOf(started) != ErrorCode::kUnavailable) return true;
      started = driver_->Start(loop_, *sink_);
      return false;
    });
    running_ = started.has_value();
    return started;
  }
  void Stop() {
    if (!running_) return;
    running_ = false;
    driver_->Stop();
    sink_->Revoke();
  }

  // Whether `condition` comes true while the loop runs.
  bool Until(const std::function<bool()>& condition) {
    const MonoTime end = clock_.Now() + patience;
    while (!condition()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(kTick);
    }
    return true;
  }
  void RunFor(milliseconds time) {
    const MonoTime end = clock_.Now() + time;
    while (clock_.Now() < end) loop_.RunFor(kTick);
  }

  bool Good(const std::string& path) const {
    return sink_->Has(path) && !sink_->Last(path).value.none() &&
           sink_->Last(path).quality == Quality::kGood;
  }
  bool AllGood() const {
    return std::ranges::all_of(bench_->paths(), [this](const auto& path) { return Good(path); });
  }
  bool NoneGood() const {
    return std::ranges::none_of(bench_->paths(), [this](const auto& path) { return Good(path); });
  }
  std::string States() const {
    std::string text;
    for (const std::string& path : bench_->paths()) {
      text += "\n  " + path + ": ";
      if (!sink_->Has(path)) {
        text += "not there";
      } else {
        text += ToJson(sink_->Last(path).value) + (Good(path) ? "" : ", not good");
      }
    }
    return text;
  }
  // The first poll from `first` on that failed, or nothing.
  std::optional<Error> FailureSince(std::size_t first) const {
    for (std::size_t i = first; i < sink_->polls().size(); ++i) {
      if (!sink_->polls()[i].result) return sink_->polls()[i].result.error();
    }
    return {};
  }

 private:
  const SystemClock clock_{};
  std::unique_ptr<Bench> bench_;
  const std::size_t threads_ = Threads();  // The bench may have some of its own.
  std::unique_ptr<Driver> driver_;
  ConfigProblems problems_;
  CountingLoop loop_{clock_};
  std::unique_ptr<RecordingSink> sink_ = std::make_unique<RecordingSink>(clock_);
  bool running_ = false;
};

void ExpectClassified(const std::optional<Error>& failure) {
  if (!failure) return;  // A driver may tell by bad values alone.
  EXPECT_THAT(failure->code, ::testing::AnyOf(ErrorCode::kUnavailable, ErrorCode::kTimeout,
                                              ErrorCode::kNotFound, ErrorCode::kCorrupt))
      << ToString(failure->code) << ": " << failure->text;
  EXPECT_NE(failure->text, "");
}

// One write, until its outcome is known.
Result<Value> Write(Trial& trial, const std::string& path, const Value& value) {
  std::optional<Result<Value>> outcome;
  int called = 0;
  const Status begun =
      trial.driver().Write(trial.sink().IdOf(path), value, [&](Result<Value> result) {
        ++called;
        outcome = std::move(result);
      });
  if (!begun) {
    EXPECT_EQ(called, 0) << "what is refused at once is not answered, too";
    return begun.error();
  }
  if (!trial.Until([&] { return outcome.has_value(); })) return TimedOut("no outcome at all");
  trial.RunFor(kAfterwards);
  EXPECT_EQ(called, 1);
  return *outcome;
}

}  // namespace

void SetPatience(milliseconds time) {
  patience = time;
}

void CheckInitDoesNoIo(const Subject& subject) {
  const std::unique_ptr<Bench> bench = subject.bench();
  const Result<ConfigNode> node = ParseOptions(bench->options());
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(CallsOf([&] {
              ConfigProblems problems;
              ConfigReader reader(*node, kInstance, problems);
              const std::unique_ptr<Driver> driver = subject.kind.make();
              (void)driver->Init(reader);
            }),
            "");
}

void CheckMistakesAreReported(const Subject& subject) {
  const std::unique_ptr<Bench> bench = subject.bench();
  std::vector<std::string> mistakes = bench->mistakes();
  EXPECT_FALSE(mistakes.empty()) << "nothing can be wrong with its options?";
  const std::string unknown = "no_such_option = 1";
  mistakes.push_back(unknown);
  for (const std::string& mistake : mistakes) {
    // First: what follows a table's header is of that table.
    const Result<ConfigNode> node = ParseOptions(mistake + "\n" + bench->options());
    ASSERT_TRUE(node) << mistake << ": " << node.error().text;
    ConfigProblems problems;
    ConfigReader reader(*node, kInstance, problems);
    const bool ok = subject.kind.make()->Init(reader);
    reader.Finish();
    EXPECT_TRUE(!ok || mistake == unknown) << mistake;
    const std::string key = mistake.substr(0, mistake.find(' '));
    EXPECT_THAT(problems.ToString(), ::testing::HasSubstr("driver.toml:"));
    EXPECT_THAT(problems.ToString(), ::testing::HasSubstr(kInstance)) << mistake;
    EXPECT_THAT(problems.ToString(), ::testing::HasSubstr(key)) << mistake;
  }
}

void CheckTheDeviceIsRead(const Subject& subject) {
  Trial trial(subject);
  for (int start = 0; start < 2; ++start) {
    const Status started = trial.Start();
    ASSERT_TRUE(started) << started.error().text;
    EXPECT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
    EXPECT_FALSE(trial.sink().polls().empty());
    trial.Stop();
  }
}

void CheckStopIsFinal(const Subject& subject) {
  {
    // What is opened once for the whole process is not left by the driver that follows.
    Trial first(subject);
    ASSERT_TRUE(first.Start());
    ASSERT_TRUE(first.Until([&] { return first.AllGood(); })) << first.States();
  }
  Trial trial(subject);
  trial.RunFor(kAfterwards);
  std::size_t descriptors = Descriptors();
  std::size_t threads = Threads();
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(trial.Start());
    // Once when it has just begun, once when it has read.
    const bool read = start == 0 || trial.Until([&] { return trial.AllGood(); });
    ASSERT_TRUE(read) << trial.States();
    trial.Stop();
    EXPECT_EQ(trial.loop().pending(), 0U) << "timers and watches are left";
    trial.RunFor(kAfterwards);
    // A thread may be on its way out.
    EXPECT_TRUE(trial.Until([&] { return Threads() <= threads; })) << Threads() - threads;
    EXPECT_TRUE(trial.Until([&] { return Descriptors() <= descriptors; }))
        << "still open:" << OpenFiles();
    threads = std::min(threads, Threads());
    descriptors = std::min(descriptors, Descriptors());
  }
}

void CheckUnplugAndReplug(const Subject& subject) {
  Trial trial(subject);
  ASSERT_TRUE(trial.Start());
  ASSERT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
  const std::size_t polls = trial.sink().polls().size();
  if (!trial.bench().Unplug()) GTEST_SKIP() << "it can't be unplugged";
  EXPECT_TRUE(trial.Until([&] { return trial.NoneGood(); })) << trial.States();
  ExpectClassified(trial.FailureSince(polls));
  trial.bench().Replug();
  EXPECT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
  trial.Stop();

  ASSERT_TRUE(trial.bench().Unplug());
  const auto driver = subject.kind.make();
  const Result<ConfigNode> node = ParseOptions(trial.bench().options());
  ConfigProblems problems;
  ConfigReader reader(*node, kInstance, problems);
  EXPECT_TRUE(driver->Init(reader)) << "the configuration of what is gone is still right";
  const SystemClock clock{};
  RecordingSink other(clock);
  const Status without = driver->Start(trial.loop(), other);
  if (!without) {
    EXPECT_EQ(without.error().code, ErrorCode::kUnavailable) << without.error().text;
  } else {
    driver->Stop();
  }
  trial.bench().Replug();
  ASSERT_TRUE(trial.Start());
  EXPECT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
}

void CheckAHungDeviceIsContained(const Subject& subject) {
  Trial trial(subject);
  ASSERT_TRUE(trial.Start());
  ASSERT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
  const std::size_t polls = trial.sink().polls().size();
  if (!trial.bench().Hang()) GTEST_SKIP() << "it can't hang";
  EXPECT_TRUE(trial.Until([&] { return trial.NoneGood(); })) << trial.States();
  ExpectClassified(trial.FailureSince(polls));
  int ticks = 0;
  const Loop::Id tick = trial.loop().Every(kTick, [&ticks] { ++ticks; });
  EXPECT_TRUE(trial.Until([&] { return ticks >= kTicks; })) << "the loop stands still";
  trial.loop().Cancel(tick);
  trial.bench().Resume();
  EXPECT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();

  ASSERT_TRUE(trial.bench().Hang());
  EXPECT_TRUE(trial.Until([&] { return trial.NoneGood(); })) << trial.States();
  trial.Stop();
  EXPECT_EQ(trial.loop().pending(), 0U) << "timers and watches are left";
  trial.RunFor(kAfterwards);
}

void CheckWritesReportTheirOutcome(const Subject& subject) {
  Trial trial(subject);
  ASSERT_TRUE(trial.Start());
  ASSERT_TRUE(trial.Until([&] { return trial.AllGood(); })) << trial.States();
  const auto ignored = [](const Result<Value>&) { FAIL() << "it was refused already"; };
  const auto stranger = static_cast<model::PropertyId>(0xffff);
  EXPECT_FALSE(trial.driver().Write(stranger, Value(1.0), ignored));
  const auto writing = trial.bench().writing();
  if (!writing) GTEST_SKIP() << "it is only read";

  const Result<Value> taken = Write(trial, writing->path, writing->value);
  ASSERT_TRUE(taken) << taken.error().text;
  EXPECT_EQ(*taken, writing->value) << ToJson(*taken);
  if (writing->refused) {
    const Result<Value> refused = Write(trial, writing->path, *writing->refused);
    ASSERT_FALSE(refused) << ToJson(*refused);
    EXPECT_NE(refused.error().text, "");
  }
  bool stopped = false;
  bool called_late = false;
  (void)trial.driver().Write(trial.sink().IdOf(writing->path), writing->value,
                             [&](const Result<Value>&) { called_late = stopped; });
  trial.Stop();
  stopped = true;
  trial.RunFor(kAfterwards);
  EXPECT_FALSE(called_late);
}

}  // namespace edgetwin::driver::testing
