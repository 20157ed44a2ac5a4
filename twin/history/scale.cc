// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/scale.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "twin/history/bits.h"

namespace edgetwin::history {
namespace {

using Patterns = std::span<const std::uint64_t>;

constexpr std::array<double, Scale::kDecimalMax + 1> kPowers = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
constexpr std::uint32_t kFloatSign = std::uint32_t{1} << 31;
constexpr unsigned kMantissaBits = 52;
constexpr std::uint64_t kMantissa = (std::uint64_t{1} << kMantissaBits) - 1;
constexpr std::uint64_t kExponentMask = 0x7ff;
constexpr unsigned kFloatDropped = 29;  // Mantissa bits that a double has beyond a float's.

// Adding and taking away 1.5 * 2^52 rounds to an integer that then stands in the low mantissa bits:
// a fraction of the time of a call of nearbyint, which plain x86-64 has no instruction for.
constexpr double kRounder = 6755399441055744.0;
constexpr double kRoundable = 2251799813685248.0;  // 2^51.
// Integers above this leave so little to gain that the bit pattern is as good.
constexpr double kWorthwhile = 140737488355328.0;  // 2^47.
constexpr std::size_t kProbes = 16;
// Further off than this, a decimal of one digit more is likelier.
constexpr std::uint64_t kProbePlacesMax = 4;

double Double(std::uint64_t pattern) {
  return std::bit_cast<double>(pattern);
}
std::uint64_t Pattern(double value) {
  return std::bit_cast<std::uint64_t>(value);
}
bool IsNan(std::uint64_t pattern) {
  return (pattern & ~kSign) > (kExponentMask << kMantissaBits);
}

// Bit patterns in the order of their doubles, as signed integers; its own inverse.
std::uint64_t Ordered(std::uint64_t pattern) {
  return pattern ^ ((0 - (pattern >> 63)) & ~kSign);
}
std::uint64_t OrderedFloat(std::uint32_t pattern) {
  const std::uint32_t ordered = pattern ^ ((0 - (pattern >> 31)) & ~kFloatSign);
  return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(ordered)});
}

// NaNs by hand: machines differ in what a conversion does to their payload.
std::uint64_t Widen(std::uint32_t pattern) {
  if ((pattern & ~kFloatSign) > 0x7f800000) {
    return std::uint64_t{pattern & kFloatSign} << 32 | kExponentMask << kMantissaBits |
           std::uint64_t{pattern & 0x007fffff} << kFloatDropped;
  }
  return Pattern(double{std::bit_cast<float>(pattern)});
}
std::optional<std::uint32_t> Narrow(std::uint64_t pattern) {
  if (IsNan(pattern)) {
    const auto mantissa = static_cast<std::uint32_t>((pattern & kMantissa) >> kFloatDropped);
    const auto narrow =
        static_cast<std::uint32_t>(pattern >> 32 & kFloatSign) | 0x7f800000 | mantissa;
    if (mantissa == 0 || Widen(narrow) != pattern) return {};
    return narrow;
  }
  // Beyond a float's range the conversion is undefined.
  const double value = Double(pattern);
  if (std::isfinite(value) && std::fabs(value) > 3.4028234663852886e38) return {};
  const auto narrow = static_cast<float>(value);
  if (Pattern(double{narrow}) != pattern) return {};
  return std::bit_cast<std::uint32_t>(narrow);
}

// The last place's bit in a double's pattern.
unsigned PlaceOf(Scale::Kind kind) {
  return kind == Scale::kFloatDecimal ? kFloatDropped : 0;
}

double Decimal(double integer, int exponent) {
  return integer / kPowers[static_cast<std::size_t>(exponent)];
}

// The double that `integer` stands for.
std::uint64_t PatternOf(double integer, const Scale& scale) {
  const double decimal = Decimal(integer, scale.exponent);
  return Pattern(scale.kind == Scale::kDecimal ? decimal : double{static_cast<float>(decimal)});
}

// The smallest exponent with which `pattern` is a decimal; nothing for doubles that are none.
std::optional<int> DecimalsOf(std::uint64_t pattern, Scale::Kind kind) {
  const double value = Double(pattern);
  const std::uint64_t off_max = kind == Scale::kDecimal ? kProbePlacesMax : 0;
  const double integer_max = kind == Scale::kDecimal ? kWorthwhile : 4194304.0;  // 2^22.
  for (int exponent = 0; exponent <= Scale::kDecimalMax; ++exponent) {
    const double product = value * kPowers[static_cast<std::size_t>(exponent)];
    if (!(std::fabs(product) < integer_max)) return {};
    const double integer = (product + kRounder) - kRounder;
    const std::uint64_t off = PatternOf(integer, {kind, exponent}) - pattern;
    if (off + off_max <= 2 * off_max) return exponent;
  }
  return {};
}

