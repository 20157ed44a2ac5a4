// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// SQLite as the stores use it: owned handles, every return code looked at and turned into an Error.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "twin/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace edgetwin::store {

// The Error for `code`, just returned by a call on `db`; call it before anything else changes
// errno. `path` stands in front of its text: "/var/lib/x.db: database is locked".
//   FULL, TOOBIG, NOMEM and ENOSPC, EDQUOT, EFBIG under an I/O error → kExhausted
//   IOERR, CANTOPEN, READONLY → kUnavailable, or kPermission when file permissions are the reason
//   BUSY, LOCKED, CONSTRAINT → kConflict      CORRUPT, NOTADB → kCorrupt      AUTH, PERM →
//   kPermission anything else → kInvalid: the statement is wrong
Error SqliteError(sqlite3* db, int code, const std::string& path);

// One prepared statement. Must be gone before its Database is. Not thread-safe.
//
// Binds return the statement so that they chain; a bind that fails makes the next Step or Run fail
// with its error, so none goes unnoticed. Parameters are numbered from 1, columns from 0. Integers
// of 64 bits without a sign are kept as the signed integer of the same bits: equality works in SQL,
// order does not.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& BindInt(int parameter, std::int64_t value);
  Statement& BindUint(int parameter, std::uint64_t value);
  // NaN becomes NULL in SQLite: what must keep its bits is bound as an integer.
  Statement& BindReal(int parameter, double value);
  // Copied; NULs in it are kept. An empty blob is an empty blob, not NULL.
  Statement& BindText(int parameter, std::string_view value);
  Statement& BindBlob(int parameter, std::string_view value);
  Statement& BindNull(int parameter);

  // True when there is a row to read, false when done (the statement is then reset). On failure it
  // is reset.
  Result<bool> Step();
  // Steps to the end and forgets the bound values: for statements that give nothing back.
  Status Run();
  // Back to the start; forgets the bound values.
  void Reset();

  // Of the current row. Views end with the next Step, Run or Reset.
  bool IsNull(int column) const;
  bool IsInt(int column) const;
  bool IsBlob(int column) const;
  std::int64_t Int(int column) const;
  std::uint64_t Uint(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement);
  void Note(int code);
  Error Fail(int code);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_failure_ = 0;
};

struct DatabaseOptions {
  std::string path;        // ":memory:" for one without a file.
  bool read_only = false;  // Refuses writes; SQLite itself may still write to recover a WAL.
  bool create = true;      // kUnavailable when the file isn't there and this is false.
  bool exclusive =
      false;  // Holds the lock from the first access to closing; WAL then needs no -shm.
  std::chrono::milliseconds busy_wait{0};  // How long to wait for somebody else's lock.
  std::string vfs = {};                    // Empty: the default one.
};

// One connection. Not thread-safe, but may move between threads while no call is running.
class Database {
 public:
  // Opens without reading, with the right to write unless `read_only`: what is wrong with the
  // file's content shows at the first statement.
  static Result<Database> Open(const DatabaseOptions& options);

  // A database in memory with the content of a database file; what is written to it is lost. The
  // content is not looked at before the first statement. `path`: where it comes from, for texts of
  // errors.
  static Result<Database> FromImage(std::string_view image, std::string path);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  // Closes; aborts if a Statement is left.
  ~Database();

  // Runs every statement in `sql`, for what gives nothing back.
  Status Exec(const std::string& sql);
  // Exactly one statement. Meant to be kept and used often.
  Result<Statement> Prepare(std::string_view sql);

  // The first column of the first row; kNotFound when there is none.
  Result<std::int64_t> QueryInt(std::string_view sql);
  Result<std::string> QueryText(std::string_view sql);

  // kCorrupt with the first finding. Quick: reads all pages, but doesn't hold indexes against
  // tables.
  Status QuickCheck();
  Status IntegrityCheck();

  // Closing leaves database file and WAL as they are, instead of copying the WAL into the database
  // and removing it.
  Status LeaveWalOnClose(bool leave);
  // Copies the WAL into the database file and empties it. kConflict: somebody still reads from it.
  Status TruncateWal();

  // Of the database file and its WAL together, as far as they can be asked.
  std::uint64_t FileBytes() const;

  // Whether another file, or none, has the name under which this one was opened. False where the
  // file layer can't tell.
  bool Moved() const;

  bool in_transaction() const;
  std::int64_t changes() const;  // Rows that the last statement wrote.
  const std::string& path() const { return path_; }
  sqlite3* raw() const { return db_.get(); }

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* db) const;
  };
  Database(sqlite3* db, std::string path);
  Status Check(const char* pragma);
  Error Fail(int code) const;

  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

// Begins a write transaction; rolls back unless committed. The database must stay where it is and
// outlive it.
class Transaction {
 public:
  // kConflict when somebody else writes.
  static Result<Transaction> Begin(Database& db);

  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // On failure all of it is undone, and the database can be used on. (After an I/O error in the
  // last sync, a crash before the next commit may still bring it back: it is unknown, as after any
  // lost answer.)
  Status Commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  void Rollback();

  Database* db_;  // Null once over.
};

}  // namespace edgetwin::store
