// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/value.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::model {
namespace {

constexpr std::array<std::string_view, 6> kTypeNames = {"none",   "bool",   "int",
                                                        "double", "string", "bytes"};

constexpr std::array<double, kDecimalsMax + 1> kPowers = {1,   1e1, 1e2, 1e3, 1e4,
                                                          1e5, 1e6, 1e7, 1e8, 1e9};

std::string ShortestDouble(double value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end.ptr);
}

std::string Base64(std::string_view data) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < data.size() ? static_cast<unsigned char>(data[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > data.size();
      result += padding ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return result;
}

std::string QuoteJson(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\r': result += "\\r"; break;
      case '\t': result += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          std::array<char, 8> escape{};
          std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
          result += escape.data();
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

}  // namespace

std::string_view ToString(ValueType type) {
  return kTypeNames[static_cast<std::size_t>(type)];
}

std::optional<ValueType> ParseValueType(std::string_view name) {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<ValueType>(i);
  }
  return {};
}

std::optional<double> Value::AsNumber() const {
  switch (type()) {
    case ValueType::kBool: return boolean() ? 1.0 : 0.0;
    case ValueType::kInt: return static_cast<double>(integer());
    case ValueType::kDouble: return real();
    default: return {};
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  if (a.type() == ValueType::kDouble) {
    return std::bit_cast<std::uint64_t>(a.real()) == std::bit_cast<std::uint64_t>(b.real());
  }
  return a.value_ == b.value_;
}

std::string Format(const Value& value, std::optional<int> decimals) {
  switch (value.type()) {
    case ValueType::kNone: return "-";
    case ValueType::kBool: return value.boolean() ? "true" : "false";
    case ValueType::kInt: return std::to_string(value.integer());
    case ValueType::kDouble: {
      if (!decimals || !std::isfinite(value.real()) || !ScaleExactly(value.real(), *decimals)) {
        return ShortestDouble(value.real());
      }
      std::array<char, 400> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "%.*f", *decimals, value.real());
      return buffer.data();
    }
    case ValueType::kString: return value.text();
    case ValueType::kBytes: {
      std::string result = "0x";
      for (const char c : value.bytes().data) {
        static constexpr std::string_view kHex = "0123456789abcdef";
        result += kHex[static_cast<unsigned char>(c) >> 4];
        result += kHex[static_cast<unsigned char>(c) & 15];
      }
      return result;
    }
  }
  return "-";
}

bool Holdable(const Value& value) {
  if (value.type() == ValueType::kBytes) return value.bytes().data.size() <= kValueBytesMax;
  if (value.type() != ValueType::kString) return true;
  const std::string& text = value.text();
  return text.size() <= kValueBytesMax && Utf8ValidBytes(text) == text.size();
}

Result<Value> ParseValue(std::string_view text, ValueType type) {
  const auto refuse = [&](std::string_view wanted) {
    return Invalid("'" + std::string(text) + "' is not " + std::string(wanted));
  };
  const char* const end = text.data() + text.size();
  switch (type) {
    case ValueType::kNone: break;
    case ValueType::kBool:
      if (text == "true" || text == "1" || text == "on") return Value(true);
      if (text == "false" || text == "0" || text == "off") return Value(false);
      return refuse("a bool: true or false (also 1, on, 0, off)");
    case ValueType::kInt: {
      std::int64_t number = 0;
      const auto [at, error] = std::from_chars(text.data(), end, number);
      if (error != std::errc() || at != end) return refuse("a whole number of 64 bits");
      return Value(number);
    }
    case ValueType::kDouble: {
      double number = 0;
      const auto [at, error] = std::from_chars(text.data(), end, number);
      if (error != std::errc() || at != end) return refuse("a number");
      return Value(number);
    }
    case ValueType::kString:
      if (text.size() > kValueBytesMax) return Exhausted("the text is longer than 16 KiB");
      return Value(std::string(text));
    case ValueType::kBytes: {
      if (!text.starts_with("0x") || text.size() % 2 != 0) return refuse("bytes: 0x and hex pairs");
      Bytes bytes;
      for (std::size_t i = 2; i < text.size(); i += 2) {
        unsigned byte = 0;
        const auto [at, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
        if (error != std::errc() || at != text.data() + i + 2)
          return refuse("bytes: 0x and hex pairs");
        bytes.data += static_cast<char>(byte);
      }
      if (bytes.data.size() > kValueBytesMax) return Exhausted("more than 16 KiB of bytes");
      return Value(std::move(bytes));
    }
  }
  return Invalid("the property's type is not known");
}

std::string ToJson(const Value& value) {
  switch (value.type()) {
    case ValueType::kNone: return "null";
    case ValueType::kBool: return value.boolean() ? "true" : "false";
    case ValueType::kInt: return std::to_string(value.integer());
    case ValueType::kDouble:
      if (std::isnan(value.real())) return R"({"double":"nan"})";
      if (std::isinf(value.real())) {
        return value.real() < 0 ? R"({"double":"-inf"})" : R"({"double":"inf"})";
      }
      return ShortestDouble(value.real());
    case ValueType::kString: return QuoteJson(value.text());
    case ValueType::kBytes: return "{\"base64\":\"" + Base64(value.bytes().data) + "\"}";
  }
  return "null";
}

std::optional<std::int64_t> ScaleExactly(double value, int decimals) {
  EDGETWIN_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
  const double scaled = std::nearbyint(value * kPowers[decimals]);
  if (!(std::fabs(scaled) < 9007199254740992.0)) return {};  // 2^53; also refuses NaN.
  if (scaled == 0 && std::signbit(value)) return {};
  const auto whole = static_cast<std::int64_t>(scaled);
  if (Unscale(whole, decimals) != value) return {};
  return whole;
}

double Unscale(std::int64_t scaled, int decimals) {
  EDGETWIN_CHECK(decimals >= 0 && decimals <= kDecimalsMax);
  return static_cast<double>(scaled) / kPowers[decimals];
}

}  // namespace edgetwin::model
