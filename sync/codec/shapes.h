// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How the values of a frame are written: with the decimals that cost fewest bytes in all.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"

namespace edgetwin::sync {

inline constexpr int kShapes = 16;

// Digits after the point of a scaled shape, or -1 for the others.
int DecimalsOf(std::uint64_t shape);

struct ShapedValue {
  std::uint8_t shape = 0;   // A v1::Shape.
  std::int64_t number = 0;  // The entry of `numbers`, for the shapes that have one.
};

// One a row. The shortest in sum over the rows, counting what a change of shape costs.
std::vector<ShapedValue> ChooseShapes(std::span<const WireRow> rows);

}  // namespace edgetwin::sync
