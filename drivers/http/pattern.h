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

namespace edgetwin::http_driver {

// RE2 takes at worst a time of bytes · instructions. The bounds let that be some tens of
// milliseconds on a small board; patterns that people write for pages have 20 to 100 instructions.
inline constexpr std::size_t kPatternBytesMax = 512;
inline constexpr int kPatternInstructionsMax = 300;
inline constexpr std::size_t kPatternBodyBytesMax = 256 << 10;

class Pattern {
 public:
  // kInvalid for what RE2 doesn't understand, or has not exactly one group; kExhausted for what
  // would cost too much.
  static Result<Pattern> Compile(const std::string& text);

  // What the group matched in the first match. kNotFound without a match, kExhausted for a body
  // over kPatternBodyBytesMax.
  Result<std::string> Find(std::string_view body) const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression)
      : expression_(std::move(expression)) {}

  std::shared_ptr<const re2::RE2> expression_;  // Immutable, so copies share it.
};

}  // namespace edgetwin::http_driver
