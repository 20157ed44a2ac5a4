// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/json_text.h"

#include <cstdio>
#include <ctime>

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
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const time_t seconds = whole.time_since_epoch().count();
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>((time - whole).count()));
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
