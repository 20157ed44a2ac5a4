// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A column of doubles: a scale, the integers that it makes of them, and corrections.

#pragma once

#include <cstdint>
#include <span>

#include "twin/history/bits.h"

namespace edgetwin::history {

// Doubles are given and taken as their bit patterns, which alone tell all of them apart.
void WriteDoubles(Writer& out, std::span<const std::uint64_t> patterns);
// Fills `patterns`, as ReadIntegers.
void ReadDoubles(Reader& in, std::span<std::uint64_t> patterns);

}  // namespace edgetwin::history
