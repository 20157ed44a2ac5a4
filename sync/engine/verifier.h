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

  // There is nothing to verify, which is as good as equal.
  void Stop() {
    due_.reset();
    shown_ = false;
    equal_ = true;
  }
  void Now(MonoTime now) {
    due_ = now;
    tries_ = 0;
    shown_ = equal_ = false;
  }
  // What was shown had something in it that the peer has refused since: its answer says nothing.
  void Refused(MonoTime now) {
    if (shown_) Now(now);
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
    shown_ = true;
    due_ = now + std::min(rto * (1 << std::min(tries_, 10)), kPause);
    ++tries_;
  }
  // Whether the one at `to` is the last one that was shown, and nothing is known of it yet: an
  // answer to another one comes too late to mean anything.
  bool Awaits(std::uint64_t to) const { return shown_ && to == shown_to_; }
  // The peer has found the digest at `to` equal.
  void Equal(std::uint64_t to) {
    if (!Awaits(to)) return;
    equal_ = true;
    if (tries_ == 0) return;  // Rows were sent since; they are looked at in their turn.
    shown_ = false;
    due_.reset();
  }
  // Whether one was found equal since Now.
  bool equal() const { return equal_; }
  const std::optional<MonoTime>& due() const { return due_; }

 private:
  std::optional<MonoTime> due_;
  std::uint64_t shown_to_ = 0;
  int tries_ = 0;
  bool shown_ = false;
  bool equal_ = false;
};

}  // namespace edgetwin::sync
