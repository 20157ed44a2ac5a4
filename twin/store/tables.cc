// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tables.h"

#include <xxhash.h>

#include <string>
#include <string_view>
#include <utility>

#include "twin/store/columns.h"
#include "twin/store/event_tables.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

using model::PropertyDef;
using model::RowChange;
using model::ValueType;

constexpr std::string_view kStateDurable = "state_durable";
constexpr std::string_view kSeqFloor = "seq_floor";
constexpr std::string_view kEventsAcked = "events_acked";
constexpr std::string_view kPromised = "promised";
constexpr std::string_view kEpochCounter = "epoch_counter";
constexpr std::string_view kEpochToken = "epoch_token";
constexpr std::string_view kInterestVersion = "interest_version";
constexpr std::string_view kScopeHeld = "scope_held";
constexpr std::string_view kDevice = "device";

// The 18 columns path … source of property and dictionary, from `first` on.
void BindDef(Statement& statement, int first, const PropertyDef& def) {
  statement.BindText(first, def.path.text());
  statement.BindInt(first + 1, static_cast<std::int64_t>(def.type));
  statement.BindText(first + 2, def.unit);
  if (def.decimals) statement.BindInt(first + 3, *def.decimals);
  statement.BindInt(first + 4, def.writable).BindInt(first + 5, def.local_only);
  BindReal(statement, first + 6, def.min);
  BindReal(statement, first + 7, def.max);
  BindReal(statement, first + 8, def.policy.deadband);
  statement.BindInt(first + 9, def.policy.min_period.count());
  statement.BindInt(first + 10, def.policy.heartbeat.count());
  BindReal(statement, first + 11, def.alarm.high);
  BindReal(statement, first + 12, def.alarm.low);
  BindReal(statement, first + 13, def.alarm.hysteresis);
  statement.BindInt(first + 14, def.alarm.delay.count());
  statement.BindText(first + 15, def.description);
  statement.BindText(first + 16, def.instance);
  statement.BindText(first + 17, def.source);
}

PropertyDef ReadDef(Columns& columns) {
  PropertyDef def;
  if (const std::string path = columns.Text(); !path.empty()) {
    Result<model::Path> parsed = model::Path::Parse(path);
    if (parsed)
      def.path = std::move(*parsed);
    else
      columns.Damaged();
  }
  def.type = columns.Enum(ValueType::kBytes);
  def.unit = columns.Text();
  if (!columns.SkipNull()) def.decimals = static_cast<int>(columns.Number(model::kDecimalsMax));
  def.writable = columns.Bool();
  def.local_only = columns.Bool();
  def.min = columns.OptionalReal();
  def.max = columns.OptionalReal();
  def.policy.deadband = columns.Real();
  def.policy.min_period = columns.Milliseconds();
  def.policy.heartbeat = columns.Milliseconds();
  def.alarm.high = columns.OptionalReal();
  def.alarm.low = columns.OptionalReal();
  def.alarm.hysteresis = columns.Real();
  def.alarm.delay = columns.Milliseconds();
  def.description = columns.Text();
  def.instance = columns.Text();
  def.source = columns.Text();
  return def;
}

Status WriteMeta(Database& db, std::string_view key, std::uint64_t value) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertMeta);
  if (!upsert) return upsert.error();
  return upsert->BindText(1, key).BindUint(2, value).Run();
}

// 0 when it was never written.
Result<std::uint64_t> ReadMeta(Database& db, std::string_view key) {
  Result<Statement> select = db.Prepare(sql::kSelectMeta);
  if (!select) return select.error();
  const Result<bool> row = select->BindText(1, key).Step();
  if (!row) return row.error();
  return *row ? select->Uint(0) : std::uint64_t{0};
}

Status WriteRows(Database& db, const std::vector<RowChange>& rows) {
  return UpsertOrRemove(
      db, sql::kUpsertRow, sql::kDeleteRow, rows, IsRemoval,
      [](Statement& upsert, const RowChange& change) { BindRow(upsert, 1, change); },
      [](Statement& remove, const RowChange& change) {
        remove.BindInt(1, model::Index(change.id));
        remove.BindInt(2, static_cast<std::int64_t>(change.side));
      });
}

Status WriteCursors(Database& db, const model::Batch& batch) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertCursor);
  if (!upsert) return upsert.error();
  for (std::size_t s = 0; s < model::kStreams; ++s) {
    if (!batch.peer_watermark[s]) continue;
    upsert->BindInt(1, static_cast<std::int64_t>(s)).BindUint(2, *batch.peer_watermark[s]);
    if (Status done = upsert->Run(); !done) return done;
  }
  return {};
}

