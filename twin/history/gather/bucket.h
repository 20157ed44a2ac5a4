// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a time's samples come to.

#pragma once

#include <cstdint>

#include "twin/base/clock.h"
#include "twin/model/row.h"

namespace edgetwin::history {

// All samples from `from` on, as long as the context says.
struct Bucket {
  WallTime from{};
  std::uint64_t count = 0;
  // Of numbers (bools as 0 and 1) that are good or uncertain, NaNs apart.
  std::uint64_t numbers = 0;
  double min = 0;
  double max = 0;
  double mean = 0;

  void Add(const model::Sample& sample);
  void Add(const Bucket& other);  // Its `from` doesn't count.
  friend bool operator==(const Bucket&, const Bucket&) = default;
};

}  // namespace edgetwin::history
