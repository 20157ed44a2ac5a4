// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cloud_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <unordered_map>
#include <utility>

#include "cloud_store_sql.h"
#include "sync/cloud/columns.h"
#include "twin/base/check.h"
#include "twin/store/schema.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

constexpr std::int32_t kApplicationId = 0x6564636c;  // "edcl"
constexpr std::array kMigrations = {store::Migration{1, 1, sql::kSchema1}};

// In the middle of a busy transaction a commit's pages must not be spilled and read again.
constexpr const char* kPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
    "PRAGMA wal_autocheckpoint=4000;";

Error Damage(const Database& db, std::string_view table, std::int64_t key) {
  return Corrupt(db.path() + ": entry " + std::to_string(key) + " of its table " +
                 std::string(table) + " is damaged");
}

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

WallTime Wall(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}
std::int64_t Count(WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

struct CloudStore::Impl {
  // What is kept in memory of every twin.
  struct Twin {
    std::int64_t id = 0;
    std::uint64_t head = 0;
    std::uint64_t first_seq = 1;  // Of this opening.
  };

  struct Opening {
    std::int64_t n = 0;
    std::uint64_t inc = 0;
  };

  // Every statement, prepared once.
  struct Statements {
    Statement insert_twin, select_twins, select_epoch, update_twin, update_epoch;
    Statement upsert_lineage, select_lineage;
    Statement delete_device_lineage, insert_device_lineage, select_device_lineage;
    Statement upsert_cursor, select_cursors;
    Statement upsert_property, select_properties, clear_pids;
    Statement delete_dictionary, insert_dictionary, select_dictionary;
    Statement upsert_row, delete_row, select_rows;
  };

  explicit Impl(Database database) : db(std::move(database)) {}

  Status Prepare();
  Status BeginOpening(const CloudStoreOptions& options);
  Status LoadTwins();
  Result<Twin> Register(const TwinCommit& commit);
  Status Write(Twin& twin, const TwinCommit& commit);
  Status WriteProperties(std::int64_t twin, const model::Batch& batch);
  Status WriteRows(Twin& twin, const model::Batch& batch);
  Status WritePeer(std::int64_t twin, const model::Batch& batch);
  Status WriteAll(std::span<const TwinCommit> commits,
                  std::unordered_map<std::string, Twin>& changed);
  Result<model::Lineage> ReadLineage(const Twin& twin);
  Status ReadProperties(std::int64_t twin, model::Stored& stored);
  Status ReadDictionary(std::int64_t twin, model::Stored& stored);
  Status ReadRows(std::int64_t twin, model::Stored& stored);
  Status ReadPeer(std::int64_t twin, model::Stored& stored);

  Database db;  // Before the statements: it must outlive them.
  std::optional<Statements> statements;
  std::uint64_t twins_max = 0;
  std::vector<Opening> openings;  // The newest kLineageMax, ascending; the last one is ours.
  std::unordered_map<std::string, Twin> twins;
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> twins_count{0};
};

CloudStore::CloudStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CloudStore::~CloudStore() = default;

Result<std::unique_ptr<CloudStore>> CloudStore::Open(const CloudStoreOptions& options) {
  EDGETWIN_CHECK(options.inc != 0);
  auto db = Database::Open({.path = options.path, .exclusive = true});
  if (!db) return db.error();
  const auto version = store::CheckSchema(*db, kApplicationId, kMigrations.back().version);
  if (!version) return version.error();
  if (version->version != 0) {
    if (Status sound = db->QuickCheck(); !sound) return sound.error();
  }
  if (Status set = db->Exec(kPragmas); !set) return set.error();
  if (Status done = store::Migrate(*db, kApplicationId, kMigrations, *version); !done) {
    return done.error();
  }
  auto impl = std::make_unique<Impl>(*std::move(db));
  impl->twins_max = options.twins_max;
  if (Status done = impl->Prepare(); !done) return done.error();
  if (Status done = impl->BeginOpening(options); !done) return done.error();
  if (Status done = impl->LoadTwins(); !done) return done.error();
  return std::unique_ptr<CloudStore>(new CloudStore(std::move(impl)));
}

Status CloudStore::Impl::Prepare() {
  std::optional<Error> failure;
  const auto prepare = [&](std::string_view text) -> Statement {
    auto statement = db.Prepare(text);
    if (statement) return *std::move(statement);
    if (!failure) failure = statement.error();
    auto nothing = db.Prepare("SELECT 0");
    EDGETWIN_CHECK(nothing.has_value());
    return *std::move(nothing);
  };
  statements = Statements{prepare(sql::kInsertTwin),          prepare(sql::kSelectTwins),
                          prepare(sql::kSelectEpoch),         prepare(sql::kUpdateTwin),
                          prepare(sql::kUpdateEpoch),         prepare(sql::kUpsertLineage),
                          prepare(sql::kSelectLineage),       prepare(sql::kDeleteDeviceLineage),
                          prepare(sql::kInsertDeviceLineage), prepare(sql::kSelectDeviceLineage),
                          prepare(sql::kUpsertCursor),        prepare(sql::kSelectCursors),
                          prepare(sql::kUpsertProperty),      prepare(sql::kSelectProperties),
                          prepare(sql::kClearPids),           prepare(sql::kDeleteDictionary),
                          prepare(sql::kInsertDictionary),    prepare(sql::kSelectDictionary),
                          prepare(sql::kUpsertRow),           prepare(sql::kDeleteRow),
                          prepare(sql::kSelectRows)};
  if (failure) return *failure;
  return {};
}

// Its incarnation is durable before any of its seqs can be sent.
Status CloudStore::Impl::BeginOpening(const CloudStoreOptions& options) {
  auto select = db.Prepare(sql::kSelectOpenings);
  if (!select) return select.error();
  select->BindInt(1, static_cast<std::int64_t>(model::kLineageMax) - 1);
  const Status read = ForEach(*select, [&](const Statement& row) -> Status {
    openings.push_back({row.Int(0), row.Uint(1)});
    return {};
  });
  if (!read) return read;
  std::reverse(openings.begin(), openings.end());
  openings.push_back({openings.empty() ? 1 : openings.back().n + 1, options.inc});
  auto insert = db.Prepare(sql::kInsertOpening);
  if (!insert) return insert.error();
  return insert->BindInt(1, openings.back().n)
      .BindUint(2, options.inc)
      .BindInt(3, Count(options.opened))
      .Run();
}

Status CloudStore::Impl::LoadTwins() {
  const Status read = ForEach(statements->select_twins, [&](const Statement& row) -> Status {
    twins.emplace(row.Text(1), Twin{row.Int(0), row.Uint(4), row.Uint(4) + 1});
    return {};
  });
  twins_count = twins.size();
  return read;
}

Result<std::vector<TwinSummary>> CloudStore::ListTwins() {
  std::vector<TwinSummary> list;
  const Status read = ForEach(impl_->statements->select_twins, [&](const Statement& row) -> Status {
    TwinSummary twin;
    twin.device = std::string(row.Text(1));
    twin.registered = Wall(row.Int(2));
    twin.seen = Wall(row.Int(3));
    twin.head = row.Uint(4);
    twin.epoch = row.Uint(5);
    twin.state = row.Uint(6);
    twin.control = row.Uint(7);
    twin.properties = row.Uint(8);
    list.push_back(std::move(twin));
    return {};
  });
  if (!read) return read.error();
  return list;
}

Result<model::Lineage> CloudStore::Impl::ReadLineage(const Twin& twin) {
  std::unordered_map<std::int64_t, model::Incarnation> used;
  Statement& select = statements->select_lineage.BindInt(1, twin.id);
  const Status read = ForEach(select, [&](const Statement& row) -> Status {
    used[row.Int(0)] = {0, row.Uint(1), row.Uint(2)};
    return {};
  });
  if (!read) return read.error();
  model::Lineage lineage;
  // The seqs before the oldest opening that is still remembered have no name any more.
  std::uint64_t last = 0;
  for (const auto& [n, entry] : used) {
    if (n < openings.front().n) last = std::max(last, entry.limit);
  }
  for (const Opening& opening : openings) {
    const auto entry = used.find(opening.n);
    if (entry != used.end()) {
      lineage.push_back({opening.inc, entry->second.first_seq, entry->second.limit});
      last = entry->second.limit;
    } else {
      lineage.push_back({opening.inc, last + 1, last});
    }
  }
  return lineage;
}

Status CloudStore::Impl::ReadProperties(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_properties.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    ColumnReader columns(row);
    model::PropertyRecord record;
    record.id = static_cast<model::PropertyId>(columns.Number(0xffffffff));
    record.pid = static_cast<model::Pid>(columns.Number(0xffffffff));
    record.def = columns.Def();
    const bool dense = model::Index(record.id) == stored.properties.size();
    if (!dense || columns.damaged()) return Damage(db, "property", row.Int(0));
    stored.properties.push_back(std::move(record));
    return {};
  });
}

