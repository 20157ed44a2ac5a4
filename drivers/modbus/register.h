// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One value in a Modbus device's tables: where it stands, and how registers become a value and
// back. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::driver {

// The four tables of MODBUS Application Protocol V1.1b3, 4.3.
enum class TableKind : std::uint8_t { kHolding, kInput, kCoil, kDiscrete };
std::string_view ToString(TableKind kind);  // As in the configuration: "holding", ….
inline bool IsBits(TableKind kind) {
  return kind == TableKind::kCoil || kind == TableKind::kDiscrete;
}

enum class RegisterType : std::uint8_t {
  kBool,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat32,
  kFloat64,
  kString,
};
std::string_view ToString(RegisterType type);

struct RegisterSpec {
  TableKind kind = TableKind::kHolding;
  int address = 0;  // From 0, as on the wire.
  RegisterType type = RegisterType::kUint16;
  int length_bytes = 0;       // Strings.
  std::optional<int> bit;     // 0 (least significant) to 15: a bool inside a register.
  bool little_words = false;  // The least significant register comes first.
  bool little_bytes = false;  // The bytes in each register are swapped.
  double scale = 1;           // value = raw · scale + offset.
  double offset = 0;
  bool scaled = false;          // Whether scale or offset was given: a scaled integer is a double.
  std::optional<int> decimals;  // Doubles are rounded to this many digits.

  int count() const;  // Of registers, or 1 for coils and discrete inputs.
  int end() const { return address + count(); }
};

inline constexpr int kStringBytesMax = 246;  // What one FC16 request can write: 123 registers.

bool IsInteger(RegisterType type);
model::ValueType ValueTypeOf(const RegisterSpec& spec);
// Digits after the point that raw · scale + offset can have; nothing when it isn't known.
std::optional<int> ImpliedDecimals(double scale, double offset);

// What is in `registers` (exactly spec.count() of them; not for coils and discrete inputs).
// kInvalid: there is no such value of the property's type: an unscaled uint64 above the largest
// int64, text that isn't UTF-8.
Result<model::Value> Decode(const RegisterSpec& spec, std::span<const std::uint16_t> registers);

// The registers that hold `value`; not for coils and single bits. kInvalid says which values fit.
Result<std::vector<std::uint16_t>> Encode(const RegisterSpec& spec, const model::Value& value);

// "holding 12 uint16", "holding 12 bit 3", "coil 4".
std::string Describe(const RegisterSpec& spec);

}  // namespace edgetwin::driver
