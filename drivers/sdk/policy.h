// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The options that every driver offers for its properties, read in one way.
//
// A driver whose operator names each property (Modbus registers, CSV columns) reads them beside its
// own keys with ReadPropertyOptions. A driver that finds its properties by itself (host metrics)
// offers PolicyRules.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/config_node.h"
#include "twin/model/property.h"

namespace edgetwin::driver {

inline constexpr std::chrono::milliseconds kPolicyPeriodMax = std::chrono::hours(24 * 366);

// Reads deadband, min_period, heartbeat, unit, decimals, description and local_only into `def`,
// whose members are the defaults; def.type must be set. decimals of anything but a double and a
// deadband of anything but a number are problems.
void ReadPropertyOptions(ConfigReader& config, model::PropertyDef& def);

// Reads writable, min and max into `def`, whose members are the defaults. Only for drivers that
// write.
void ReadWriteOptions(ConfigReader& config, model::PropertyDef& def);

// Reads `thing`, the first part of an instance's paths: one or more segments. The default is the
// instance's name, which is the last part of the reader's prefix ("drivers.NAME").
std::string ReadThing(ConfigReader& config);

// Options by pattern, for properties that the operator doesn't list:
//   [[drivers.host.policy]]
//   match = "cpu/*"
//   deadband = 5.0
// Patterns are model::Matches' and stand for paths below the thing. Of several rules that match, a
// later one wins key by key.
class PolicyRules {
 public:
  static constexpr std::size_t kRulesMax = 100;

  // Reads the array of tables `policy`.
  void Read(ConfigReader& config);
  // Applies what matches `name`, the property's path below its thing. Deadbands apply to numbers
  // only, decimals to doubles only.
  void Apply(std::string_view name, model::PropertyDef& def) const;

 private:
  struct Rule {
    std::string match;
    std::optional<double> deadband;
    std::optional<std::chrono::milliseconds> min_period;
    std::optional<std::chrono::milliseconds> heartbeat;
    std::optional<int> decimals;
    std::optional<std::string> description;
    std::optional<bool> local_only;
  };
  std::vector<Rule> rules_;
};

// `value` rounded to `decimals` digits after the point, so that the wire and history can send it as
// a small integer; unchanged without decimals, and when it is too large or not finite.
double Rounded(double value, std::optional<int> decimals);

}  // namespace edgetwin::driver
