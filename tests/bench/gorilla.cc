// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <bit>
#include <chrono>

#include "tests/bench/published_codecs.h"
#include "twin/history/bits.h"

namespace edgetwin::bench {
namespace {

using history::BitReader;
using history::BitWriter;
using model::Sample;

// Section 4.1.1: a difference of differences in one of these widths, after as many ones as there
// are shorter ones and a zero. The last has no zero, and 64 bits instead of 32 since ours are
// milliseconds.
constexpr unsigned kWidths[] = {7, 9, 12};
constexpr unsigned kWidest = 64;
constexpr std::size_t kBytesMax = (4 + kWidest + 2 + 5 + 6 + 64 + 7) / 8;  // A sample.

std::uint64_t TimeOf(const Sample& sample) {
  return static_cast<std::uint64_t>(sample.time.time_since_epoch().count());
}

class TimeEncoder {
 public:
  explicit TimeEncoder(BitWriter& bits) : bits_(bits) {}

  void Put(std::uint64_t time) {
    const std::uint64_t delta = time - before_;
    const std::uint64_t step = delta - delta_;
    before_ = time;
    delta_ = delta;
    if (step == 0) return bits_.Put(0, 1);
    unsigned ones = 1;
    for (const unsigned width : kWidths) {
      const std::uint64_t half = std::uint64_t{1} << (width - 1);
      if (step + half - 1 < 2 * half) {  // -2^(w-1) + 1 to 2^(w-1).
        bits_.Put(((std::uint64_t{2} << ones) - 2) << width | (step + half - 1), ones + 1 + width);
        return;
      }
      ++ones;
    }
    bits_.Put(15, 4);
    bits_.PutWide(step, kWidest);
  }

 private:
  BitWriter& bits_;
  std::uint64_t before_ = 0, delta_ = 0;
};

class TimeDecoder {
 public:
  explicit TimeDecoder(BitReader& bits) : bits_(bits) {}

  std::uint64_t Get() {
    const auto ones = static_cast<unsigned>(std::countl_one(bits_.Peek()));
    if (ones == 0) {
      bits_.Skip(1);
    } else if (ones < 4) {
      bits_.Skip(ones + 1);
      const unsigned width = kWidths[ones - 1];
      delta_ += bits_.Get(width) - ((std::uint64_t{1} << (width - 1)) - 1);
    } else {
      bits_.Skip(4);
      delta_ += bits_.GetWide(kWidest);
    }
    return before_ += delta_;
  }

 private:
  BitReader& bits_;
  std::uint64_t before_ = 0, delta_ = 0;
};

// Section 4.1.2.
class ValueEncoder {
 public:
  explicit ValueEncoder(BitWriter& bits) : bits_(bits) {}

  void PutFirst(std::uint64_t value) {
    bits_.PutWide(value, 64);
    before_ = value;
  }
  void Put(std::uint64_t value) {
    const std::uint64_t differing = value ^ before_;
    before_ = value;
    if (differing == 0) return bits_.Put(0, 1);
    const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(differing)), 31u);
    const auto trailing = static_cast<unsigned>(std::countr_zero(differing));
    if (leading >= leading_ && trailing >= trailing_) {
      bits_.Put(2, 2);
      bits_.PutWide(differing >> trailing_, 64 - leading_ - trailing_);
      return;
    }
    leading_ = leading;
    trailing_ = trailing;
    const unsigned meaningful = 64 - leading - trailing;
    bits_.Put(std::uint64_t{3} << 11 | std::uint64_t{leading} << 6 | (meaningful & 63), 13);
    bits_.PutWide(differing >> trailing, meaningful);
  }

 private:
  BitWriter& bits_;
  std::uint64_t before_ = 0;
  unsigned leading_ = 65, trailing_ = 65;  // None yet.
};

class ValueDecoder {
 public:
  explicit ValueDecoder(BitReader& bits) : bits_(bits) {}

  std::uint64_t GetFirst() { return before_ = bits_.GetWide(64); }
  std::uint64_t Get() {
    const std::uint64_t next = bits_.Peek();
    if (next >> 63 == 0) {
      bits_.Skip(1);
      return before_;
    }
    if (next >> 62 == 2) {
      bits_.Skip(2);
    } else {
      bits_.Skip(13);
      const auto leading = static_cast<unsigned>(next >> 57 & 31);
      const auto meaningful = static_cast<unsigned>(next >> 51 & 63);
      trailing_ = 64 - leading - (meaningful == 0 ? 64 : meaningful);
      meaningful_ = 64 - leading - trailing_;
    }
    return before_ ^= bits_.GetWide(meaningful_) << trailing_;
  }

 private:
  BitReader& bits_;
  std::uint64_t before_ = 0;
  unsigned trailing_ = 0, meaningful_ = 0;
};

}  // namespace

std::string GorillaEncode(std::span<const Sample> samples, Times times) {
  std::string bytes((samples.size() + 1) * kBytesMax + BitWriter::kSlack, '\0');
  BitWriter bits(reinterpret_cast<std::uint8_t*>(bytes.data()));
  TimeEncoder time(bits);
  ValueEncoder value(bits);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (times == Times::kDeltaOfDelta) time.Put(TimeOf(samples[i]));
    const auto pattern = std::bit_cast<std::uint64_t>(samples[i].value.real());
    if (i == 0) {
      value.PutFirst(pattern);
    } else {
      value.Put(pattern);
    }
  }
  bytes.resize(bits.Finish());
  return bytes;
}

std::vector<Sample> GorillaDecode(const std::string& bytes, std::size_t count, Times times) {
  std::string padded = bytes;
  padded.resize(bytes.size() + history::kReadablePastEnd);
  history::Reader in(reinterpret_cast<const std::uint8_t*>(padded.data()), bytes.size());
  BitReader bits(in);
  TimeDecoder time(bits);
  ValueDecoder value(bits);
  std::vector<Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (times == Times::kDeltaOfDelta) {
      samples[i].time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(time.Get())));
    }
    const std::uint64_t pattern = i == 0 ? value.GetFirst() : value.Get();
    samples[i].value = model::Value(std::bit_cast<double>(pattern));
  }
  return samples;
}

}  // namespace edgetwin::bench
