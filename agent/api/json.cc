// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/json.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

#include "twin/base/utf8.h"

namespace edgetwin::api {
namespace {

using model::Value;
using model::ValueType;

std::optional<std::string> FromBase64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return {};
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  if ((bits & ((1U << held) - 1)) != 0) return {};  // Bits that no byte takes: not canonical.
  return bytes;
}

std::optional<double> SpecialDouble(const Json& json) {
  if (!json.is_object() || json.size() != 1 || !json.contains("double")) return {};
  const Json& name = json["double"];
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name == "inf") return std::numeric_limits<double>::infinity();
  if (name == "-inf") return -std::numeric_limits<double>::infinity();
  return {};
}

std::optional<Value> ParseAs(const Json& json, ValueType type) {
  switch (type) {
    case ValueType::kBool:
      if (json.is_boolean()) return Value(json.get<bool>());
      break;
    case ValueType::kInt:
      if (json.is_number_unsigned() &&
          json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        break;
      }
      if (json.is_number_integer()) return Value(json.get<std::int64_t>());
      break;
    case ValueType::kDouble:
      if (json.is_number()) return Value(json.get<double>());
      if (const auto special = SpecialDouble(json)) return Value(*special);
      break;
    case ValueType::kString:
      if (json.is_string() && json.get_ref<const std::string&>().size() <= model::kValueBytesMax) {
        return Value(json.get<std::string>());
      }
      break;
    case ValueType::kBytes:
      if (json.is_object() && json.size() == 1 && json.contains("base64") &&
          json["base64"].is_string()) {
        auto bytes = FromBase64(json["base64"].get_ref<const std::string&>());
        if (bytes && bytes->size() <= model::kValueBytesMax) {
          return Value(model::Bytes{*std::move(bytes)});
        }
      }
      break;
    case ValueType::kNone: break;
  }
  return {};
}

std::string_view Expected(ValueType type) {
  switch (type) {
    case ValueType::kBool: return "true or false";
    case ValueType::kInt: return "a whole number of 64 bits";
    case ValueType::kDouble: return "a number";
    case ValueType::kString: return "a string of at most 16,384 bytes";
    case ValueType::kBytes: return "{\"base64\":\"…\"} of at most 16,384 bytes";
    case ValueType::kNone: break;
  }
  return "nothing: no driver of this device has it";
}

}  // namespace

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

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json ValueJson(const Value& value) {
  switch (value.type()) {
    case ValueType::kNone: return nullptr;
    case ValueType::kBool: return value.boolean();
    case ValueType::kInt: return value.integer();
    case ValueType::kString: return value.text();
    case ValueType::kDouble:
      if (std::isfinite(value.real())) return value.real();
      break;
    case ValueType::kBytes: break;
  }
  return Json::parse(model::ToJson(value), nullptr, false);
}

Result<Value> ParseJsonValue(const Json& json, ValueType type) {
  if (auto value = ParseAs(json, type)) return *std::move(value);
  std::string shown = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (shown.size() > 80) shown = shown.substr(0, Utf8ValidBytes(shown.substr(0, 80))) + "…";
  return Invalid("the value must be " + std::string(Expected(type)) + ", not " + shown);
}

Json TimeJson(WallTime time) {
  if (time == WallTime{}) return nullptr;
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  const std::int64_t ms = time.time_since_epoch().count();
  if (ms < 0 || ms >= kYear10000) return ms;
  // Not gmtime_r: a time_t of 32 bits ends in 2038, and devices' clocks may stand anywhere.
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::optional<WallTime> ParseTime(const Json& json) {
  if (!json.is_string()) return {};
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  int ms = 0;
  int used = 0;
  const std::string& text = json.get_ref<const std::string&>();
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hours,
                  &minutes, &seconds, &ms, &used) != 7 ||
      used != static_cast<int>(text.size())) {
    return {};
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds) + std::chrono::milliseconds(ms);
}

std::string Hex(std::uint64_t bits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = kDigits[bits >> (60 - 4 * i) & 15];
  return text;
}

Json DotJson(const model::Dot& dot) {
  return {{"inc", Hex(dot.inc)}, {"seq", dot.seq}};
}

Json LimitJson(const LimitReport& limit) {
  return {{"name", limit.name},
          {"max", limit.max},
          {"used", limit.used},
          {"peak", limit.peak},
          {"hits", limit.hits}};
}

http::Response JsonResponse(const Json& json, int status) {
  http::Response response;
  response.status = status;
  response.body = Dump(json);
  return response;
}

}  // namespace edgetwin::api
