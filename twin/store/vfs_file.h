// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A store's files through SQLite's own file layer. A descriptor of our own would, when closed, drop
// the POSIX locks of a connection that this process may have open on the file; and simulations have
// no files but in their own layer.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "twin/base/result.h"

struct sqlite3_file;
struct sqlite3_io_methods;
struct sqlite3_vfs;

namespace edgetwin::store {

class VfsFile {
 public:
  enum class Part { kDatabase, kWal };

  // `path`: of the database, also for its WAL. `vfs` by name, empty for the default one. kNotFound
  // when the file isn't there; kPermission, kUnavailable. kInvalid for an unknown `vfs`.
  static Result<VfsFile> Open(const std::string& path, Part part, const std::string& vfs,
                              bool writable = false);
  // False when it isn't there, or empty.
  static bool HasBytes(const std::string& path, Part part, const std::string& vfs);

  VfsFile(VfsFile&&) noexcept;
  ~VfsFile();  // Closes; a lock ends with it.

  // kConflict when somebody writes, or has the file for himself.
  Status LockShared();
  Result<std::uint64_t> Size();
  // `bytes` from the start; kUnavailable when there are fewer.
  Result<std::string> Read(std::uint64_t bytes);
  Status Sync();

 private:
  struct Close {
    void operator()(sqlite3_file* file) const;
  };
  struct FreeName {
    void operator()(const char* name) const;
  };
  VfsFile(std::string path, Part part, sqlite3_vfs* vfs);
  const sqlite3_io_methods& methods() const;
  Error Fail(int code, int system_error) const;

  std::string path_;
  std::string shown_;
  sqlite3_vfs* vfs_;
  // Destroyed after the file, which points to it.
  std::unique_ptr<const char, FreeName> name_;
  std::unique_ptr<sqlite3_file, Close> file_;
};

// Removes the database file; that it isn't there is no failure.
Status RemoveDatabaseFile(const std::string& path, const std::string& vfs);

}  // namespace edgetwin::store
