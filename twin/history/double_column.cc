// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/double_column.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "twin/history/integer_column.h"
#include "twin/history/scale.h"

namespace edgetwin::history {
namespace {

constexpr std::uint8_t kKindMask = 7;
constexpr std::uint8_t kCorrected = 1 << 3;
constexpr std::uint8_t kUnused = 0xf0;

bool HasExponent(Scale::Kind kind) {
  return kind == Scale::kDecimal || kind == Scale::kFloatDecimal || kind == Scale::kBinary;
}

// A part of a long column, enough to choose by.
std::vector<std::uint64_t> Some(std::span<const std::uint64_t> patterns) {
  constexpr std::size_t kStretch = 24, kStretches = 8;
  if (patterns.size() <= 2 * kStretch * kStretches) return {patterns.begin(), patterns.end()};
  std::vector<std::uint64_t> some;
  for (std::size_t i = 0; i < kStretches; ++i) {
    const auto stretch =
        patterns.subspan(i * (patterns.size() - kStretch) / (kStretches - 1), kStretch);
    some.insert(some.end(), stretch.begin(), stretch.end());
  }
  return some;
}

struct Choice {
  Scale scale;
  Scaled scaled;
};

Choice Choose(std::span<const std::uint64_t> patterns) {
  std::vector<Scale> scales = DecimalsFor(patterns);
  Choice first;
  if (!scales.empty()) {
    first = {scales[0], Split(patterns, scales[0])};
    // Decimals without a correction are what drivers read; nothing beats them by much.
    if (first.scaled.corrections.empty()) return first;
  }
  const std::vector<Scale> others = OthersFor(patterns);
  scales.insert(scales.end(), others.begin(), others.end());
  const std::vector<std::uint64_t> some = Some(patterns);
  Scale best;
  std::size_t least = ~std::size_t{0};
  for (const Scale& scale : scales) {
    const Scaled scaled = Split(some, scale);
    const std::size_t bits = EstimateBits(scaled.integers) + EstimateBits(scaled.corrections) +
                             EstimateBits(scaled.exceptions);
    if (bits >= least) continue;
    best = scale;
    least = bits;
  }
  if (best == first.scale && !first.scaled.integers.empty()) return first;
  return {best, Split(patterns, best)};
}

}  // namespace

void WriteDoubles(Writer& out, std::span<const std::uint64_t> patterns) {
  if (patterns.empty()) return;
  const auto [scale, scaled] = Choose(patterns);
  const bool corrected = !scaled.corrections.empty();
  out.Byte(static_cast<std::uint8_t>(scale.kind | (corrected ? kCorrected : 0)));
  if (HasExponent(scale.kind)) out.Signed(static_cast<std::uint64_t>(scale.exponent));
  WriteIntegers(out, scaled.integers);
  WriteIntegers(out, scaled.corrections);
  WriteIntegers(out, scaled.exceptions);
}

void ReadDoubles(Reader& in, std::span<std::uint64_t> patterns) {
  if (patterns.empty()) return;
  const std::uint8_t head = in.Byte();
  Scale scale{.kind = static_cast<Scale::Kind>(head & kKindMask)};
  if (HasExponent(scale.kind)) {
    const std::uint64_t coded = in.Signed();
    scale.exponent = static_cast<int>(static_cast<std::int16_t>(coded));
    if (static_cast<std::uint64_t>(scale.exponent) != coded)
      return in.Fail("a scale is impossible");
  }
  if ((head & kUnused) != 0 || !Valid(scale)) return in.Fail("doubles have an unknown scale");
  ReadIntegers(in, patterns);
  std::vector<std::uint64_t> corrections((head & kCorrected) != 0 ? patterns.size() : 0);
  ReadIntegers(in, corrections);
  for (const std::uint64_t correction : corrections) {
    if (!IsCorrection(correction)) return in.Fail("a double is corrected by too many places");
  }
  const auto count = std::count(corrections.begin(), corrections.end(), kException);
  std::vector<std::uint64_t> exceptions(static_cast<std::size_t>(count));
  ReadIntegers(in, exceptions);
  if (!in.failed()) Join(patterns, corrections, exceptions, scale);
}

}  // namespace edgetwin::history
