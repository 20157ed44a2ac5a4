// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/register.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "drivers/sdk/policy.h"
#include "twin/base/check.h"

namespace edgetwin::driver {
namespace {

using model::Value;

int ByteCount(RegisterType type) {
  switch (type) {
    case RegisterType::kBool:
    case RegisterType::kInt16:
    case RegisterType::kUint16: return 2;
    case RegisterType::kInt32:
    case RegisterType::kUint32:
    case RegisterType::kFloat32: return 4;
    case RegisterType::kInt64:
    case RegisterType::kUint64:
    case RegisterType::kFloat64: return 8;
    case RegisterType::kString: return 0;
  }
  return 0;
}

bool IsSigned(RegisterType type) {
  return type == RegisterType::kInt16 || type == RegisterType::kInt32 ||
         type == RegisterType::kInt64;
}

std::uint16_t Swapped(std::uint16_t word) {
  return static_cast<std::uint16_t>((word << 8) | (word >> 8));
}

// The raw value, most significant register first.
std::uint64_t Assemble(const RegisterSpec& spec, std::span<const std::uint16_t> registers) {
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < registers.size(); ++i) {
    const std::uint16_t word = registers[spec.little_words ? registers.size() - 1 - i : i];
    raw = (raw << 16) | (spec.little_bytes ? Swapped(word) : word);
  }
  return raw;
}

std::vector<std::uint16_t> Disassemble(const RegisterSpec& spec, std::uint64_t raw) {
  std::vector<std::uint16_t> registers(static_cast<std::size_t>(spec.count()));
  for (std::size_t i = 0; i < registers.size(); ++i) {
    const auto word = static_cast<std::uint16_t>(raw >> (16 * i));
    registers[spec.little_words ? i : registers.size() - 1 - i] =
        spec.little_bytes ? Swapped(word) : word;
  }
  return registers;
}

Value Scaled(const RegisterSpec& spec, double raw) {
  const double value = spec.scaled ? raw * spec.scale + spec.offset : raw;
  return Value(Rounded(value, spec.decimals));
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80             ? 1
                               : (lead & 0xe0) == 0xc0 ? 2
                               : (lead & 0xf0) == 0xe0 ? 3
                               : (lead & 0xf8) == 0xf0 ? 4
                                                       : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3f);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    }
    i += length;
  }
  return true;
}

Result<Value> DecodeString(const RegisterSpec& spec, std::span<const std::uint16_t> registers) {
  std::string text;
  for (const std::uint16_t word : registers) {
    const std::uint16_t ordered = spec.little_bytes ? Swapped(word) : word;
    text += static_cast<char>(ordered >> 8);
    text += static_cast<char>(ordered & 0xff);
  }
  text.resize(static_cast<std::size_t>(spec.length_bytes));
  text.resize(std::min(text.find('\0'), text.size()));
  text.erase(text.find_last_not_of(' ') + 1);
  if (!IsUtf8(text)) return Invalid("the text in " + Describe(spec) + " is not UTF-8");
  return Value(std::move(text));
}

Result<std::vector<std::uint16_t>> EncodeString(const RegisterSpec& spec, const std::string& text) {
  if (text.size() > static_cast<std::size_t>(spec.length_bytes)) {
    return Invalid("'" + text + "' has " + std::to_string(text.size()) + " bytes; " +
                   std::to_string(spec.length_bytes) + " fit");
  }
  std::string padded = text;
  padded.resize(static_cast<std::size_t>(spec.count()) * 2, '\0');
  std::vector<std::uint16_t> registers;
  for (std::size_t i = 0; i < padded.size(); i += 2) {
    const auto word = static_cast<std::uint16_t>((static_cast<unsigned char>(padded[i]) << 8) |
                                                 static_cast<unsigned char>(padded[i + 1]));
    registers.push_back(spec.little_bytes ? Swapped(word) : word);
  }
  return registers;
}

struct IntegerRange {
  double min;
  double max;
};

