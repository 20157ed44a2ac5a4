// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Rows ↔ the columns of a Frame.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// Milliseconds from 1970 to the epoch of times on the wire, 2026-01-01T00:00:00Z.
inline constexpr std::int64_t kWireEpochMs = 1'767'225'600'000;

inline constexpr int kSideBits = 2;
inline constexpr int kShapeBits = 4;
inline constexpr int kFlagBits = 3;
inline constexpr int kStateBits = 3;

inline constexpr std::uint64_t kFlagUnsynced = 4;  // Below it, the quality.

// A v1::State and a model::DesiredState differ by which of the two is 0: both ways.
inline std::uint64_t SwapState(std::uint64_t state) {
  return state == 0 ? 2 : state == 2 ? 0 : state;
}

// A part of a stream, as in Delta.
struct RowRange {
  model::Stream stream = model::Stream::kState;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<WireRow> rows;
};

// Writes all but `to`. Rows that Decode would refuse are a bug of the caller: asserted.
void EncodeRows(model::Stream stream, std::uint64_t from, std::uint64_t to,
                std::span<const WireRow> rows, v1::Frame& frame);

// The texts of `frame` move into the rows.
Result<RowRange> DecodeRows(std::uint64_t to, v1::Frame& frame);

}  // namespace edgetwin::sync
