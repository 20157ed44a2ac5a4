// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The model's types as columns of the stores' tables. The schemas say how each is kept; a Bind
// function and its reader are for the same columns, in the same order.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

void BindReal(Statement& statement, int parameter, double value);
// NULL for nothing.
void BindReal(Statement& statement, int parameter, std::optional<double> value);
// The 14 columns property … until_ms of a row, as parameters from `first` on.
void BindRow(Statement& statement, int first, const model::RowChange& change);
// The 11 columns inc … command of an event.
void BindEvent(Statement& statement, int first, const model::Event& event);
// The 12 columns id … result of a command.
void BindCommand(Statement& statement, int first, const model::Command& command);
// The 8 columns property … who of an alarm.
void BindAlarm(Statement& statement, int first, const model::AlarmRecord& alarm);

// Reads the columns of a result row one after the other. What can't have been written there is
// remembered as damage.
class Columns {
 public:
  explicit Columns(const Statement& row) : row_(row) {}

  std::uint64_t Uint() { return row_.Uint(at_++); }
  std::int64_t Int() { return row_.Int(at_++); }
  bool Bool() { return Number(1) != 0; }
  // 0 to max, else damage.
  std::int64_t Number(std::int64_t max);
  template <class T>
  T Enum(T max) {
    return static_cast<T>(Number(static_cast<std::int64_t>(max)));
  }
  std::string Text() { return std::string(row_.Text(at_++)); }
  std::string Blob() { return std::string(row_.Blob(at_++)); }
  double Real();
  std::optional<double> OptionalReal();
  std::chrono::milliseconds Milliseconds() { return std::chrono::milliseconds(Int()); }
  WallTime Time() { return WallTime(Milliseconds()); }
  // Below `properties`, else damage.
  model::PropertyId Property(std::size_t properties);
  // The same, or kNoProperty for NULL.
  model::PropertyId OptionalProperty(std::size_t properties);
  // Two columns: type and value.
  model::Value Value();

  model::RowChange Row(std::size_t properties);
  model::Event Event(std::size_t properties);
  model::Command Command();
  model::AlarmRecord Alarm(std::size_t properties);

  bool Null() const { return row_.IsNull(at_); }
  // True, and past it, when the column is NULL.
  bool SkipNull();
  void Damaged() { damaged_ = true; }
  bool damaged() const { return damaged_; }

 private:
  std::shared_ptr<const model::ControlInfo> Control();

  const Statement& row_;
  int at_ = 0;
  bool damaged_ = false;
};

// kCorrupt: which entry of which table.
Error Damage(const Database& db, std::string_view table, std::int64_t key);

// Runs `select` and hands each row to `read`, whose Status ends it.
template <class Read>
Status ForEach(Statement& select, Read read) {
  while (true) {
    const Result<bool> row = select.Step();
    if (!row) return row.error();
    if (!*row) return {};
    if (Status done = read(select); !done) {
      select.Reset();
      return done;
    }
  }
}

template <class Read>
Status ForEach(Database& db, std::string_view sql, Read read) {
  Result<Statement> select = db.Prepare(sql);
  if (!select) return select.error();
  return ForEach(*select, read);
}

// Prepares `sql` once and runs it with what `bind` binds of each of `entries`.
template <class Entries, class Bind>
Status RunForEach(Database& db, std::string_view sql, const Entries& entries, Bind bind) {
  if (entries.empty()) return {};
  Result<Statement> statement = db.Prepare(sql);
  if (!statement) return statement.error();
  for (const auto& entry : entries) {
    bind(*statement, entry);
    if (Status done = statement->Run(); !done) return done;
  }
  return {};
}

// Writes each of `entries` in turn, or, when `gone(entry)`, removes it by what `bind_key` binds.
template <class Entries, class Gone, class Bind, class BindKey>
Status UpsertOrRemove(Database& db, std::string_view upsert_sql, std::string_view remove_sql,
                      const Entries& entries, Gone gone, Bind bind, BindKey bind_key) {
  if (entries.empty()) return {};
  Result<Statement> upsert = db.Prepare(upsert_sql);
  if (!upsert) return upsert.error();
  Result<Statement> remove = db.Prepare(remove_sql);
  if (!remove) return remove.error();
  for (const auto& entry : entries) {
    const bool over = gone(entry);
    if (over)
      bind_key(*remove, entry);
    else
      bind(*upsert, entry);
    if (Status done = over ? remove->Run() : upsert->Run(); !done) return done;
  }
  return {};
}

}  // namespace edgetwin::store
