// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Many worlds, one a seed, and making a failing one small.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace edgetwin::sim {

// What the command line says of a world.
struct Choice {
  // Empty: by the seed, all in turn. An accident's name: the profile `accidents` with that one.
  std::string profile;
  std::uint32_t devices = 0;         // 0: as the profile has it.
  double hours = 0;                  // 0: ten minutes.
  std::vector<std::string> without;  // Happenings that don't, by name; "network": a perfect one.
  std::uint64_t happenings_max = ~std::uint64_t{0};
  bool story_only = false;  // Of an accident: nothing happens after it.
};

// Of all seeds of a run.
struct Summary {
  std::uint64_t seeds = 0;
  std::uint64_t seeds_counted = 0;  // That were long enough, with faults enough: see Counts.
  double device_days = 0;
  WorldResult sum;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> by_profile;  // Seeds of each.
  struct Failure {
    std::uint64_t seed = 0;
    std::string profile;
    int invariant = 0;  // 0: the process died.
    std::string text;
  };
  std::vector<Failure> failures;
  std::uint64_t violations = 0;
  std::chrono::microseconds settling_max{0};
};

// Whether a seed is one of those that a release needs so many of: ten device-minutes or more, and
// twenty faults.
bool Counts(const WorldResult& result);

// The world of a seed. Its `text` is why there is none: a profile or happening nobody knows.
Result<WorldOptions> MakeOptions(std::uint64_t seed, const Choice& choice);

// Runs the world; one whose wall clocks jump once more without the jumps, for I13.
WorldResult RunWorld(const WorldOptions& options);

Summary RunSeeds(std::uint64_t first, std::uint64_t last, const Choice& choice, std::size_t at_once,
                 const std::function<void(const Summary::Failure&)>& failed);

// The least of what a failing seed needs to fail the same invariant. Nothing when it does not fail.
std::optional<Choice> Shrink(std::uint64_t seed, const Choice& choice, std::size_t at_once,
                             std::ostream& told);

}  // namespace edgetwin::sim
