// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The hashes of all rows of a twin, three bytes each: what is compared instead of a sketch when
// the twin is small or most of it differs. docs/PROTOCOL.md, "Healing". Pure.
//
// A list is a sequence of runs of properties with ascending pids, each
//
//   varint: number of properties << 4 | mask; bit 1 << side of the mask: they have such a row
//   of each property, of each side in the mask, ascending: the lowest 24 bits of the row's number
//
// Runs follow each other without a gap (a run of mask 0 says that there is none); a part of a list
// ends with a property's last row, and what follows the last row of all is left out.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/engine/sketch.h"

namespace edgetwin::sync {

// The part that begins with property `first` (not 0) and ends when it has `bytes_max` or a little
// more.
std::string HashList(const SketchVector& vector, model::Pid first, std::size_t bytes_max);

struct ComparedList {
  model::Pid next = 0;                   // The first property after the part.
  std::size_t rows = 0;                  // In the part.
  std::vector<std::uint32_t> different;  // Indices, ascending.
};

// Compares a part that begins with property `first` with ours, of properties up to `pid_max`;
// nothing when it is damaged. Two rows in 2^24 that differ seem equal.
std::optional<ComparedList> CompareHashList(std::string_view bytes, const SketchVector& ours,
                                            model::Pid first, model::Pid pid_max);

}  // namespace edgetwin::sync
