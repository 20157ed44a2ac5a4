// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/blocks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "history_store_sql.h"
#include "twin/history/block.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::ForEach;
using store::Statement;

std::int64_t Count(WallTime time) {
  return time.time_since_epoch().count();
}

// Time stamps may be any number: differences wrap around, and so does what is added to them again.
std::int64_t Minus(WallTime a, WallTime b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(Count(a)) -
                                   static_cast<std::uint64_t>(Count(b)));
}
WallTime Plus(std::int64_t time, std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(
      static_cast<std::uint64_t>(time) + static_cast<std::uint64_t>(ms))));
}
WallTime Less(std::int64_t time, std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(
      static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(ms))));
}

// Gives whether the bytes are whole.
bool ReadHeader(BlockRecord& block) {
  const Result<BlockHeader> header = ReadBlockHeader(block.bytes);
  if (!header || header->first_ordinal > std::numeric_limits<std::int64_t>::max() ||
      header->count > std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  block.first = header->first_ordinal;
  block.count = static_cast<std::uint32_t>(header->count);
  return true;
}

Status OutOfRange(const Database& db, const char* table, PathId path, std::size_t paths) {
  if (path != 0 && path <= paths) return {};
  return store::Damage(db, table, path);
}

Status RaiseNextsByLosses(Database& db, std::vector<PathRecord>& paths) {
  return ForEach(db, sql::kSelectLossEnds, [&](const Statement& row) -> Status {
    const auto path = static_cast<PathId>(row.Int(0));
    if (Status known = OutOfRange(db, "loss", path, paths.size()); !known) return known;
    paths[path - 1].next = std::max(paths[path - 1].next, row.Uint(1));
    return {};
  });
}

// A row of kSelectLateBlocks.
StoredBlock ReadLateBlock(const Statement& row) {
  StoredBlock stored;
  stored.id = row.Int(0);
  stored.block.path = PathOf(stored.id);
  stored.block.bytes = std::string(row.Blob(2));
  stored.whole = ReadHeader(stored.block);
  return stored;
}

}  // namespace

IdRange IdsOf(std::int64_t batch) {
  const std::int64_t first = batch << kBatchShift;
  return {first, first | ((std::int64_t{1} << kBatchShift) - 1)};
}

IdRange IdsOf(std::int64_t batch, int priority) {
  constexpr int kShift = kPathBits + kPlaceBits;
  const std::int64_t first = IdsOf(batch).first | (std::int64_t{priority} << kShift);
  return {first, first | ((std::int64_t{1} << kShift) - 1)};
}

IdRange IdsOf(std::int64_t batch, int priority, PathId path) {
  const std::int64_t first = IdsOf(batch, priority).first | (std::int64_t{path} << kPlaceBits);
  return {first, first | ((std::int64_t{1} << kPlaceBits) - 1)};
}

Status InsertBlocks(Database& db, std::int64_t n, const BatchTimes& times,
                    const std::vector<BlockRecord>& blocks) {
  std::vector<const BlockRecord*> sorted;
  for (const BlockRecord& block : blocks) sorted.push_back(&block);
  // In the order of the table, so that pages are filled one after the other.
  std::ranges::sort(sorted, {}, [](const BlockRecord* block) {
    return std::tuple(block->priority, block->path, block->first);
  });
  std::int64_t id = 0;
  return store::RunForEach(
      db, sql::kInsertBlock, sorted, [&](Statement& insert, const BlockRecord* block) {
        const std::int64_t first = IdsOf(n, static_cast<int>(block->priority), block->path).first;
        id = std::max(id + 1, first);  // The next place, or the first one of another path.
        insert.BindInt(1, id).BindInt(2, Minus(block->t_min, times.t_min));
        insert.BindInt(3, Minus(times.t_max, block->t_max)).BindBlob(4, block->bytes);
      });
}

Status WriteBatch(Database& db, std::int64_t n, std::int64_t incarnation,
                  const std::vector<BlockRecord>& blocks) {
  BatchTimes times{WallTime::max(), WallTime::min()};
  for (const BlockRecord& block : blocks) {
    times.t_min = std::min(times.t_min, block.t_min);
    times.t_max = std::max(times.t_max, block.t_max);
  }
  Result<Statement> insert = db.Prepare(sql::kInsertBatch);
  if (!insert) return insert.error();
  insert->BindInt(1, n).BindInt(2, incarnation);
  insert->BindInt(3, Count(times.t_min)).BindInt(4, Count(times.t_max));
  if (Status done = insert->Run(); !done) return done;
  return InsertBlocks(db, n, times, blocks);
}

Status ForEachBlock(Database& db, std::int64_t batch, const IdRange& range,
                    const std::function<bool(StoredBlock&)>& take, std::int64_t count_max) {
  Result<Statement> select = db.Prepare(sql::kSelectBlocks);
  if (!select) return select.error();
  select->BindInt(1, batch).BindInt(2, range.first).BindInt(3, range.last).BindInt(4, count_max);
  while (true) {
    const Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) return {};
    StoredBlock stored;
    stored.id = select->Int(0);
    const std::int64_t priority = stored.id >> (kPathBits + kPlaceBits) & 3;
    if (priority > static_cast<int>(Priority::kHigh)) return store::Damage(db, "block", batch);
    BlockRecord& block = stored.block;
    block.priority = static_cast<Priority>(priority);
    block.path = PathOf(stored.id);
    block.t_min = Plus(select->Int(3), select->Int(1));
    block.t_max = Less(select->Int(4), select->Int(2));
    block.bytes = std::string(select->Blob(5));
    stored.whole = ReadHeader(block);
    if (!take(stored)) return {};
  }
}

