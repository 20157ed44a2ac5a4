// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/vfs_file.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "twin/store/store_files.h"

namespace edgetwin::store {
namespace {

std::string NameOf(const std::string& path, VfsFile::Part part) {
  return part == VfsFile::Part::kWal ? path + "-wal" : path;
}

sqlite3_vfs* FindVfs(const std::string& name) {
  return sqlite3_vfs_find(name.empty() ? nullptr : name.c_str());
}

}  // namespace

void VfsFile::Close::operator()(sqlite3_file* file) const {
  if (file->pMethods != nullptr) {
    (void)file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    (void)file->pMethods->xClose(file);
  }
  ::operator delete(file);
}

void VfsFile::FreeName::operator()(const char* name) const {
  sqlite3_free_filename(const_cast<char*>(name));
}

VfsFile::VfsFile(std::string path, Part part, sqlite3_vfs* vfs)
    : path_(std::move(path)), shown_(NameOf(path_, part)), vfs_(vfs) {
  name_.reset(sqlite3_create_filename(path_.c_str(), "", (path_ + "-wal").c_str(), 0, nullptr));
  void* memory = ::operator new(static_cast<std::size_t>(vfs_->szOsFile));
  std::memset(memory, 0, static_cast<std::size_t>(vfs_->szOsFile));
  file_.reset(static_cast<sqlite3_file*>(memory));
}
VfsFile::VfsFile(VfsFile&&) noexcept = default;
VfsFile::~VfsFile() = default;

Result<VfsFile> VfsFile::Open(const std::string& path, Part part, const std::string& vfs,
                              bool writable) {
  sqlite3_vfs* layer = FindVfs(vfs);
  if (layer == nullptr) return Invalid("SQLite has no file layer '" + vfs + "'");
  VfsFile opened(path, part, layer);
  const bool wal = part == Part::kWal;
  const char* name = wal ? sqlite3_filename_wal(opened.name_.get()) : opened.name_.get();
  const int flags = (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    (wal ? SQLITE_OPEN_WAL : SQLITE_OPEN_MAIN_DB);
  errno = 0;
  const int code = layer->xOpen(layer, name, opened.file_.get(), flags, nullptr);
  if (code != SQLITE_OK) return opened.Fail(code, errno);
  return opened;
}

bool VfsFile::HasBytes(const std::string& path, Part part, const std::string& vfs) {
  sqlite3_vfs* layer = FindVfs(vfs);
  int there = 0;
  // SQLite's own file layers say of an empty file that it doesn't exist.
  return layer != nullptr &&
         layer->xAccess(layer, NameOf(path, part).c_str(), SQLITE_ACCESS_EXISTS, &there) ==
             SQLITE_OK &&
         there != 0;
}

const sqlite3_io_methods& VfsFile::methods() const {
  return *file_->pMethods;
}

Status VfsFile::LockShared() {
  errno = 0;
  const int code = methods().xLock(file_.get(), SQLITE_LOCK_SHARED);
  if (code != SQLITE_OK) return Fail(code, errno);
  return {};
}

Result<std::uint64_t> VfsFile::Size() {
  errno = 0;
  sqlite3_int64 size = 0;
  const int code = methods().xFileSize(file_.get(), &size);
  if (code != SQLITE_OK || size < 0) return Fail(code, errno);
  return static_cast<std::uint64_t>(size);
}

Result<std::string> VfsFile::Read(std::uint64_t bytes) {
  if (bytes > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    return Exhausted(shown_ + " has " + std::to_string(bytes) + " bytes, too many to read at once");
  }
  std::string content(static_cast<std::size_t>(bytes), '\0');
  errno = 0;
  const int code = methods().xRead(file_.get(), content.data(), static_cast<int>(bytes), 0);
  if (code != SQLITE_OK) return Fail(code, errno);
  return content;
}

Status VfsFile::Sync() {
  errno = 0;
  const int code = methods().xSync(file_.get(), SQLITE_SYNC_FULL);
  if (code != SQLITE_OK) return Fail(code, errno);
  return {};
}

Error VfsFile::Fail(int code, int system_error) const {
  if ((code & 0xff) == SQLITE_BUSY) return HeldBySomebody(path_);
  const char* why = system_error != 0 ? std::strerror(system_error) : sqlite3_errstr(code);
  const std::string text = shown_ + ": " + why;
  if (system_error == ENOENT) return NotFound(text);
  return MakeError(system_error == EACCES ? ErrorCode::kPermission : ErrorCode::kUnavailable, text);
}

Status RemoveDatabaseFile(const std::string& path, const std::string& vfs) {
  sqlite3_vfs* layer = FindVfs(vfs);
  if (layer == nullptr) return Invalid("SQLite has no file layer '" + vfs + "'");
  errno = 0;
  const int code = layer->xDelete(layer, path.c_str(), 0);
  if (code == SQLITE_OK || code == SQLITE_IOERR_DELETE_NOENT) return {};
  return Unavailable("remove " + path + ": " +
                     (errno != 0 ? std::strerror(errno) : sqlite3_errstr(code)));
}

}  // namespace edgetwin::store
