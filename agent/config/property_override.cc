// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/property_override.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace edgetwin::config {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Matching goes back on itself at each '*'; so many are enough for paths of eight segments.
constexpr int kStarsMax = 8;
constexpr std::size_t kDescriptionBytesMax = 500;
constexpr std::size_t kUnitBytesMax = 32;

std::string FormatNumber(double number) {
  return model::Format(model::Value(number));
}

Status CheckPattern(std::string_view pattern) {
  if (pattern.empty()) return Invalid("a pattern must not be empty");
  if (pattern.size() > model::kPathBytesMax) {
    return Invalid("a pattern may have " + std::to_string(model::kPathBytesMax) + " bytes, not " +
                   std::to_string(pattern.size()));
  }
  if (std::count(pattern.begin(), pattern.end(), '*') > kStarsMax) {
    return Invalid("a pattern may have " + std::to_string(kStarsMax) + " '*' at most");
  }
  if (pattern.find("***") != pattern.npos) return Invalid("'***' means nothing");
  std::string name;
  for (std::size_t begin = 0; begin <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    name = pattern.substr(begin, end - begin);
    // Wildcards stand for what a name may hold.
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
    if (const Status ok = model::CheckSegment(name); !ok) {
      return Invalid("not a pattern of paths such as \"boiler/*\": " + ok.error().text);
    }
    begin = end + 1;
  }
  return {};
}

// What `alarm_low` and the others of one table say together.
void CheckAlarm(const PropertyOverride& one, ConfigReader& reader) {
  if (!one.alarm_high || !one.alarm_low) return;
  if (*one.alarm_low >= *one.alarm_high) {
    reader.Problem("alarm_low", "must be below alarm_high (" + FormatNumber(*one.alarm_high) +
                                    "), is " + FormatNumber(*one.alarm_low));
    return;
  }
  const double distance = *one.alarm_high - *one.alarm_low;
  if (one.alarm_hysteresis && *one.alarm_hysteresis >= distance) {
    reader.Problem("alarm_hysteresis",
                   "must be smaller than what lies between alarm_low and "
                   "alarm_high (" +
                       FormatNumber(distance) + "), is " + FormatNumber(*one.alarm_hysteresis));
  }
}

template <class Read>
auto IfSet(ConfigReader& reader, std::string_view key, Read read)
    -> std::optional<decltype(read())> {
  if (!reader.Has(key)) return {};
  return read();
}

std::optional<std::string> Text(ConfigReader& reader, std::string_view key, std::size_t bytes_max) {
  if (!reader.Has(key)) return {};
  std::string text = reader.String(key, {});
  if (text.size() > bytes_max) {
    reader.Problem(key, "must have at most " + std::to_string(bytes_max) + " bytes, has " +
                            std::to_string(text.size()));
  }
  return text;
}

PropertyOverride ReadOne(const std::string& pattern, ConfigReader& reader) {
  PropertyOverride result;
  result.pattern = pattern;
  result.source = reader.source();
  if (const Status ok = CheckPattern(pattern); !ok) reader.Problem({}, ok.error().text);

  constexpr double kMost = std::numeric_limits<double>::max();
  result.deadband =
      IfSet(reader, "deadband", [&] { return reader.Double("deadband", 0, 0, kMost); });
  result.min_period =
      IfSet(reader, "min_period", [&] { return reader.Duration("min_period", 0ms, 0ms, 24h); });
  result.heartbeat =
      IfSet(reader, "heartbeat", [&] { return reader.Duration("heartbeat", 0ms, 0ms, 30 * 24h); });
  result.local_only = IfSet(reader, "local_only", [&] { return reader.Bool("local_only", false); });
  result.history = IfSet(reader, "history", [&] {
    return reader.Choice<HistoryPolicy>("history", HistoryPolicy::kNormal,
                                        {{"off", HistoryPolicy::kOff},
                                         {"low", HistoryPolicy::kLow},
                                         {"normal", HistoryPolicy::kNormal},
                                         {"high", HistoryPolicy::kHigh}});
  });
  result.decimals = IfSet(reader, "decimals", [&] {
    return static_cast<int>(reader.Int("decimals", 0, 0, model::kDecimalsMax));
  });
  result.unit = Text(reader, "unit", kUnitBytesMax);
  result.description = Text(reader, "description", kDescriptionBytesMax);
  result.min = reader.OptionalDouble("min");
  result.max = reader.OptionalDouble("max");

  result.alarm_high = reader.OptionalDouble("alarm_high");
  result.alarm_low = reader.OptionalDouble("alarm_low");
  result.alarm_hysteresis = IfSet(reader, "alarm_hysteresis",
                                  [&] { return reader.Double("alarm_hysteresis", 0, 0, kMost); });
  result.alarm_delay = IfSet(reader, "alarm_delay", [&] {
    return reader.Duration("alarm_delay", 0ms, 0ms, model::kAlarmDelayMax);
  });
  CheckAlarm(result, reader);

  if (result.heartbeat && *result.heartbeat > 0ms) {
    const milliseconds least = std::max<milliseconds>(1s, result.min_period.value_or(0ms));
    if (*result.heartbeat < least) {
      reader.Problem("heartbeat", "must be 0 or at least " + FormatDuration(least) +
                                      (least > 1s ? ", the min_period" : "") + ", is " +
                                      FormatDuration(*result.heartbeat));
    }
  }
  if (result.min && result.max && *result.min > *result.max) {
    reader.Problem("min", "is above max");
  }
  reader.Finish();
  return result;
}

