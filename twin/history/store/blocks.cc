// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/blocks.h"

#include <algorithm>
#include <limits>
#include <string>

#include "history_store_sql.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::ForEach;
using store::Statement;

std::int64_t Count(WallTime time) {
  return time.time_since_epoch().count();
}

Status InsertBlocks(Database& db, std::int64_t n, const std::vector<BlockRecord>& blocks) {
  std::vector<const BlockRecord*> sorted;
  for (const BlockRecord& block : blocks) sorted.push_back(&block);
  // In the order of the table, so that pages are filled one after the other.
  std::ranges::sort(sorted, {}, [](const BlockRecord* block) {
    return std::tuple(block->priority, block->path, block->first);
  });
  return store::RunForEach(db, sql::kInsertBlock, sorted,
                           [n](Statement& insert, const BlockRecord* block) {
                             insert.BindInt(1, n).BindInt(2, static_cast<int>(block->priority));
                             insert.BindInt(3, block->path).BindUint(4, block->first);
                             insert.BindInt(5, block->count).BindInt(6, Count(block->t_min));
                             insert.BindInt(7, Count(block->t_max)).BindBlob(8, block->bytes);
                           });
}

Status OutOfRange(const Database& db, const char* table, PathId path, std::size_t paths) {
  if (path != 0 && path <= paths) return {};
  return store::Damage(db, table, path);
}

}  // namespace

Status WriteBatch(Database& db, std::int64_t n, std::int64_t incarnation,
                  const std::vector<BlockRecord>& blocks) {
  WallTime t_min = WallTime::max();
  WallTime t_max = WallTime::min();
  for (const BlockRecord& block : blocks) {
    t_min = std::min(t_min, block.t_min);
    t_max = std::max(t_max, block.t_max);
  }
  Result<Statement> insert = db.Prepare(sql::kInsertBatch);
  if (!insert) return insert.error();
  insert->BindInt(1, n).BindInt(2, incarnation).BindInt(3, Count(t_min)).BindInt(4, Count(t_max));
  if (Status done = insert->Run(); !done) return done;
  return InsertBlocks(db, n, blocks);
}

BlockRecord ReadBlockColumns(Columns& columns) {
  BlockRecord block;
  block.path = static_cast<PathId>(columns.Number(std::numeric_limits<PathId>::max()));
  block.priority = columns.Enum(Priority::kHigh);
  block.first =
      static_cast<std::uint64_t>(columns.Number(std::numeric_limits<std::int64_t>::max()));
  block.count =
      static_cast<std::uint32_t>(columns.Number(std::numeric_limits<std::int32_t>::max()));
  if (block.count == 0) columns.Damaged();
  block.t_min = columns.Time();
  block.t_max = columns.Time();
  return block;
}

Status ReadBlocksOf(Database& db, PathId path, WallTime from, WallTime to,
                    const std::function<bool(const BlockRecord&)>& take) {
  Result<Statement> batches = db.Prepare(sql::kSelectBatches);
  if (!batches) return batches.error();
  Result<Statement> blocks = db.Prepare(sql::kSelectBlocksOf);
  if (!blocks) return blocks.error();
  batches->BindInt(1, Count(from)).BindInt(2, Count(to)).BindInt(3, 0);
  std::vector<BlockRecord> found;
  bool more = true;
  while (more) {
    const Result<bool> row = batches->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const std::int64_t n = batches->Int(0);
    found.clear();
    for (int priority = 0; priority < static_cast<int>(kPriorities); ++priority) {
      blocks->BindInt(1, n).BindInt(2, priority).BindInt(3, path);
      const Status read = ForEach(*blocks, [&](const Statement& block_row) -> Status {
        Columns columns(block_row);
        BlockRecord block = ReadBlockColumns(columns);
        block.bytes = columns.Blob();
        if (columns.damaged()) return store::Damage(db, "block", n);
        if (block.t_max >= from && block.t_min <= to) found.push_back(std::move(block));
        return {};
      });
      if (!read) return read;
      blocks->Reset();
    }
    std::ranges::sort(found, {}, &BlockRecord::first);
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
  Result<Statement> ends = db.Prepare(sql::kSelectEnds);
  if (!ends) return ends.error();
  ends->BindInt(1, from);
  const Status read = ForEach(*ends, [&](const Statement& row) -> Status {
    const auto path = static_cast<PathId>(row.Int(0));
    if (Status known = OutOfRange(db, "block", path, paths.size()); !known) return known;
    paths[path - 1].next = std::max(paths[path - 1].next, row.Uint(1));
    t_max[path - 1] = WallTime(std::chrono::milliseconds(row.Int(2)));
    return {};
  });
  if (!read) return read;
  return ForEach(db, sql::kSelectLossEnds, [&](const Statement& row) -> Status {
    const auto path = static_cast<PathId>(row.Int(0));
    if (Status known = OutOfRange(db, "loss", path, paths.size()); !known) return known;
    paths[path - 1].next = std::max(paths[path - 1].next, row.Uint(1));
    return {};
  });
}

}  // namespace edgetwin::history
