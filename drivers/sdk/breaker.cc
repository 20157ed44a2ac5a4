// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/breaker.h"

#include <algorithm>

#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): good enough for jitter, and the same on every machine.
std::uint64_t NextRandom(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr int kDoublingsMax = 20;  // Past that, the bound is backoff_max for any sane backoff_min.

}  // namespace

Breaker::Breaker(const BreakerOptions& options, std::uint64_t seed)
    : options_(options), random_(seed) {
  EDGETWIN_CHECK(options_.failures_max >= 1);
  EDGETWIN_CHECK(options_.backoff_min.count() > 0);
}

bool Breaker::Allow(MonoTime now) {
  if (state_ == State::kClosed) return true;
  if (state_ == State::kHalfOpen || now < next_try_) return false;
  state_ = State::kHalfOpen;
  return true;
}

void Breaker::Succeeded() {
  state_ = State::kClosed;
  failures_ = 0;
  failed_probes_ = 0;
}

bool Breaker::Failed(MonoTime now) {
  failures_ = std::min(failures_ + 1, 1'000'000);
  if (state_ == State::kClosed && failures_ < options_.failures_max) return false;
  const bool opened = state_ == State::kClosed;
  if (!opened) failed_probes_ = std::min(failed_probes_ + 1, kDoublingsMax);
  state_ = State::kOpen;
  next_try_ = now + DrawWait();
  return opened;
}

std::chrono::microseconds Breaker::DrawWait() {
  const std::int64_t min = options_.backoff_min.count();
  const std::int64_t max = std::max(options_.backoff_max.count(), min);
  std::int64_t bound = min;
  for (int i = 0; i <= failed_probes_ && bound < max; ++i) bound *= 2;
  bound = std::min(bound, max);
  const auto span = static_cast<std::uint64_t>(bound - min) + 1;
  return std::chrono::microseconds(min + static_cast<std::int64_t>(NextRandom(random_) % span));
}

}  // namespace edgetwin::driver
