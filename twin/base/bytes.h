// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What our own byte formats have in common: bytes, varints (the low seven bits first) and zigzag,
// by which small differences of either sign are small numbers. The same on every machine.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace edgetwin {

inline std::uint64_t ZigZag(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
inline std::uint64_t UnZigZag(std::uint64_t coded) {
  return coded >> 1 ^ (0 - (coded & 1));
}

class ByteWriter {
 public:
  void Byte(std::uint8_t byte) { out_ += static_cast<char>(byte); }
  void Varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
    Byte(static_cast<std::uint8_t>(value));
  }
  // A number of 64 bits with a sign.
  void Signed(std::uint64_t value) { Varint(ZigZag(value)); }
  void Raw(std::string_view bytes) { out_.append(bytes); }

  std::size_t size() const { return out_.size(); }
  const std::string& bytes() const { return out_; }
  std::string Take() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads the same. The first thing that doesn't fit makes it fail for good, with a reason, and
// everything after is 0.
class ByteReader {
 public:
  ByteReader(const std::uint8_t* in, std::size_t size) : at_(in), end_(in + size) {}
  explicit ByteReader(std::string_view in)
      : ByteReader(reinterpret_cast<const std::uint8_t*>(in.data()), in.size()) {}

  bool failed() const { return reason_ != nullptr; }
  const char* reason() const { return reason_; }  // Null while it hasn't failed.
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const std::uint8_t* at() const { return at_; }
  void Fail(const char* reason) {
    if (reason_ == nullptr) reason_ = reason;
    at_ = end_;
  }

  std::uint8_t Byte() {
    if (at_ == end_) {
      Fail("it ends too early");
      return 0;
    }
    return *at_++;
  }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    Fail("a number has more than 64 bits");
    return 0;
  }
  std::uint64_t Signed() { return UnZigZag(Varint()); }
  std::string_view Raw(std::uint64_t size) {
    if (size > left()) {
      Fail("it ends too early");
      return {};
    }
    const std::string_view bytes(reinterpret_cast<const char*>(at_),
                                 static_cast<std::size_t>(size));
    at_ += bytes.size();
    return bytes;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  const char* reason_ = nullptr;
};

}  // namespace edgetwin