IntegerRange RangeOf(RegisterType type) {
  const int bits = ByteCount(type) * 8;
  if (IsSigned(type)) return {-std::ldexp(1, bits - 1), std::ldexp(1, bits - 1) - 1};
  return {0, std::ldexp(1, bits) - 1};
}

Error OutOfRange(const RegisterSpec& spec, const Value& value) {
  std::string low;
  std::string high;
  if (spec.scaled) {
    const IntegerRange range = RangeOf(spec.type);
    double a = range.min * spec.scale + spec.offset;
    double b = range.max * spec.scale + spec.offset;
    if (a > b) std::swap(a, b);
    low = Format(Value(Rounded(a, spec.decimals)), spec.decimals);
    high = Format(Value(Rounded(b, spec.decimals)), spec.decimals);
  } else {
    const int bits = std::min(ByteCount(spec.type) * 8, 64);
    const std::int64_t max = bits == 64            ? std::numeric_limits<std::int64_t>::max()
                             : IsSigned(spec.type) ? (std::int64_t{1} << (bits - 1)) - 1
                                                   : (std::int64_t{1} << bits) - 1;
    low = std::to_string(IsSigned(spec.type) ? -max - 1 : 0);
    high = std::to_string(max);
  }
  return Invalid(Format(value, spec.decimals) + " is out of range: " + Describe(spec) + " takes " +
                 low + " to " + high);
}

// The raw integer for a value of a scaled integer register.
Result<std::uint64_t> ScaledRaw(const RegisterSpec& spec, const Value& value) {
  const std::optional<double> number = value.AsNumber();
  if (!number || !std::isfinite(*number)) return Invalid(Format(value) + " is not a finite number");
  const double raw = std::nearbyint((*number - spec.offset) / spec.scale);
  const IntegerRange range = RangeOf(spec.type);
  // For 64 bits, range.max isn't a double: its rounding, 2^63 or 2^64, is just outside.
  const bool wide = ByteCount(spec.type) == 8;
  if (!(raw >= range.min) || (wide ? !(raw < range.max) : !(raw <= range.max))) {
    return OutOfRange(spec, value);
  }
  return IsSigned(spec.type) ? static_cast<std::uint64_t>(static_cast<std::int64_t>(raw))
                             : static_cast<std::uint64_t>(raw);
}

Result<std::uint64_t> PlainRaw(const RegisterSpec& spec, const Value& value) {
  if (value.type() != model::ValueType::kInt) {
    return Invalid(Describe(spec) + " takes an integer, not " + Format(value));
  }
  const std::int64_t number = value.integer();
  const int bits = ByteCount(spec.type) * 8;
  bool fits = true;
  if (!IsSigned(spec.type)) {
    fits = number >= 0 && (bits == 64 || number < (std::int64_t{1} << bits));
  } else if (bits < 64) {
    fits = number >= -(std::int64_t{1} << (bits - 1)) && number < (std::int64_t{1} << (bits - 1));
  }
  if (!fits) return OutOfRange(spec, value);
  return static_cast<std::uint64_t>(number);
}

Result<std::uint64_t> FloatRaw(const RegisterSpec& spec, const Value& value) {
  const std::optional<double> number = value.AsNumber();
  if (!number || !std::isfinite(*number)) return Invalid(Format(value) + " is not a finite number");
  const double raw = spec.scaled ? (*number - spec.offset) / spec.scale : *number;
  if (spec.type == RegisterType::kFloat64) {
    if (!std::isfinite(raw)) return Invalid(Format(value) + " is too large for " + Describe(spec));
    return std::bit_cast<std::uint64_t>(raw);
  }
  constexpr double kMax = std::numeric_limits<float>::max();
  if (!(std::abs(raw) <= kMax)) {
    return Invalid(Format(value) + " is out of range: " + Describe(spec) + " takes " +
                   Format(Value(-kMax)) + " to " + Format(Value(kMax)));
  }
  return std::uint64_t{std::bit_cast<std::uint32_t>(static_cast<float>(raw))};
}

