// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bytes and bits that blocks are made of. All is written byte by byte, so that a block is the
// same on every machine; bits with the highest first.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "twin/base/bytes.h"

namespace edgetwin::history {

// Blocks are small: higher levels take several times as long for less than a percent.
inline constexpr int kZstdLevel = 6;

inline unsigned Width(std::uint64_t value) {
  return static_cast<unsigned>(std::bit_width(value));
}

// Compilers make one load or store of each of these.
inline std::uint64_t LoadBits(const std::uint8_t* at) {
  return std::uint64_t{at[0]} << 56 | std::uint64_t{at[1]} << 48 | std::uint64_t{at[2]} << 40 |
         std::uint64_t{at[3]} << 32 | std::uint64_t{at[4]} << 24 | std::uint64_t{at[5]} << 16 |
         std::uint64_t{at[6]} << 8 | std::uint64_t{at[7]};
}
inline void StoreBits(std::uint8_t* at, std::uint64_t bits) {
  at[0] = static_cast<std::uint8_t>(bits >> 56);
  at[1] = static_cast<std::uint8_t>(bits >> 48);
  at[2] = static_cast<std::uint8_t>(bits >> 40);
  at[3] = static_cast<std::uint8_t>(bits >> 32);
  at[4] = static_cast<std::uint8_t>(bits >> 24);
  at[5] = static_cast<std::uint8_t>(bits >> 16);
  at[6] = static_cast<std::uint8_t>(bits >> 8);
  at[7] = static_cast<std::uint8_t>(bits);
}

using Writer = ByteWriter;
using Reader = ByteReader;

// What must be readable after the last byte given to a Reader; its value does not matter.
inline constexpr std::size_t kReadablePastEnd = 16;

// Writes bits to `out`, which must have room for them and for kSlack bytes more.
class BitWriter {
 public:
  static constexpr std::size_t kSlack = 8;

  explicit BitWriter(std::uint8_t* out) : begin_(out), out_(out) {}

  // bits < 2^width, width <= 56.
  void Put(std::uint64_t bits, unsigned width) {
    pending_ |= bits << 1 << (63 - fill_ - width);
    fill_ += width;
    StoreBits(out_, pending_);
    const unsigned bytes = fill_ >> 3;
    out_ += bytes;
    pending_ <<= bytes * 8;
    fill_ &= 7;
  }
  // width <= 64.
  void PutWide(std::uint64_t bits, unsigned width) {
    if (width > 32) {
      Put(bits >> 32, width - 32);
      Put(bits & 0xffffffff, 32);
    } else {
      Put(bits, width);
    }
  }
  // Bytes written, the last one filled with zeros.
  std::size_t Finish() { return static_cast<std::size_t>(out_ - begin_) + (fill_ != 0 ? 1 : 0); }

 private:
  std::uint8_t* begin_;
  std::uint8_t* out_;
  std::uint64_t pending_ = 0;  // From the highest bit down.
  unsigned fill_ = 0;          // Of it; less than 8 between calls.
};

// Reads bits from where `in` stands; Finish moves `in` behind them. At most 64 bits may be read
// between two Skips: kReadablePastEnd relies on it.
class BitReader {
 public:
  explicit BitReader(Reader& in) : in_(in), from_(in.at()), end_(in.left() * 8) {}

  // The next bits from the highest down, of which the first 57 are valid; zeros or neighbours'
  // bytes behind the end.
  std::uint64_t Peek() const { return LoadBits(from_ + (at_ >> 3)) << (at_ & 7); }
  void Skip(unsigned bits) {
    at_ += bits;
    if (at_ > end_) {
      at_ = end_;
      in_.Fail("it ends too early");
    }
  }
  // width <= 56.
  std::uint64_t Get(unsigned width) {
    const std::uint64_t bits = Peek() >> 1 >> (63 - width);
    Skip(width);
    return bits;
  }
  // width <= 64.
  std::uint64_t GetWide(unsigned width) {
    if (width <= 32) return Get(width);
    const std::uint64_t high = Get(width - 32);
    return high << 32 | Get(32);
  }
  void Finish() {
    if (!in_.failed()) in_.Raw((at_ + 7) >> 3);
  }

 private:
  Reader& in_;
  const std::uint8_t* from_;
  std::size_t at_ = 0;  // In bits.
  std::size_t end_;
};

}  // namespace edgetwin::history
