// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Bytes of a serial line to lines.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace edgetwin::nmea {

// NMEA 0183 allows 82 with '$' and the line's end; receivers send more where they have many digits.
inline constexpr std::size_t kLineBytesMax = 128;

class Lines {
 public:
  // Calls `line` with each line that ends in `bytes`, its end left out. Empty ones and those that
  // are longer than kLineBytesMax are left out.
  void Add(std::string_view bytes, const std::function<void(std::string_view line)>& line);
  // Forgets the beginning of a line.
  void Clear();

  std::uint64_t too_long() const { return too_long_; }
  std::size_t longest_bytes() const { return longest_bytes_; }

 private:
  std::string begun_;
  bool skipping_ = false;  // The rest of a line that is too long.
  std::uint64_t too_long_ = 0;
  std::size_t longest_bytes_ = 0;
};

}  // namespace edgetwin::nmea
