// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/manual_loop.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::driver::testing {
namespace {

// Far more than any test has; a driver that re-arms without delay for ever would hang it otherwise.
constexpr int kTimersPerRunMax = 10'000'000;

constexpr std::chrono::milliseconds kSoon{10};

}  // namespace

void ManualLoop::Run(std::chrono::microseconds time) {
  const MonoTime end = clock_->Now() + time;
  for (int runs = 0;; ++runs) {
    EDGETWIN_CHECK(runs < kTimersPerRunMax);
    RunPosted();
    RunReady();
    AwaitThreads();
    if (!RunTimer(end)) break;
  }
  // Tasks may have moved the clock themselves, to stand for work that takes time.
  if (clock_->Now() < end) clock_->Advance(end - clock_->Now());
}

bool ManualLoop::RunTimer(MonoTime end) {
  const auto next =
      std::min_element(timers_.begin(), timers_.end(),
                       [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
  if (next == timers_.end() || next->second.due > end) return false;
  if (next->second.due > clock_->Now()) clock_->Advance(next->second.due - clock_->Now());
  if (next->second.period.count() == 0) {
    const Task task = std::move(next->second.task);
    timers_.erase(next);
    task();
    return true;
  }
  next->second.due += next->second.period;
  const Task task = next->second.task;  // A copy: the task may cancel its own timer.
  task();
  return true;
}

void ManualLoop::RunPosted() {
  std::vector<Task> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const Task& task : tasks) task();
}

void ManualLoop::RunReady() {
  std::vector<Id> ids;
  for (const auto& [id, watched] : watches_) ids.push_back(id);
  for (const Id id : ids) {
    const auto found = watches_.find(id);
    if (found == watches_.end()) continue;
    const unsigned directions = found->second.directions;
    pollfd asked{found->second.fd, 0, 0};
    if (directions & kReadable) asked.events |= POLLIN;
    if (directions & kWritable) asked.events |= POLLOUT;
    if (poll(&asked, 1, 0) <= 0) continue;
    unsigned ready = 0;
    if (asked.revents & (POLLIN | POLLHUP | POLLERR)) ready |= kReadable;
    if (asked.revents & POLLOUT) ready |= kWritable;
    const auto task = found->second.task;
    if (ready & directions) task(ready & directions);
  }
}

bool ManualLoop::NextIsSoon() const {
  return std::any_of(timers_.begin(), timers_.end(), [this](const auto& timer) {
    return timer.second.due < clock_->Now() + kSoon;
  });
}

void ManualLoop::AwaitThreads() {
  while (busy_ && busy_()) {
    std::vector<pollfd> asked;
    for (const auto& [id, watched] : watches_) asked.push_back({watched.fd, POLLIN, 0});
    // Nothing comes: they hang, or wait for a timer, as a bus does whose earlier thread is ending.
    const auto patience = NextIsSoon() ? kSoon : kBusyMax;
    if (poll(asked.data(), asked.size(), static_cast<int>(patience.count())) <= 0) return;
    RunReady();
    RunPosted();
  }
}

void ManualLoop::Post(Task task) {
  std::lock_guard lock(mutex_);
  posted_.push_back(std::move(task));
}

Loop::Id ManualLoop::After(std::chrono::microseconds delay, Task task) {
  const Id id{++last_id_};
  const auto wait = std::max(delay, std::chrono::microseconds(0));
  timers_[id] = {clock_->Now() + wait, std::chrono::microseconds(0), std::move(task)};
  return id;
}

Loop::Id ManualLoop::Every(std::chrono::microseconds period, Task task) {
  EDGETWIN_CHECK(period.count() > 0);
  const Id id{++last_id_};
  timers_[id] = {clock_->Now() + period, period, std::move(task)};
  return id;
}

Loop::Id ManualLoop::Watch(int fd, unsigned directions, std::function<void(unsigned)> task) {
  const Id id{++last_id_};
  watches_[id] = {fd, directions, std::move(task)};
  return id;
}

Loop::Id ManualLoop::OnSignal(int, Task) {
  EDGETWIN_CHECK(!"signals on a ManualLoop");
  return Id::kNone;
}

void ManualLoop::Cancel(Id id) {
  timers_.erase(id);
  watches_.erase(id);
}

}  // namespace edgetwin::driver::testing