Status ReadBlocksOf(Database& db, PathId path, WallTime from, WallTime to,
                    const std::function<bool(const BlockRecord&)>& take) {
  Result<Statement> batches = db.Prepare(sql::kSelectBatches);
  if (!batches) return batches.error();
  batches->BindInt(1, Count(from)).BindInt(2, Count(to)).BindInt(3, 0);
  std::vector<BlockRecord> found;
  std::uint64_t next = 0;
  bool more = true;
  while (more) {
    const Result<bool> row = batches->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const std::int64_t n = batches->Int(0);
    found.clear();
    for (int priority = 0; priority < static_cast<int>(kPriorities); ++priority) {
      const Status read = ForEachBlock(db, n, IdsOf(n, priority, path), [&](StoredBlock& stored) {
        BlockRecord& block = stored.block;
        if (!stored.whole) block.first = next;
        next = block.first + block.count;
        if (block.t_max >= from && block.t_min <= to) found.push_back(std::move(block));
        return true;
      });
      if (!read) return read;
    }
    std::ranges::stable_sort(found, {}, &BlockRecord::first);
    for (const BlockRecord& block : found) more = more && take(block);
  }
  return {};
}

Result<StoredPaths> ReadPaths(Database& db) {
  StoredPaths stored;
  const Status read = ForEach(db, sql::kSelectPaths, [&](const Statement& row) -> Status {
    Columns columns(row);
    PathRecord path;
    path.id = static_cast<PathId>(columns.Number(std::numeric_limits<PathId>::max()));
    path.path = columns.Text();
    path.next =
        static_cast<std::uint64_t>(columns.Number(std::numeric_limits<std::int64_t>::max()));
    stored.live.push_back(columns.Bool());
    if (columns.damaged() || path.id != stored.paths.size() + 1) {
      return store::Damage(db, "path", path.id);
    }
    stored.paths.push_back(std::move(path));
    return {};
  });
  if (!read) return read.error();
  return stored;
}

Status RaiseNexts(Database& db, std::int64_t from, std::vector<PathRecord>& paths,
                  std::vector<WallTime>& t_max) {
  t_max.assign(paths.size(), WallTime::min());
  if (from < 0 || from > kBatchMax) return store::Damage(db, "meta", from);
  Result<Statement> times = db.Prepare(sql::kSelectBatchTimes);
  if (!times) return times.error();
  Result<Statement> late = db.Prepare(sql::kSelectLateBlocks);
  if (!late) return late.error();
  late->BindInt(1, IdsOf(from).first);
  std::int64_t batch = 0;
  std::int64_t batch_t_max = 0;
  const Status read = ForEach(*late, [&](const Statement& row) -> Status {
    const StoredBlock stored = ReadLateBlock(row);
    const PathId path = stored.block.path;
    if (Status known = OutOfRange(db, "block", path, paths.size()); !known) return known;
    const std::int64_t of = stored.id >> kBatchShift;
    if (!stored.whole) return store::Damage(db, "block", of);
    if (of != batch) {
      const Result<bool> there = times->BindInt(1, of).Step();
      if (!there) return there.error();
      if (!*there) return store::Damage(db, "batch", of);
      batch = of;
      batch_t_max = times->Int(1);
      times->Reset();
    }
    PathRecord& record = paths[path - 1];
    record.next = std::max(record.next, stored.block.first + stored.block.count);
    t_max[path - 1] = std::max(t_max[path - 1], Less(batch_t_max, row.Int(1)));
    return {};
  });
  if (!read) return read;
  return RaiseNextsByLosses(db, paths);
}

void RaiseNextsOfDamaged(Database& db, std::int64_t saved, std::vector<PathRecord>& paths) {
  std::map<PathId, std::uint64_t> unknown;  // Blocks since the last one that is whole.
  if (Result<Statement> late = db.Prepare(sql::kSelectLateBlocks)) {
    late->BindInt(1, 0);
    (void)ForEach(*late, [&](const Statement& row) -> Status {
      const StoredBlock stored = ReadLateBlock(row);
      const PathId path = stored.block.path;
      if (path == 0 || path > paths.size()) return {};
      if (!stored.whole) {
        if (stored.id >> kBatchShift >= saved) ++unknown[path];
        return {};
      }
      std::uint64_t& next = paths[path - 1].next;
      const std::uint64_t end = stored.block.first + stored.block.count;
      if (end < next) return {};
      next = end;
      unknown.erase(path);
      return {};
    });
  }
  (void)RaiseNextsByLosses(db, paths);
  for (const auto& [path, blocks] : unknown) paths[path - 1].next += blocks * kBlocksOfPathMax;
}

}  // namespace edgetwin::history
