// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/aggregates.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "history_store_sql.h"
#include "twin/history/block.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

constexpr std::string_view kRows = "aggregates";  // In meta.

std::int64_t HourOf(WallTime time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}

// The hour's number says when it was; out of what milliseconds can say for a damaged one.
WallTime TimeOf(std::int64_t hour) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 3'600'000;
  return WallTime(std::chrono::milliseconds(std::clamp(hour, -kMax, kMax) * 3'600'000));
}

void BindNumber(Statement& statement, int parameter, const Aggregate& aggregate, double value) {
  if (aggregate.hour.numbers == 0) {
    statement.BindNull(parameter);
  } else {
    statement.BindReal(parameter, value);
  }
}

// The hour is in the first column, its figures from `column` on.
Bucket ReadHour(const Statement& row, int column) {
  Bucket hour;
  hour.from = TimeOf(row.Int(0));
  hour.count = row.Uint(column);
  const bool known = !row.IsNull(column + 2) && !row.IsNull(column + 4);
  hour.numbers = known ? row.Uint(column + 1) : 0;
  if (!known) return hour;
  hour.min = row.Real(column + 2);
  // That of infinities of both signs is no number.
  hour.mean =
      row.IsNull(column + 3) ? std::numeric_limits<double>::quiet_NaN() : row.Real(column + 3);
  hour.max = row.Real(column + 4);
  return hour;
}

// As it is known, or counted.
Result<std::int64_t> Rows(Database& db) {
  Result<Statement> select = db.Prepare(sql::kSelectMeta);
  if (!select) return select.error();
  const Result<bool> row = select->BindText(1, kRows).Step();
  if (!row) return row.error();
  if (*row) return select->Int(0);
  return db.QueryInt("SELECT count(*) FROM aggregate");
}

// How many rows there are after it.
Result<std::int64_t> Merge(Database& db, const std::vector<Aggregate>& aggregates,
                           std::int64_t rows) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertAggregate);
  if (!upsert) return upsert.error();
  for (const Aggregate& aggregate : aggregates) {
    const Bucket& hour = aggregate.hour;
    upsert->BindInt(1, HourOf(hour.from)).BindInt(2, aggregate.path);
    upsert->BindUint(3, hour.count).BindUint(4, hour.numbers);
    BindNumber(*upsert, 5, aggregate, hour.min);
    BindNumber(*upsert, 6, aggregate, hour.mean);
    BindNumber(*upsert, 7, aggregate, hour.max);
    const Result<bool> row = upsert->Step();
    if (!row) return row.error();
    rows += upsert->Int(0);
    upsert->Reset();
  }
  return rows;
}

// How many rows there are after it.
Result<std::int64_t> RemoveOldest(Database& db, std::int64_t rows, std::int64_t rows_max) {
  if (rows <= rows_max) return rows;
  Result<Statement> remove = db.Prepare(sql::kDeleteOldestAggregates);
  if (!remove) return remove.error();
  std::int64_t removed = 0;
  while (rows > rows_max && removed < kAggregatesRemovedMax) {
    if (Status done = remove->Run(); !done) return done.error();
    const std::int64_t gone = db.changes();
    if (gone == 0) return 0;  // There were fewer than it said.
    rows -= gone;
    removed += gone;
  }
  return rows;
}

}  // namespace

void Aggregator::Add(PathId path, std::string_view block) {
  const Result<Block> decoded = DecodeBlock(block);
  if (!decoded) return;
  for (const model::Sample& sample : decoded->samples) {
    const std::int64_t hour = HourOf(sample.time);
    Aggregate& aggregate = hours_[{hour, path}];
    aggregate.path = path;
    aggregate.hour.from = TimeOf(hour);
    aggregate.hour.Add(sample);
  }
}

std::vector<Aggregate> Aggregator::Take() const {
  std::vector<Aggregate> aggregates;
  for (const auto& [key, aggregate] : hours_) aggregates.push_back(aggregate);
  return aggregates;
}

Status AddAggregates(Database& db, const std::vector<Aggregate>& aggregates,
                     std::int64_t rows_max) {
  if (aggregates.empty()) return {};
  const Result<std::int64_t> before = Rows(db);
  if (!before) return before.error();
  Result<std::int64_t> rows = Merge(db, aggregates, *before);
  if (rows) rows = RemoveOldest(db, *rows, rows_max);
  if (!rows) return rows.error();
  if (*rows == *before) return {};
  Result<Statement> upsert = db.Prepare(sql::kUpsertMeta);
  if (!upsert) return upsert.error();
  return upsert->BindText(1, kRows).BindInt(2, *rows).Run();
}

Status ReadAggregates(Database& db, PathId path, WallTime from, WallTime to,
                      const std::function<void(const Bucket&)>& take) {
  Result<Statement> select = db.Prepare(sql::kSelectAggregates);
  if (!select) return select.error();
  const std::int64_t first = HourOf(from);
  select->BindInt(1, TimeOf(first) < from ? first + 1 : first).BindInt(2, HourOf(to));
  select->BindInt(3, path);
  return store::ForEach(*select, [&take](const Statement& row) -> Status {
    take(ReadHour(row, 1));
    return {};
  });
}

Result<std::vector<Aggregate>> ReadAllAggregates(Database& db) {
  std::vector<Aggregate> aggregates;
  const Status read =
      store::ForEach(db, sql::kSelectAllAggregates, [&](const Statement& row) -> Status {
        aggregates.push_back({static_cast<PathId>(row.Int(1)), ReadHour(row, 2)});
        return {};
      });
  if (!read) return read.error();
  return aggregates;
}

}  // namespace edgetwin::history
