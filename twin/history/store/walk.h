// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Through what the cloud doesn't have, oldest commits first, a piece at a time and without marking
// anything: for a file that carries it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/history/store/delivery.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// After which block: of a commit, by priority, path and first ordinal. commit 0: before all.
struct WalkPlace {
  std::int64_t commit = 0;
  std::uint64_t inc = 0;  // The opening that made it; 0: isn't checked.
  int priority = 0;
  PathId path = 0;
  std::uint64_t first = 0;
  friend bool operator==(const WalkPlace&, const WalkPlace&) = default;
};

struct WalkRequest {
  WalkPlace after = {};
  // Only blocks that may have samples in [from, to].
  WallTime from = WallTime::min();
  WallTime to = WallTime::max();
  std::size_t bytes_max = 0;  // Of about all blocks together; one is given in any case.
};

// Blocks of one opening, 500 at most; there may be none in a piece.
struct Walked {
  std::uint64_t inc = 0;
  std::vector<BlockRecord> blocks = {};
  WalkPlace end = {};  // Where to go on.
  bool all = false;    // There are none after it.
};

// kConflict when `after` is no place in this file. kCorrupt for a block that isn't whole.
Result<Walked> Walk(store::Database& db, const Delivery& delivery, const WalkRequest& request);

// kConflict unless the file has that commit, by that opening.
Status CheckPlace(store::Database& db, const WalkPlace& place);

}  // namespace edgetwin::history
