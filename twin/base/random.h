// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The only source of chance, from the kernel. Pure code takes a function of this shape instead.

#pragma once

#include <cstdint>

namespace edgetwin {

// 64 random bits. Thread-safe.
std::uint64_t RandomBits();
// A random number below `below`; 0 for 0. The bias is below 2^-32 for what it is used for here.
std::uint64_t RandomBelow(std::uint64_t below);

}  // namespace edgetwin
