// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/published_codecs.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "twin/history/testing/series.h"

namespace edgetwin::bench {
namespace {

using history::At;
using history::Difference;
using history::kStartMs;
using model::Sample;

// Doubles of many kinds at irregular times.
std::vector<Sample> Samples(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Sample> samples;
  std::int64_t time_ms = kStartMs;
  double level = 20;
  for (int i = 0; i < 1'000; ++i) {
    time_ms += random() % 20 == 0 ? static_cast<std::int64_t>(random() % 100'000'000)
                                  : 900 + static_cast<std::int64_t>(random() % (seed * 7));
    level += static_cast<double>(static_cast<int>(random() % 21) - 10) / 100;
    const double values[] = {std::nearbyint(level * 100) / 100, std::bit_cast<double>(random()),
                             samples.empty() ? -0.0 : samples.back().value.real(), level};
    samples.push_back(At(time_ms, model::Value(values[seed % 3 == 0 ? random() % 4 : seed % 3])));
  }
  return samples;
}

TEST(PublishedCodecsTest, GorillaGivesBackWhatItTook) {
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    const std::vector<Sample> samples = Samples(seed);
    const std::string bytes = GorillaEncode(samples, Times::kDeltaOfDelta);
    EXPECT_EQ(Difference(samples, GorillaDecode(bytes, samples.size(), Times::kDeltaOfDelta)), "");
  }
}

TEST(PublishedCodecsTest, GorillaTakesTwoBitsForTheSameValueAtAConstantPeriod) {
  const auto samples = history::EachSecond(std::vector<double>(10'002, 1.5));
  // The first: 4 + 64 bits of time, 64 of value; the second: 4 + 64 and 1; 2 for each later one.
  EXPECT_EQ(GorillaEncode(samples, Times::kDeltaOfDelta).size(), (132 + 69 + 20'000 + 7) / 8);
}

TEST(PublishedCodecsTest, Chimp128GivesBackWhatItTook) {
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    std::vector<Sample> samples = Samples(seed);
    for (Sample& sample : samples) sample.time = {};
    EXPECT_EQ(Difference(samples, Chimp128Decode(Chimp128Encode(samples), samples.size())), "");
  }
}

TEST(PublishedCodecsTest, Chimp128TakesNineBitsForARecentValue) {
  // Distinct in their low 14 bits, by which it looks for them.
  std::vector<double> values;
  for (std::uint64_t i = 0; i < 1'100; ++i) {
    values.push_back(
        std::bit_cast<double>(0x3ff0'0000'0000'0000 | i % 100 * 0x0000'1234'5678'9abd));
  }
  const auto samples = history::EachSecond(values);
  const auto first = std::span(samples).first(100);
  EXPECT_LE(Chimp128Encode(samples).size() - Chimp128Encode(first).size(), 1'000u * 9 / 8 + 1);
}

}  // namespace
}  // namespace edgetwin::bench