// The exponent that most of a few values need, if they are decimals.
void AddDecimals(Patterns patterns, Scale::Kind kind, std::vector<Scale>& scales) {
  std::array<int, kProbes> needed{};
  std::size_t found = 0, looked = 0;
  const std::size_t step = std::max<std::size_t>(1, patterns.size() / kProbes);
  for (std::size_t at = 0; at < patterns.size() && looked < kProbes; at += step) {
    if (!std::isfinite(Double(patterns[at])) || patterns[at] == kSign) continue;
    ++looked;
    const std::optional<int> exponent = DecimalsOf(patterns[at], kind);
    if (exponent) needed[found++] = *exponent;
  }
  if (found == 0 || found * 4 < looked * 3) return;
  std::sort(needed.begin(), needed.begin() + static_cast<std::ptrdiff_t>(found));
  scales.push_back({kind, needed[found - 1]});
  const int usual = needed[(found - 1) * 7 / 8];
  if (usual != needed[found - 1]) scales.push_back({kind, usual});
}

// The power of two that all finite values are multiples of, if that leaves integers that fit.
void AddBinary(Patterns patterns, std::vector<Scale>& scales) {
  int lowest = Scale::kBinaryMax + 1, highest = Scale::kBinaryMin;
  for (const std::uint64_t pattern : patterns) {
    const auto biased = static_cast<int>(pattern >> kMantissaBits & kExponentMask);
    if ((pattern & ~kSign) == 0 || biased == static_cast<int>(kExponentMask)) continue;
    const std::uint64_t mantissa =
        (pattern & kMantissa) | (biased > 0 ? std::uint64_t{1} << kMantissaBits : 0);
    const int exponent = std::max(biased, 1) - 1 + Scale::kBinaryMin;
    lowest = std::min(lowest, exponent + std::countr_zero(mantissa));
    highest = std::max(highest, exponent + static_cast<int>(Width(mantissa)));
    if (highest - lowest > 48) return;
  }
  // In powers of two near the greatest double the lowest bit lies above what a scale may be.
  if (lowest < highest) scales.push_back({Scale::kBinary, std::min(lowest, Scale::kBinaryMax)});
}

// Says what must be done to the double that the scale gives for value `i` to become `pattern`.
void Correct(Scaled& scaled, std::size_t i, std::uint64_t pattern, std::uint64_t given,
             unsigned place) {
  const std::uint64_t off = pattern - given;
  const auto places = static_cast<std::uint64_t>(static_cast<std::int64_t>(off) >> place);
  if (places << place == off && places + kPlacesMax <= 2 * kPlacesMax) {
    scaled.corrections[i] = places;
  } else {
    scaled.corrections[i] = kException;
    scaled.exceptions.push_back(Ordered(pattern));
  }
}

// Without corrections where none is needed.
Scaled Finish(Scaled scaled) {
  const auto is_needed = [](std::uint64_t correction) { return correction != 0; };
  if (std::none_of(scaled.corrections.begin(), scaled.corrections.end(), is_needed)) {
    scaled.corrections.clear();
  }
  return scaled;
}

// Whether all are decimals, which is nearly always so: a loop without a branch finds out.
template <class Given>
bool SplitExactly(Patterns patterns, double power, std::vector<std::uint64_t>& integers,
                  Given given) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 51;  // Beyond it, nothing was rounded.
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const double rounded = Double(patterns[i]) * power + kRounder;
    const std::uint64_t integer = Pattern(rounded) - Pattern(kRounder);
    integers[i] = integer;
    wrong |= Pattern(given(rounded - kRounder)) ^ patterns[i];
    wrong |= (integer + kHalf) >> (kMantissaBits);
  }
  return wrong == 0;
}

Scaled SplitDecimals(Patterns patterns, const Scale& scale) {
  Scaled scaled;
  scaled.integers.resize(patterns.size());
  const double power = kPowers[static_cast<std::size_t>(scale.exponent)];
  const bool exact = scale.kind == Scale::kDecimal
                         ? SplitExactly(patterns, power, scaled.integers,
                                        [=](double integer) { return integer / power; })
                         : SplitExactly(patterns, power, scaled.integers, [=](double integer) {
                             return double{static_cast<float>(integer / power)};
                           });
  if (exact) return scaled;
  scaled.corrections.resize(patterns.size());
  double integer = 0;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const double product = Double(patterns[i]) * power;
    // What is no decimal at all repeats the integer before, which costs least.
    if (std::fabs(product) < kRoundable) integer = (product + kRounder) - kRounder;
    scaled.integers[i] = static_cast<std::uint64_t>(static_cast<std::int64_t>(integer));
    Correct(scaled, i, patterns[i], PatternOf(integer, scale), PlaceOf(scale.kind));
  }
  return Finish(std::move(scaled));
}

