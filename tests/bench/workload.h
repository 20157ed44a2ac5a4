// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The workload of the footprint figures: values of two decimals, |v| < 80, that move by less than
// 0.64 between two samples; or doubles of full precision; or values that come from elsewhere. Made
// beforehand, so that making them costs nothing in the measured process.

#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace edgetwin::bench {

class Workload {
 public:
  Workload(std::size_t properties, bool full_precision, std::size_t rounds = 64)
      : properties_(properties),
        rounds_(rounds),
        decimals_(properties, full_precision ? std::nullopt : std::optional(2)) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> start(-60, 60);
    std::uniform_real_distribution<double> step(-0.63, 0.63);
    std::vector<double> now(properties);
    for (double& value : now) value = start(random);
    for (std::size_t round = 0; round < rounds; ++round) {
      for (double& value : now) {
        double moved = value + step(random);
        if (std::fabs(moved) > 79) moved = value;
        value = moved;
        values_.push_back(full_precision ? value : std::nearbyint(value * 100) / 100);
      }
    }
  }
  // `values`: two rounds at least, one after the other; `decimals`: of each property.
  Workload(std::vector<double> values, std::vector<std::optional<int>> decimals)
      : properties_(decimals.size()),
        rounds_(values.size() / decimals.size()),
        values_(std::move(values)),
        decimals_(std::move(decimals)) {}

  // The values of a property in the order of rounds; after the last round they run backwards, so
  // that every step stays small.
  double At(std::size_t round, std::size_t property) const {
    const std::size_t period = 2 * rounds_ - 2;
    const std::size_t at = round % period;
    const std::size_t row = at < rounds_ ? at : period - at;
    return values_[row * properties_ + property];
  }
  std::size_t properties() const { return properties_; }
  // Digits after the point that say all of every value of the property; nothing: no few do.
  std::optional<int> decimals(std::size_t property) const { return decimals_[property]; }

 private:
  std::size_t properties_;
  std::size_t rounds_;
  std::vector<double> values_;
  std::vector<std::optional<int>> decimals_;
};

}  // namespace edgetwin::bench
