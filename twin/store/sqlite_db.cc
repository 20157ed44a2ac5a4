// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/sqlite_db.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::store {
namespace {

// SQLite says READONLY or CANTOPEN without saying whether permissions or the medium are the reason.
bool LacksPermission(const std::string& path) {
  const auto refused = [](const std::filesystem::path& name) {
    return access(name.c_str(), R_OK | W_OK) != 0 && errno == EACCES;
  };
  return refused(path) || refused(std::filesystem::path(path).parent_path());
}

ErrorCode CodeOfIoFailure(int system_error) {
  switch (system_error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ErrorCode::kExhausted;
    case EACCES:
    case EPERM: return ErrorCode::kPermission;
    default: return ErrorCode::kUnavailable;
  }
}

ErrorCode CodeOf(int code, int system_error, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return ErrorCode::kExhausted;
    case SQLITE_IOERR: return CodeOfIoFailure(system_error);
    case SQLITE_CANTOPEN:
      return LacksPermission(path) ? ErrorCode::kPermission : CodeOfIoFailure(system_error);
    case SQLITE_READONLY:
      return LacksPermission(path) ? ErrorCode::kPermission : ErrorCode::kUnavailable;
    case SQLITE_INTERRUPT: return ErrorCode::kUnavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_CONSTRAINT: return ErrorCode::kConflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kCorrupt;
    case SQLITE_AUTH:
    case SQLITE_PERM: return ErrorCode::kPermission;
    default: return ErrorCode::kInvalid;
  }
}

}  // namespace

Error SqliteError(sqlite3* db, int code, const std::string& path) {
  // Not sqlite3_system_errno: it isn't set when a COMMIT fails, and keeps the value of an older
  // failure.
  const int system_error = errno;
  const int primary = code & 0xff;
  // The connection's own text names the table or the token, but only for its latest failure.
  const bool latest = db != nullptr && (sqlite3_errcode(db) & 0xff) == primary;
  std::string text = path + ": " + (latest ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  const bool from_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  if (from_system && system_error != 0)
    text.append(" (").append(std::strerror(system_error)).append(")");
  return MakeError(CodeOf(code, system_error, path), std::move(text));
}

Statement::Statement(sqlite3_stmt* statement) : statement_(statement) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  // Repeats the failure of the last step, which was reported then.
  (void)sqlite3_finalize(statement);
}

void Statement::Note(int code) {
  if (bind_failure_ == SQLITE_OK) bind_failure_ = code;
}

Error Statement::Fail(int code) {
  sqlite3* db = sqlite3_db_handle(statement_.get());
  const char* path = sqlite3_db_filename(db, nullptr);
  const bool named = path != nullptr && *path != '\0';
  Error error = SqliteError(db, code, named ? path : "database in memory");
  Reset();
  return error;
}

