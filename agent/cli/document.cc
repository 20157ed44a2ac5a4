// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/document.h"

#include <array>
#include <cstdio>

#include "agent/api/text.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {

const Json& At(const Json& json, std::string_view key) {
  static const Json kNothing;
  if (!json.is_object()) return kNothing;
  const auto found = json.find(std::string(key));
  return found == json.end() ? kNothing : *found;
}

std::string TextAt(const Json& json, std::string_view key, std::string_view otherwise) {
  const Json& value = At(json, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

std::uint64_t NumberAt(const Json& json, std::string_view key) {
  const Json& value = At(json, key);
  return value.is_number() ? value.get<std::uint64_t>() : 0;
}

Style QualityStyle(std::string_view quality) {
  if (quality == "good") return Style::kGood;
  if (quality == "bad") return Style::kBad;
  return quality == "stale" ? Style::kDim : Style::kWarn;
}

std::string TimeAt(const Json& json, std::string_view key) {
  const auto time = api::ParseTime(At(json, key));
  return time ? api::When(*time, SystemClock().UntrustedWall()) : "-";
}

std::string AgoAt(const Json& json, std::string_view key) {
  const auto time = api::ParseTime(At(json, key));
  return time ? api::Relative(SystemClock().UntrustedWall() - *time) : "-";
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

}  // namespace edgetwin::cli
