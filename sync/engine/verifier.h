// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// When to show the peer the digest of a stream: soon after a session began or was healed, some
// minutes after the last change, and again until the peer has found it equal. Pure.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "twin/base/clock.h"

namespace edgetwin::sync {

class Verifier {
 public:
  // Rows settle for so long before they are verified.
  static constexpr std::chrono::microseconds kPause = std::chrono::minutes(5);

  void Stop() { due_.reset(); }
  void Now(MonoTime now) {
    due_ = now;
    tries_ = 0;
  }
  // Rows were sent.
  void Changed(MonoTime now) {
    const MonoTime later = now + kPause;
    due_ = due_ ? std::min(*due_, later) : later;
    tries_ = 0;
  }
  bool Due(MonoTime now) const { return due_ && now >= *due_; }
  // The digest of everything up to `to` was shown. It is shown again after `rto`, twice that, and
  // so on up to kPause.
  void Shown(std::uint64_t to, MonoTime now, std::chrono::microseconds rto) {
    shown_to_ = to;
    due_ = now + std::min(rto * (1 << std::min(tries_, 10)), kPause);
    ++tries_;
  }
  // The peer has found the digest at `to` equal.
  void Equal(std::uint64_t to) {
    if (tries_ > 0 && to == shown_to_) due_.reset();
  }
  const std::optional<MonoTime>& due() const { return due_; }

 private:
  std::optional<MonoTime> due_;
  std::uint64_t shown_to_ = 0;
  int tries_ = 0;
};

}  // namespace edgetwin::sync
