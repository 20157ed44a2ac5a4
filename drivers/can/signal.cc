// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/signal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "drivers/sdk/policy.h"
#include "twin/base/check.h"

namespace edgetwin::can {
namespace {

std::uint64_t Ones(int bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

bool IsFloat(RawType type) {
  return type == RawType::kFloat32 || type == RawType::kFloat64;
}
bool Scaled(const SignalSpec& spec) {
  return spec.factor != 1 || spec.offset != 0;
}

std::int64_t SignExtended(std::uint64_t raw, int length) {
  const int unused = 64 - length;
  return static_cast<std::int64_t>(raw << unused) >> unused;
}

// Calls `part` for each run of the signal's bits within one byte, from its least significant bits
// (kLittle) or its most significant ones (kBig): byte, lowest bit in it, how many.
template <class Part>
void ForEachPart(const SignalBits& bits, Part part) {
  int byte = bits.start / 8;
  int bit = bits.start % 8;
  for (int left = bits.length; left > 0; ++byte) {
    if (bits.order == ByteOrder::kLittle) {
      const int count = std::min(8 - bit, left);
      part(static_cast<std::size_t>(byte), bit, count);
      left -= count;
      bit = 0;
    } else {
      const int count = std::min(bit + 1, left);
      part(static_cast<std::size_t>(byte), bit + 1 - count, count);
      left -= count;
      bit = 7;
    }
  }
}

double ToReal(const SignalSpec& spec, std::uint64_t raw) {
  switch (spec.bits.type) {
    case RawType::kUnsigned: return static_cast<double>(raw);
    case RawType::kSigned: return static_cast<double>(SignExtended(raw, spec.bits.length));
    case RawType::kFloat32: return std::bit_cast<float>(static_cast<std::uint32_t>(raw));
    case RawType::kFloat64: return std::bit_cast<double>(raw);
  }
  return 0;
}

std::string Number(double value) {
  return model::Format(model::Value(value));
}

Error DoesNotFit(const SignalSpec& spec, double value, double lowest, double highest) {
  double from = lowest * spec.factor + spec.offset;
  double to = highest * spec.factor + spec.offset;
  if (from > to) std::swap(from, to);
  return Invalid(Number(value) + " does not fit into " + Describe(spec.bits) + ": " + Number(from) +
                 " to " + Number(to) + " do");
}

// An integer is packed as the integer that it is: a double has 53 bits of them only.
Result<std::uint64_t> EncodeInteger(const SignalSpec& spec, std::int64_t value) {
  const int length = spec.bits.length;
  const std::uint64_t raw = static_cast<std::uint64_t>(value) & Ones(length);
  const bool fits = spec.bits.type == RawType::kSigned
                        ? SignExtended(raw, length) == value
                        : value >= 0 && raw == static_cast<std::uint64_t>(value);
  if (fits) return raw;
  const bool is_signed = spec.bits.type == RawType::kSigned;
  return Invalid(
      std::to_string(value) + " does not fit into " + Describe(spec.bits) + ": " +
      (is_signed ? std::to_string(SignExtended(std::uint64_t{1} << (length - 1), length)) : "0") +
      " to " + std::to_string(is_signed ? Ones(length - 1) : Ones(length)) + " do");
}

}  // namespace

Status CheckBits(const SignalBits& bits, int payload_bytes) {
  if (bits.length < 1 || bits.length > 64) {
    return Invalid("a signal has 1 to 64 bits, not " + std::to_string(bits.length));
  }
  const int wanted = bits.type == RawType::kFloat32 ? 32 : bits.type == RawType::kFloat64 ? 64 : 0;
  if (wanted > 0 && bits.length != wanted) {
    return Invalid("a float of " + std::to_string(wanted) + " bits can't have " +
                   std::to_string(bits.length));
  }
  if (bits.start < 0 || bits.start >= 8 * kPayloadBytesMax || BytesNeeded(bits) > payload_bytes) {
    return Invalid(Describe(bits) + ": reaches beyond the message's " +
                   std::to_string(payload_bytes) + " bytes");
  }
  return {};
}

int BytesNeeded(const SignalBits& bits) {
  if (bits.order == ByteOrder::kLittle) return (bits.start + bits.length - 1) / 8 + 1;
  const int in_first = bits.start % 8 + 1;
  return bits.start / 8 + 1 + (std::max(0, bits.length - in_first) + 7) / 8;
}

std::uint64_t ExtractRaw(const SignalBits& bits, std::span<const std::uint8_t> payload) {
  EDGETWIN_CHECK(payload.size() >= static_cast<std::size_t>(BytesNeeded(bits)));
  std::uint64_t raw = 0;
  int done = 0;
  ForEachPart(bits, [&](std::size_t byte, int lowest, int count) {
    const std::uint64_t part = (std::uint64_t{payload[byte]} >> lowest) & Ones(count);
    raw = bits.order == ByteOrder::kLittle ? raw | part << done : raw << count | part;
    done += count;
  });
  return raw;
}

void InsertRaw(const SignalBits& bits, std::uint64_t raw, std::span<std::uint8_t> payload) {
  EDGETWIN_CHECK(payload.size() >= static_cast<std::size_t>(BytesNeeded(bits)));
  int done = 0;
  ForEachPart(bits, [&](std::size_t byte, int lowest, int count) {
    const int shift = bits.order == ByteOrder::kLittle ? done : bits.length - done - count;
    const std::uint64_t mask = Ones(count) << lowest;
    const std::uint64_t part = (raw >> shift & Ones(count)) << lowest;
    payload[byte] = static_cast<std::uint8_t>((payload[byte] & ~mask) | part);
    done += count;
  });
}

model::ValueType ValueTypeOf(const SignalSpec& spec) {
  if (IsFloat(spec.bits.type) || Scaled(spec)) return model::ValueType::kDouble;
  const bool flag = spec.bits.length == 1 && spec.bits.type == RawType::kUnsigned;
  return flag ? model::ValueType::kBool : model::ValueType::kInt;
}

std::optional<int> ImpliedDecimals(const SignalSpec& spec) {
  if (IsFloat(spec.bits.type) || !Scaled(spec)) return std::nullopt;
  for (int decimals = 0; decimals <= model::kDecimalsMax; ++decimals) {
    if (driver::Rounded(spec.factor, decimals) == spec.factor &&
        driver::Rounded(spec.offset, decimals) == spec.offset) {
      return decimals;
    }
  }
  return std::nullopt;
}

Result<model::Value> Decode(const SignalSpec& spec, std::uint64_t raw) {
  const double scaled = ToReal(spec, raw) * spec.factor + spec.offset;
  if (spec.check_range &&
      !(scaled >= spec.min.value_or(-HUGE_VAL) && scaled <= spec.max.value_or(HUGE_VAL))) {
    return Invalid(Number(scaled) + " is out of range");
  }
  switch (ValueTypeOf(spec)) {
    case model::ValueType::kBool: return model::Value(raw != 0);
    case model::ValueType::kInt:
      if (spec.bits.type == RawType::kSigned) {
        return model::Value(SignExtended(raw, spec.bits.length));
      }
      if (raw > std::numeric_limits<std::int64_t>::max()) {
        return Invalid(std::to_string(raw) + " is more than an integer property can hold");
      }
      return model::Value(static_cast<std::int64_t>(raw));
    default: return model::Value(driver::Rounded(scaled, spec.decimals));
  }
}

Result<std::uint64_t> Encode(const SignalSpec& spec, const model::Value& value) {
  if (value.type() == model::ValueType::kBool) return std::uint64_t{value.boolean() ? 1u : 0u};
  if (value.type() == model::ValueType::kInt && !Scaled(spec) && !IsFloat(spec.bits.type)) {
    return EncodeInteger(spec, value.integer());
  }
  const std::optional<double> number = value.AsNumber();
  if (!number || !std::isfinite(*number)) return Invalid("is no number");
  const double real = (*number - spec.offset) / spec.factor;
  if (spec.bits.type == RawType::kFloat64) return std::bit_cast<std::uint64_t>(real);
  if (spec.bits.type == RawType::kFloat32) {
    const double highest = std::numeric_limits<float>::max();
    if (std::abs(real) > highest) return DoesNotFit(spec, *number, -highest, highest);
    return std::uint64_t{std::bit_cast<std::uint32_t>(static_cast<float>(real))};
  }
  const bool is_signed = spec.bits.type == RawType::kSigned;
  const int length = spec.bits.length;
  // Of 64 bits, the highest double is one more than what fits: hence the half-open range.
  const double end = std::ldexp(1.0, is_signed ? length - 1 : length);
  const double begin = is_signed ? -end : 0;
  const double nearest = std::nearbyint(real);
  if (!(nearest >= begin && nearest < end)) return DoesNotFit(spec, *number, begin, end - 1);
  if (!is_signed) return static_cast<std::uint64_t>(nearest);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(nearest)) & Ones(length);
}

std::string Describe(const SignalBits& bits) {
  std::string text = "bit " + std::to_string(bits.start) + ", " + std::to_string(bits.length) +
                     (bits.length == 1 ? " bit" : " bits") +
                     (bits.order == ByteOrder::kBig && bits.length > 1 ? ", big endian" : "");
  switch (bits.type) {
    case RawType::kUnsigned: break;
    case RawType::kSigned: text += ", signed"; break;
    case RawType::kFloat32:
    case RawType::kFloat64: text += ", float";
  }
  return text;
}

}  // namespace edgetwin::can
