// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/bucket.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace edgetwin::history {

void Bucket::Add(const model::Sample& sample) {
  ++count;
  const std::optional<double> number = sample.value.AsNumber();
  const bool known =
      sample.quality == model::Quality::kGood || sample.quality == model::Quality::kUncertain;
  if (!number || std::isnan(*number) || !known) return;
  min = numbers == 0 ? *number : std::min(min, *number);
  max = numbers == 0 ? *number : std::max(max, *number);
  ++numbers;
  // Not by a sum, which may overflow where no value does.
  const auto n = static_cast<double>(numbers);
  mean += *number / n - mean / n;
}

void Bucket::Add(const Bucket& other) {
  count += other.count;
  if (other.numbers == 0) return;
  min = numbers == 0 ? other.min : std::min(min, other.min);
  max = numbers == 0 ? other.max : std::max(max, other.max);
  const auto mine = static_cast<double>(numbers);
  const auto others = static_cast<double>(other.numbers);
  numbers += other.numbers;
  const auto all = static_cast<double>(numbers);
  mean = mean * (mine / all) + other.mean * (others / all);
}

}  // namespace edgetwin::history
