// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/backoff.h"

#include <algorithm>

namespace edgetwin::mqtt {

Backoff::Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max,
                 std::function<std::uint64_t(std::uint64_t below)> random)
    : min_(std::min(min, max)),
      max_(max),
      random_(std::move(random)),
      ceiling_(min_),
      limit_(static_cast<std::uint64_t>(max.count())) {}

std::chrono::milliseconds Backoff::Next() {
  const auto ceiling = static_cast<std::uint64_t>(ceiling_.count());
  limit_.Use(ceiling);
  if (ceiling_ == max_) limit_.Hit();
  ceiling_ = std::min(max_, ceiling_ * 2);
  return std::chrono::milliseconds(random_(ceiling + 1));
}

}  // namespace edgetwin::mqtt
