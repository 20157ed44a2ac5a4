// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/ledger.h"

#include <algorithm>
#include <string>

#include "history_store_sql.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::Statement;

Result<Loss> ReadLoss(const Database& db, const Statement& row) {
  Columns columns(row);
  Loss loss;
  loss.path = static_cast<PathId>(columns.Number(~PathId{0}));
  loss.reason = columns.Enum(static_cast<LossReason>(kLossReasons - 1));
  loss.exact = columns.Bool();
  loss.first = columns.Uint();
  loss.last = columns.Uint();
  loss.count = columns.Uint();
  loss.inc = columns.Uint();
  loss.from = columns.Time();
  loss.to = columns.Time();
  const bool sound = loss.first <= loss.last && loss.count != 0 &&
                     loss.count - 1 <= loss.last - loss.first && !columns.damaged();
  if (!sound) return store::Damage(db, "loss", loss.path);
  return loss;
}

Status ReadAll(Database& db, Statement& select, std::vector<Loss>& losses) {
  return store::ForEach(select, [&](const Statement& row) -> Status {
    Result<Loss> loss = ReadLoss(db, row);
    if (!loss) return loss.error();
    losses.push_back(*loss);
    return {};
  });
}

Status Write(Database& db, const Loss& loss) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertLoss);
  if (!upsert) return upsert.error();
  upsert->BindInt(1, loss.path).BindInt(2, static_cast<int>(loss.reason)).BindInt(3, loss.exact);
  upsert->BindUint(4, loss.first).BindUint(5, loss.last).BindUint(6, loss.count);
  upsert->BindUint(7, loss.inc);
  upsert->BindInt(8, loss.from.time_since_epoch().count());
  upsert->BindInt(9, loss.to.time_since_epoch().count());
  upsert->BindInt(10, loss.reason == LossReason::kDelivered);  // The cloud knows.
  return upsert->Run();
}

void Absorb(Loss& into, const Loss& later) {
  into.first = std::min(into.first, later.first);
  into.last = std::max(into.last, later.last);
  into.count += later.count;
  into.from = std::min(into.from, later.from);
  into.to = std::max(into.to, later.to);
  if (into.inc != later.inc) into.inc = 0;
}

Status Add(Database& db, const Loss& loss) {
  Result<Statement> select = db.Prepare(sql::kSelectLossBefore);
  if (!select) return select.error();
  select->BindInt(1, loss.path).BindInt(2, static_cast<int>(loss.reason)).BindInt(3, loss.exact);
  select->BindUint(4, loss.first);
  std::vector<Loss> before;
  if (Status read = ReadAll(db, *select, before); !read) return read;
  // Within the older one: that one was made coarser, and lacks what is added now.
  if (before.empty() || before.front().last + 1 < loss.first) return Write(db, loss);
  Absorb(before.front(), loss);
  return Write(db, before.front());
}

// False when there is nothing to merge any more.
Result<bool> Coarsen(Database& db) {
  Result<Statement> largest = db.Prepare(sql::kSelectLargestLossGroup);
  if (!largest) return largest.error();
  const Result<bool> found = largest->Step();
  if (!found) return found.error();
  if (!*found || largest->Int(3) < 2) return false;
  const std::int64_t key[] = {largest->Int(0), largest->Int(1), largest->Int(2)};
  largest->Reset();
  const auto bind_key = [&key](Statement& statement) -> Statement& {
    return statement.BindInt(1, key[0]).BindInt(2, key[1]).BindInt(3, key[2]);
  };
  Result<Statement> select = db.Prepare(sql::kSelectLossGroup);
  if (!select) return select.error();
  bind_key(*select);
  std::vector<Loss> group;
  if (Status read = ReadAll(db, *select, group); !read) return read.error();
  const std::size_t merged = std::max<std::size_t>(2, group.size() / 2);
  Loss coarse = group.front();
  for (std::size_t i = 1; i < merged; ++i) Absorb(coarse, group[i]);
  Result<Statement> remove = db.Prepare(sql::kDeleteLosses);
  if (!remove) return remove.error();
  bind_key(*remove).BindUint(4, coarse.first).BindUint(5, group[merged - 1].first);
  if (Status removed = remove->Run(); !removed) return removed.error();
  if (Status written = Write(db, coarse); !written) return written.error();
  return true;
}

