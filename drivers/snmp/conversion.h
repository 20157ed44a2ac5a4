// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// From what an agent says to a property's value, and back to what is set. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/snmp/binding.h"
#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::snmp_driver {

struct Conversion {
  model::ValueType type = model::ValueType::kInt;
  double scale = 1;  // Doubles: value = raw · scale + offset; not 0.
  double offset = 0;
  std::optional<int> decimals;
  bool hex = false;                           // Strings: of an OCTET STRING, "00:1b:c5".
  std::map<std::int64_t, std::string> names;  // Strings: of an INTEGER's numbers.
  std::int64_t true_number = 1;               // Bools; RFC 2579, TruthValue.
  std::int64_t false_number = 2;
};

// kNotFound for an object that the agent hasn't got. kCorrupt with what came for all else that
// makes no value: numbers that don't fit, text that is no UTF-8 or over 16 KiB.
Result<model::Value> ToValue(const Data& data, const Conversion& conversion);

// kInvalid for a value that doesn't fit, kUnsupported for a syntax that can't be set.
Result<Data> ToData(const model::Value& value, const Conversion& conversion, Syntax syntax);

// "Gauge32 42", "OCTET STRING 'eth0'": what came, for people.
std::string ShownData(const Data& data);

// What a row is known by: an OCTET STRING's bytes as they are, numbers and OIDs as text; nothing
// for others.
std::optional<std::string> RowName(const Data& data);

// `text` in quotes, cut, with nothing that a terminal obeys.
std::string Shown(std::string_view text);

}  // namespace edgetwin::snmp_driver
