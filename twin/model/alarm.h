// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Alarm limits of a property and what became of them.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "twin/base/clock.h"
#include "twin/model/property.h"
#include "twin/model/value.h"

namespace edgetwin::model {

enum class AlarmKind : std::uint8_t { kHigh = 0, kLow = 1 };
std::string_view ToString(AlarmKind kind);

// One alarm, raised or not yet acknowledged. One that is neither is forgotten.
struct AlarmRecord {
  PropertyId id = kNoProperty;
  AlarmKind kind = AlarmKind::kHigh;
  bool raised = false;        // The value is beyond the limit, or has not come back far enough.
  bool acknowledged = false;  // Somebody has seen it.
  WallTime since{};           // Of the last change of `raised`.
  Value value;                // That raised it.
  std::string who;            // Acknowledged it.
  friend bool operator==(const AlarmRecord&, const AlarmRecord&) = default;
};

}  // namespace edgetwin::model
