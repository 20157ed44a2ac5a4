// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/walk.h"

#include <utility>

#include "history_store_sql.h"
#include "twin/history/block.h"
#include "twin/history/store/blocks.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::Statement;

// In one piece: other work waits for the thread.
constexpr std::size_t kCommitsMax = 64;
constexpr std::size_t kBlocksMax = 500;

// From `from` on, by number; 0: there is none.
Result<std::int64_t> NextCommit(Database& db, const WalkRequest& request, std::int64_t from) {
  Result<Statement> select = db.Prepare(sql::kSelectWalk);
  if (!select) return select.error();
  select->BindInt(1, from).BindInt(2, request.from.time_since_epoch().count());
  const Result<bool> row = select->BindInt(3, request.to.time_since_epoch().count()).Step();
  if (!row) return row.error();
  return *row ? select->Int(0) : 0;
}

// False when the piece is full: there is more of the commit.
Result<bool> ReadCommit(Database& db, const Delivery& delivery, const WalkRequest& request,
                        std::size_t& bytes, Walked& walked) {
  Result<Statement> select = db.Prepare(sql::kSelectBlocksAfter);
  if (!select) return select.error();
  WalkPlace& end = walked.end;
  select->BindInt(1, end.commit).BindInt(2, end.priority).BindInt(3, end.path);
  select->BindUint(4, end.first);
  while (true) {
    const Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) return true;
    Columns columns(*select);
    BlockRecord block = ReadBlockColumns(columns);
    const bool wanted = block.t_max >= request.from && block.t_min <= request.to &&
                        !delivery.Has(end.commit, block);
    if (wanted) {
      block.bytes = columns.Blob();
      const Result<BlockHeader> header = ReadBlockHeader(block.bytes);
      const bool whole = !columns.damaged() && header && header->first_ordinal == block.first &&
                         header->count == block.count;
      if (!whole) return store::Damage(db, "block", end.commit);
      const bool full = walked.blocks.size() == kBlocksMax ||
                        (!walked.blocks.empty() && bytes + block.bytes.size() > request.bytes_max);
      if (full) return false;
    }
    end.priority = static_cast<int>(block.priority);
    end.path = block.path;
    end.first = block.first;
    if (!wanted) continue;
    bytes += block.bytes.size();
    walked.blocks.push_back(std::move(block));
  }
}

}  // namespace

Status CheckPlace(Database& db, const WalkPlace& place) {
  Result<Statement> select = db.Prepare(sql::kSelectBatchInc);
  if (!select) return select.error();
  const Result<bool> row = select->BindInt(1, place.commit).Step();
  if (!row) return row.error();
  if (!*row) {
    return Conflict("the history has no commit " + std::to_string(place.commit) + " (any more)");
  }
  if (select->Uint(0) == place.inc) return {};
  return Conflict("commit " + std::to_string(place.commit) + " of the history is another one");
}

Result<Walked> Walk(Database& db, const Delivery& delivery, const WalkRequest& request) {
  Walked walked;
  walked.end = request.after;
  if (walked.end.inc != 0) {
    if (Status known = CheckPlace(db, walked.end); !known) return known.error();
  }
  std::size_t bytes = 0;
  bool within = walked.end.commit != 0;  // A commit that may have more.
  for (std::size_t commits = 0; commits < kCommitsMax && bytes < request.bytes_max; ++commits) {
    if (!within) {
      const std::int64_t from = delivery.SkipDelivered(walked.end.commit + 1);
      const Result<std::int64_t> commit = NextCommit(db, request, from);
      if (!commit) return commit.error();
      if (*commit == 0) {
        walked.all = true;
        break;
      }
      const Result<std::uint64_t> inc = Delivery::IncOf(db, *commit);
      if (!inc) return inc.error();
      if (!walked.blocks.empty() && *inc != walked.inc) break;
      walked.end = {*commit, *inc, -1, 0, 0};
    }
    if (walked.blocks.empty()) walked.inc = walked.end.inc;
    const Result<bool> all = ReadCommit(db, delivery, request, bytes, walked);
    if (!all) return all.error();
    if (!*all) break;
    within = false;
  }
  return walked;
}

}  // namespace edgetwin::history
