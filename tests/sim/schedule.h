// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Virtual time: what happens next, and nothing in between.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "twin/base/clock.h"

namespace edgetwin::sim {

// Things that happen at the same time happen in the order in which they were asked for.
class Schedule {
 public:
  using Task = std::function<void()>;

  MonoTime now() const { return now_; }

  // A time that has passed is now.
  void At(MonoTime when, Task task) {
    tasks_.push_back({std::max(when, now_), ++order_, std::move(task)});
    std::push_heap(tasks_.begin(), tasks_.end(), Later);
  }
  void After(std::chrono::microseconds wait, Task task) { At(now_ + wait, std::move(task)); }

  // Lets the next thing happen, at its time. False when nothing is due up to `until`; then it is
  // `until`.
  bool RunNext(MonoTime until) {
    if (tasks_.empty() || tasks_.front().when > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(tasks_.begin(), tasks_.end(), Later);
    const Entry entry = std::move(tasks_.back());
    tasks_.pop_back();
    now_ = entry.when;
    ++run_;
    entry.task();
    return true;
  }

  std::uint64_t run() const { return run_; }  // Things that have happened.

 private:
  struct Entry {
    MonoTime when;
    std::uint64_t order;
    Task task;
  };
  static bool Later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  MonoTime now_{std::chrono::seconds(1)};
  std::uint64_t order_ = 0;
  std::uint64_t run_ = 0;
  std::vector<Entry> tasks_;  // A heap.
};

}  // namespace edgetwin::sim
