// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tables.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "twin/store/tail_codec.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

using model::ControlInfo;
using model::PropertyDef;
using model::Row;
using model::RowChange;
using model::Value;
using model::ValueType;

constexpr std::string_view kStateDurable = "state_durable";
constexpr std::string_view kEpochCounter = "epoch_counter";
constexpr std::string_view kEpochToken = "epoch_token";

// Reads the columns of a row one after the other, in the order of the SELECT. What can't have been
// written there is remembered as damage.
class Columns {
 public:
  explicit Columns(const Statement& row) : row_(row) {}

  std::uint64_t Uint() { return row_.Uint(at_++); }
  std::int64_t Int() { return row_.Int(at_++); }
  bool Bool() { return Enum(1) != 0; }
  std::string Text() { return std::string(row_.Text(at_++)); }
  std::string Blob() { return std::string(row_.Blob(at_++)); }
  bool Null() const { return row_.IsNull(at_); }
  void Skip(int columns = 1) { at_ += columns; }
  std::int64_t Enum(std::int64_t max) {
    const std::int64_t value = Int();
    if (value < 0 || value > max) Damaged();
    return damaged_ ? 0 : value;
  }
  double Real() {
    if (!row_.IsBlob(at_)) return row_.Real(at_++);
    const std::string bytes = Blob();
    if (bytes.size() != 8) {
      Damaged();
      return 0;
    }
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      bits |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    }
    return std::bit_cast<double>(bits);
  }
  std::optional<double> OptionalReal() {
    if (!Null()) return Real();
    Skip();
    return {};
  }
  std::chrono::milliseconds Milliseconds() { return std::chrono::milliseconds(Int()); }

  void Damaged() { damaged_ = true; }
  bool damaged() const { return damaged_; }

 private:
  const Statement& row_;
  int at_ = 0;
  bool damaged_ = false;
};

Error Damage(const Database& db, std::string_view table, std::int64_t key) {
  return Corrupt(db.path() + ": entry " + std::to_string(key) + " of its table " +
                 std::string(table) + " is damaged");
}

void BindReal(Statement& statement, int parameter, double value) {
  if (!std::isnan(value)) {
    statement.BindReal(parameter, value);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(bits >> 8 * i);
  statement.BindBlob(parameter, bytes);
}

void BindReal(Statement& statement, int parameter, std::optional<double> value) {
  if (value) BindReal(statement, parameter, *value);
}

// The 14 columns path … source of property and dictionary, from `first` on.
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
  statement.BindText(first + 11, def.description);
  statement.BindText(first + 12, def.instance);
  statement.BindText(first + 13, def.source);
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
  def.type = static_cast<ValueType>(columns.Enum(static_cast<std::int64_t>(ValueType::kBytes)));
  def.unit = columns.Text();
  if (columns.Null())
    columns.Skip();
  else
    def.decimals = static_cast<int>(columns.Enum(model::kDecimalsMax));
  def.writable = columns.Bool();
  def.local_only = columns.Bool();
  def.min = columns.OptionalReal();
  def.max = columns.OptionalReal();
  def.policy.deadband = columns.Real();
  def.policy.min_period = columns.Milliseconds();
  def.policy.heartbeat = columns.Milliseconds();
  def.description = columns.Text();
  def.instance = columns.Text();
  def.source = columns.Text();
  return def;
}

void BindValue(Statement& statement, int parameter, const Value& value) {
  switch (value.type()) {
    case ValueType::kNone: return;  // NULL, as nothing is bound.
    case ValueType::kBool: statement.BindInt(parameter, value.boolean()); return;
    case ValueType::kInt: statement.BindInt(parameter, value.integer()); return;
    case ValueType::kDouble: BindReal(statement, parameter, value.real()); return;
    case ValueType::kString: statement.BindText(parameter, value.text()); return;
    case ValueType::kBytes: statement.BindBlob(parameter, value.bytes().data); return;
  }
}

Value ReadValue(Columns& columns) {
  const auto type =
      static_cast<ValueType>(columns.Enum(static_cast<std::int64_t>(ValueType::kBytes)));
  switch (type) {
    case ValueType::kNone: break;
    case ValueType::kBool: return Value(columns.Bool());
    case ValueType::kInt: return Value(columns.Int());
    case ValueType::kDouble: return Value(columns.Real());
    case ValueType::kString: return Value(columns.Text());
    case ValueType::kBytes: return Value(model::Bytes{columns.Blob()});
  }
  columns.Skip();
  return Value();
}

