// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Schema versions: which one a database has, whether this release may use it, and how it gets to a
// newer one.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "twin/base/result.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

// One step from version - 1 to version. `min_reader` is the oldest version whose code still reads
// the result: version - 1 as a rule, so that one downgrade works.
struct Migration {
  int version;
  int min_reader;
  std::string_view sql;  // Any number of statements.
};

struct SchemaVersion {
  int version = 0;  // 0: an empty database.
  int min_reader = 0;
};

// twin.db's, from 1 without gaps.
std::span<const Migration> TwinMigrations();
inline constexpr std::int32_t kTwinApplicationId = 0x65647477;  // "edtw"

// What the database is. Reads only.
//   kInvalid      another application's database
//   kUnsupported  its min_reader is above `reader`, the newest version we know
//   kCorrupt      not a database, or without a version
Result<SchemaVersion> CheckSchema(Database& db, std::int32_t application_id, int reader);

// Applies the migrations above `from`, each in a transaction of its own together with its version
// number.
Status Migrate(Database& db, std::int32_t application_id, std::span<const Migration> migrations,
               SchemaVersion from);

}  // namespace edgetwin::store
