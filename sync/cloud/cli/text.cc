// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cli/text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "twin/base/clock.h"
#include "twin/base/utf8.h"

namespace edgetwin::cloudcli {
namespace {

// Characters; nearly all that devices tell take one column each.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Seconds from now on, negative for the past. The API's times are UTC.
std::optional<std::int64_t> FromNow(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  tm parts{};
  if (strptime(json.get_ref<const std::string&>().c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return std::nullopt;
  // Not timegm: a time_t of 32 bits ends in 2038, and devices' clocks may stand anywhere.
  const std::chrono::year_month_day date{
      std::chrono::year(parts.tm_year + 1900),
      std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
      std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  const std::chrono::sys_seconds at =
      std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
      std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
  return (at - std::chrono::floor<std::chrono::seconds>(SystemClock().UntrustedWall())).count();
}

std::string Span(std::int64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3'600) return std::to_string(seconds / 3'600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

std::string Relative(std::int64_t seconds) {
  return seconds > 0 ? "in " + Span(seconds) : Span(-seconds) + " ago";
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out = ToUtf8(text, text.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = '?';
    // U+0080 to U+009F, the other control characters.
    const bool c1 = byte == 0xc2 && static_cast<unsigned char>(out[i + 1]) < 0xa0;
    if (c1) out.replace(i, 2, "?");
  }
  return out;
}

void Line(std::string_view text) {
  std::printf("%s\n", Printable(text).c_str());
}

void Say(std::string_view text) {
  std::fflush(stdout);
  std::fprintf(stderr, "edgetwin-cloud: %s\n", Printable(text).c_str());
}

void Document(const Json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

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
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::string AgoAt(const Json& json, std::string_view key) {
  const auto seconds = FromNow(At(json, key));
  return seconds ? Relative(*seconds) : "-";
}

std::string WhenAt(const Json& json, std::string_view key) {
  const auto seconds = FromNow(At(json, key));
  if (!seconds) return "-";
  std::string text = At(json, key).get<std::string>().substr(0, 19);
  text[10] = ' ';
  return text + " UTC (" + Relative(*seconds) + ")";
}

void Table::Print() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(Printable(row[i])));
    }
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - Width(cell) + 2, ' ');
    }
    if (!line.empty()) Line(line);
  }
}

}  // namespace edgetwin::cloudcli
