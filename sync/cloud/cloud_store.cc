// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cloud_store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "cloud_store_sql.h"
#include "sync/cloud/cloud_store_impl.h"
#include "twin/base/check.h"
#include "twin/store/columns.h"
#include "twin/store/schema.h"

namespace edgetwin::cloud {
namespace {

using store::Database;
using store::ForEach;
using store::Statement;

constexpr std::int32_t kApplicationId = 0x6564636c;  // "edcl"
constexpr std::array kMigrations = {store::Migration{1, 1, sql::kSchema1}};

// In the middle of a busy transaction a commit's pages must not be spilled and read again.
constexpr const char* kPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;"
    "PRAGMA wal_autocheckpoint=4000;";

WallTime Wall(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

}  // namespace

CloudStore::CloudStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CloudStore::~CloudStore() = default;

Result<std::unique_ptr<CloudStore>> CloudStore::Open(const CloudStoreOptions& options) {
  EDGETWIN_CHECK(options.inc != 0);
  auto db = Database::Open({.path = options.path, .exclusive = true, .vfs = options.vfs});
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
  impl->events_per_twin_max = options.events_per_twin_max;
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
  statements = Statements{
      .insert_twin = prepare(sql::kInsertTwin),
      .select_twins = prepare(sql::kSelectTwins),
      .select_twin = prepare(sql::kSelectTwin),
      .update_twin = prepare(sql::kUpdateTwin),
      .update_epoch = prepare(sql::kUpdateEpoch),
      .update_setback = prepare(sql::kUpdateSetback),
      .update_admission = prepare(sql::kUpdateAdmission),
      .update_interest = prepare(sql::kUpdateInterest),
      .upsert_lineage = prepare(sql::kUpsertLineage),
      .select_lineage = prepare(sql::kSelectLineage),
      .delete_device_lineage = prepare(sql::kDeleteDeviceLineage),
      .insert_device_lineage = prepare(sql::kInsertDeviceLineage),
      .select_device_lineage = prepare(sql::kSelectDeviceLineage),
      .upsert_cursor = prepare(sql::kUpsertCursor),
      .select_cursors = prepare(sql::kSelectCursors),
      .upsert_setback_mark = prepare(sql::kUpsertSetbackMark),
      .select_setback_marks = prepare(sql::kSelectSetbackMarks),
      .upsert_property = prepare(sql::kUpsertProperty),
      .select_properties = prepare(sql::kSelectProperties),
      .clear_pids = prepare(sql::kClearPids),
      .delete_dictionary = prepare(sql::kDeleteDictionary),
      .insert_dictionary = prepare(sql::kInsertDictionary),
      .select_dictionary = prepare(sql::kSelectDictionary),
      .upsert_row = prepare(sql::kUpsertRow),
      .delete_row = prepare(sql::kDeleteRow),
      .select_rows = prepare(sql::kSelectRows),
      .insert_event = prepare(sql::kInsertEvent),
      .trim_events = prepare(sql::kTrimEvents),
      .select_events = prepare(sql::kSelectEvents),
      .select_event_place = prepare(sql::kSelectEventPlace),
      .upsert_command = prepare(sql::kUpsertCommand),
      .delete_command = prepare(sql::kDeleteCommand),
      .select_commands = prepare(sql::kSelectCommands),
      .delete_interest = prepare(sql::kDeleteInterest),
      .insert_interest = prepare(sql::kInsertInterest),
      .select_interest = prepare(sql::kSelectInterest),
      .delete_superseded = prepare(sql::kDeleteSuperseded),
      .insert_superseded = prepare(sql::kInsertSuperseded),
      .select_superseded = prepare(sql::kSelectSuperseded),
      .upsert_claim = prepare(sql::kUpsertClaim),
      .select_claim = prepare(sql::kSelectClaim),
  };
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
      .BindInt(3, options.opened.time_since_epoch().count())
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

CloudStoreStats CloudStore::stats() const {
  return {.commits = impl_->commits,
          .failed_commits = impl_->failed_commits,
          .rows = impl_->rows,
          .twins = impl_->twins_count,
          .events = impl_->events,
          .events_dropped = impl_->events_dropped};
}

}  // namespace edgetwin::cloud
