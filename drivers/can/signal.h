// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A signal: some bits of a frame's payload, and how they become a value and back. Pure.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::can {

inline constexpr int kPayloadBytesMax = 64;  // Of a CAN FD frame; a classic one has 8.
using Payload = std::array<std::uint8_t, kPayloadBytesMax>;

enum class ByteOrder : std::uint8_t { kLittle, kBig };  // DBC: @1 (Intel), @0 (Motorola).
enum class RawType : std::uint8_t { kUnsigned, kSigned, kFloat32, kFloat64 };

// Where the bits lie. Bits are counted as DBC does: bit 8·i + j is the bit of value 2^j in byte i.
struct SignalBits {
  int start = 0;  // kLittle: the least significant bit; kBig: the most significant one.
  int length = 1;
  ByteOrder order = ByteOrder::kLittle;
  RawType type = RawType::kUnsigned;
};

// kInvalid: the length doesn't fit the type, or a bit lies outside of `payload_bytes`.
Status CheckBits(const SignalBits& bits, int payload_bytes);
// How many bytes a payload needs to hold all of them.
int BytesNeeded(const SignalBits& bits);

// The bits as a number, without sign. Requires payload.size() >= BytesNeeded(bits).
std::uint64_t ExtractRaw(const SignalBits& bits, std::span<const std::uint8_t> payload);
// Puts the lowest bits of `raw` there and leaves the others as they are.
void InsertRaw(const SignalBits& bits, std::uint64_t raw, std::span<std::uint8_t> payload);

struct SignalSpec {
  SignalBits bits;
  double factor = 1;  // value = raw · factor + offset.
  double offset = 0;
  std::optional<int> decimals;  // Doubles are rounded to this many digits.
  std::optional<double> min;    // What is outside is no value, if check_range says so.
  std::optional<double> max;
  bool check_range = false;
};

// bool: one unsigned bit; int: other integers; double: floats, and what factor and offset scale.
model::ValueType ValueTypeOf(const SignalSpec& spec);
// Digits after the point that raw · factor + offset can have; nothing for floats, and when it is
// more than a twin can say.
std::optional<int> ImpliedDecimals(const SignalSpec& spec);

// kInvalid: it is no value of the property's type (unsigned, above the largest int64), or outside
// of a range that is checked. A float that is no number is a value.
Result<model::Value> Decode(const SignalSpec& spec, std::uint64_t raw);
// The nearest raw number; kInvalid says which values fit.
Result<std::uint64_t> Encode(const SignalSpec& spec, const model::Value& value);

// "bit 12, 16 bits, big endian, signed".
std::string Describe(const SignalBits& bits);

}  // namespace edgetwin::can
