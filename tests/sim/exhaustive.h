// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A crash at every write and sync of fixed scenarios. The world is not run again for each: at every
// call of a disk a copy of the whole world is made (a fork), in which the machine stops there, with
// something becoming of its unsynced writes; the copy starts it again, runs to rest, and checks
// every invariant. A crash point is a distinct scenario, seed, call, and fate of the unsynced.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/scenarios.h"
#include "tests/sim/world.h"

namespace edgetwin::sim {

// What is tried.
struct CrashChoice {
  std::string scenario;  // Empty: all of them.
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 1;
  std::uint64_t every = 1;  // Of the calls, one in so many.
  std::size_t at_once = 1;
};

// One crash, as failures tell it: "device:57:keep", "cloud:4:lose+again".
struct CrashPoint {
  std::string machine;  // "device", "device1" (a clone, another board or another device), "cloud".
  std::uint64_t call = 0;  // Of its disk: see Disk::Hook.
  std::string variant;     // "+again": the machine stops once more soon after.

  static std::optional<CrashPoint> Parse(std::string_view text);
  std::string text() const;
};

struct CrashReport {
  struct Failure {
    std::string scenario;
    std::uint64_t seed = 0;
    CrashPoint point;
    int invariant = 0;  // 0: the process died.
    std::string text;
  };
  struct Part {  // Of a scenario.
    std::uint64_t crash_points = 0;
    std::uint64_t calls = 0;  // Of the disks, in the part that matters.
    std::uint64_t violations = 0;
  };
  std::map<std::string, Part> parts;
  std::map<std::string, std::uint64_t> variants;
  std::uint64_t seeds = 0;
  std::uint64_t crash_points = 0;
  std::uint64_t violations = 0;
  std::array<std::uint64_t, kInvariants + 1> checks{};
  std::vector<Failure> failures;
};

// Seed 1 tries everything that can become of the unsynced, other seeds two of them at each call.
CrashReport RunExhaustive(const CrashChoice& choice,
                          const std::function<void(const CrashReport::Failure&)>& failed);

// One crash point alone, telling all of it. Nothing when there is no such scenario or call.
std::optional<WorldResult> ReplayCrash(std::string_view scenario, std::uint64_t seed,
                                       const CrashPoint& point, std::ostream& trace);

}  // namespace edgetwin::sim
