// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Loop over libevent.

#pragma once

#include <memory>

#include "twin/base/loop.h"

struct event_base;

namespace edgetwin {

class EventLoop final : public Loop {
 public:
  // `clock` must outlive the loop. `posted_max`: tasks waiting from other threads.
  explicit EventLoop(const Clock& clock, std::size_t posted_max = 65'536);
  ~EventLoop() override;

  // Runs until Stop. Call from one thread.
  void Run();
  // Runs what is ready and due, waiting at most `wait` for something to be.
  void RunFor(std::chrono::microseconds wait);
  // Ends Run after the current task. Thread-safe.
  void Stop();

  void Post(Task task) override;
  Id After(std::chrono::microseconds delay, Task task) override;
  Id Every(std::chrono::microseconds period, Task task) override;
  Id Watch(int fd, unsigned directions, std::function<void(unsigned)> task) override;
  Id OnSignal(int signal, Task task) override;
  void Cancel(Id id) override;
  const Clock& clock() const override;

  // For the HTTP server, which is libevent's too.
  event_base* base() const;

  // The most tasks that ever waited from other threads, and how often Post had to wait.
  struct PostedStats {
    std::size_t max = 0;
    std::size_t peak = 0;
    std::uint64_t waits = 0;
  };
  PostedStats posted_stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin
