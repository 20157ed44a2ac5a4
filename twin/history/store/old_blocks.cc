// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/old_blocks.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "history_store_sql.h"
#include "twin/history/store/blocks.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::Statement;
using store::Transaction;

// Under this name while they are moved, and before version 4.
constexpr std::string_view kTables[] = {"block_3", "block"};

Status ReadBatch(Database& db, std::string_view table, std::int64_t batch,
                 const std::function<Status(BlockRecord, bool)>& take) {
  Result<Statement> select =
      db.Prepare("SELECT path, priority, first, count, t_min_ms, t_max_ms, bytes FROM " +
                 std::string(table) + " WHERE batch = ?1 ORDER BY path, first");
  if (!select) return select.error();
  select->BindInt(1, batch);
  return store::ForEach(*select, [&take](const Statement& row) -> Status {
    Columns columns(row);
    BlockRecord block;
    block.path = static_cast<PathId>(columns.Number(kPathIdMax));
    block.priority = columns.Enum(Priority::kHigh);
    block.first =
        static_cast<std::uint64_t>(columns.Number(std::numeric_limits<std::int64_t>::max()));
    block.count =
        static_cast<std::uint32_t>(columns.Number(std::numeric_limits<std::int32_t>::max()));
    if (block.count == 0) columns.Damaged();
    block.t_min = columns.Time();
    block.t_max = columns.Time();
    block.bytes = columns.Blob();
    return take(std::move(block), !columns.damaged());
  });
}

// In the caller's transaction. Gives how many there were.
Result<std::size_t> MoveBatch(Database& db, std::int64_t batch) {
  std::vector<BlockRecord> blocks;
  const Status read =
      ReadBatch(db, kTables[0], batch, [&](BlockRecord block, bool sound) -> Status {
        if (!sound) return store::Damage(db, "block", batch);
        blocks.push_back(std::move(block));
        return {};
      });
  if (!read) return read.error();
  Result<Statement> times = db.Prepare(sql::kSelectBatchTimes);
  if (!times) return times.error();
  const Result<bool> row = times->BindInt(1, batch).Step();
  if (!row) return row.error();
  if (!*row || batch < 0 || batch > kBatchMax) return store::Damage(db, "batch", batch);
  const BatchTimes of{WallTime(std::chrono::milliseconds(times->Int(0))),
                      WallTime(std::chrono::milliseconds(times->Int(1)))};
  // First, so that their pages are used again.
  Result<Statement> remove = db.Prepare(sql::kDeleteOldBlocks);
  if (!remove) return remove.error();
  if (Status done = remove->BindInt(1, batch).Run(); !done) return done.error();
  if (Status done = InsertBlocks(db, batch, of, blocks); !done) return done.error();
  return blocks.size();
}

Result<bool> HasTable(Database& db, std::string_view condition) {
  const Result<std::int64_t> tables = db.QueryInt(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND " + std::string(condition));
  if (!tables) return tables.error();
  return *tables > 0;
}

// False when it was the last time.
Result<bool> MoveSome(Database& db) {
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  bool more = true;
  for (std::size_t moved = 0; more && moved < kMovedInOne;) {
    std::int64_t batch = 0;
    {
      Result<Statement> next = db.Prepare(sql::kSelectOldBatch);
      if (!next) return next.error();
      const Result<bool> row = next->Step();
      if (!row) return row.error();
      more = *row;
      if (more) batch = next->Int(0);
    }
    if (!more) break;
    const Result<std::size_t> blocks = MoveBatch(db, batch);
    if (!blocks) return blocks.error();
    moved += *blocks;
  }
  if (!more) {
    if (Status done = db.Exec("DROP TABLE block_3"); !done) return done.error();
  }
  if (Status done = transaction->Commit(); !done) return done.error();
  return more;
}

}  // namespace

Status MoveOldBlocks(Database& db) {
  Result<bool> more = HasTable(db, "name = 'block_3'");
  while (more && *more) more = MoveSome(db);
  return more ? Status() : more.error();
}

Result<bool> HasOldBlocks(Database& db) {
  return HasTable(db, "(name = 'block_3' OR (name = 'block' AND sql LIKE '%WITHOUT ROWID%'))");
}

std::vector<BlockRecord> ReadOldBatch(Database& db, std::int64_t batch) {
  std::vector<BlockRecord> blocks;
  for (const std::string_view table : kTables) {
    (void)ReadBatch(db, table, batch, [&blocks](BlockRecord block, bool sound) -> Status {
      if (sound) blocks.push_back(std::move(block));
      return {};
    });
  }
  return blocks;
}

void RaiseNextsByOldBlocks(Database& db, std::vector<PathRecord>& paths) {
  for (const std::string_view table : kTables) {
    // Fails where the table isn't of this kind.
    (void)store::ForEach(
        db, "SELECT path, first + count FROM " + std::string(table) + " WHERE batch >= 0",
        [&paths](const Statement& row) -> Status {
          const auto path = static_cast<PathId>(row.Int(0));
          if (path == 0 || path > paths.size() || row.Int(1) < 0) return {};
          paths[path - 1].next = std::max(paths[path - 1].next, row.Uint(1));
          return {};
        });
  }
}

}  // namespace edgetwin::history
