// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A crash at every write and sync of fixed scenarios. The world is not run again for each: at every
// call of a disk a copy of the whole world is made (a fork), in which the machine stops there, with
// its unsynced writes kept, lost or torn; the copy starts it again, runs to rest, and checks every
// invariant.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/world.h"

namespace edgetwin::sim {

struct Scenario {
  std::string_view name;
  std::string_view what;
  // Up to the part that matters, and that part: crashes are tried in the second.
  void (*prepare)(World& world);
  void (*play)(World& world);
};

const std::vector<Scenario>& Scenarios();

struct CrashReport {
  struct Failure {
    std::string scenario;
    std::uint64_t seed = 0;
    std::string machine;  // "device" or "cloud".
    std::uint64_t call = 0;
    std::string variant;
    int invariant = 0;  // 0: the process died.
    std::string text;
  };
  struct Part {
    std::string scenario;
    std::uint64_t crash_points = 0;
    std::uint64_t calls = 0;  // Of the disks, in the part that matters.
    std::uint64_t violations = 0;
  };
  std::vector<Part> parts;
  std::uint64_t crash_points = 0;
  std::uint64_t violations = 0;
  std::array<std::uint64_t, kInvariants + 1> checks{};
  std::vector<Failure> failures;
};

// `scenario` empty: all of them. `every`: of the crash points, one in so many.
CrashReport RunExhaustive(std::string_view scenario, std::uint64_t seed, std::uint64_t every,
                          std::size_t at_once,
                          const std::function<void(const CrashReport::Failure&)>& failed);

}  // namespace edgetwin::sim
