// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/json_text.h"

#include <chrono>
#include <cstdio>

#include "twin/model/value.h"

namespace edgetwin::cloud {

std::string JsonString(std::string_view text) {
  return model::ToJson(model::Value(std::string(text)));
}

std::string JsonTime(WallTime time) {
  constexpr std::int64_t kYear0 = -62'167'219'200'000;
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  const std::int64_t ms = time.time_since_epoch().count();
  if (ms < kYear0 || ms >= kYear10000) return std::to_string(ms);
  // Not gmtime_r: a time_t of 32 bits ends in 2038, and devices' clocks may stand anywhere.
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  char text[64];
  std::snprintf(
      text, sizeof text, "\"%04d-%02u-%02uT%02d:%02d:%02d.%03dZ\"", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::string JsonHex(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(number));
  return text;
}

JsonObject& JsonObject::Raw(std::string_view key, std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_ += JsonString(key);
  text_ += ':';
  text_ += json;
  return *this;
}

void JsonArray::Raw(std::string_view json) {
  if (text_.size() > 1) text_ += ',';
  text_ += json;
}

}  // namespace edgetwin::cloud
