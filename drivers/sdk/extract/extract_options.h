// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The options that say where in a text a property stands, and what it means there.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/extract/value.h"
#include "twin/base/config_node.h"
#include "twin/model/property.h"

namespace edgetwin::extract {

// What a text can say.
extern const std::vector<model::ValueType> kTextTypes;

// Reads type (one of `types`), scale, offset, true_text and false_text. Sets def.type.
Conversion ReadConversion(ConfigReader& config, model::PropertyDef& def,
                          const std::vector<model::ValueType>& types = kTextTypes);

// The value of `key`; nothing when it isn't there or wrong, which is a problem.
std::optional<PointerPlace> ReadPointer(ConfigReader& config, std::string_view key);
std::optional<Pattern> ReadPattern(ConfigReader& config, std::string_view key);

}  // namespace edgetwin::extract
