// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/schema.h"

#include <array>
#include <limits>
#include <string>

#include "twin/base/check.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

constexpr std::array kTwinMigrations = {Migration{1, 1, sql::kSchema1},
                                        Migration{2, 2, sql::kSchema2}};

Result<int> ReadNumber(Database& db, std::string_view key) {
  Result<Statement> select = db.Prepare(sql::kSelectMeta);
  if (!select) {
    // Ours by its application id, but without the table that every version has.
    if (select.error().code == ErrorCode::kInvalid) return Corrupt(select.error().text);
    return select.error();
  }
  const Result<bool> row = select->BindText(1, key).Step();
  if (!row) return row.error();
  if (!*row) return Corrupt(db.path() + ": its meta table has no " + std::string(key));
  const std::int64_t number = select->Int(0);
  if (number < 1 || number > std::numeric_limits<int>::max()) {
    return Corrupt(db.path() + ": its " + std::string(key) + " is " + std::to_string(number));
  }
  return static_cast<int>(number);
}

Status WriteNumber(Database& db, std::string_view key, int value) {
  Result<Statement> upsert = db.Prepare(sql::kUpsertMeta);
  if (!upsert) return upsert.error();
  return upsert->BindText(1, key).BindInt(2, value).Run();
}

Status Apply(Database& db, std::int32_t application_id, const Migration& migration) {
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  const std::string setup = "PRAGMA application_id=" + std::to_string(application_id) + ";";
  if (Status done = db.Exec(setup + std::string(sql::kCreateMeta)); !done) return done;
  if (Status done = db.Exec(std::string(migration.sql)); !done) return done;
  if (Status done = WriteNumber(db, "version", migration.version); !done) return done;
  if (Status done = WriteNumber(db, "min_reader", migration.min_reader); !done) return done;
  return transaction->Commit();
}

}  // namespace

std::span<const Migration> TwinMigrations() {
  return kTwinMigrations;
}

Result<SchemaVersion> CheckSchema(Database& db, std::int32_t application_id, int reader) {
  const Result<std::int64_t> id = db.QueryInt("PRAGMA application_id");
  if (!id) return id.error();
  if (*id != application_id) {
    const Result<std::int64_t> objects = db.QueryInt("SELECT count(*) FROM sqlite_schema");
    if (!objects) return objects.error();
    if (*id == 0 && *objects == 0) return SchemaVersion{};
    return Invalid(db.path() + " is a database of another application (application_id " +
                   std::to_string(*id) + ", not " + std::to_string(application_id) + ")");
  }
  const Result<int> version = ReadNumber(db, "version");
  if (!version) return version.error();
  const Result<int> min_reader = ReadNumber(db, "min_reader");
  if (!min_reader) return min_reader.error();
  if (*min_reader > reader) {
    return Unsupported(db.path() + " was written by a newer release: its schema version is " +
                       std::to_string(*version) + " and needs a reader of version " +
                       std::to_string(*min_reader) + ", but this release reads up to version " +
                       std::to_string(reader));
  }
  return SchemaVersion{*version, *min_reader};
}

Status Migrate(Database& db, std::int32_t application_id, std::span<const Migration> migrations,
               SchemaVersion from) {
  int version = 0;
  for (const Migration& migration : migrations) {
    EDGETWIN_CHECK(migration.version == ++version);
    if (migration.version <= from.version) continue;
    if (Status applied = Apply(db, application_id, migration); !applied) {
      return MakeError(applied.error().code, "migrate to schema version " +
                                                 std::to_string(migration.version) + ": " +
                                                 applied.error().text);
    }
  }
  return {};
}

}  // namespace edgetwin::store
