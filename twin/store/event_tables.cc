// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/event_tables.h"

#include <string_view>
#include <utility>
#include <vector>

#include "twin/store/columns.h"
#include "twin/store/tail.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

using model::AlarmRecord;
using model::Command;
using model::Event;
using model::HoldRecord;

Status WriteEvents(Database& db, const model::Batch& batch) {
  const Status done =
      RunForEach(db, sql::kInsertEvent, batch.events,
                 [](Statement& insert, const Event& event) { BindEvent(insert, 1, event); });
  if (!done || !batch.events_floor) return done;
  Result<Statement> remove = db.Prepare(sql::kDeleteEvents);
  if (!remove) return remove.error();
  return remove->BindUint(1, *batch.events_floor).Run();
}

Status WriteCommands(Database& db, const model::Batch& batch) {
  const Status done = RunForEach(
      db, sql::kUpsertCommand, batch.commands,
      [](Statement& upsert, const Command& command) { BindCommand(upsert, 1, command); });
  if (!done) return done;
  return RunForEach(db, sql::kDeleteCommand, batch.commands_gone,
                    [](Statement& remove, std::uint64_t id) { remove.BindUint(1, id); });
}

Status WriteAlarms(Database& db, const std::vector<AlarmRecord>& alarms) {
  return UpsertOrRemove(
      db, sql::kUpsertAlarm, sql::kDeleteAlarm, alarms, IsOver,
      [](Statement& upsert, const AlarmRecord& alarm) { BindAlarm(upsert, 1, alarm); },
      [](Statement& remove, const AlarmRecord& alarm) {
        remove.BindInt(1, model::Index(alarm.id)).BindInt(2, static_cast<std::int64_t>(alarm.kind));
      });
}

Status WriteHolds(Database& db, const std::vector<HoldRecord>& holds) {
  return UpsertOrRemove(
      db, sql::kUpsertHold, sql::kDeleteHold, holds, IsSpent,
      [](Statement& upsert, const HoldRecord& hold) {
        upsert.BindInt(1, model::Index(hold.id)).BindInt(2, hold.left.count());
      },
      [](Statement& remove, const HoldRecord& hold) { remove.BindInt(1, model::Index(hold.id)); });
}

// `read` makes an entry of the columns of a row.
template <class Entry, class Read>
Status ReadEntries(Database& db, std::string_view select, std::string_view table,
                   std::vector<Entry>& entries, Read read) {
  return ForEach(db, select, [&](const Statement& row) -> Status {
    Columns columns(row);
    Entry entry = read(columns);
    if (columns.damaged()) return Damage(db, table, row.Int(0));
    entries.push_back(std::move(entry));
    return {};
  });
}

}  // namespace

Status WriteEventTables(Database& db, const model::Batch& batch) {
  if (Status done = WriteEvents(db, batch); !done) return done;
  if (Status done = WriteCommands(db, batch); !done) return done;
  if (Status done = WriteAlarms(db, batch.alarms); !done) return done;
  return WriteHolds(db, batch.holds);
}

Status ReadEventTables(Database& db, model::Stored& stored) {
  const std::size_t properties = stored.properties.size();
  Status read = ReadEntries(db, sql::kSelectEvents, "event", stored.events,
                            [&](Columns& columns) { return columns.Event(properties); });
  if (!read) return read;
  read = ReadEntries(db, sql::kSelectCommands, "command", stored.commands,
                     [](Columns& columns) { return columns.Command(); });
  if (!read) return read;
  read = ReadEntries(db, sql::kSelectAlarms, "alarm", stored.alarms,
                     [&](Columns& columns) { return columns.Alarm(properties); });
  if (!read) return read;
  return ReadEntries(db, sql::kSelectHolds, "hold", stored.holds, [&](Columns& columns) {
    HoldRecord hold;
    hold.id = columns.Property(properties);
    hold.left = columns.Milliseconds();
    return hold;
  });
}

}  // namespace edgetwin::store