Status CloudStore::Impl::ReadDictionary(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_dictionary.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    ColumnReader columns(row);
    model::DictionaryEntry entry;
    entry.pid = static_cast<model::Pid>(columns.Number(0xffffffff));
    entry.id = static_cast<model::PropertyId>(columns.Number(0xffffffff));
    entry.chain = columns.Uint();
    entry.def = columns.Def();
    const bool dense = entry.pid == stored.dictionary.size() + 1;
    const bool known = model::Index(entry.id) < stored.properties.size();
    if (!dense || !known || columns.damaged()) return Damage(db, "dictionary", row.Int(0));
    stored.dictionary.push_back(std::move(entry));
    return {};
  });
}

Status CloudStore::Impl::ReadRows(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_rows.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    ColumnReader columns(row);
    stored.rows.push_back(columns.Row());
    const bool known = model::Index(stored.rows.back().id) < stored.properties.size();
    if (!known || columns.damaged()) return Damage(db, "row", row.Int(0));
    return {};
  });
}

Status CloudStore::Impl::ReadPeer(std::int64_t twin, model::Stored& stored) {
  Statement& cursors = statements->select_cursors.BindInt(1, twin);
  Status read = ForEach(cursors, [&](const Statement& row) -> Status {
    ColumnReader columns(row);
    const std::int64_t stream = columns.Number(model::kStreams - 1);
    if (columns.damaged()) return Damage(db, "cursor", row.Int(0));
    stored.peer_watermark[static_cast<std::size_t>(stream)] = columns.Uint();
    return {};
  });
  if (!read) return read;
  Statement& lineage = statements->select_device_lineage.BindInt(1, twin);
  read = ForEach(lineage, [&](const Statement& row) -> Status {
    stored.peer_lineage.push_back({row.Uint(0), row.Uint(1), row.Uint(2)});
    return {};
  });
  if (!read) return read;
  Statement& epoch = statements->select_epoch.BindInt(1, twin);
  return ForEach(epoch, [&](const Statement& row) -> Status {
    stored.epoch = {row.Uint(0), row.Uint(1)};
    return {};
  });
}

