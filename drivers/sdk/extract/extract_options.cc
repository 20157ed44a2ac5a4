// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/extract/extract_options.h"

#include <string>
#include <utility>

namespace edgetwin::extract {

using model::ValueType;

const std::vector<ValueType> kTextTypes = {ValueType::kDouble, ValueType::kInt, ValueType::kBool,
                                           ValueType::kString};

Conversion ReadConversion(ConfigReader& config, model::PropertyDef& def,
                          const std::vector<ValueType>& types) {
  Conversion conversion;
  std::vector<std::pair<std::string, ValueType>> choices;
  for (const ValueType type : types) choices.emplace_back(ToString(type), type);
  conversion.type = config.Choice<ValueType>("type", ValueType::kDouble, choices);
  def.type = conversion.type;
  const std::string type(ToString(conversion.type));
  conversion.scale = config.OptionalDouble("scale").value_or(1);
  conversion.offset = config.OptionalDouble("offset").value_or(0);
  for (const char* key : {"scale", "offset"}) {
    if (config.Has(key) && conversion.type != ValueType::kDouble) {
      config.Problem(key, "is for type = \"double\", not \"" + type + "\"");
    }
  }
  if (conversion.scale == 0) config.Problem("scale", "must not be 0");
  for (const char* key : {"true_text", "false_text"}) {
    if (config.Has(key) && conversion.type != ValueType::kBool) {
      config.Problem(key, "is for type = \"bool\", not \"" + type + "\"");
    }
  }
  if (!config.Has("true_text") && !config.Has("false_text")) return conversion;
  config.Require("true_text");
  config.Require("false_text");
  conversion.true_text = config.String("true_text", {});
  conversion.false_text = config.String("false_text", {});
  if (config.Has("true_text") && conversion.true_text == conversion.false_text) {
    config.Problem("false_text", "is the same as true_text");
  }
  return conversion;
}

std::optional<PointerPlace> ReadPointer(ConfigReader& config, std::string_view key) {
  if (!config.Has(key)) return {};
  const std::string text = config.String(key, {});
  Result<Pointer> pointer = ParsePointer(text);
  if (pointer) return PointerPlace{*std::move(pointer), text};
  config.Problem(key, pointer.error().text);
  return {};
}

std::optional<Pattern> ReadPattern(ConfigReader& config, std::string_view key) {
  if (!config.Has(key)) return {};
  Result<Pattern> pattern = Pattern::Compile(config.String(key, {}));
  if (pattern) return *std::move(pattern);
  config.Problem(key, pattern.error().text);
  return {};
}

}  // namespace edgetwin::extract
