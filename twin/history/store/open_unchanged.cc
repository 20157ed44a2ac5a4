// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/open_unchanged.h"

#include "twin/store/image.h"
#include "twin/store/store_files.h"
#include "twin/store/vfs_file.h"

namespace edgetwin::history {

using store::Database;

Result<Database> OpenUnchanged(const std::string& path, const std::string& vfs) {
  if (Status sound = store::CheckFiles(path, vfs); !sound) return sound.error();
  if (!store::VfsFile::HasBytes(path, store::VfsFile::Part::kDatabase, vfs)) {
    return NotFound("there is no history " + path);
  }
  const bool had_wal = store::VfsFile::HasBytes(path, store::VfsFile::Part::kWal, vfs);
  Result<Database> db = Database::Open({.path = path,
                                        .create = false,
                                        .exclusive = true,
                                        .busy_wait = std::chrono::milliseconds(250),
                                        .vfs = vfs});
  Status readable;
  if (db) {
    if (Status set = db->LeaveWalOnClose(had_wal); !set) return set.error();
    readable = db->Exec("PRAGMA query_only=ON; BEGIN; SELECT count(*) FROM sqlite_schema");
    if (readable) return db;
  } else {
    readable = db.error();
  }
  const ErrorCode code = readable.error().code;
  if (code == ErrorCode::kConflict || code == ErrorCode::kCorrupt) return readable.error();
  const Result<std::string> image = store::ReadImage(path, vfs);
  if (!image) return image.error();
  return Database::FromImage(*image, path);
}

}  // namespace edgetwin::history
