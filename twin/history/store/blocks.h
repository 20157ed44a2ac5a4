// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The tables block, batch and path of history.db.

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/columns.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// Within the caller's transaction. `blocks` may stand in any order.
Status WriteBatch(store::Database& db, std::int64_t n, std::int64_t incarnation,
                  const std::vector<BlockRecord>& blocks);

// What precedes the bytes in a row of block: path, priority, first, count, t_min_ms, t_max_ms.
BlockRecord ReadBlockColumns(store::Columns& columns);

// See HistoryStore::ReadBlocks.
Status ReadBlocksOf(store::Database& db, PathId path, WallTime from, WallTime to,
                    const std::function<bool(const BlockRecord&)>& take);

// Paths with `next` as of the last save, by id. kCorrupt when the ids have gaps.
struct StoredPaths {
  std::vector<PathRecord> paths;
  std::vector<bool> live;
};
Result<StoredPaths> ReadPaths(store::Database& db);

// Raises each `next` to what blocks from batch `from` on and the ledger reach to. `t_max`: of each
// path's blocks there; WallTime::min() for none.
Status RaiseNexts(store::Database& db, std::int64_t from, std::vector<PathRecord>& paths,
                  std::vector<WallTime>& t_max);

}  // namespace edgetwin::history
