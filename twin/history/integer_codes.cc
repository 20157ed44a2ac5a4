// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/integer_codes.h"

#include <algorithm>
#include <bit>
#include <string>

#include "twin/history/bits.h"

namespace edgetwin::history {
namespace {

// A quotient of this many is not written out: the value follows in 64 bits.
constexpr unsigned kQuotientMax = 24;
constexpr std::size_t kGolombBytesMax = (kQuotientMax + 64) / 8;  // A value.
constexpr unsigned kStateWidthMax = 60;

// Sixteen times the mean of about the last sixteen values.
class Mean {
 public:
  explicit Mean(unsigned width) : sum_(std::uint64_t{1} << width >> 1) {}

  // Golomb's optimum is at 2^k = 0.69 times the mean.
  unsigned k() const { return Width(sum_ >> 5); }
  void Add(std::uint64_t value) {
    constexpr std::uint64_t kCap = std::uint64_t{1} << (kStateWidthMax - 4);
    sum_ += std::min(value, kCap) - (sum_ >> 4);
  }

 private:
  std::uint64_t sum_;
};

// The first state's width: that of the mean of the first few values, times sixteen.
unsigned FirstWidth(std::span<const std::uint64_t> values) {
  constexpr std::size_t kFirst = 16;
  const auto first = values.first(std::min(values.size(), kFirst));
  std::uint64_t widths = 0;
  for (const std::uint64_t value : first) widths += Width(value);
  const auto mean = static_cast<unsigned>(first.empty() ? 0 : widths / first.size());
  return mean == 0 ? 0 : std::min(mean + 4, kStateWidthMax);
}

}  // namespace

void WritePacked(Writer& out, std::span<const std::uint64_t> values, unsigned width) {
  std::string bytes((values.size() * width + 7) / 8 + BitWriter::kSlack, '\0');
  BitWriter bits(reinterpret_cast<std::uint8_t*>(bytes.data()));
  for (const std::uint64_t value : values) bits.PutWide(value, width);
  out.Byte(static_cast<std::uint8_t>(width));
  out.Raw(std::string_view(bytes).substr(0, bits.Finish()));
}

void ReadPacked(Reader& in, std::span<std::uint64_t> values) {
  const unsigned width = in.Byte();
  if (width > 64) return in.Fail("a packed column is wider than 64 bits");
  BitReader bits(in);
  for (std::uint64_t& value : values) value = bits.GetWide(width);
  bits.Finish();
}

void WriteGolomb(Writer& out, std::span<const std::uint64_t> values) {
  std::string bytes(values.size() * kGolombBytesMax + BitWriter::kSlack, '\0');
  BitWriter bits(reinterpret_cast<std::uint8_t*>(bytes.data()));
  const unsigned width = FirstWidth(values);
  Mean mean(width);
  for (const std::uint64_t value : values) {
    const unsigned k = mean.k();
    const std::uint64_t quotient = value >> k;
    if (quotient < kQuotientMax) {
      const auto ones = static_cast<unsigned>(quotient);
      const std::uint64_t head = (std::uint64_t{2} << ones) - 2;
      const std::uint64_t low = value & ((std::uint64_t{1} << k) - 1);
      if (ones + 1 + k <= 56) {
        bits.Put(head << k | low, ones + 1 + k);
      } else {
        bits.Put(head, ones + 1);
        bits.PutWide(low, k);
      }
    } else {
      bits.Put((std::uint64_t{1} << kQuotientMax) - 1, kQuotientMax);
      bits.PutWide(value, 64);
    }
    mean.Add(value);
  }
  out.Byte(static_cast<std::uint8_t>(width));
  out.Raw(std::string_view(bytes).substr(0, bits.Finish()));
}

std::size_t GolombBits(std::span<const std::uint64_t> values) {
  std::size_t bits = 8;
  Mean mean(FirstWidth(values));
  for (const std::uint64_t value : values) {
    const unsigned k = mean.k();
    const std::uint64_t quotient = value >> k;
    bits += quotient < kQuotientMax ? quotient + 1 + k : kQuotientMax + 64;
    mean.Add(value);
  }
  return bits;
}

void ReadGolomb(Reader& in, std::span<std::uint64_t> values) {
  const unsigned width = in.Byte();
  if (width > kStateWidthMax) return in.Fail("a Golomb column begins with an impossible mean");
  BitReader bits(in);
  Mean mean(width);
  for (std::uint64_t& value : values) {
    const unsigned k = mean.k();
    const std::uint64_t next = bits.Peek();
    const auto ones = static_cast<unsigned>(std::countl_one(next));
    if (ones < kQuotientMax && ones + 1 + k <= 56) {
      const std::uint64_t low = next << (ones + 1) >> 1 >> (63 - k);
      value = std::uint64_t{ones} << k | low;
      bits.Skip(ones + 1 + k);
    } else if (ones < kQuotientMax) {
      bits.Skip(ones + 1);
      value = std::uint64_t{ones} << k | bits.GetWide(k);
    } else {
      bits.Skip(kQuotientMax);
      value = bits.GetWide(64);
    }
    mean.Add(value);
  }
  bits.Finish();
}

}  // namespace edgetwin::history
