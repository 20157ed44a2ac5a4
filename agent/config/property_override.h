// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the integrator says about properties, over what their drivers declare:
//
//   [properties."boiler/*"]
//   deadband = 0.2
//   heartbeat = "5m"
//
// Every override whose pattern matches a path applies, in the files' order (the main file, then
// conf.d by name): of two that set the same key, the later one wins. So general patterns stand
// first, exceptions after them. A pattern that a later file repeats keeps the place where it stood
// first.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/config_node.h"
#include "twin/base/result.h"
#include "twin/model/property.h"

namespace edgetwin::config {

// Whether a property's samples are kept, and how dear they are: the lowest go first.
enum class HistoryPolicy { kOff, kLow, kNormal, kHigh };

struct PropertyOverride {
  std::string pattern;  // As in model::Matches.

  std::optional<double> deadband;                       // In the property's unit, from 0.
  std::optional<std::chrono::milliseconds> min_period;  // 0 to 1d.
  std::optional<std::chrono::milliseconds> heartbeat;   // 1s to 30d; 0: never.
  std::optional<bool> local_only;
  std::optional<HistoryPolicy> history;
  std::optional<int> decimals;             // 0 to model::kDecimalsMax; doubles only.
  std::optional<std::string> unit;         // What the value is in; it is not converted.
  std::optional<std::string> description;  // For people.
  std::optional<double> min;  // Of what may be written. They narrow the driver's limits, and never
  std::optional<double> max;  // widen them: the driver knows what its device stands.
  // Of numbers; in the property's unit. What any of several overrides leaves open stands.
  std::optional<double> alarm_high;
  std::optional<double> alarm_low;         // Below alarm_high.
  std::optional<double> alarm_hysteresis;  // From 0; smaller than the distance of the two.
  std::optional<std::chrono::milliseconds> alarm_delay;  // 0 to model::kAlarmDelayMax.

  ConfigSource source;

  // Whether they say the same, wherever they stand.
  friend bool operator==(const PropertyOverride& a, const PropertyOverride& b);
};

// The table [properties]; `reader` reads it. Leaves out the ones that have problems.
std::vector<PropertyOverride> ReadPropertyOverrides(ConfigReader& reader);

// Applies all that match. Keys that mean nothing for the property's type are passed over (a
// deadband of a string: patterns are wide). kConflict, naming the file and line, when the driver's
// limits and an override's leave no value, or when alarm limits that are each right contradict each
// other.
Status ApplyOverrides(const std::vector<PropertyOverride>& overrides, model::PropertyDef& def);

// What the last one that matches says; kNormal when none does.
HistoryPolicy HistoryPolicyOf(const std::vector<PropertyOverride>& overrides,
                              const std::string& path);

}  // namespace edgetwin::config
