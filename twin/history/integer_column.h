// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Columns of 64-bit integers. Everything in a block becomes one or several of these: time stamps,
// qualities, lengths, and the integers that doubles are made of.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "twin/history/bits.h"

namespace edgetwin::history {

// Appends the smallest form found for `values`. The number of values is not written.
void WriteIntegers(Writer& out, std::span<const std::uint64_t> values);

// Fills `values`, whose size must be that of what was written; `in` fails on anything else. Needs
// memory for as many integers more.
void ReadIntegers(Reader& in, std::span<std::uint64_t> values);

// About the number of bits that WriteIntegers would take, in a fraction of its time.
std::size_t EstimateBits(std::span<const std::uint64_t> values);

}  // namespace edgetwin::history