Status WriteSeqLimit(Database& db, std::uint64_t limit) {
  Result<Statement> update = db.Prepare(sql::kUpdateSeqLimit);
  if (!update) return update.error();
  return update->BindUint(1, limit).Run();
}

Status ReadProperties(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectProperties, [&](const Statement& row) -> Status {
    Columns columns(row);
    const std::int64_t id = columns.Int();
    model::PropertyRecord record;
    record.id = static_cast<model::PropertyId>(id);
    record.pid = static_cast<model::Pid>(columns.Number(0xffffffff));
    record.def = ReadDef(columns);
    const bool dense = id == static_cast<std::int64_t>(stored.properties.size());
    if (!dense || columns.damaged()) return Damage(db, "property", id);
    stored.properties.push_back(std::move(record));
    return {};
  });
}

Status ReadDictionary(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectDictionary, [&](const Statement& row) -> Status {
    Columns columns(row);
    const std::int64_t pid = columns.Number(0xffffffff);
    model::DictionaryEntry entry;
    entry.pid = static_cast<model::Pid>(pid);
    entry.id = columns.Property(stored.properties.size());
    entry.withdraws = static_cast<model::Pid>(columns.Number(0xffffffff));
    entry.chain = columns.Uint();
    entry.def = ReadDef(columns);
    const bool dense = entry.pid == stored.dictionary.size() + 1;
    if (!dense || entry.withdraws >= entry.pid || columns.damaged()) {
      return Damage(db, "dictionary", pid);
    }
    stored.dictionary.push_back(std::move(entry));
    return {};
  });
}

Status ReadRows(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectRows, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.rows.push_back(columns.Row(stored.properties.size()));
    if (columns.damaged()) return Damage(db, "row", row.Int(0));
    return {};
  });
}

Status ReadCursors(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectCursors, [&](const Statement& row) -> Status {
    Columns columns(row);
    const std::int64_t stream = columns.Number(model::kStreams - 1);
    if (columns.damaged()) return Damage(db, "cursor", row.Int(0));
    stored.peer_watermark[static_cast<std::size_t>(stream)] = columns.Uint();
    return {};
  });
}

Result<model::Lineage> ReadLineage(Database& db, Owner owner) {
  Result<Statement> select = db.Prepare(sql::kSelectLineage);
  if (!select) return select.error();
  select->BindInt(1, static_cast<std::int64_t>(owner));
  model::Lineage lineage;
  const Status read = ForEach(*select, [&](const Statement& row) -> Status {
    lineage.push_back({row.Uint(0), row.Uint(1), row.Uint(2), row.Uint(3)});
    return {};
  });
  if (!read) return read.error();
  return lineage;
}

Status ReadInterest(Database& db, model::Stored& stored) {
  const Result<std::uint64_t> version = ReadMeta(db, kInterestVersion);
  if (!version) return version.error();
  stored.interest.version = static_cast<std::uint32_t>(*version);
  const Result<std::uint64_t> held = ReadMeta(db, kScopeHeld);
  if (!held) return held.error();
  stored.scope_held = static_cast<std::uint32_t>(*held);
  return ForEach(db, sql::kSelectInterest, [&](const Statement& row) -> Status {
    stored.interest.patterns.emplace_back(row.Text(0));
    return {};
  });
}

Status ReadCounters(Database& db, model::Stored& stored) {
  const std::pair<std::string_view, std::uint64_t*> counters[] = {
      {kStateDurable, &stored.state_durable},
      {kSeqFloor, &stored.seq_floor},
      {kEventsAcked, &stored.events_acked},
      {kEpochCounter, &stored.epoch.counter},
      {kEpochToken, &stored.epoch.token}};
  for (const auto& [key, counter] : counters) {
    const Result<std::uint64_t> value = ReadMeta(db, key);
    if (!value) return value.error();
    *counter = *value;
  }
  return {};
}

}  // namespace

Status WriteProperties(Database& db, const std::vector<model::PropertyRecord>& properties) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertProperty);
  if (!upsert) return upsert.error();
  for (const model::PropertyRecord& record : properties) {
    upsert->BindInt(1, model::Index(record.id)).BindInt(2, record.pid);
    BindDef(*upsert, 3, record.def);
    if (Status done = upsert->Run(); !done) return done;
  }
  return {};
}

Status WriteDictionary(Database& db, const std::vector<model::DictionaryEntry>& entries) {
  Result<Statement> insert = db.Prepare(sql::kInsertDictionary);
  if (!insert) return insert.error();
  for (const model::DictionaryEntry& entry : entries) {
    insert->BindInt(1, entry.pid).BindInt(2, model::Index(entry.id)).BindInt(3, entry.withdraws);
    insert->BindUint(4, entry.chain);
    BindDef(*insert, 5, entry.def);
    if (Status done = insert->Run(); !done) return done;
  }
  return {};
}

