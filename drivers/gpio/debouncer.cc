// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/gpio/debouncer.h"

namespace edgetwin::gpio {

bool Debouncer::Take(bool level, MonoTime at) {
  const bool changed = Pass(at);
  if (level == raw_) return changed;
  raw_ = level;
  since_ = at;
  return changed;
}

bool Debouncer::Pass(MonoTime now) {
  if (raw_ == stable_ || now < since_ + lasting_) return false;
  stable_ = raw_;
  return true;
}

std::optional<MonoTime> Debouncer::due() const {
  if (raw_ == stable_) return std::nullopt;
  return since_ + lasting_;
}

}  // namespace edgetwin::gpio
