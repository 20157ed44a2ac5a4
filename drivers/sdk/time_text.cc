// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/time_text.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;

// Takes exactly `digits` digits off `rest`.
std::optional<int> TakeDigits(std::string_view& rest, std::size_t digits) {
  if (rest.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : rest.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  rest.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& rest, char c) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> TakeDate(std::string_view& rest) {
  const auto year = TakeDigits(rest, 4);
  if (!year || !Take(rest, '-')) return std::nullopt;
  const auto month = TakeDigits(rest, 2);
  if (!month || !Take(rest, '-')) return std::nullopt;
  const auto day = TakeDigits(rest, 2);
  if (!day || *year == 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// ".123456": digits past the third are cut off.
std::optional<milliseconds> TakeFraction(std::string_view& rest) {
  if (!Take(rest, '.') && !Take(rest, ',')) return milliseconds(0);
  int value = 0;
  int weight = 100;
  std::size_t digits = 0;
  for (; !rest.empty() && rest.front() >= '0' && rest.front() <= '9'; ++digits, weight /= 10) {
    value += (rest.front() - '0') * weight;
    rest.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return milliseconds(value);
}

// "10:00", "10:00:00", "10:00:00.123". A leap second is the next minute's first.
std::optional<milliseconds> TakeClock(std::string_view& rest) {
  const auto hours = TakeDigits(rest, 2);
  if (!hours || !Take(rest, ':')) return std::nullopt;
  const auto minutes = TakeDigits(rest, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  milliseconds clock = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  if (!Take(rest, ':')) return clock;
  const auto seconds = TakeDigits(rest, 2);
  if (!seconds || *seconds > 60) return std::nullopt;
  const auto fraction = TakeFraction(rest);
  if (!fraction) return std::nullopt;
  return clock + std::chrono::seconds(*seconds) + *fraction;
}

// "", "Z", "+02:00", "+0200", "+02": how far the clock is ahead of UTC.
std::optional<milliseconds> TakeZone(std::string_view& rest) {
  if (rest.empty() || Take(rest, 'Z') || Take(rest, 'z')) return milliseconds(0);
  const bool ahead = Take(rest, '+');
  if (!ahead && !Take(rest, '-')) return std::nullopt;
  const auto hours = TakeDigits(rest, 2);
  if (!hours || *hours > 23) return std::nullopt;
  int minutes = 0;
  if (Take(rest, ':') || !rest.empty()) {
    const auto given = TakeDigits(rest, 2);
    if (!given || *given > 59) return std::nullopt;
    minutes = *given;
  }
  const milliseconds offset = std::chrono::hours(*hours) + std::chrono::minutes(minutes);
  return ahead ? offset : -offset;
}

std::optional<WallTime> ParseIso(std::string_view rest) {
  const auto day = TakeDate(rest);
  if (!day) return std::nullopt;
  if (rest.empty()) return WallTime(*day);
  if (!Take(rest, 'T') && !Take(rest, 't') && !Take(rest, ' ')) return std::nullopt;
  const auto clock = TakeClock(rest);
  if (!clock) return std::nullopt;
  Take(rest, ' ');
  const auto zone = TakeZone(rest);
  if (!zone || !rest.empty()) return std::nullopt;
  return WallTime(*day) + *clock - *zone;
}

std::optional<WallTime> ParseUnix(std::string_view text, TimeFormat format) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || parsed != end || !std::isfinite(number)) return std::nullopt;
  const bool seconds =
      format == TimeFormat::kSeconds || (format == TimeFormat::kAuto && std::abs(number) < 1e11);
  const double count = std::round(seconds ? number * 1000 : number);
  // The years 1 and 9999.
  if (count < -62'135'596'800'000.0 || count > 253'402'300'799'999.0) return std::nullopt;
  return WallTime(milliseconds(static_cast<std::int64_t>(count)));
}

}  // namespace

Result<WallTime> ParseTime(std::string_view text, TimeFormat format) {
  const bool looks_iso = text.size() > 4 && text[4] == '-';
  const bool iso = format == TimeFormat::kIso || (format == TimeFormat::kAuto && looks_iso);
  const std::optional<WallTime> time = iso ? ParseIso(text) : ParseUnix(text, format);
  if (!time) return Invalid("'" + std::string(text.substr(0, 60)) + "' is no time");
  return *time;
}

}  // namespace edgetwin::driver
