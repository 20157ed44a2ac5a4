// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/open_samples.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::history {
namespace {

using model::Sample;
using model::Value;
using model::ValueType;

// A sample is its tag, then what the tag doesn't say: the step of time as the zigzag difference to
// the one before it; an int as the zigzag difference to the last number; a double in eight bytes,
// or as a decimal by the zigzag difference to the last decimal; a text with its length before it.
enum Kind : std::uint8_t { kNone, kFalse, kTrue, kInt, kDouble, kString, kBytes, kDecimal };
constexpr std::uint8_t kKindMask = 7;
constexpr unsigned kQualityShift = 3;
constexpr std::uint8_t kQualityMask = 3;
constexpr std::uint8_t kUnsynced = 1 << 5;
constexpr std::uint8_t kSameStep = 1 << 6;
constexpr std::uint8_t kSameNumber = 1 << 7;

// Of more digits a difference is hardly shorter than the double.
constexpr int kDecimalsTried = 6;
// After so many doubles that are no decimals the others aren't looked at for more digits.
constexpr std::uint8_t kMissesMax = 4;

constexpr std::size_t kHeadBytesMax = 1 + 10 + 10;  // All but a text's own bytes.

// An allocation has eight bytes of its own, and comes in steps of 16 from 32 on (glibc's).
constexpr std::size_t kHeapOverhead = 8;
constexpr std::size_t kHeapStep = 16;
constexpr std::size_t kHeapMin = 32;
// What is taken at once for samples that are expected because the last block had as many.
constexpr std::size_t kExpectedMax = 1 << 10;
constexpr std::size_t kFirst = 56;

std::size_t HeapBytes(std::size_t size) {
  return std::max(kHeapMin, (size + kHeapOverhead + kHeapStep - 1) / kHeapStep * kHeapStep);
}

Kind KindOf(const Value& value) {
  switch (value.type()) {
    case ValueType::kNone: return kNone;
    case ValueType::kBool: return value.boolean() ? kTrue : kFalse;
    case ValueType::kInt: return kInt;
    case ValueType::kDouble: return kDouble;
    case ValueType::kString: return kString;
    case ValueType::kBytes: return kBytes;
  }
  return kNone;
}

std::string_view TextOf(const Value& value) {
  if (value.type() == ValueType::kString) return value.text();
  return value.type() == ValueType::kBytes ? value.bytes().data : std::string_view();
}

void PutSigned(std::vector<std::uint8_t>& out, std::uint64_t number) {
  std::uint64_t left = ZigZag(number);
  for (; left >= 0x80; left >>= 7) out.push_back(static_cast<std::uint8_t>(left | 0x80));
  out.push_back(static_cast<std::uint8_t>(left));
}

std::uint64_t EightBytes(ByteReader& in) {
  std::uint64_t bits = 0;
  for (unsigned shift = 0; shift < 64; shift += 8) bits |= std::uint64_t{in.Byte()} << shift;
  return bits;
}

}  // namespace

void OpenSamples::Add(const Sample& sample) {
  const std::string_view text = TextOf(sample.value);
  Reserve(kHeadBytesMax + text.size());
  const std::size_t at = coded_.size();
  coded_.push_back(0);
  auto tag = static_cast<std::uint8_t>(KindOf(sample.value) |
                                       (static_cast<std::uint8_t>(sample.quality) & kQualityMask)
                                           << kQualityShift |
                                       (sample.unsynced ? kUnsynced : 0));
  PutTime(tag, static_cast<std::uint64_t>(sample.time.time_since_epoch().count()));
  PutValue(tag, sample.value);
  coded_[at] = tag;
  ++count_;
}

void OpenSamples::PutTime(std::uint8_t& tag, std::uint64_t time) {
  const std::uint64_t step = time - last_.time;
  if (step == last_.step) {
    tag |= kSameStep;
  } else {
    PutSigned(coded_, step - last_.step);
  }
  last_.time = time;
  if (count_ > 0) last_.step = step;  // The first one's is from 1970.
}

