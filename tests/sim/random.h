// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Chance from a seed, the same on every machine and with every standard library.

#pragma once

#include <array>
#include <cstdint>

namespace edgetwin::sim {

// One step of splitmix64 (Steele, Lea, Flood 2014): spreads seeds that lie close together.
inline std::uint64_t Mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// xoshiro256++ (Blackman, Vigna 2019).
class Random {
 public:
  explicit Random(std::uint64_t seed = 0) {
    for (std::uint64_t& word : state_) word = Mix(seed);
  }

  std::uint64_t Bits() {
    const std::uint64_t result = Rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // Below `below`; 0 for 0. The bias, below 2^-32 for what is asked here, plays no part.
  std::uint64_t Below(std::uint64_t below) { return below == 0 ? 0 : Bits() % below; }
  // From `low` to `high`, both included.
  std::uint64_t Between(std::uint64_t low, std::uint64_t high) {
    return low + Below(high - low + 1);
  }
  // True in about `ppm` of a million cases.
  bool Chance(std::uint64_t ppm) { return Below(1'000'000) < ppm; }

  // A generator of its own: what one part of a world draws doesn't move the others' chance.
  Random Fork(std::uint64_t tag) const {
    std::uint64_t mixed = tag;
    return Random(state_[0] ^ Rotate(state_[2], 17) ^ Mix(mixed));
  }

 private:
  static std::uint64_t Rotate(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace edgetwin::sim
