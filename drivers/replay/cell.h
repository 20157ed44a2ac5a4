// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Turning a cell's text into a property's value.

#pragma once

#include <optional>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::replay {

// The whole of `text` as a value of `type`, which is bool, int, double or string. Bools are
// true/false, yes/no, on/off, 1/0 in any case. kInvalid for anything else, for doubles that are not
// finite, and for text that isn't UTF-8 or is too long.
Result<model::Value> ParseCell(std::string_view text, model::ValueType type);

}  // namespace edgetwin::replay
