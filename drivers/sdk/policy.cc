// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/policy.h"

#include <array>
#include <cmath>
#include <limits>

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;

constexpr double kNumberMax = std::numeric_limits<double>::max();

bool IsNumber(model::ValueType type) {
  return type == model::ValueType::kInt || type == model::ValueType::kDouble;
}

std::string InstanceName(const std::string& prefix) {
  const std::size_t dot = prefix.rfind('.');
  return dot == prefix.npos ? prefix : prefix.substr(dot + 1);
}

// Absent stays empty: a rule changes only the keys that it names.
template <class T, class Read>
std::optional<T> IfPresent(ConfigReader& config, std::string_view key, Read read) {
  if (!config.Has(key)) return std::nullopt;
  return static_cast<T>(read());
}

}  // namespace

void ReadPropertyOptions(ConfigReader& config, model::PropertyDef& def) {
  const milliseconds zero{0};
  model::ReportPolicy& policy = def.policy;
  policy.deadband = config.Double("deadband", policy.deadband, 0, kNumberMax);
  policy.min_period = config.Duration("min_period", policy.min_period, zero, kPolicyPeriodMax);
  policy.heartbeat = config.Duration("heartbeat", policy.heartbeat, zero, kPolicyPeriodMax);
  def.unit = config.String("unit", def.unit);
  def.description = config.String("description", def.description);
  def.local_only = config.Bool("local_only", def.local_only);
  if (config.Has("decimals")) {
    def.decimals =
        static_cast<int>(config.Int("decimals", def.decimals.value_or(0), 0, model::kDecimalsMax));
    if (def.type != model::ValueType::kDouble) {
      config.Problem("decimals", "only doubles have decimals, and this property's type is " +
                                     std::string(ToString(def.type)));
      def.decimals.reset();
    }
  }
  if (policy.deadband > 0 && !IsNumber(def.type)) {
    config.Problem("deadband", "only numbers have a deadband, and this property's type is " +
                                   std::string(ToString(def.type)));
    policy.deadband = 0;
  }
  if (policy.heartbeat > zero && policy.heartbeat < policy.min_period) {
    config.Problem("heartbeat", FormatDuration(policy.heartbeat) + " is shorter than min_period, " +
                                    FormatDuration(policy.min_period));
  }
}

void ReadWriteOptions(ConfigReader& config, model::PropertyDef& def) {
  def.writable = config.Bool("writable", def.writable);
  if (const std::optional<double> min = config.OptionalDouble("min")) def.min = min;
  if (const std::optional<double> max = config.OptionalDouble("max")) def.max = max;
  if ((config.Has("min") || config.Has("max")) && !IsNumber(def.type)) {
    config.Problem(
        config.Has("min") ? "min" : "max",
        "only numbers have limits, and this property's type is " + std::string(ToString(def.type)));
    def.min.reset();
    def.max.reset();
  }
  if (def.min && def.max && *def.min > *def.max) {
    config.Problem(
        "min", Format(model::Value(*def.min)) + " is above max, " + Format(model::Value(*def.max)));
  }
}

std::string ReadThing(ConfigReader& config) {
  const std::string thing = config.String("thing", InstanceName(config.prefix()));
  // A path needs a property; any valid one shows whether the thing is valid.
  const Result<model::Path> path = model::Path::Parse(thing + "/x");
  if (!path) config.Problem("thing", "'" + thing + "' can't begin a path: " + path.error().text);
  return thing;
}

void PolicyRules::Read(ConfigReader& config) {
  rules_.clear();
  for (ConfigReader& table : config.Tables("policy")) {
    if (rules_.size() == kRulesMax) {
      config.Problem("policy", "there are more than " + std::to_string(kRulesMax) + " rules");
      return;
    }
    Rule rule;
    table.Require("match");
    const milliseconds zero{0};
    rule.match = table.String("match", "");
    rule.deadband = IfPresent<double>(table, "deadband",
                                      [&] { return table.Double("deadband", 0, 0, kNumberMax); });
    rule.min_period = IfPresent<milliseconds>(table, "min_period", [&] {
      return table.Duration("min_period", zero, zero, kPolicyPeriodMax);
    });
    rule.heartbeat = IfPresent<milliseconds>(table, "heartbeat", [&] {
      return table.Duration("heartbeat", zero, zero, kPolicyPeriodMax);
    });
    rule.decimals = IfPresent<int>(
        table, "decimals", [&] { return table.Int("decimals", 0, 0, model::kDecimalsMax); });
    rule.description = IfPresent<std::string>(table, "description",
                                              [&] { return table.String("description", ""); });
    rule.local_only =
        IfPresent<bool>(table, "local_only", [&] { return table.Bool("local_only", false); });
    table.Finish();
    rules_.push_back(std::move(rule));
  }
}

void PolicyRules::Apply(std::string_view name, model::PropertyDef& def) const {
  for (const Rule& rule : rules_) {
    if (!model::Matches(rule.match, name)) continue;
    if (rule.deadband && IsNumber(def.type)) def.policy.deadband = *rule.deadband;
    if (rule.min_period) def.policy.min_period = *rule.min_period;
    if (rule.heartbeat) def.policy.heartbeat = *rule.heartbeat;
    if (rule.decimals && def.type == model::ValueType::kDouble) def.decimals = *rule.decimals;
    if (rule.description) def.description = *rule.description;
    if (rule.local_only) def.local_only = *rule.local_only;
  }
}

double Rounded(double value, std::optional<int> decimals) {
  if (!decimals || !std::isfinite(value)) return value;
  static constexpr std::array<double, model::kDecimalsMax + 1> kPowers = {1,   1e1, 1e2, 1e3, 1e4,
                                                                          1e5, 1e6, 1e7, 1e8, 1e9};
  const double scaled = value * kPowers.at(static_cast<std::size_t>(*decimals));
  if (std::abs(scaled) >= 9e15) return value;  // 2^53: past it the integer is no longer exact.
  // By way of the integer, so that -0.04 with one decimal is 0.0 and not -0.0.
  return model::Unscale(std::llround(scaled), *decimals);
}

}  // namespace edgetwin::driver
