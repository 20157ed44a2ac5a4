// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bytes that tail records are made of; tail_codec.h has the format.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "twin/base/bytes.h"
#include "twin/base/clock.h"
#include "twin/model/value.h"

namespace edgetwin::store {

class Writer : public ByteWriter {
 public:
  void Signed(std::int64_t value) { ByteWriter::Signed(static_cast<std::uint64_t>(value)); }
  void Fixed(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) Byte(static_cast<std::uint8_t>(value >> 8 * i));
  }
  // What lies `step` apart is small: the difference, either way around the 64-bit circle.
  void Delta(std::uint64_t value, std::uint64_t& before) {
    Varint(ZigZag(value - std::exchange(before, value)));
  }

  void Text(std::string_view text) {
    Varint(text.size());
    Raw(text);
  }
  void Time(WallTime time) { Signed(time.time_since_epoch().count()); }
  void TimeDelta(WallTime time, std::uint64_t& before) {
    Delta(static_cast<std::uint64_t>(time.time_since_epoch().count()), before);
  }
};

class Reader : public ByteReader {
 public:
  using ByteReader::ByteReader;

  void Fail() { ByteReader::Fail("it holds what nobody wrote"); }
  std::int64_t Signed() { return static_cast<std::int64_t>(ByteReader::Signed()); }
  std::uint64_t Fixed(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{Byte()} << 8 * i;
    return value;
  }
  std::uint64_t Delta(std::uint64_t& before) { return before += UnZigZag(Varint()); }
  std::string Text() { return std::string(Raw(Varint())); }
  WallTime Time() { return WallTime(std::chrono::milliseconds(Signed())); }
  WallTime TimeDelta(std::uint64_t& before) {
    return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(Delta(before))));
  }
  // 0 to max, or it fails.
  template <class T>
  T Enum(T max) {
    const std::uint8_t number = Byte();
    if (number > static_cast<std::uint8_t>(max)) Fail();
    return static_cast<T>(number);
  }
  // How many entries follow, of at least `bytes_min` each; fails when they can't be there.
  std::size_t Count(std::size_t bytes_min) {
    const std::uint64_t count = Varint();
    if (count > left() / bytes_min) Fail();
    return failed() ? 0 : static_cast<std::size_t>(count);
  }
};

// How a value is written, in four bits of a byte before it.
enum Form : std::uint8_t {
  kFormNone = 0,
  kFormFalse = 1,
  kFormTrue = 2,
  kFormInt = 3,
  kFormRaw = 4,
  kFormText = 5,
  kFormScaled = 6  // + decimals.
};
inline constexpr std::uint8_t kFormMask = 0x0f;
static_assert(kFormScaled + model::kDecimalsMax <= kFormMask);

// `declared`: the decimals to try first, or less than 0 for none.
std::uint8_t FormOf(const model::Value& value, std::int8_t declared);
void WriteValue(Writer& out, const model::Value& value, std::uint8_t form);
model::Value ReadValue(Reader& in, std::uint8_t form);

}  // namespace edgetwin::store
