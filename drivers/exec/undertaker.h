// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Ends processes whose driver has let go of them, and reaps them.
//
// A driver's Stop returns at once and leaves no timer behind, but a program that holds a valve open
// deserves a moment to close it. So the process is handed over to the one thread that waits for
// such processes; the thread ends when there are none.

#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "drivers/exec/child.h"

namespace edgetwin::exec {

// Thread-safe. There is one in the process.
class Undertaker {
 public:
  static Undertaker& Get();

  // Closes the process's stdin; if it hasn't exited within `grace`, its group is sent SIGTERM, and
  // after another `grace` SIGKILL. Whatever its group still has by the time it exited is killed.
  // Its stdout and stderr stay open until then, so that its last words don't kill it.
  void Take(std::string name, Child child, std::chrono::milliseconds grace);

  // Whether a process that was taken under this name is still there.
  bool Has(const std::string& name);

  // At the process's end: waits until all are gone, at most twice their grace and a second.
  ~Undertaker();

 private:
  struct Shared;
  Undertaker();

  std::shared_ptr<Shared> shared_;
};

}  // namespace edgetwin::exec
