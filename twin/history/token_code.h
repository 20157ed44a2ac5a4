// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Huffman code of the values' leading bits, made for one column; the bits below follow as they
// are. Better than Golomb's where the values' distribution has several humps or a long tail, if
// there are enough of them to pay for the table.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "twin/history/bits.h"

namespace edgetwin::history {

class TokenCode {
 public:
  // Values below 16 are tokens of their own; each greater power of two has two tokens.
  static constexpr unsigned kTokens = 136;
  static constexpr unsigned kLengthMax = 10;

  // The best code for `values`, of which there must be at least one.
  explicit TokenCode(std::span<const std::uint64_t> values);

  // About the number of bits of a code for `share` times as many values as `some` of them.
  static double Estimate(std::span<const std::uint64_t> some, double share);

  std::size_t bits() const { return bits_; }  // What Write will take.
  void Write(Writer& out, std::span<const std::uint64_t> values) const;
  static void Read(Reader& in, std::span<std::uint64_t> values);

 private:
  std::array<std::uint8_t, kTokens> lengths_{};  // 0: doesn't occur.
  unsigned first_ = 0;
  unsigned last_ = 0;
  std::size_t bits_ = 0;
};

}  // namespace edgetwin::history
