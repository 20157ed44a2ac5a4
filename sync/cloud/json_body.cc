// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/json_body.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "twin/model/property.h"

namespace edgetwin::cloud {

using model::Value;
using model::ValueType;
using nlohmann::json;

namespace {

std::optional<std::string> FromBase64(const std::string& text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : text[i + 2] == '=' ? 2 : text[i + 3] == '=' ? 1 : 0;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padded = k >= 4 - padding;
      const std::size_t digit = padded ? 0 : kDigits.find(text[i + k]);
      if (digit == std::string_view::npos || (padded && text[i + k] != '=')) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      out += static_cast<char>(bits >> (16 - 8 * k) & 0xff);
    }
    // Bits that no byte takes must be zero, or two spellings would be one value.
    if (padding > 0 && (bits & ((1U << (8 * padding)) - 1)) != 0) return std::nullopt;
  }
  return out;
}

}  // namespace

Result<json> ReadJsonObject(std::string_view body, std::string_view what) {
  // The parser keeps the last of two members of one name: which one the writer meant nobody knows.
  std::vector<std::set<std::string>> names;
  std::optional<std::string> twice;
  json document = json::parse(
      body.begin(), body.end(),
      [&](int, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end) names.pop_back();
        if (event == json::parse_event_t::key &&
            !names.back().insert(parsed.get_ref<const std::string&>()).second) {
          twice = parsed.get_ref<const std::string&>();
        }
        return true;
      },
      false);
  if (document.is_discarded()) return Invalid("the body is not JSON");
  if (!document.is_object()) {
    return Invalid(std::string("the body is a JSON ") + document.type_name() + "; " +
                   std::string(what) + " is an object");
  }
  if (twice) return Invalid("the member \"" + *twice + "\" appears twice in one object");
  return document;
}

std::optional<Value> ReadObjectValue(const json& node) {
  if (node.size() != 1 || !node.begin()->is_string()) return std::nullopt;
  const auto& text = node.begin()->get_ref<const std::string&>();
  if (node.begin().key() == "base64") {
    auto bytes = FromBase64(text);
    if (!bytes) return std::nullopt;
    return Value(model::Bytes{*std::move(bytes)});
  }
  if (node.begin().key() != "double") return std::nullopt;
  if (text == "nan") return Value(std::numeric_limits<double>::quiet_NaN());
  if (text == "inf") return Value(std::numeric_limits<double>::infinity());
  if (text == "-inf") return Value(-std::numeric_limits<double>::infinity());
  return std::nullopt;
}

Result<Value> ReadScalarValue(const json& node) {
  switch (node.type()) {
    case json::value_t::boolean: return Value(node.get<bool>());
    case json::value_t::number_integer: return Value(node.get<std::int64_t>());
    case json::value_t::number_unsigned:
      if (node.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Invalid(node.dump() + " is larger than the largest int, 9223372036854775807");
      }
      return Value(node.get<std::int64_t>());
    case json::value_t::number_float: return Value(node.get<double>());
    case json::value_t::string: {
      const auto& text = node.get_ref<const std::string&>();
      if (text.size() > model::kValueBytesMax) {
        return Invalid("a string of " + std::to_string(text.size()) + " bytes; " +
                       std::to_string(model::kValueBytesMax) + " are allowed");
      }
      return Value(text);
    }
    default: return Invalid(std::string("a value can't be ") + node.type_name());
  }
}

Value FitType(ValueType type, Value value) {
  if (type == ValueType::kInt && value.type() == ValueType::kDouble) {
    const double real = value.real();
    if (std::trunc(real) == real && std::fabs(real) < 9007199254740992.0) {
      return Value(static_cast<std::int64_t>(real));
    }
  }
  return model::Coerce(type, std::move(value));
}

}  // namespace edgetwin::cloud
