// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Rows ↔ the columns of a Frame. Which seqs its rows have is apart: there are two ways to say it.

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

// Which rows a frame may have.
enum class RowsOf {
  kNothing,  // None.
  kState,
  kControl,
  kDevice,  // What the device writes, of both streams.
  kCloud,   // Desired rows.
};
RowsOf RowsOfStream(model::Stream stream);
bool Allows(RowsOf which, model::Side side);

// What the columns say but for the seqs. Rows that Decode would refuse are a bug of the caller:
// asserted, here and below.
void EncodeRows(RowsOf which, std::span<const WireRow> rows, v1::Frame& frame);
// Their seqs are 0. The texts of `frame` move into the rows.
Result<std::vector<WireRow>> DecodeRows(RowsOf which, v1::Frame& frame);

// Seqs that ascend within (from, to], where `others` more belong to events or commands. Writes all
// but `to`.
void EncodeSeqs(std::uint64_t from, std::uint64_t to, std::size_t others,
                std::span<const WireRow> rows, v1::Frame& frame);
// Returns `from`.
Result<std::uint64_t> DecodeSeqs(std::uint64_t to, std::size_t others, const v1::Frame& frame,
                                 std::span<WireRow> rows);

// Any seqs.
void EncodeLooseSeqs(std::span<const WireRow> rows, v1::Frame& frame);
Status DecodeLooseSeqs(const v1::Frame& frame, std::span<WireRow> rows);

}  // namespace edgetwin::sync
