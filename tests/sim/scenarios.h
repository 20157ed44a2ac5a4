// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What crash points are tried in: a fixed set of stories, each of which a seed tells in its own
// way.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/random.h"
#include "tests/sim/world.h"

namespace edgetwin::sim {

// How a seed tells a scenario. Seed 1 tells it as it is written: nothing here then draws anything.
class Teller {
 public:
  // The same seed tells each scenario by chance of its own.
  Teller(std::uint64_t seed, std::string_view scenario);

  bool plain() const { return plain_; }
  Random& random() { return random_; }
  // The world's size, its drivers' pace, and the quality of its links.
  WorldOptions Options() const;

  // A quarter to twice as long.
  std::chrono::microseconds Time(std::chrono::microseconds usual);
  std::uint64_t Number(std::uint64_t usual, std::uint64_t low, std::uint64_t high);
  // Lets that time pass. Now and then something else happens in the middle of it.
  void Wait(World& world, std::chrono::microseconds usual);
  // The same things in another order.
  template <class Things>
  void Shuffle(Things& things) {
    if (plain_) return;
    for (std::size_t i = things.size(); i > 1; --i) {
      std::swap(things[i - 1], things[static_cast<std::size_t>(random_.Below(i))]);
    }
  }

 private:
  const std::uint64_t seed_;
  const bool plain_;
  Random random_;
};

struct Scenario {
  std::string_view name;
  std::string_view what;
  // Up to the part that matters, and that part: crashes are tried in the second.
  void (*prepare)(World& world, Teller& teller);
  void (*play)(World& world, Teller& teller);
};

const std::vector<Scenario>& Scenarios();

}  // namespace edgetwin::sim
