// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/property.h"

#include <cmath>

namespace edgetwin::model {
Status Check(const AlarmLimits& limits) {
  for (const std::optional<double>& limit : {limits.high, limits.low}) {
    if (limit && !std::isfinite(*limit)) return Invalid("an alarm limit must be a finite number");
  }
  if (limits.high && limits.low && *limits.low >= *limits.high) {
    return Invalid("the alarm's low limit " + Format(Value(*limits.low)) +
                   " must be below its high limit " + Format(Value(*limits.high)));
  }
  if (!std::isfinite(limits.hysteresis) || limits.hysteresis < 0) {
    return Invalid("the alarm's hysteresis must be a number of at least 0");
  }
  if (limits.high && limits.low && limits.hysteresis >= *limits.high - *limits.low) {
    return Invalid("the alarm's hysteresis " + Format(Value(limits.hysteresis)) +
                   " must be smaller than the distance of its limits, " +
                   Format(Value(*limits.high - *limits.low)));
  }
  if (limits.delay.count() < 0 || limits.delay > kAlarmDelayMax) {
    return Invalid("the alarm's delay must be from 0 to 24 h");
  }
  return {};
}

Status Check(const PropertyDef& def) {
  if (def.path.empty()) return Invalid("a property needs a path");
  const std::string at = "property '" + def.path.text() + "': ";
  if (def.decimals && (*def.decimals < 0 || *def.decimals > kDecimalsMax)) {
    return Invalid(at + "decimals " + std::to_string(*def.decimals) + " is outside 0 to " +
                   std::to_string(kDecimalsMax));
  }
  if (def.decimals && def.type != ValueType::kDouble) {
    return Invalid(at + "decimals are for doubles, not for " + std::string(ToString(def.type)));
  }
  if (def.min && def.max && *def.min > *def.max) return Invalid(at + "min is above max");
  if (def.policy.deadband < 0 || !std::isfinite(def.policy.deadband)) {
    return Invalid(at + "the deadband must be a number of at least 0");
  }
  if (def.policy.min_period.count() < 0 || def.policy.heartbeat.count() < 0) {
    return Invalid(at + "a period must not be negative");
  }
  const bool numeric = def.type == ValueType::kInt || def.type == ValueType::kDouble;
  if (!numeric && !(def.alarm == AlarmLimits{})) {
    return Invalid(at + "alarm limits are for numbers, not for " + std::string(ToString(def.type)));
  }
  if (const Status ok = Check(def.alarm); !ok) return Invalid(at + ok.error().text);
  return {};
}

Status CheckWritable(const PropertyDef& def, const Value& value) {
  const std::string at = "'" + def.path.text() + "' ";
  if (def.type == ValueType::kNone) return NotFound("no driver knows " + at);
  if (!def.writable) return Unsupported(at + "is read-only");
  const bool widens = def.type == ValueType::kDouble && value.type() == ValueType::kInt;
  if (value.type() != def.type && !widens) {
    return Invalid(at + "takes " + std::string(ToString(def.type)) + ", not " +
                   std::string(ToString(value.type())));
  }
  const std::optional<double> number = value.AsNumber();
  if (!number || def.type == ValueType::kBool) return {};
  if (!std::isfinite(*number)) return Invalid(at + "takes finite numbers only");
  if (def.min && *number < *def.min) {
    return Invalid(at + "takes at least " + Format(Value(*def.min), def.decimals) + ", not " +
                   Format(value, def.decimals));
  }
  if (def.max && *number > *def.max) {
    return Invalid(at + "takes at most " + Format(Value(*def.max), def.decimals) + ", not " +
                   Format(value, def.decimals));
  }
  return {};
}

Value Coerce(ValueType type, Value value) {
  if (type == ValueType::kDouble && value.type() == ValueType::kInt) {
    return Value(static_cast<double>(value.integer()));
  }
  return value;
}

bool SameMeaning(const PropertyDef& a, const PropertyDef& b) {
  return a.type == b.type && a.unit == b.unit && a.decimals == b.decimals;
}

bool SameOnWire(const PropertyDef& a, const PropertyDef& b) {
  return SameMeaning(a, b) && a.path == b.path && a.writable == b.writable && a.min == b.min &&
         a.max == b.max && a.description == b.description;
}

}  // namespace edgetwin::model