Status WriteRow(Statement& upsert, const RowChange& change) {
  const Row& row = change.row;
  upsert.BindInt(1, model::Index(change.id)).BindInt(2, static_cast<std::int64_t>(change.side));
  upsert.BindInt(3, static_cast<std::int64_t>(row.value.type()));
  BindValue(upsert, 4, row.value);
  upsert.BindUint(5, row.dot.inc).BindUint(6, row.dot.seq);
  upsert.BindInt(7, row.time.time_since_epoch().count());
  upsert.BindInt(8, static_cast<std::int64_t>(row.quality)).BindInt(9, row.unsynced);
  if (row.control) {
    const ControlInfo& info = *row.control;
    upsert.BindUint(10, info.refers_to.inc).BindUint(11, info.refers_to.seq);
    upsert.BindInt(12, static_cast<std::int64_t>(info.state)).BindText(13, info.note);
    upsert.BindInt(14, info.until.time_since_epoch().count());
  }
  return upsert.Run();
}

std::shared_ptr<const ControlInfo> ReadControl(Columns& columns) {
  if (columns.Null()) return nullptr;
  auto info = std::make_shared<ControlInfo>();
  info->refers_to.inc = columns.Uint();
  info->refers_to.seq = columns.Uint();
  info->state = static_cast<model::DesiredState>(
      columns.Enum(static_cast<std::int64_t>(model::DesiredState::kUnknownPath)));
  info->note = columns.Text();
  info->until = WallTime(columns.Milliseconds());
  return info;
}

RowChange ReadRow(Columns& columns, std::size_t properties) {
  RowChange change;
  const std::int64_t property = columns.Int();
  if (property < 0 || static_cast<std::uint64_t>(property) >= properties) columns.Damaged();
  change.id = static_cast<model::PropertyId>(property);
  change.side = static_cast<model::Side>(columns.Enum(model::kSides - 1));
  change.row.value = ReadValue(columns);
  change.row.dot.inc = columns.Uint();
  change.row.dot.seq = columns.Uint();
  change.row.time = WallTime(columns.Milliseconds());
  change.row.quality =
      static_cast<model::Quality>(columns.Enum(static_cast<std::int64_t>(model::Quality::kStale)));
  change.row.unsynced = columns.Bool();
  change.row.control = ReadControl(columns);
  return change;
}

// Runs `select` and hands each row to `read`, whose Status ends it.
template <class Read>
Status ForEach(Statement& select, Read read) {
  while (true) {
    const Result<bool> row = select.Step();
    if (!row) return row.error();
    if (!*row) return {};
    if (Status done = read(select); !done) return done;
  }
}

template <class Read>
Status ForEach(Database& db, std::string_view sql, Read read) {
  Result<Statement> select = db.Prepare(sql);
  if (!select) return select.error();
  return ForEach(*select, read);
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
  Result<Statement> upsert = db.Prepare(sql::kUpsertRow);
  if (!upsert) return upsert.error();
  for (const RowChange& change : rows) {
    if (Status done = WriteRow(*upsert, change); !done) return done;
  }
  return {};
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
    record.pid = static_cast<model::Pid>(columns.Enum(0xffffffff));
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
    const std::int64_t pid = columns.Enum(0xffffffff);
    model::DictionaryEntry entry;
    entry.pid = static_cast<model::Pid>(pid);
    entry.id = static_cast<model::PropertyId>(columns.Enum(0xffffffff));
    entry.chain = columns.Uint();
    entry.def = ReadDef(columns);
    const bool dense = entry.pid == stored.dictionary.size() + 1;
    const bool known = model::Index(entry.id) < stored.properties.size();
    if (!dense || !known || columns.damaged()) return Damage(db, "dictionary", pid);
    stored.dictionary.push_back(std::move(entry));
    return {};
  });
}

Status ReadRows(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectRows, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.rows.push_back(ReadRow(columns, stored.properties.size()));
    if (columns.damaged()) return Damage(db, "row", row.Int(0));
    return {};
  });
}

Status ReadCursors(Database& db, model::Stored& stored) {
  return ForEach(db, sql::kSelectCursors, [&](const Statement& row) -> Status {
    Columns columns(row);
    const std::int64_t stream = columns.Enum(model::kStreams - 1);
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
    lineage.push_back({row.Uint(0), row.Uint(1), row.Uint(2)});
    return {};
  });
  if (!read) return read.error();
  return lineage;
}

Status ReadCounters(Database& db, model::Stored& stored) {
  const std::pair<std::string_view, std::uint64_t*> counters[] = {
      {kStateDurable, &stored.state_durable},
      {kEpochCounter, &stored.epoch.counter},
      {kEpochToken, &stored.epoch.token}};
  for (const auto& [key, counter] : counters) {
    const Result<std::uint64_t> value = ReadMeta(db, key);
    if (!value) return value.error();
    *counter = *value;
  }
  return {};
}

