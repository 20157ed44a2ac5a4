// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/inspect.h"

#include <utility>

#include "twin/store/image.h"
#include "twin/store/store_files.h"
#include "twin/store/tables.h"
#include "twin/store/tail.h"
#include "twin/store/twin_store.h"
#include "twin/store/vfs_file.h"

namespace edgetwin::store {

// quick_check each time: it reads every page, but so does the opening itself, which loads all of
// the store, and the store is O(properties). What is damaged is then found at the start and not in
// the middle of a commit.
Result<SchemaVersion> CheckContent(Database& db) {
  const int newest = TwinMigrations().back().version;
  const Result<SchemaVersion> version = CheckSchema(db, kTwinApplicationId, newest);
  if (!version || version->version == 0) return version;
  if (Status sound = db.QuickCheck(); !sound) return sound.error();
  return version;
}

Result<model::Stored> InspectImage(std::string_view image, const std::string& path) {
  Result<Database> db = Database::FromImage(image, path);
  if (!db) return db.error();
  const Result<SchemaVersion> version = CheckContent(*db);
  if (!version) return version.error();
  if (version->version == 0) return NotFound(path + " is a database that holds nothing yet");
  const Result<Tail> tail = ReadTail(*db);
  if (!tail) return tail.error();
  return ReadStored(*db, *tail);
}

Error Explained(const std::string& path, const std::string& vfs, Error error) {
  if (error.code == ErrorCode::kConflict) return HeldBySomebody(path);
  // Of an image SQLite doesn't know the name.
  if (error.text.find(path) == std::string::npos) error.text = path + ": " + error.text;
  if (error.code == ErrorCode::kCorrupt) return ExplainDamage(path, vfs, std::move(error));
  return error;
}

Result<model::Stored> TwinStore::Inspect(const std::string& path, const std::string& vfs) {
  if (Status sound = CheckFiles(path, vfs); !sound) return sound.error();
  if (!VfsFile::HasBytes(path, VfsFile::Part::kDatabase, vfs)) {
    return NotFound("there is no store " + path);
  }
  const Result<std::string> image = ReadImage(path, vfs);
  if (!image) return image.error();
  Result<model::Stored> stored = InspectImage(*image, path);
  if (!stored) return Explained(path, vfs, stored.error());
  return stored;
}

}  // namespace edgetwin::store
