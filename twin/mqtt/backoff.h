// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How long to wait before the next attempt to connect: full jitter, doubling, capped. Full
// jitter because a whole fleet loses its broker at the same instant.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "twin/base/limit.h"

namespace edgetwin::mqtt {

class Backoff {
 public:
  // `random(below)`: uniform in [0, below).
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max,
          std::function<std::uint64_t(std::uint64_t below)> random);

  // Random in [0, min(max, min * 2^n)]; n grows by one with each call.
  std::chrono::milliseconds Next();
  void Reset() { ceiling_ = min_; }
  // A hit: the ceiling reached `max`.
  LimitReport Report(std::string name) const { return limit_.Report(std::move(name)); }

 private:
  const std::chrono::milliseconds min_;
  const std::chrono::milliseconds max_;
  const std::function<std::uint64_t(std::uint64_t below)> random_;
  std::chrono::milliseconds ceiling_;
  Limit limit_;
};

}  // namespace edgetwin::mqtt