std::uint64_t KeyOf(const RowChange& change) {
  return std::uint64_t{model::Index(change.id)} * model::kSides +
         static_cast<std::uint64_t>(change.side);
}

// Puts later changes over earlier ones, a row at a time: model::Batch::Merge would look at all rows
// each time.
class Folding {
 public:
  explicit Folding(std::vector<RowChange>& rows) : rows_(rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) index_.emplace(KeyOf(rows[i]), i);
  }
  void Add(RowChange change) {
    const auto [found, added] = index_.emplace(KeyOf(change), rows_.size());
    if (added)
      rows_.push_back(std::move(change));
    else
      rows_[found->second] = std::move(change);
  }

 private:
  std::vector<RowChange>& rows_;
  std::unordered_map<std::uint64_t, std::size_t> index_;
};

void MergeCounters(model::Batch& to, const model::Batch& later) {
  if (later.seq_limit) to.seq_limit = later.seq_limit;
  if (later.state_durable) to.state_durable = later.state_durable;
  for (std::size_t s = 0; s < model::kStreams; ++s) {
    if (later.peer_watermark[s]) to.peer_watermark[s] = later.peer_watermark[s];
  }
}

Status Replay(const Database& db, const model::Batch& folded, model::Stored& stored) {
  Folding rows(stored.rows);
  for (const RowChange& change : folded.rows) {
    if (model::Index(change.id) >= stored.properties.size()) {
      return Corrupt(db.path() + ": its tail has a row of the unknown property " +
                     std::to_string(model::Index(change.id)));
    }
    rows.Add(change);
  }
  std::ranges::sort(stored.rows, {}, KeyOf);
  for (std::size_t s = 0; s < model::kStreams; ++s) {
    stored.peer_watermark[s] = folded.peer_watermark[s].value_or(stored.peer_watermark[s]);
  }
  stored.state_durable = folded.state_durable.value_or(stored.state_durable);
  if (folded.seq_limit && stored.lineage.empty()) {
    return Corrupt(db.path() + ": its tail has a limit for no incarnation");
  }
  if (folded.seq_limit) stored.lineage.back().limit = *folded.seq_limit;
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
    insert->BindInt(1, entry.pid).BindInt(2, model::Index(entry.id)).BindUint(3, entry.chain);
    BindDef(*insert, 4, entry.def);
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
    insert->BindUint(4, entry.first_seq).BindUint(5, entry.limit);
    if (Status done = insert->Run(); !done) return done;
  }
  return {};
}

Status WriteFolded(Database& db, const model::Batch& batch) {
  if (Status done = WriteRows(db, batch.rows); !done) return done;
  if (Status done = WriteCursors(db, batch); !done) return done;
  if (batch.seq_limit) {
    if (Status done = WriteSeqLimit(db, *batch.seq_limit); !done) return done;
  }
  if (batch.state_durable) return WriteMeta(db, kStateDurable, *batch.state_durable);
  return {};
}

Status AppendTail(Database& db, std::int64_t n, std::string_view body) {
  Result<Statement> insert = db.Prepare(sql::kInsertTail);
  if (!insert) return insert.error();
  return insert->BindInt(1, n).BindBlob(2, body).Run();
}

Status ClearTail(Database& db) {
  return db.Exec(std::string(sql::kDeleteTail));
}

Result<Tail> ReadTail(Database& db) {
  Tail tail;
  Folding rows(tail.folded.rows);
  const Status read = ForEach(db, sql::kSelectTail, [&](const Statement& row) -> Status {
    Result<model::Batch> batch = DecodeTail(row.Blob(1));
    if (!batch) return Corrupt(db.path() + ": " + batch.error().text);
    for (RowChange& change : batch->rows) rows.Add(std::move(change));
    MergeCounters(tail.folded, *batch);
    tail.last_n = row.Int(0);
    tail.bytes += row.Blob(1).size();
    ++tail.records;
    return {};
  });
  if (!read) return read.error();
  return tail;
}

Result<model::Stored> ReadStored(Database& db, const Tail& tail) {
  model::Stored stored;
  if (Status read = ReadProperties(db, stored); !read) return read.error();
  if (Status read = ReadDictionary(db, stored); !read) return read.error();
  if (Status read = ReadRows(db, stored); !read) return read.error();
  if (Status read = ReadCursors(db, stored); !read) return read.error();
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
