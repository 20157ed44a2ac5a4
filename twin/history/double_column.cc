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

struct Choice {
  Scale scale;
  Scaled scaled;
};

Choice Choose(std::span<const std::uint64_t> patterns) {
  Choice best;
  std::size_t best_bits = ~std::size_t{0};
  const auto look_at = [&](const std::vector<Scale>& scales) {
    for (const Scale& scale : scales) {
      Scaled scaled = Split(patterns, scale);
      // Decimals without a correction are what drivers read; nothing beats them by much.
      const bool perfect = scale.kind == Scale::kDecimal && scaled.corrections.empty();
      const std::size_t bits = perfect ? 0
                                       : EstimateBits(scaled.integers) +
                                             EstimateBits(scaled.corrections) +
                                             EstimateBits(scaled.exceptions);
      if (bits >= best_bits) continue;
      best = {scale, std::move(scaled)};
      best_bits = bits;
      if (perfect) return;
    }
  };
  look_at(DecimalsFor(patterns));
  if (best_bits > 0) look_at(OthersFor(patterns));
  return best;
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