Statement& Statement::BindInt(int parameter, std::int64_t value) {
  Note(sqlite3_bind_int64(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::BindUint(int parameter, std::uint64_t value) {
  return BindInt(parameter, static_cast<std::int64_t>(value));
}

Statement& Statement::BindReal(int parameter, double value) {
  Note(sqlite3_bind_double(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::BindText(int parameter, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  Note(sqlite3_bind_text64(statement_.get(), parameter, data, value.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(int parameter, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  Note(sqlite3_bind_blob64(statement_.get(), parameter, data, value.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::BindNull(int parameter) {
  Note(sqlite3_bind_null(statement_.get(), parameter));
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_failure_ != SQLITE_OK) return Fail(bind_failure_);
  errno = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return Fail(code);
  // Resetting now rather than at the next use lets go of the read lock.
  (void)sqlite3_reset(statement_.get());
  return false;
}

Status Statement::Run() {
  while (true) {
    const Result<bool> row = Step();
    if (!row) return row.error();
    if (!*row) break;
  }
  Reset();
  return {};
}

void Statement::Reset() {
  // Both repeat or can't fail: reset gives the code of the last step again.
  (void)sqlite3_reset(statement_.get());
  (void)sqlite3_clear_bindings(statement_.get());
  bind_failure_ = SQLITE_OK;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

bool Statement::IsInt(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER;
}

bool Statement::IsBlob(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_BLOB;
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::Uint(int column) const {
  return static_cast<std::uint64_t>(Int(column));
}

double Statement::Real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::Text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::string_view Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  if (data == nullptr) return {};
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Database::Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

void Database::Close::operator()(sqlite3* db) const {
  // BUSY means that a Statement outlives its Database: a bug.
  EDGETWIN_CHECK(sqlite3_close(db) == SQLITE_OK);
}

Result<Database> Database::Open(const DatabaseOptions& options) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (options.create && !options.read_only) flags |= SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  errno = 0;
  const int code = sqlite3_open_v2(options.path.c_str(), &raw, flags,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  Database db(raw, options.path);  // SQLite gives a handle to close on failure, too.
  if (code != SQLITE_OK) return db.Fail(code);
  // SQLite opens what it may not write for reading, and would fail later with less to say.
  if (!options.read_only && sqlite3_db_readonly(raw, "main") == 1) return db.Fail(SQLITE_READONLY);

  // A file made by somebody hostile must not run functions from its schema or lie about its cells.
  std::string pragmas = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;";
  if (options.exclusive) pragmas += "PRAGMA locking_mode=EXCLUSIVE;";
  const int busy = sqlite3_busy_timeout(raw, static_cast<int>(options.busy_wait.count()));
  if (busy != SQLITE_OK) return db.Fail(busy);
  const Status set = db.Exec(pragmas);
  if (!set) return set.error();
  return db;
}

Result<Database> Database::FromImage(std::string_view image, std::string path) {
  Result<Database> db = Open({.path = ":memory:"});
  if (!db) return db;
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(image.size()));
  if (copy == nullptr)
    return Exhausted("no memory for a database of " + std::to_string(image.size()) + " bytes");
  std::memcpy(copy, image.data(), image.size());
  const auto size = static_cast<sqlite3_int64>(image.size());
  const int code =
      sqlite3_deserialize(db->raw(), "main", copy, size, size,
                          SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  if (code != SQLITE_OK) return SqliteError(db->raw(), code, path);
  db->path_ = std::move(path);
  return db;
}

Status Database::Exec(const std::string& sql) {
  errno = 0;
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(code);
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  errno = 0;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  if (code != SQLITE_OK) return Fail(code);
  if (raw == nullptr) return Invalid("no statement in '" + std::string(sql) + "'");
  Statement statement(raw);
  const std::string_view left = sql.substr(static_cast<std::size_t>(rest - sql.data()));
  if (left.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return Invalid("more than one statement in '" + std::string(sql) + "'");
  }
  return statement;
}

Result<std::int64_t> Database::QueryInt(std::string_view sql) {
  Result<Statement> query = Prepare(sql);
  if (!query) return query.error();
  const Result<bool> row = query->Step();
  if (!row) return row.error();
  if (!*row) return NotFound("no row for " + std::string(sql));
  return query->Int(0);
}

Result<std::string> Database::QueryText(std::string_view sql) {
  Result<Statement> query = Prepare(sql);
  if (!query) return query.error();
  const Result<bool> row = query->Step();
  if (!row) return row.error();
  if (!*row) return NotFound("no row for " + std::string(sql));
  return std::string(query->Text(0));
}

Status Database::Check(const char* pragma) {
  const Result<std::string> finding = QueryText(pragma);
  if (!finding) return finding.error();
  if (*finding != "ok") return Corrupt(path_ + ": " + *finding);
  return {};
}

Error Database::Fail(int code) const {
  return SqliteError(db_.get(), code, path_);
}

Status Database::QuickCheck() {
  return Check("PRAGMA quick_check(1)");
}
Status Database::IntegrityCheck() {
  return Check("PRAGMA integrity_check(1)");
}

Status Database::LeaveWalOnClose(bool leave) {
  const int code =
      sqlite3_db_config(raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave ? 1 : 0, nullptr);
  if (code != SQLITE_OK) return Fail(code);
  return {};
}

Status Database::TruncateWal() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(code);
  return {};
}

std::uint64_t Database::FileBytes() const {
  std::uint64_t bytes = 0;
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    const int found = sqlite3_file_control(db_.get(), "main", which, static_cast<void*>(&file));
    if (found != SQLITE_OK || file == nullptr || file->pMethods == nullptr) continue;
    sqlite3_int64 size = 0;
    if (file->pMethods->xFileSize(file, &size) == SQLITE_OK && size > 0) {
      bytes += static_cast<std::uint64_t>(size);
    }
  }
  return bytes;
}

bool Database::Moved() const {
  int moved = 0;
  const int code =
      sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, static_cast<void*>(&moved));
  return code == SQLITE_OK && moved != 0;
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_.get()) == 0;
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(db_.get());
}

Result<Transaction> Transaction::Begin(Database& db) {
  // IMMEDIATE: whoever can't write learns it here, not in the middle.
  const Status begun = db.Exec("BEGIN IMMEDIATE");
  if (!begun) return begun.error();
  return Transaction(db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  if (db_ != nullptr) Rollback();
}

Status Transaction::Commit() {
  EDGETWIN_CHECK(db_ != nullptr);
  const Status committed = db_->Exec("COMMIT");
  if (!committed) Rollback();
  db_ = nullptr;
  return committed;
}

void Transaction::Rollback() {
  // SQLite rolls back by itself after a full disk or an I/O error; a second ROLLBACK would be an
  // error.
  if (!db_->in_transaction()) return;
  const Status undone = db_->Exec("ROLLBACK");
  EDGETWIN_CHECK(undone || !db_->in_transaction());
}

}  // namespace edgetwin::store
