// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/walk.h"

#include <string>
#include <tuple>
#include <utility>

#include "history_store_sql.h"
#include "twin/history/store/blocks.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

// In one piece: other work waits for the thread.
constexpr std::size_t kCommitsMax = 64;
constexpr std::size_t kBlocksMax = 500;

// Within one commit.
bool IsBefore(const WalkPlace& a, const WalkPlace& b) {
  return std::tie(a.priority, a.path, a.first) < std::tie(b.priority, b.path, b.first);
}

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
  WalkPlace& end = walked.end;
  IdRange range = IdsOf(end.commit);
  if (end.priority > static_cast<int>(Priority::kHigh)) return true;
  if (end.priority >= 0) range.first = IdsOf(end.commit, end.priority, end.path).first;
  bool all = true;
  bool whole = true;
  const Status read = ForEachBlock(db, end.commit, range, [&](StoredBlock& stored) {
    BlockRecord& block = stored.block;
    whole = stored.whole;
    if (!whole) return false;
    const WalkPlace at{end.commit, end.inc, static_cast<int>(block.priority), block.path,
                       block.first};
    // Of the same path, what precedes it.
    if (!IsBefore(end, at)) return true;
    const bool wanted = block.t_max >= request.from && block.t_min <= request.to &&
                        !delivery.Has(end.commit, block);
    if (wanted) {
      all = walked.blocks.size() < kBlocksMax &&
            (walked.blocks.empty() || bytes + block.bytes.size() <= request.bytes_max);
      if (!all) return false;
      bytes += block.bytes.size();
      walked.blocks.push_back(std::move(block));
    }
    end = at;
    return true;
  });
  if (!read) return read.error();
  if (!whole) return store::Damage(db, "block", end.commit);
  return all;
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
  if (walked.end.commit < 0 || walked.end.commit > kBatchMax || walked.end.path > kPathIdMax) {
    return Conflict("the history has no commit " + std::to_string(walked.end.commit) +
                    " with a path " + std::to_string(walked.end.path));
  }
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
