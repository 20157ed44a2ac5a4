// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Codes of non-negative integers of which small ones are likely: the innermost part of a column.
// docs/HISTORY_FORMAT.md has their bits.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "twin/history/bits.h"

namespace edgetwin::history {

// Every value in the same number of bits.
void WritePacked(Writer& out, std::span<const std::uint64_t> values, unsigned width);
void ReadPacked(Reader& in, std::span<std::uint64_t> values);

// Golomb codes whose parameter follows the values seen so far: costs no table, and follows a signal
// that is at times calm and at times not.
void WriteGolomb(Writer& out, std::span<const std::uint64_t> values);
std::size_t GolombBits(std::span<const std::uint64_t> values);  // What that takes.
void ReadGolomb(Reader& in, std::span<std::uint64_t> values);

}  // namespace edgetwin::history
