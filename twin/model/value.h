// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Typed values.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::model {

enum class ValueType : std::uint8_t {
  kNone = 0,
  kBool = 1,
  kInt = 2,
  kDouble = 3,
  kString = 4,
  kBytes = 5
};

// "none", "bool", "int", "double", "string", "bytes".
std::string_view ToString(ValueType type);
std::optional<ValueType> ParseValueType(std::string_view name);

inline constexpr std::size_t kValueBytesMax = 16 << 10;  // Strings and byte strings.
inline constexpr int kDecimalsMax = 9;

// A byte string. A type of its own so that it can't be mistaken for text.
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

// One value, or none (a tombstone, or nothing known yet). Equality is of bits: NaNs with the same
// payload are equal, 0.0 and -0.0 are not. Strings are UTF-8; whoever makes one from foreign bytes
// checks it.
class Value {
 public:
  Value() = default;
  explicit Value(bool value) : value_(value) {}
  explicit Value(std::int64_t value) : value_(value) {}
  explicit Value(double value) : value_(value) {}
  explicit Value(std::string value) : value_(std::move(value)) {}
  explicit Value(Bytes value) : value_(std::move(value)) {}
  Value(const char*) = delete;  // Would become a bool.

  ValueType type() const { return static_cast<ValueType>(value_.index()); }
  bool none() const { return type() == ValueType::kNone; }

  // Each requires that type() is the asked one.
  bool boolean() const { return std::get<bool>(value_); }
  std::int64_t integer() const { return std::get<std::int64_t>(value_); }
  double real() const { return std::get<double>(value_); }
  const std::string& text() const { return std::get<std::string>(value_); }
  const Bytes& bytes() const { return std::get<Bytes>(value_); }

  // Bools as 0 and 1, ints and doubles as they are; nothing for the others.
  std::optional<double> AsNumber() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes> value_;
};

// For people: "12.50" with two decimals, "true", "0x01ff" for bytes, strings as they are, "-" for
// none. Without decimals, a double's shortest exact spelling.
std::string Format(const Value& value, std::optional<int> decimals = {});

// Whether a twin may hold it: at most kValueBytesMax, and strings are UTF-8. What comes from
// foreign bytes is asked this first.
bool Holdable(const Value& value);

// Reads what a person typed for a property of `type`; kInvalid says what would be accepted.
Result<Value> ParseValue(std::string_view text, ValueType type);

// A value as a JSON literal: numbers shortest exact, strings escaped, bytes as {"base64":"…"}; a
// double that JSON cannot say as {"double":"nan"|"inf"|"-inf"}; none as null.
std::string ToJson(const Value& value);

// The integer that `value`·10^decimals is, if it gives back exactly `value` when divided by
// 10^decimals in doubles, |it| < 2^53, and value is not -0.0. What the wire and history send
// instead of eight bytes.
std::optional<std::int64_t> ScaleExactly(double value, int decimals);
// The inverse: the double nearest to scaled / 10^decimals.
double Unscale(std::int64_t scaled, int decimals);

}  // namespace edgetwin::model
