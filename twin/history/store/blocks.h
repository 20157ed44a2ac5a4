// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The tables block, batch and path of history.db.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/columns.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// A row holds a block or a bundle of some (bundle.h). Its id has all by which its first block is
// looked for, in the order of the table: commit, priority, path, and its place among the commit's
// rows that begin with that path and priority, in the order of their ordinals. So a row has no
// columns for them, and no index is needed.
inline constexpr int kPlaceBits = 12;
inline constexpr int kPathBits = 20;
inline constexpr int kPriorityBits = 2;
inline constexpr int kBatchShift = kPriorityBits + kPathBits + kPlaceBits;

// What fits in there, and therefore into a file: at a commit every ten seconds, 170 years.
inline constexpr std::int64_t kBatchMax = (std::int64_t{1} << (63 - kBatchShift)) - 1;
inline constexpr PathId kPathIdMax = (PathId{1} << kPathBits) - 1;
// Of one path in one commit: as many as a recorder has samples of it in memory.
inline constexpr std::size_t kBlocksOfPathMax = std::size_t{1} << kPlaceBits;

// All blocks of some consecutive paths of a commit, as the ids that rows of them have, both
// included.
struct IdRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// `batch` in [0, kBatchMax].
IdRange IdsOf(std::int64_t batch);
IdRange IdsOf(std::int64_t batch, int priority);
IdRange IdsOf(std::int64_t batch, int priority, PathId path);
inline PathId PathOf(std::int64_t id) {
  return static_cast<PathId>(id >> kPlaceBits) & kPathIdMax;
}

struct StoredBlock {
  BlockRecord block;
  bool whole = true;  // False: `first` and `count` are not known, and 0.
};

struct StoredRow {
  std::int64_t id = 0;
  bool whole = true;                // False: what it holds is not known …
  std::vector<StoredBlock> blocks;  // … and one stands here that isn't whole, of no bytes.
};

// All blocks of the commit have their samples in it, both included.
struct BatchTimes {
  WallTime t_min{};
  WallTime t_max{};
};

// Within the caller's transaction. `blocks` may stand in any order, within the limits above.
Status WriteBatch(store::Database& db, std::int64_t n, std::int64_t incarnation,
                  const std::vector<BlockRecord>& blocks);
// The same of a batch that is there.
Status InsertBlocks(store::Database& db, std::int64_t n, const BatchTimes& times,
                    const std::vector<BlockRecord>& blocks);

// The rows of the batch that have blocks in this range, with all that they have, in the order of
// the table, until `take` says false; none when there is no such batch. kCorrupt for a row that
// can't be one.
Status ForEachRow(store::Database& db, std::int64_t batch, const IdRange& range,
                  const std::function<bool(StoredRow&)>& take);
// The same of the blocks in it, in the order of priority, path and first ordinal.
Status ForEachBlock(store::Database& db, std::int64_t batch, const IdRange& range,
                    const std::function<bool(StoredBlock&)>& take);
// Of all batches. The times of the blocks are not set, and their bytes end with the call.
Status ForEachBlockOfAll(store::Database& db,
                         const std::function<Status(PathId path, bool whole, std::uint32_t count,
                                                    std::size_t bytes)>& take);

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
// path's blocks there; WallTime::min() for none. kCorrupt for a block that isn't whole.
Status RaiseNexts(store::Database& db, std::int64_t from, std::vector<PathRecord>& paths,
                  std::vector<WallTime>& t_max);
// Of a damaged file, as far as it can be read. A block from batch `saved` on that isn't whole may
// have been of as many samples as one commit has of a path, and a row of which nothing is known may
// have had one of each path up to that of the next row.
void RaiseNextsOfDamaged(store::Database& db, std::int64_t saved, std::vector<PathRecord>& paths);

}  // namespace edgetwin::history
