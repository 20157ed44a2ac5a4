// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <bit>

#include "tests/bench/published_codecs.h"
#include "twin/history/bits.h"

namespace edgetwin::bench {
namespace {

using history::BitReader;
using history::BitWriter;
using model::Sample;

constexpr unsigned kIndexBits = 7;
constexpr std::size_t kPrevious = std::size_t{1} << kIndexBits;
// Section 5: fewer trailing zeros than this don't pay for the index.
constexpr unsigned kTrailingMin = 6 + kIndexBits;
constexpr std::uint64_t kKeyMask = (std::uint64_t{1} << (kTrailingMin + 1)) - 1;
constexpr std::array<unsigned, 8> kLeading = {0, 8, 12, 16, 18, 20, 22, 24};
constexpr unsigned kNoLeading = 65;
constexpr std::size_t kBytesMax = (2 + kIndexBits + 3 + 6 + 64 + 7) / 8;  // A value.

// Which of kLeading a number of leading zeros is rounded down to.
unsigned LeadingCode(unsigned zeros) {
  unsigned code = 7;
  while (kLeading[code] > zeros) --code;
  return code;
}

}  // namespace

std::string Chimp128Encode(std::span<const Sample> samples) {
  std::string bytes((samples.size() + 1) * kBytesMax + BitWriter::kSlack, '\0');
  BitWriter bits(reinterpret_cast<std::uint8_t*>(bytes.data()));
  std::array<std::uint64_t, kPrevious> previous{};
  std::vector<std::uint32_t> last_of(kKeyMask + 1);  // By a value's low bits: 1 + where it was.
  unsigned stored_leading = kNoLeading;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto value = std::bit_cast<std::uint64_t>(samples[i].value.real());
    if (i == 0) {
      bits.PutWide(value, 64);
    } else {
      std::size_t index = (i - 1) % kPrevious;
      std::uint64_t differing = value ^ previous[index];
      unsigned trailing = 0;
      const std::size_t candidate = last_of[value & kKeyMask];
      if (candidate != 0 && i - (candidate - 1) <= kPrevious) {
        const std::uint64_t other = value ^ previous[(candidate - 1) % kPrevious];
        trailing = static_cast<unsigned>(std::countr_zero(other));
        if (trailing > kTrailingMin) {
          index = (candidate - 1) % kPrevious;
          differing = other;
        }
      }
      const unsigned code = LeadingCode(static_cast<unsigned>(std::countl_zero(differing)));
      const unsigned leading = kLeading[code];
      if (differing == 0) {
        bits.Put(index, 2 + kIndexBits);
        stored_leading = kNoLeading;
      } else if (trailing > kTrailingMin) {
        const unsigned meaningful = 64 - leading - trailing;
        bits.Put(((std::uint64_t{1} << kIndexBits | index) << 3 | code) << 6 | meaningful,
                 2 + kIndexBits + 3 + 6);
        bits.PutWide(differing >> trailing, meaningful);
        stored_leading = kNoLeading;
      } else if (leading == stored_leading) {
        bits.Put(2, 2);
        bits.PutWide(differing, 64 - leading);
      } else {
        bits.Put(3 << 3 | code, 5);
        bits.PutWide(differing, 64 - leading);
        stored_leading = leading;
      }
    }
    previous[i % kPrevious] = value;
    last_of[value & kKeyMask] = static_cast<std::uint32_t>(i + 1);
  }
  bytes.resize(bits.Finish());
  return bytes;
}

std::vector<Sample> Chimp128Decode(const std::string& bytes, std::size_t count) {
  std::string padded = bytes;
  padded.resize(bytes.size() + history::kReadablePastEnd);
  history::Reader in(reinterpret_cast<const std::uint8_t*>(padded.data()), bytes.size());
  BitReader bits(in);
  std::array<std::uint64_t, kPrevious> previous{};
  unsigned leading = 0;
  std::vector<Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t value = 0;
    if (i == 0) {
      value = bits.GetWide(64);
    } else {
      const std::uint64_t flag = bits.Get(2);
      value = previous[(i - 1) % kPrevious];
      if (flag < 2) value = previous[bits.Get(kIndexBits)];
      if (flag == 1) {
        const std::uint64_t head = bits.Get(9);
        const unsigned meaningful = static_cast<unsigned>(head & 63);
        const unsigned trailing = 64 - kLeading[head >> 6] - meaningful;
        value ^= bits.GetWide(meaningful) << trailing;
      } else if (flag >= 2) {
        if (flag == 3) leading = kLeading[bits.Get(3)];
        value ^= bits.GetWide(64 - leading);
      }
    }
    previous[i % kPrevious] = value;
    samples[i].value = model::Value(std::bit_cast<double>(value));
  }
  return samples;
}

}  // namespace edgetwin::bench
