// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// From what stands in an answer to a property's value, and back to what is sent. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::extract {

// One value as JSON or a regular expression gave it; a monostate is JSON's null. Whole numbers
// never pass through a double.
using Scalar = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string>;

struct Conversion {
  model::ValueType type = model::ValueType::kDouble;
  double scale = 1;  // Doubles: value = raw · scale + offset; not 0.
  double offset = 0;
  std::optional<int> decimals;
  std::optional<std::string> true_text;  // Bools: both or neither.
  std::optional<std::string> false_text;
};

// kInvalid with the scalar that was wrong, in words that a twin can hold.
Result<model::Value> ToValue(const Scalar& scalar, const Conversion& conversion);

// What to send for a value of the conversion's type: a bool's text, a double without its scale and
// offset. kInvalid for what no text can say.
Result<model::Value> ToRaw(const model::Value& value, const Conversion& conversion);

// The JSON to be sent for a value of the conversion's type. kInvalid for what JSON can't say.
Result<std::string> ToJson(const model::Value& value, const Conversion& conversion);

// As JSON has it, but for strings, which are cut.
std::string ShownScalar(const Scalar& scalar);

// `text` in quotes, cut, with nothing that a terminal obeys.
std::string Shown(std::string_view text);

}  // namespace edgetwin::extract