Result<model::Stored> CloudStore::LoadTwin(std::string_view device) {
  model::Stored stored;
  const auto found = impl_->twins.find(std::string(device));
  const Impl::Twin twin = found == impl_->twins.end() ? Impl::Twin{} : found->second;
  auto lineage = impl_->ReadLineage(twin);
  if (!lineage) return lineage.error();
  stored.lineage = *std::move(lineage);
  if (Status read = impl_->ReadProperties(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadDictionary(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadRows(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadPeer(twin.id, stored); !read) return read.error();
  return stored;
}

Result<CloudStore::Impl::Twin> CloudStore::Impl::Register(const TwinCommit& commit) {
  Statement& insert = statements->insert_twin;
  insert.BindText(1, commit.device).BindInt(2, Count(commit.seen));
  const Result<bool> row = insert.Step();
  if (!row) return row.error();
  Twin twin;
  twin.id = insert.Int(0);
  insert.Reset();
  return twin;
}

Status CloudStore::Impl::WriteProperties(std::int64_t twin, const model::Batch& batch) {
  if (batch.dictionary_reset) {
    if (Status done = statements->delete_dictionary.BindInt(1, twin).Run(); !done) return done;
    if (Status done = statements->clear_pids.BindInt(1, twin).Run(); !done) return done;
  }
  for (const model::PropertyRecord& record : batch.properties) {
    Statement& upsert = statements->upsert_property;
    upsert.BindInt(1, twin).BindInt(2, model::Index(record.id)).BindInt(3, record.pid);
    BindDef(upsert, 4, record.def);
    if (Status done = upsert.Run(); !done) return done;
  }
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    Statement& insert = statements->insert_dictionary;
    insert.BindInt(1, twin).BindInt(2, entry.pid).BindInt(3, model::Index(entry.id));
    insert.BindUint(4, entry.chain);
    BindDef(insert, 5, entry.def);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::WriteRows(Twin& twin, const model::Batch& batch) {
  const std::uint64_t head_before = twin.head;
  for (const model::RowChange& change : batch.rows) {
    if (change.row.dot == model::Dot{}) {
      Statement& remove = statements->delete_row;
      remove.BindInt(1, twin.id).BindInt(2, model::Index(change.id));
      remove.BindInt(3, static_cast<std::int64_t>(change.side));
      if (Status done = remove.Run(); !done) return done;
      continue;
    }
    Statement& upsert = statements->upsert_row;
    upsert.BindInt(1, twin.id);
    BindRow(upsert, 2, change);
    if (Status done = upsert.Run(); !done) return done;
    if (change.side == model::Side::kDesired) twin.head = std::max(twin.head, change.row.dot.seq);
  }
  if (twin.head == head_before) return {};
  return statements->upsert_lineage.BindInt(1, twin.id)
      .BindInt(2, openings.back().n)
      .BindUint(3, twin.first_seq)
      .BindUint(4, twin.head)
      .Run();
}

Status CloudStore::Impl::WritePeer(std::int64_t twin, const model::Batch& batch) {
  for (std::size_t stream = 0; stream < model::kStreams; ++stream) {
    if (!batch.peer_watermark[stream]) continue;
    Statement& upsert = statements->upsert_cursor;
    upsert.BindInt(1, twin).BindInt(2, static_cast<std::int64_t>(stream));
    if (Status done = upsert.BindUint(3, *batch.peer_watermark[stream]).Run(); !done) return done;
  }
  if (batch.epoch) {
    Statement& update = statements->update_epoch;
    update.BindInt(1, twin).BindUint(2, batch.epoch->counter).BindUint(3, batch.epoch->token);
    if (Status done = update.Run(); !done) return done;
  }
  if (!batch.peer_lineage) return {};
  if (Status done = statements->delete_device_lineage.BindInt(1, twin).Run(); !done) return done;
  std::int64_t n = 0;
  for (const model::Incarnation& entry : *batch.peer_lineage) {
    Statement& insert = statements->insert_device_lineage;
    insert.BindInt(1, twin).BindInt(2, n++).BindUint(3, entry.inc);
    insert.BindUint(4, entry.first_seq).BindUint(5, entry.limit);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::Write(Twin& twin, const TwinCommit& commit) {
  if (Status done = WriteProperties(twin.id, commit.batch); !done) return done;
  if (Status done = WriteRows(twin, commit.batch); !done) return done;
  if (Status done = WritePeer(twin.id, commit.batch); !done) return done;
  Statement& update = statements->update_twin;
  update.BindInt(1, twin.id).BindInt(2, Count(commit.seen)).BindUint(3, twin.head);
  return update.Run();
}

Status CloudStore::Impl::WriteAll(std::span<const TwinCommit> batch,
                                  std::unordered_map<std::string, Twin>& changed) {
  auto transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  for (const TwinCommit& commit : batch) {
    auto entry = changed.find(commit.device);
    if (entry == changed.end()) {
      const auto known = twins.find(commit.device);
      if (known != twins.end()) {
        entry = changed.emplace(commit.device, known->second).first;
      } else {
        if (twins.size() + changed.size() >= twins_max) {
          return Exhausted("'" + commit.device + "' would be one twin more than twins_max, " +
                           std::to_string(twins_max));
        }
        auto twin = Register(commit);
        if (!twin) return twin.error();
        entry = changed.emplace(commit.device, *twin).first;
      }
    }
    if (Status done = Write(entry->second, commit); !done) return done;
  }
  return transaction->Commit();
}

Status CloudStore::Commit(std::span<const TwinCommit> commits) {
  std::unordered_map<std::string, Impl::Twin> changed;
  if (Status done = impl_->WriteAll(commits, changed); !done) {
    ++impl_->failed_commits;
    return done;
  }
  for (auto& [device, twin] : changed) impl_->twins[device] = twin;
  impl_->twins_count = impl_->twins.size();
  ++impl_->commits;
  for (const TwinCommit& commit : commits) impl_->rows += commit.batch.rows.size();
  return {};
}

CloudStoreStats CloudStore::stats() const {
  return {impl_->commits, impl_->failed_commits, impl_->rows, impl_->twins_count};
}

}  // namespace edgetwin::cloud