Scaled SplitBinary(Patterns patterns, const Scale& scale) {
  Scaled scaled;
  scaled.integers.resize(patterns.size());
  scaled.corrections.resize(patterns.size());
  double integer = 0;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const double value = Double(patterns[i]);
    if (std::isfinite(value)) integer = std::ldexp(value, -scale.exponent);
    const auto whole = static_cast<std::int64_t>(integer);
    scaled.integers[i] = static_cast<std::uint64_t>(whole);
    Correct(scaled, i, patterns[i], Pattern(std::ldexp(static_cast<double>(whole), scale.exponent)),
            PlaceOf(scale.kind));
  }
  return Finish(std::move(scaled));
}

}  // namespace

bool Valid(const Scale& scale) {
  switch (scale.kind) {
    case Scale::kBits:
    case Scale::kFloatBits: return scale.exponent == 0;
    case Scale::kDecimal:
    case Scale::kFloatDecimal: return scale.exponent >= 0 && scale.exponent <= Scale::kDecimalMax;
    case Scale::kBinary:
      return scale.exponent >= Scale::kBinaryMin && scale.exponent <= Scale::kBinaryMax;
  }
  return false;
}

std::vector<Scale> DecimalsFor(std::span<const std::uint64_t> patterns) {
  std::vector<Scale> scales;
  AddDecimals(patterns, Scale::kDecimal, scales);
  return scales;
}

std::vector<Scale> OthersFor(std::span<const std::uint64_t> patterns) {
  std::vector<Scale> scales;
  const bool floats = std::all_of(patterns.begin(), patterns.end(), [](std::uint64_t pattern) {
    return Narrow(pattern).has_value();
  });
  if (floats) {
    AddDecimals(patterns, Scale::kFloatDecimal, scales);
    scales.push_back({Scale::kFloatBits, 0});
  }
  AddBinary(patterns, scales);
  scales.push_back({Scale::kBits, 0});
  return scales;
}

Scaled Split(std::span<const std::uint64_t> patterns, const Scale& scale) {
  Scaled scaled;
  switch (scale.kind) {
    case Scale::kDecimal:
    case Scale::kFloatDecimal: return SplitDecimals(patterns, scale);
    case Scale::kBinary: return SplitBinary(patterns, scale);
    case Scale::kBits:
      scaled.integers.reserve(patterns.size());
      for (const std::uint64_t pattern : patterns) scaled.integers.push_back(Ordered(pattern));
      break;
    case Scale::kFloatBits:
      scaled.integers.reserve(patterns.size());
      for (const std::uint64_t pattern : patterns) {
        scaled.integers.push_back(OrderedFloat(Narrow(pattern).value_or(0)));
      }
      break;
  }
  return scaled;
}

void Join(std::span<std::uint64_t> integers, std::span<const std::uint64_t> corrections,
          std::span<const std::uint64_t> exceptions, const Scale& scale) {
  const auto signed_of = [](std::uint64_t integer) {
    return static_cast<double>(static_cast<std::int64_t>(integer));
  };
  switch (scale.kind) {
    case Scale::kBits:
      for (std::uint64_t& integer : integers) integer = Ordered(integer);
      break;
    case Scale::kDecimal: {
      const double power = kPowers[static_cast<std::size_t>(scale.exponent)];
      for (std::uint64_t& integer : integers) integer = Pattern(signed_of(integer) / power);
      break;
    }
    case Scale::kFloatDecimal:
      for (std::uint64_t& integer : integers) integer = PatternOf(signed_of(integer), scale);
      break;
    case Scale::kFloatBits:
      for (std::uint64_t& integer : integers) {
        const auto ordered = static_cast<std::uint32_t>(integer);
        integer = Widen(static_cast<std::uint32_t>(OrderedFloat(ordered)));
      }
      break;
    case Scale::kBinary:
      for (std::uint64_t& integer : integers) {
        integer = Pattern(std::ldexp(signed_of(integer), scale.exponent));
      }
      break;
  }
  std::size_t next = 0;
  const unsigned place = PlaceOf(scale.kind);
  for (std::size_t i = 0; i < corrections.size(); ++i) {
    integers[i] = corrections[i] == kException ? Ordered(exceptions[next++])
                                               : integers[i] + (corrections[i] << place);
  }
}

}  // namespace edgetwin::history
