// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// JSON that clients send, read strictly. Pure.

#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::cloud {

// An object without two members of one name, at any depth. `what` says what it is ("a command").
// kInvalid.
Result<nlohmann::json> ReadJsonObject(std::string_view body, std::string_view what);

// A value of one of JSON's own types. kInvalid: null, an array, an object, out of range, too long.
Result<model::Value> ReadScalarValue(const nlohmann::json& node);

// The two objects that are values (see model::ToJson): {"base64": "…"} and {"double":
// "nan"|"inf"|"-inf"}.
std::optional<model::Value> ReadObjectValue(const nlohmann::json& node);

// The number as the property's type wants it, when nothing is lost by that: JSON writes 5.0 and 5
// for either.
model::Value FitType(model::ValueType type, model::Value value);

}  // namespace edgetwin::cloud
