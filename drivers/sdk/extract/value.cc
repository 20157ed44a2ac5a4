// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/extract/value.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "drivers/sdk/policy.h"
#include "twin/base/utf8.h"

namespace edgetwin::extract {
namespace {

using model::Value;
using model::ValueType;

constexpr std::size_t kShownBytesMax = 60;
constexpr double kExactMax = 9'007'199'254'740'992.0;  // 2^53: doubles below are exact integers.

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};
template <class... Each>
Overloaded(Each...) -> Overloaded<Each...>;

Error Not(std::string_view wanted, const Scalar& scalar) {
  return Invalid("is " + ShownScalar(scalar) + ", not " + std::string(wanted));
}

// All of `text`, but for blanks around it; numbers in pages often have them.
template <class Number>
std::optional<Number> Parsed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return {};
  return number;
}

Result<Value> ToBool(const Scalar& scalar, const Conversion& conversion) {
  if (conversion.true_text) {
    const auto* text = std::get_if<std::string>(&scalar);
    if (text != nullptr && *text == *conversion.true_text) return Value(true);
    if (text != nullptr && *text == *conversion.false_text) return Value(false);
    return Not(Shown(*conversion.true_text) + " or " + Shown(*conversion.false_text), scalar);
  }
  if (const auto* flag = std::get_if<bool>(&scalar)) return Value(*flag);
  if (const auto* whole = std::get_if<std::int64_t>(&scalar)) {
    if (*whole == 0 || *whole == 1) return Value(*whole == 1);
  }
  if (const auto* text = std::get_if<std::string>(&scalar)) {
    if (*text == "true" || *text == "1") return Value(true);
    if (*text == "false" || *text == "0") return Value(false);
  }
  return Not("true or false", scalar);
}

Result<Value> ToInt(const Scalar& scalar) {
  if (const auto* whole = std::get_if<std::int64_t>(&scalar)) return Value(*whole);
  if (const auto* real = std::get_if<double>(&scalar)) {
    // Some write each number with a point; beyond 2^53 such a number is no longer what was meant.
    if (std::abs(*real) < kExactMax && *real == std::nearbyint(*real)) {
      return Value(static_cast<std::int64_t>(*real));
    }
  }
  if (const auto* text = std::get_if<std::string>(&scalar)) {
    if (const auto whole = Parsed<std::int64_t>(*text)) return Value(*whole);
  }
  return Not("a whole number of 64 bits", scalar);
}

Result<Value> ToDouble(const Scalar& scalar, const Conversion& conversion) {
  const std::optional<double> raw = std::visit(
      Overloaded{[](std::monostate) { return std::optional<double>(); },
                 [](bool) { return std::optional<double>(); },
                 [](const std::string& text) { return Parsed<double>(text); },
                 [](auto number) { return std::optional<double>(static_cast<double>(number)); }},
      scalar);
  if (!raw || !std::isfinite(*raw)) return Not("a number", scalar);
  const double value = *raw * conversion.scale + conversion.offset;
  if (!std::isfinite(value)) return Not("a number that scale and offset leave finite", scalar);
  return Value(driver::Rounded(value, conversion.decimals));
}

Result<Value> ToText(const Scalar& scalar) {
  const auto* text = std::get_if<std::string>(&scalar);
  if (text == nullptr) return Not("a string", scalar);
  Value value(*text);
  if (!model::Holdable(value)) return Not("UTF-8 of at most 16 KiB", scalar);
  return value;
}

// What would be read back as `value`: whole where only the rounding of this calculation keeps it
// from being whole.
double Unscaled(double value, const Conversion& conversion) {
  if (conversion.scale == 1 && conversion.offset == 0) return value;
  const double raw = (value - conversion.offset) / conversion.scale;
  const double whole = std::nearbyint(raw);
  const double error = 4 * std::numeric_limits<double>::epsilon() *
                       (std::abs(value) + std::abs(conversion.offset)) / std::abs(conversion.scale);
  return std::abs(raw - whole) <= error ? whole : raw;
}

}  // namespace

std::string ShownScalar(const Scalar& scalar) {
  return std::visit(Overloaded{[](std::monostate) { return std::string("null"); },
                               [](bool flag) { return std::string(flag ? "true" : "false"); },
                               [](double number) { return Format(Value(number)); },
                               [](const std::string& text) { return Shown(text); },
                               [](auto whole) { return std::to_string(whole); }},
                    scalar);
}

std::string Shown(std::string_view text) {
  std::string words = ToUtf8(text, kShownBytesMax);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto byte = static_cast<unsigned char>(words[i]);
    if (byte < 0x20 || byte == 0x7f) words[i] = '?';
    // U+0080 to U+009F: terminals obey these, too.
    if (byte == 0xc2 && static_cast<unsigned char>(words[i + 1]) < 0xa0) words.replace(i, 2, "?");
  }
  return "'" + words + (text.size() > kShownBytesMax ? "…'" : "'");
}

Result<Value> ToValue(const Scalar& scalar, const Conversion& conversion) {
  switch (conversion.type) {
    case ValueType::kBool: return ToBool(scalar, conversion);
    case ValueType::kInt: return ToInt(scalar);
    case ValueType::kDouble: return ToDouble(scalar, conversion);
    case ValueType::kString: return ToText(scalar);
    default: return Invalid("has a type that can't be read");
  }
}

Result<Value> ToRaw(const Value& value, const Conversion& conversion) {
  if (value.type() != conversion.type) {
    return Invalid("must be a " + std::string(ToString(conversion.type)) + ", is " +
                   Shown(Format(value)));
  }
  if (value.type() == ValueType::kBool && conversion.true_text) {
    return Value(value.boolean() ? *conversion.true_text : *conversion.false_text);
  }
  if (value.type() != ValueType::kDouble) return value;
  const double raw = Unscaled(value.real(), conversion);
  if (!std::isfinite(raw)) return Invalid(Format(value) + " can't be said as a number");
  return Value(raw);
}

Result<std::string> ToJson(const Value& value, const Conversion& conversion) {
  const Result<Value> raw = ToRaw(value, conversion);
  if (!raw) return raw.error();
  return model::ToJson(*raw);
}

}  // namespace edgetwin::extract
