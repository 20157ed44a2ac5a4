// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/text.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace edgetwin::api {
namespace {

using std::chrono::milliseconds;

struct Step {
  std::int64_t ms;
  std::string_view name;
  std::int64_t next_ms;  // The unit below, shown too while there are few of this one.
  std::string_view next;
};
constexpr std::array<Step, 3> kSteps = {{{86'400'000, "d", 3'600'000, "h"},
                                         {3'600'000, "h", 60'000, "min"},
                                         {60'000, "min", 1'000, "s"}}};

}  // namespace

std::string Shown(const model::Value& value, const model::PropertyDef& def) {
  if (value.none()) return "no value";
  std::string text = model::Format(value, def.decimals);
  // UCUM's spelling for machines; people know these better.
  if (def.unit == "Cel") return text + " °C";
  if (!def.unit.empty() && def.unit != "1") text += " " + def.unit;
  return text;
}

std::string Span(milliseconds span) {
  const std::int64_t ms = std::max<std::int64_t>(0, span.count());
  if (ms < 1'000) return std::to_string(ms) + " ms";
  for (const Step& step : kSteps) {
    if (ms < step.ms) continue;
    std::string text = std::to_string(ms / step.ms) + " " + std::string(step.name);
    const std::int64_t rest = ms % step.ms / step.next_ms;
    if (ms / step.ms < 10 && rest > 0) {
      text += " " + std::to_string(rest) + " " + std::string(step.next);
    }
    return text;
  }
  return std::to_string(ms / 1'000) + " s";
}

std::string Relative(milliseconds since) {
  if (since < milliseconds(-999)) return "in " + Span(-since);
  if (since < milliseconds(1'000)) return "now";
  return Span(since) + " ago";
}

std::string LocalTime(WallTime time, WallTime now) {
  const auto parts = [](WallTime at) {
    const time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    tm result{};
    localtime_r(&seconds, &result);
    return result;
  };
  const tm then = parts(time);
  const tm today = parts(now);
  const bool same = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), same ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
  return text.data();
}

std::string When(WallTime time, WallTime now) {
  return LocalTime(time, now) + " (" + Relative(now - time) + ")";
}

std::string Grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string Count(std::uint64_t number, std::string_view one, std::string_view many) {
  return Grouped(number) + " " + std::string(number == 1 ? one : many);
}

std::string Bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1'024 && unit + 1 < kUnits.size(); ++unit) number /= 1'024;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), unit == 0 || number >= 100 ? "%.0f %s" : "%.1f %s",
                number, kUnits[unit]);
  return text.data();
}

}  // namespace edgetwin::api
