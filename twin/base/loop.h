// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The event loop's interface: timers, file descriptors, signals, and work posted from other
// threads.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin {

// Everything but Post runs on the loop's thread only. Nothing that runs on the loop may block,
// sleep, sync a file or resolve a name.
class Loop {
 public:
  using Task = std::function<void()>;
  enum class Id : std::uint64_t { kNone = 0 };
  enum Ready : unsigned { kReadable = 1, kWritable = 2 };

  virtual ~Loop() = default;

  // Runs `task` on the loop's thread, after what is queued already. Thread-safe. Bounded by
  // `posted_max`: past it the call waits for room, unless it comes from the loop's own thread,
  // where it aborts (a loop that floods itself is a bug).
  virtual void Post(Task task) = 0;

  // Runs `task` once, `delay` from now, or every `period`. A late period is not made up for.
  virtual Id After(std::chrono::microseconds delay, Task task) = 0;
  virtual Id Every(std::chrono::microseconds period, Task task) = 0;

  // Runs `task` with the ready directions each time `fd` is ready in one of `directions`
  // (bits of Ready). The descriptor stays the caller's; cancel before closing it.
  virtual Id Watch(int fd, unsigned directions, std::function<void(unsigned ready)> task) = 0;

  // Runs `task` on the loop, outside signal context, when the process receives `signal`.
  virtual Id OnSignal(int signal, Task task) = 0;

  // After return the task will not run again. Unknown and finished ids are ignored.
  virtual void Cancel(Id id) = 0;

  virtual const Clock& clock() const = 0;
  MonoTime Now() const { return clock().Now(); }
};

}  // namespace edgetwin