Status Remove(Database& db, const Loss& loss) {
  Result<Statement> remove = db.Prepare(sql::kDeleteLoss);
  if (!remove) return remove.error();
  remove->BindInt(1, loss.path).BindInt(2, static_cast<int>(loss.reason)).BindInt(3, loss.exact);
  return remove->BindUint(4, loss.first).Run();
}

// The parts of a delivered record that `held` has, and those that it lacks.
std::vector<Loss> Split(const Loss& delivered, std::span<const OrdinalInterval> held) {
  std::vector<Loss> parts;
  const bool whole = delivered.count - 1 == delivered.last - delivered.first;
  const auto add = [&](LossReason reason, std::uint64_t first, std::uint64_t last) {
    Loss part = delivered;
    part.reason = reason;
    part.first = first;
    part.last = last;
    part.count = std::min(delivered.count, last - first + 1);
    part.exact = whole && delivered.exact;
    parts.push_back(part);
  };
  std::uint64_t at = delivered.first;
  for (const OrdinalInterval& interval : held) {
    if (interval.last < at) continue;
    if (interval.first > delivered.last) break;
    const std::uint64_t first = std::max(at, interval.first);
    const std::uint64_t last = std::min(delivered.last, interval.last);
    if (first > at) add(LossReason::kPeerRolledBack, at, first - 1);
    add(LossReason::kDelivered, first, last);
    if (last == delivered.last) return parts;
    at = last + 1;
  }
  add(LossReason::kPeerRolledBack, at, delivered.last);
  return parts;
}

}  // namespace

Status SettleDelivered(Database& db, std::size_t records_max,
                       const std::function<std::span<const OrdinalInterval>(PathId)>& held) {
  Result<std::vector<Loss>> losses = ReadLosses(db);
  if (!losses) return losses.error();
  for (const Loss& loss : *losses) {
    if (loss.reason != LossReason::kDelivered) continue;
    const std::vector<Loss> parts = Split(loss, held(loss.path));
    if (parts.size() == 1 && parts.front() == loss) continue;
    if (Status removed = Remove(db, loss); !removed) return removed;
    if (Status added = AddLosses(db, parts, records_max); !added) return added;
  }
  return {};
}

Result<std::vector<Loss>> ReadUntoldLosses(Database& db) {
  Result<Statement> select = db.Prepare(sql::kSelectUntoldLosses);
  if (!select) return select.error();
  std::vector<Loss> losses;
  if (Status read = ReadAll(db, *select, losses); !read) return read.error();
  return losses;
}

Status MarkTold(Database& db, std::span<const Loss> losses) {
  return store::RunForEach(db, sql::kUpdateTold, losses, [](Statement& update, const Loss& loss) {
    update.BindInt(1, loss.path).BindInt(2, static_cast<int>(loss.reason)).BindInt(3, loss.exact);
    update.BindUint(4, loss.first).BindUint(5, loss.last).BindUint(6, loss.count);
  });
}

Status AddLosses(Database& db, std::span<const Loss> losses, std::size_t records_max) {
  if (losses.empty()) return {};
  for (const Loss& loss : losses) {
    if (Status added = Add(db, loss); !added) return added;
  }
  while (true) {
    const Result<std::int64_t> records = db.QueryInt("SELECT count(*) FROM loss");
    if (!records) return records.error();
    if (static_cast<std::uint64_t>(*records) <= records_max) return {};
    const Result<bool> coarser = Coarsen(db);
    if (!coarser) return coarser.error();
    if (!*coarser) return {};
  }
}

Result<std::vector<Loss>> ReadLosses(Database& db) {
  Result<Statement> select = db.Prepare(sql::kSelectLosses);
  if (!select) return select.error();
  std::vector<Loss> losses;
  if (Status read = ReadAll(db, *select, losses); !read) return read.error();
  return losses;
}

}  // namespace edgetwin::history