// Digits after the point in the shortest exact spelling; nothing when that needs an exponent.
std::optional<int> DigitsOf(double number) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  const std::string_view spelled(text, static_cast<std::size_t>(end - text));
  if (error != std::errc() || spelled.find('e') != spelled.npos) return std::nullopt;
  const std::size_t point = spelled.find('.');
  return point == spelled.npos ? 0 : static_cast<int>(spelled.size() - point - 1);
}

}  // namespace

std::string_view ToString(TableKind kind) {
  constexpr std::string_view kNames[] = {"holding", "input", "coil", "discrete"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view ToString(RegisterType type) {
  constexpr std::string_view kNames[] = {"bool",  "int16",  "uint16",  "int32",   "uint32",
                                         "int64", "uint64", "float32", "float64", "string"};
  return kNames[static_cast<std::size_t>(type)];
}

int RegisterSpec::count() const {
  if (IsBits(kind)) return 1;
  return type == RegisterType::kString ? (length_bytes + 1) / 2 : ByteCount(type) / 2;
}

bool IsInteger(RegisterType type) {
  return type >= RegisterType::kInt16 && type <= RegisterType::kUint64;
}

model::ValueType ValueTypeOf(const RegisterSpec& spec) {
  if (spec.type == RegisterType::kBool) return model::ValueType::kBool;
  if (spec.type == RegisterType::kString) return model::ValueType::kString;
  return IsInteger(spec.type) && !spec.scaled ? model::ValueType::kInt : model::ValueType::kDouble;
}

std::optional<int> ImpliedDecimals(double scale, double offset) {
  const std::optional<int> a = DigitsOf(scale);
  const std::optional<int> b = DigitsOf(offset);
  if (!a || !b || std::max(*a, *b) > model::kDecimalsMax) return std::nullopt;
  return std::max(*a, *b);
}

Result<Value> Decode(const RegisterSpec& spec, std::span<const std::uint16_t> registers) {
  EDGETWIN_CHECK(static_cast<int>(registers.size()) == spec.count() && !IsBits(spec.kind));
  if (spec.type == RegisterType::kString) return DecodeString(spec, registers);
  const std::uint64_t raw = Assemble(spec, registers);
  switch (spec.type) {
    case RegisterType::kBool: return Value(((raw >> spec.bit.value_or(0)) & 1) != 0);
    case RegisterType::kFloat32:
      return Scaled(spec, std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
    case RegisterType::kFloat64: return Scaled(spec, std::bit_cast<double>(raw));
    default: break;
  }
  if (IsSigned(spec.type)) {
    const int unused_bits = 64 - ByteCount(spec.type) * 8;
    const auto number = static_cast<std::int64_t>(raw << unused_bits) >> unused_bits;
    return spec.scaled ? Scaled(spec, static_cast<double>(number)) : Value(number);
  }
  if (spec.scaled) return Scaled(spec, static_cast<double>(raw));
  if (raw > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Invalid(std::to_string(raw) + " in " + Describe(spec) +
                   " is above the largest integer, 9223372036854775807; a scale makes it a double");
  }
  return Value(static_cast<std::int64_t>(raw));
}

Result<std::vector<std::uint16_t>> Encode(const RegisterSpec& spec, const Value& value) {
  EDGETWIN_CHECK(!IsBits(spec.kind) && spec.type != RegisterType::kBool);
  if (spec.type == RegisterType::kString) {
    if (value.type() != model::ValueType::kString) {
      return Invalid(Describe(spec) + " takes a string, not " + Format(value));
    }
    return EncodeString(spec, value.text());
  }
  const Result<std::uint64_t> raw = !IsInteger(spec.type) ? FloatRaw(spec, value)
                                    : spec.scaled         ? ScaledRaw(spec, value)
                                                          : PlainRaw(spec, value);
  if (!raw) return raw.error();
  return Disassemble(spec, *raw);
}

std::string Describe(const RegisterSpec& spec) {
  std::string text = std::string(ToString(spec.kind)) + " " + std::to_string(spec.address);
  if (spec.bit) return text + " bit " + std::to_string(*spec.bit);
  if (!IsBits(spec.kind)) text += " " + std::string(ToString(spec.type));
  return text;
}

}  // namespace edgetwin::driver
