// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Loop on a clock that moves only when told to: timers run in their order, at exactly their time.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/loop.h"

namespace edgetwin::driver::testing {

// For tests and simulations. Signals are not delivered: OnSignal is an assertion.
class ManualLoop final : public Loop {
 public:
  // `clock` must outlive the loop.
  explicit ManualLoop(ManualClock& clock) : clock_(&clock) {}

  // Lets `time` pass: runs each timer at its time, posted tasks and ready descriptors between them.
  // Bounded: an endless chain of timers without delay is an assertion.
  void Run(std::chrono::microseconds time);

  // While `busy()`, other threads work on something: time stands still until a watched descriptor
  // tells of it, but no longer than kBusyMax before each timer. So what a thread reads belongs to
  // the moment that asked for it.
  static constexpr std::chrono::milliseconds kBusyMax{1'000};
  void AwaitWhile(std::function<bool()> busy) { busy_ = std::move(busy); }

  void Post(Task task) override;
  Id After(std::chrono::microseconds delay, Task task) override;
  Id Every(std::chrono::microseconds period, Task task) override;
  Id Watch(int fd, unsigned directions, std::function<void(unsigned)> task) override;
  Id OnSignal(int signal, Task task) override;
  void Cancel(Id id) override;
  const Clock& clock() const override { return *clock_; }

  // Timers and watches that are still set: a stopped driver leaves none.
  std::size_t pending() const { return timers_.size() + watches_.size(); }

 private:
  struct Timer {
    MonoTime due;
    std::chrono::microseconds period{0};  // 0: once.
    Task task;
  };
  struct Watched {
    int fd = -1;
    unsigned directions = 0;
    std::function<void(unsigned)> task;
  };

  void RunPosted();
  void RunReady();
  void AwaitThreads();
  bool NextIsSoon() const;
  // Runs the earliest timer that is due by `end`, if any.
  bool RunTimer(MonoTime end);

  ManualClock* clock_;
  std::function<bool()> busy_;
  std::uint64_t last_id_ = 0;
  std::map<Id, Timer> timers_;  // By age; the earliest due is searched for, since tests have few.
  std::map<Id, Watched> watches_;
  std::mutex mutex_;
  std::vector<Task> posted_;
};

}  // namespace edgetwin::driver::testing
