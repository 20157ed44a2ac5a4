// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A column of texts or byte strings.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/history/bits.h"

namespace edgetwin::history {

// Appends the smallest form found for `texts`. Their number is not written.
void WriteTexts(Writer& out, std::span<const std::string_view> texts);

// Reads `count` of them, of at most `bytes_max` together.
std::vector<std::string> ReadTexts(Reader& in, std::size_t count, std::size_t bytes_max);

}  // namespace edgetwin::history
