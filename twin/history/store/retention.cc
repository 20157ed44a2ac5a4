// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/retention.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "history_store_sql.h"
#include "twin/history/store/aggregates.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/ledger.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

struct Candidates {
  std::int64_t batch = 0;
  std::uint64_t inc = 0;
  std::vector<std::int64_t> rows;
  std::vector<BlockRecord> blocks;  // The same, without their bytes …
  Aggregator aggregates;            // … and what they come to.
};

Result<std::uint64_t> IncOf(Database& db, std::int64_t incarnation) {
  Result<Statement> select = db.Prepare(sql::kSelectInc);
  if (!select) return select.error();
  const Result<bool> row = select->BindInt(1, incarnation).Step();
  if (!row) return row.error();
  return *row ? select->Uint(0) : 0;
}

Status ReadCandidates(Database& db, int priority, Candidates& found) {
  bool whole = true;
  const Status read =
      ForEachRow(db, found.batch, IdsOf(found.batch, priority), [&](StoredRow& row) {
        whole = std::ranges::all_of(row.blocks, &StoredBlock::whole);
        if (!whole) return false;
        for (StoredBlock& stored : row.blocks) {
          found.aggregates.Add(stored.block.path, stored.block.bytes);
          stored.block.bytes = std::string();
          found.blocks.push_back(std::move(stored.block));
        }
        found.rows.push_back(row.id);
        return found.blocks.size() < kEvictedMax && found.aggregates.size() < kEvictedHoursMax;
      });
  if (!read) return read;
  return whole ? Status() : store::Damage(db, "block", found.batch);
}

// Of the first batch from `hint` on that has any of this priority; moves `hint` there.
Result<Candidates> FindOldest(Database& db, const Delivery& delivery, int priority,
                              std::int64_t& hint) {
  Result<Statement> next = db.Prepare(sql::kSelectBatchFrom);
  if (!next) return next.error();
  std::int64_t from = hint;
  bool skipped = false;  // What is on its way stays, and is found again.
  while (true) {
    Candidates found;
    const Result<bool> row = next->BindInt(1, from).Step();
    if (!row) return row.error();
    if (!*row) return found;
    found.batch = next->Int(0);
    const std::int64_t incarnation = next->Int(1);
    next->Reset();
    from = found.batch + 1;
    if (delivery.OnItsWay(found.batch)) {
      skipped = true;
      continue;
    }
    if (!skipped) hint = found.batch;
    if (Status read = ReadCandidates(db, priority, found); !read) return read.error();
    if (!found.blocks.empty()) {
      const Result<std::uint64_t> inc = IncOf(db, incarnation);
      if (!inc) return inc.error();
      found.inc = *inc;
      return found;
    }
    if (!skipped) hint = from;
  }
}

// Of the first batch that the cloud has, the lowest priority.
Result<Candidates> FindDelivered(Database& db, const Delivery& delivery) {
  Candidates found;
  const Result<std::int64_t> batch = delivery.Oldest(db);
  if (!batch) return batch.error();
  if (*batch == 0) return found;
  found.batch = *batch;
  for (int priority = 0; priority < static_cast<int>(kPriorities); ++priority) {
    if (Status read = ReadCandidates(db, priority, found); !read) return read.error();
    if (!found.blocks.empty()) break;
  }
  return found;
}

// Blocks that follow each other become one record, before the ledger's own merging.
std::vector<Loss> LossesOf(const Candidates& evicted, const Delivery& delivery,
                           LossReason otherwise) {
  std::vector<Loss> losses;
  for (const BlockRecord& block : evicted.blocks) {
    const std::uint64_t last = block.first + block.count - 1;
    const LossReason reason =
        delivery.Has(evicted.batch, block) ? LossReason::kDelivered : otherwise;
    if (!losses.empty() && losses.back().path == block.path &&
        losses.back().last + 1 == block.first && losses.back().reason == reason) {
      Loss& loss = losses.back();
      loss.last = last;
      loss.count += block.count;
      loss.from = std::min(loss.from, block.t_min);
      loss.to = std::max(loss.to, block.t_max);
      continue;
    }
    losses.push_back({.path = block.path,
                      .reason = reason,
                      .exact = true,
                      .inc = evicted.inc,
                      .first = block.first,
                      .last = last,
                      .count = block.count,
                      .from = block.t_min,
                      .to = block.t_max});
  }
  return losses;
}

Status Remove(Database& db, const Candidates& evicted) {
  const Status removed =
      store::RunForEach(db, sql::kDeleteBlock, evicted.rows,
                        [](Statement& remove, std::int64_t id) { remove.BindInt(1, id); });
  if (!removed) return removed;
  Result<Statement> batch = db.Prepare(sql::kDeleteBatchIfEmpty);
  if (!batch) return batch.error();
  const IdRange ids = IdsOf(evicted.batch);
  return batch->BindInt(1, evicted.batch).BindInt(2, ids.first).BindInt(3, ids.last).Run();
}

Result<std::int64_t> Evict(Database& db, const Delivery& delivery, const Candidates& evicted,
                           LossReason reason, const AccountLimits& limits) {
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (Status done = Remove(db, evicted); !done) return done.error();
  const std::vector<Loss> losses = LossesOf(evicted, delivery, reason);
  if (Status done = AddLosses(db, losses, limits.ledger_records_max); !done) return done.error();
  const Status added = AddAggregates(db, evicted.aggregates.Take(), limits.aggregates_max);
  if (!added) return added.error();
  if (Status done = transaction->Commit(); !done) return done.error();
  return static_cast<std::int64_t>(evicted.blocks.size());
}

}  // namespace

Result<std::int64_t> EvictSome(Database& db, const Delivery& delivery, Oldest& oldest,
                               LossReason reason, const AccountLimits& limits) {
  Result<Candidates> delivered = FindDelivered(db, delivery);
  if (!delivered) return delivered.error();
  if (!delivered->blocks.empty()) {
    const Result<std::uint64_t> inc = delivery.IncOf(db, delivered->batch);
    if (!inc) return inc.error();
    delivered->inc = *inc;
    return Evict(db, delivery, *delivered, reason, limits);
  }
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    const Result<Candidates> evicted =
        FindOldest(db, delivery, static_cast<int>(priority), oldest.batch[priority]);
    if (!evicted) return evicted.error();
    if (!evicted->blocks.empty()) return Evict(db, delivery, *evicted, reason, limits);
  }
  return 0;
}

Result<std::int64_t> EvictSomeBefore(Database& db, const Delivery& delivery, WallTime before,
                                     const AccountLimits& limits) {
  Result<Statement> select = db.Prepare(sql::kSelectBatchBefore);
  if (!select) return select.error();
  const Result<bool> row = select->BindInt(1, before.time_since_epoch().count()).Step();
  if (!row) return row.error();
  if (!*row) return 0;
  Candidates evicted;
  evicted.batch = select->Int(0);
  const Result<std::uint64_t> inc = IncOf(db, select->Int(1));
  if (!inc) return inc.error();
  evicted.inc = *inc;
  select->Reset();
  if (delivery.OnItsWay(evicted.batch)) return 0;
  for (int priority = 0; priority < static_cast<int>(kPriorities); ++priority) {
    if (Status read = ReadCandidates(db, priority, evicted); !read) return read.error();
    if (!evicted.blocks.empty()) break;
  }
  return Evict(db, delivery, evicted, LossReason::kAgeMax, limits);
}

}  // namespace edgetwin::history