Status ResetDictionary(Database& db) {
  if (Status done = db.Exec(std::string(sql::kDeleteDictionary)); !done) return done;
  return db.Exec(std::string(sql::kClearPids));
}

Status WriteEpoch(Database& db, const model::Epoch& epoch) {
  if (Status done = WriteMeta(db, kEpochCounter, epoch.counter); !done) return done;
  return WriteMeta(db, kEpochToken, epoch.token);
}

Status WriteInterest(Database& db, const model::Interest& interest) {
  if (Status done = WriteMeta(db, kInterestVersion, interest.version); !done) return done;
  if (Status done = db.Exec(std::string(sql::kDeleteInterest)); !done) return done;
  std::int64_t n = 0;
  return RunForEach(db, sql::kInsertInterest, interest.patterns,
                    [&](Statement& insert, const std::string& pattern) {
                      insert.BindInt(1, n++).BindText(2, pattern);
                    });
}

Status WriteScopeHeld(Database& db, std::uint32_t version) {
  return WriteMeta(db, kScopeHeld, version);
}

Status WriteLineage(Database& db, Owner owner, const model::Lineage& lineage) {
  Result<Statement> clear = db.Prepare(sql::kDeleteLineage);
  if (!clear) return clear.error();
  const auto owner_number = static_cast<std::int64_t>(owner);
  if (Status done = clear->BindInt(1, owner_number).Run(); !done) return done;
  Result<Statement> insert = db.Prepare(sql::kInsertLineage);
  if (!insert) return insert.error();
  std::int64_t n = 0;
  for (const model::Incarnation& entry : lineage) {
    insert->BindInt(1, owner_number).BindInt(2, n++).BindUint(3, entry.inc);
    insert->BindUint(4, entry.first_seq).BindUint(5, entry.limit).BindUint(6, entry.kept);
    if (Status done = insert->Run(); !done) return done;
  }
  return {};
}

Status WriteFolded(Database& db, const model::Batch& batch) {
  if (Status done = WriteRows(db, batch.rows); !done) return done;
  if (Status done = WriteCursors(db, batch); !done) return done;
  if (Status done = WriteEventTables(db, batch); !done) return done;
  if (batch.seq_limit) {
    if (Status done = WriteSeqLimit(db, *batch.seq_limit); !done) return done;
  }
  const std::pair<std::string_view, std::optional<std::uint64_t>> counters[] = {
      {kStateDurable, batch.state_durable},
      {kSeqFloor, batch.seq_floor},
      {kEventsAcked, batch.events_acked}};
  for (const auto& [key, counter] : counters) {
    if (!counter) continue;
    if (Status done = WriteMeta(db, key, *counter); !done) return done;
  }
  return {};
}

std::uint64_t DeviceMark(std::string_view device) {
  return XXH3_64bits(device.data(), device.size()) | 1;
}

Status WriteDeviceMark(Database& db, std::uint64_t mark) {
  return WriteMeta(db, kDevice, mark);
}

Result<std::uint64_t> ReadDeviceMark(Database& db) {
  return ReadMeta(db, kDevice);
}

Status WritePromised(Database& db, std::uint64_t seq) {
  return WriteMeta(db, kPromised, seq);
}

Result<std::uint64_t> ReadPromised(Database& db) {
  return ReadMeta(db, kPromised);
}

Result<model::Stored> ReadStored(Database& db, const Tail& tail) {
  model::Stored stored;
  if (Status read = ReadProperties(db, stored); !read) return read.error();
  if (Status read = ReadDictionary(db, stored); !read) return read.error();
  if (Status read = ReadRows(db, stored); !read) return read.error();
  if (Status read = ReadCursors(db, stored); !read) return read.error();
  if (Status read = ReadEventTables(db, stored); !read) return read.error();
  if (Status read = ReadInterest(db, stored); !read) return read.error();
  if (Status read = ReadCounters(db, stored); !read) return read.error();
  Result<model::Lineage> lineage = ReadLineage(db, Owner::kSelf);
  if (!lineage) return lineage.error();
  Result<model::Lineage> peer = ReadLineage(db, Owner::kPeer);
  if (!peer) return peer.error();
  stored.lineage = std::move(*lineage);
  stored.peer_lineage = std::move(*peer);
  if (Status replayed = Replay(db, tail.folded, stored); !replayed) return replayed.error();
  return stored;
}

}  // namespace edgetwin::store
