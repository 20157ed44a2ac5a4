// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How a block's doubles become integers. Sensors' values are decimals of a few digits, or floats of
// 32 bits, or multiples of a power of two; an integer and one scale for the block say the same in a
// fraction of the bits. What the scale doesn't give back exactly is corrected by a few last places
// or kept apart, so that every double comes back as it was: computed decimals that are a last place
// off, NaNs with their payloads, -0.0.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace edgetwin::history {

struct Scale {
  enum Kind : std::uint8_t {
    kBits = 0,          // The integer is the bit pattern, in the doubles' order.
    kDecimal = 1,       // The double nearest to integer / 10^exponent.
    kFloatDecimal = 2,  // The float nearest to that, as a double.
    kFloatBits = 3,     // The integer is a float's bit pattern, in the floats' order.
    kBinary = 4         // Integer * 2^exponent.
  };
  static constexpr int kDecimalMax = 22;    // 10^22 is the last one that is exact in a double.
  static constexpr int kBinaryMin = -1074;  // The smallest double's.
  static constexpr int kBinaryMax = 971;    // The lowest bit's of the greatest.

  Kind kind = kBits;
  int exponent = 0;

  friend bool operator==(const Scale&, const Scale&) = default;
};

// The kinds of a number beyond the table, and exponents out of range, are none.
bool Valid(const Scale& scale);

struct Scaled {
  std::vector<std::uint64_t> integers;
  // One for each integer, or none where all would be 0: how many last places the double is off from
  // what the integer says, at most kPlacesMax up or down; or kException. Places are a float's for
  // kFloatDecimal.
  std::vector<std::uint64_t> corrections;
  // In their order, the bit patterns of those that are too far off, in the doubles' order.
  std::vector<std::uint64_t> exceptions;
};

inline constexpr std::uint64_t kPlacesMax = 8;
inline constexpr std::uint64_t kException = kPlacesMax + 1;

// Whether it may stand in `corrections`.
inline bool IsCorrection(std::uint64_t correction) {
  return correction + kPlacesMax <= kPlacesMax + kException;
}

// Scales of kDecimal worth trying for doubles of these bit patterns, at most two; judged by a few
// of them.
std::vector<Scale> DecimalsFor(std::span<const std::uint64_t> patterns);
// The other ones worth trying, kBits always.
std::vector<Scale> OthersFor(std::span<const std::uint64_t> patterns);

// Splits the doubles of these bit patterns. By kBinary and kFloatBits only if OthersFor named it.
Scaled Split(std::span<const std::uint64_t> patterns, const Scale& scale);

// The inverse, in place. There must be as many exceptions as `corrections` says.
void Join(std::span<std::uint64_t> integers, std::span<const std::uint64_t> corrections,
          std::span<const std::uint64_t> exceptions, const Scale& scale);

}  // namespace edgetwin::history
