// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Samples for tests and for the fuzzer's corpus.

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "twin/model/row.h"

namespace edgetwin::history {

inline constexpr std::int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01.

model::Sample At(std::int64_t time_ms, model::Value value,
                 model::Quality quality = model::Quality::kGood);

// One a second, from kStartMs on.
template <class T>
std::vector<model::Sample> EachSecond(const std::vector<T>& values) {
  std::vector<model::Sample> samples;
  for (const T& value : values) {
    const auto i = static_cast<std::int64_t>(samples.size());
    samples.push_back(At(kStartMs + 1'000 * i, model::Value(value)));
  }
  return samples;
}

// The first difference in words, or empty. Of bits: -0.0 is not 0.0, and NaNs have payloads.
std::string Difference(const std::vector<model::Sample>& a, const std::vector<model::Sample>& b);

// A series of random type and shape with 1 to `count_max` samples, and random time stamps and
// qualities: calm, constant, noisy, stepping, with exceptions, of mixed types, extremes.
std::vector<model::Sample> RandomSeries(std::mt19937_64& random, std::size_t count_max);

}  // namespace edgetwin::history
