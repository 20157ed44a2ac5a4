// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a property is: its definition, and its short names.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "twin/model/path.h"
#include "twin/model/value.h"

namespace edgetwin::model {

// A property's place in this process's twin and store: dense from 0, never reused in one store's
// life. Not known to any peer.
enum class PropertyId : std::uint32_t {};
inline constexpr PropertyId kNoProperty{0xffffffff};
inline std::uint32_t Index(PropertyId id) {
  return static_cast<std::uint32_t>(id);
}

// A property's number on the wire: dense from 1, allocated by the device only; 0 for none
// (local-only properties, and paths the device doesn't know).
using Pid = std::uint32_t;

// When a sample becomes a reported row.
struct ReportPolicy {
  double deadband = 0;  // Changes of at most this much are not reported.
  std::chrono::milliseconds min_period{
      0};  // Not more often than this; the latest value is held until then.
  std::chrono::milliseconds heartbeat{
      0};  // Reported at least this often though unchanged; 0: never.
  friend bool operator==(const ReportPolicy&, const ReportPolicy&) = default;
};

inline constexpr std::chrono::hours kAlarmDelayMax{24};

// When a value is worth waking somebody. Of numbers only.
struct AlarmLimits {
  std::optional<double> high;  // Raised above …
  std::optional<double> low;   // … and below, once it has lasted `delay` …
  double hysteresis = 0;       // … and over when the value has come back this far.
  std::chrono::milliseconds delay{0};
  friend bool operator==(const AlarmLimits&, const AlarmLimits&) = default;
};

struct PropertyDef {
  Path path;
  ValueType type = ValueType::kNone;  // kNone: only its path is known (somebody desires it).
  std::string unit;                   // As in UCUM where it has one: "Cel", "kPa", "%".
  std::optional<int> decimals;  // Doubles: digits after the point that matter, 0 to kDecimalsMax.
  bool writable = false;
  bool local_only = false;    // Never leaves the device.
  std::optional<double> min;  // Limits of what may be written, in the property's unit.
  std::optional<double> max;
  ReportPolicy policy;
  AlarmLimits alarm;
  std::string description;
  std::string instance;  // The driver instance that it comes from.
  std::string source;    // Where the driver finds it, for people: "unit 3 holding 12 u16".
  friend bool operator==(const PropertyDef&, const PropertyDef&) = default;
};

// kInvalid when the definition contradicts itself (decimals or alarm limits of a string, min above
// max, a deadband below 0, a hysteresis that doesn't fit between the alarm limits …).
Status Check(const PropertyDef& def);
// The part of it that is about alarm limits, whatever the property's type.
Status Check(const AlarmLimits& limits);

// kInvalid with the reason when `value` may not be written to the property: not writable, wrong
// type, outside its limits, not a number. Integers are accepted for doubles; see Coerce.
Status CheckWritable(const PropertyDef& def, const Value& value);
// `value` as the property's own type (an int for a double property becomes a double); unchanged
// otherwise.
Value Coerce(ValueType type, Value value);

// Whether values of one definition mean the same under the other: type, unit and decimals are
// equal.
bool SameMeaning(const PropertyDef& a, const PropertyDef& b);
// Whether the peer is told the same of both; a difference makes a new pid.
bool SameOnWire(const PropertyDef& a, const PropertyDef& b);

}  // namespace edgetwin::model
