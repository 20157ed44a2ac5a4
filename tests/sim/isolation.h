// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Worlds in processes of their own: an assertion that fails in one ends that one, and as many run
// at once as there are processors.

#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>

#include "tests/sim/world.h"

namespace edgetwin::sim {

std::string Pack(const WorldResult& result);
WorldResult Unpack(const std::string& bytes);

// Of this process and of those of its own that have ended.
double CpuSeconds();

class Isolated {
 public:
  // What a process came to; when it died, how, and no result.
  struct Outcome {
    WorldResult result;
    std::string died;
  };
  using Done = std::function<void(const Outcome&)>;

  explicit Isolated(std::size_t at_once) : at_once_(at_once) {}
  ~Isolated() { Wait(); }

  // Runs `work` in a process of its own, once there is room, and `done` here, in the order of Run.
  void Run(const std::function<WorldResult()>& work, Done done);
  // In the process that called it, the same; in its copy, the rest of the caller's life: returns
  // true there, and everything ends with Finish. For copies of a world in the middle of it.
  bool Fork(Done done);
  [[noreturn]] void Finish(const WorldResult& result);
  void Wait();

 private:
  struct Child {
    int pid = 0;
    int pipe = -1;
    Done done;
  };
  void Collect();

  const std::size_t at_once_;
  std::deque<Child> children_;
  int to_parent_ = -1;  // In a copy.
};

}  // namespace edgetwin::sim
