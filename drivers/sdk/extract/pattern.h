// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A regular expression with one group, whose cost has a bound. Pure; safe on any bytes.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace re2 {
class RE2;
}

namespace edgetwin::extract {

inline constexpr std::size_t kPatternBytesMax = 512;
inline constexpr std::size_t kPatternInstructionsMax = 300;
// RE2's time is at worst that of bytes · instructions steps, some 10 ns each on a small machine:
// 80 ms on the loop's thread, for expressions that only malice writes. What people write for pages
// has 20 to 100 instructions, and takes microseconds.
inline constexpr std::size_t kPatternStepsMax = 8'000'000;

class Pattern {
 public:
  // kInvalid for what RE2 doesn't understand, or has not exactly one group; kExhausted for what
  // would cost too much.
  static Result<Pattern> Compile(const std::string& text);

  // What the group matched in the first match. kNotFound without a match, kExhausted for a body
  // over body_bytes_max().
  Result<std::string> Find(std::string_view body) const;
  // At least 26 KB, and 80 KB for 100 instructions.
  std::size_t body_bytes_max() const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression)
      : expression_(std::move(expression)) {}

  std::shared_ptr<const re2::RE2> expression_;  // Immutable, so copies share it.
};

}  // namespace edgetwin::extract