void OpenSamples::PutValue(std::uint8_t& tag, const Value& value) {
  const Kind kind = KindOf(value);
  if (kind == kString || kind == kBytes) {
    const std::string_view text = TextOf(value);
    PutSigned(coded_, text.size());
    coded_.insert(coded_.end(), text.begin(), text.end());
  }
  if (kind != kInt && kind != kDouble) return;
  const std::uint64_t number = kind == kInt ? static_cast<std::uint64_t>(value.integer())
                                            : std::bit_cast<std::uint64_t>(value.real());
  if (number == last_.number) {
    tag |= kSameNumber;
  } else if (kind == kInt) {
    PutSigned(coded_, number - last_.number);
  } else {
    PutDouble(tag, value.real());
  }
  last_.number = number;
}

void OpenSamples::PutDouble(std::uint8_t& tag, double value) {
  const auto scaled =
      last_.decimals < 0 ? std::nullopt : model::ScaleExactly(value, last_.decimals);
  if (scaled) {
    tag = static_cast<std::uint8_t>((tag & ~kKindMask) | kDecimal);
    PutSigned(coded_, static_cast<std::uint64_t>(*scaled) - last_.scaled);
    last_.scaled = static_cast<std::uint64_t>(*scaled);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned shift = 0; shift < 64; shift += 8) {
    coded_.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  last_.Learn(value);
}

void OpenSamples::Last::Learn(double value) {
  if (misses == kMissesMax) return;
  for (int more = decimals + 1; more <= kDecimalsTried; ++more) {
    const auto as_integer = model::ScaleExactly(value, more);
    if (!as_integer) continue;
    scaled = static_cast<std::uint64_t>(*as_integer);
    decimals = static_cast<std::int8_t>(more);
    return;
  }
  ++misses;
}

std::vector<Sample> OpenSamples::Samples() const {
  std::vector<Sample> samples(count_);
  ByteReader in(coded_.data(), coded_.size());
  Last last;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::uint8_t tag = in.Byte();
    const std::uint64_t step = (tag & kSameStep) != 0 ? last.step : last.step + in.Signed();
    last.time += step;
    if (i > 0) last.step = step;
    Sample& sample = samples[i];
    sample.value = ValueOf(in, tag, last);
    sample.time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(last.time)));
    sample.quality = static_cast<model::Quality>(tag >> kQualityShift & kQualityMask);
    sample.unsynced = (tag & kUnsynced) != 0;
  }
  EDGETWIN_CHECK(!in.failed() && in.left() == 0);
  return samples;
}

Value OpenSamples::ValueOf(ByteReader& in, std::uint8_t tag, Last& last) {
  const bool same = (tag & kSameNumber) != 0;
  switch (static_cast<Kind>(tag & kKindMask)) {
    case kNone: return {};
    case kFalse: return Value(false);
    case kTrue: return Value(true);
    case kInt:
      if (!same) last.number += in.Signed();
      return Value(static_cast<std::int64_t>(last.number));
    case kDouble:
      if (!same) {
        last.number = EightBytes(in);
        last.Learn(std::bit_cast<double>(last.number));
      }
      return Value(std::bit_cast<double>(last.number));
    case kDecimal: {
      last.scaled += in.Signed();
      const double value = model::Unscale(static_cast<std::int64_t>(last.scaled), last.decimals);
      last.number = std::bit_cast<std::uint64_t>(value);
      return Value(value);
    }
    case kString: return Value(std::string(in.Raw(in.Signed())));
    case kBytes: return Value(model::Bytes{std::string(in.Raw(in.Signed()))});
  }
  return {};
}

void OpenSamples::Clear() {
  expected_bytes_ = static_cast<std::uint32_t>(std::min(coded_.size(), kExpectedMax));
  coded_ = std::vector<std::uint8_t>();
  count_ = 0;
  last_ = Last();
}

// By half at a time, to what the heap has in one piece. In the first place an eighth more than the
// block before took, which the next one hardly exceeds: a thousand properties that grow in turn
// leave gaps behind them.
void OpenSamples::Reserve(std::size_t more) {
  const std::size_t needed = coded_.size() + more;
  if (needed <= coded_.capacity()) return;
  const std::size_t capacity = coded_.capacity();
  const std::size_t grown = capacity == 0
                                ? std::max(kFirst, expected_bytes_ * 9 / 8 + kHeadBytesMax)
                                : capacity + capacity / 2;
  coded_.reserve(HeapBytes(std::max(needed, grown)) - kHeapOverhead);
}

std::size_t OpenSamples::memory_bytes() const {
  return coded_.capacity() == 0 ? 0 : HeapBytes(coded_.capacity());
}

}  // namespace edgetwin::history
