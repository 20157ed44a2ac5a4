// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bytes that tail records are made of; tail_codec.h has the format.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "twin/base/clock.h"
#include "twin/model/value.h"

namespace edgetwin::store {

inline std::uint64_t ZigZag(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
inline std::uint64_t UnZigZag(std::uint64_t coded) {
  return coded >> 1 ^ (0 - (coded & 1));
}

class Writer {
 public:
  void Byte(std::uint8_t byte) { out_ += static_cast<char>(byte); }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  void Signed(std::int64_t value) { Varint(ZigZag(static_cast<std::uint64_t>(value))); }
  void Fixed(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) Byte(static_cast<std::uint8_t>(value >> 8 * i));
  }
  void Raw(std::string_view bytes) { out_.append(bytes); }
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

  const std::string& bytes() const { return out_; }
  std::string Take() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads the same; the first thing that doesn't fit makes it fail for good, and everything after is
// 0.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  bool failed() const { return failed_; }
  std::size_t left() const { return in_.size(); }
  void Fail() {
    failed_ = true;
    in_ = {};
  }

  std::uint8_t Byte() {
    if (in_.empty()) {
      Fail();
      return 0;
    }
    const char byte = in_.front();
    in_.remove_prefix(1);
    return static_cast<std::uint8_t>(byte);
  }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    Fail();
    return 0;
  }
  std::int64_t Signed() { return static_cast<std::int64_t>(UnZigZag(Varint())); }
  std::uint64_t Fixed(int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{Byte()} << 8 * i;
    return value;
  }
  std::string_view Raw(std::uint64_t size) {
    if (size > in_.size()) {
      Fail();
      return {};
    }
    const std::string_view bytes = in_.substr(0, static_cast<std::size_t>(size));
    in_.remove_prefix(bytes.size());
    return bytes;
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
    return failed_ ? 0 : static_cast<std::size_t>(count);
  }

 private:
  std::string_view in_;
  bool failed_ = false;
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