void Apply(const PropertyOverride& from, model::PropertyDef& def) {
  const bool numeric = def.type == model::ValueType::kInt || def.type == model::ValueType::kDouble;
  if (from.deadband && numeric) def.policy.deadband = *from.deadband;
  if (from.min_period) def.policy.min_period = *from.min_period;
  if (from.heartbeat) def.policy.heartbeat = *from.heartbeat;
  if (from.local_only) def.local_only = *from.local_only;
  if (from.decimals && def.type == model::ValueType::kDouble) def.decimals = from.decimals;
  if (from.unit) def.unit = *from.unit;
  if (from.description) def.description = *from.description;
}

bool SaysAlarm(const PropertyOverride& one) {
  return one.alarm_high || one.alarm_low || one.alarm_hysteresis || one.alarm_delay;
}

void ApplyAlarm(const PropertyOverride& from, model::AlarmLimits& alarm) {
  if (from.alarm_high) alarm.high = from.alarm_high;
  if (from.alarm_low) alarm.low = from.alarm_low;
  if (from.alarm_hysteresis) alarm.hysteresis = *from.alarm_hysteresis;
  if (from.alarm_delay) alarm.delay = *from.alarm_delay;
}

// The last one that says anything about a limit, narrowed by what the driver declared.
void Narrow(std::optional<double> min, std::optional<double> max, model::PropertyDef& def) {
  if (min) def.min = def.min ? std::max(*def.min, *min) : *min;
  if (max) def.max = def.max ? std::min(*def.max, *max) : *max;
}

}  // namespace

bool operator==(const PropertyOverride& a, const PropertyOverride& b) {
  const auto all = [](const PropertyOverride& o) {
    return std::tie(o.pattern, o.deadband, o.min_period, o.heartbeat, o.local_only, o.history,
                    o.decimals, o.unit, o.description, o.min, o.max, o.alarm_high, o.alarm_low,
                    o.alarm_hysteresis, o.alarm_delay);
  };
  return all(a) == all(b);
}

std::vector<PropertyOverride> ReadPropertyOverrides(ConfigReader& reader) {
  std::vector<PropertyOverride> result;
  for (auto& [pattern, member] : reader.Members()) {
    const std::size_t problems = member.problems().count();
    PropertyOverride one = ReadOne(pattern, member);
    if (member.problems().count() == problems) result.push_back(std::move(one));
  }
  reader.Finish();
  return result;
}

Status ApplyOverrides(const std::vector<PropertyOverride>& overrides, model::PropertyDef& def) {
  const bool numeric = def.type == model::ValueType::kInt || def.type == model::ValueType::kDouble;
  std::optional<double> min, max;
  const ConfigSource* limited_by = nullptr;
  const ConfigSource* alarmed_by = nullptr;
  for (const PropertyOverride& one : overrides) {
    if (!model::Matches(one.pattern, def.path.text())) continue;
    Apply(one, def);
    if (!numeric) continue;
    if (one.min) min = one.min;
    if (one.max) max = one.max;
    if (one.min || one.max) limited_by = &one.source;
    ApplyAlarm(one, def.alarm);
    if (SaysAlarm(one)) alarmed_by = &one.source;
  }
  Narrow(min, max, def);
  if (limited_by != nullptr && def.min && def.max && *def.min > *def.max) {
    return Conflict("'" + def.path.text() + "': the limits of " + limited_by->file + ":" +
                    std::to_string(limited_by->line) + " and the driver's leave no value");
  }
  if (alarmed_by == nullptr) return {};
  if (const Status ok = model::Check(def.alarm); !ok) {
    return Conflict("'" + def.path.text() + "': with " + alarmed_by->file + ":" +
                    std::to_string(alarmed_by->line) + ", " + ok.error().text);
  }
  return {};
}

HistoryPolicy HistoryPolicyOf(const std::vector<PropertyOverride>& overrides,
                              const std::string& path) {
  HistoryPolicy policy = HistoryPolicy::kNormal;
  for (const PropertyOverride& one : overrides) {
    if (one.history && model::Matches(one.pattern, path)) policy = *one.history;
  }
  return policy;
}

}  // namespace edgetwin::config
