// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Contacts bounce: a level counts once it has lasted. Pure.

#pragma once

#include <chrono>
#include <optional>

#include "twin/base/clock.h"

namespace edgetwin::gpio {

class Debouncer {
 public:
  Debouncer() = default;
  Debouncer(std::chrono::microseconds lasting, bool level, MonoTime now)
      : lasting_(lasting), stable_(level), raw_(level), since_(now) {}

  // The line has `level` since `at`. True when the level before had lasted, so that stable()
  // changed.
  bool Take(bool level, MonoTime at);
  // Nothing happened until `now`. True when stable() changed.
  bool Pass(MonoTime now);

  bool stable() const { return stable_; }
  bool raw() const { return raw_; }
  // When Pass has something to do; nothing while the level is the stable one.
  std::optional<MonoTime> due() const;

 private:
  std::chrono::microseconds lasting_{0};
  bool stable_ = false;
  bool raw_ = false;
  MonoTime since_;
};

}  // namespace edgetwin::gpio
