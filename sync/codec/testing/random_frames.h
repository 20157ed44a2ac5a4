// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Valid frames of every kind, from a seed: for tests and the fuzzer's corpus.

#pragma once

#include <random>

#include "sync/engine/frame.h"

namespace edgetwin::sync {

using Random = std::mt19937_64;

// What frames are like: from all alike (one poll of one device) to nothing alike.
Frame RandomFrame(Random& random, std::size_t rows_max = 60);
Delta RandomDelta(Random& random, std::size_t rows_max);

// Frames are equal when everything that is sent is. Dictionary entries have no operator== since
// only part of them is sent; doubles are compared by bits.
bool SameFrame(const Frame& a, const Frame& b);

}  // namespace edgetwin::sync
