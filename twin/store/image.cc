// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/image.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/store/store_files.h"

namespace edgetwin::store {
namespace {

constexpr std::size_t kDatabaseHeaderBytes = 100;
constexpr std::size_t kWalHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kWalMagic =
    0x377f0682;  // The lowest bit: check sums over big-endian words.
constexpr std::uint32_t kWalVersion = 3'007'000;

std::uint32_t BigEndian32(std::string_view at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

std::uint32_t LittleEndian32(std::string_view at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

class WalChecksum {
 public:
  explicit WalChecksum(bool big_endian) : big_endian_(big_endian) {}
  void Add(std::string_view data) {
    for (; data.size() >= 8; data.remove_prefix(8)) {
      s0_ += Word(data) + s1_;
      s1_ += Word(data.substr(4)) + s0_;
    }
  }
  bool Is(std::string_view stored) const {
    return BigEndian32(stored) == s0_ && BigEndian32(stored.substr(4)) == s1_;
  }

 private:
  std::uint32_t Word(std::string_view at) const {
    return big_endian_ ? BigEndian32(at) : LittleEndian32(at);
  }
  bool big_endian_;
  std::uint32_t s0_ = 0;
  std::uint32_t s1_ = 0;
};

Result<std::string> ReadWal(const std::string& path) {
  // No POSIX lock is ever taken on the WAL file itself, so opening and closing it can't drop one.
  std::ifstream file(path + "-wal", std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return std::string();
    return MakeError(errno == EACCES ? ErrorCode::kPermission : ErrorCode::kUnavailable,
                     "read " + path + "-wal: " + std::strerror(errno));
  }
  std::string wal((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return Unavailable("read " + path + "-wal: " + std::strerror(errno));
  return wal;
}

// The database file through SQLite's VFS and its locks: closing a descriptor of our own would drop
// the POSIX locks of a connection that this process may have open on the file.
class LockedFile {
 public:
  static Result<LockedFile> Open(const std::string& path) {
    LockedFile opened(path);
    const int code = opened.vfs_->xOpen(opened.vfs_, opened.name_.get(), opened.file_.get(),
                                        SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, nullptr);
    if (code != SQLITE_OK) return opened.Fail(code, errno);
    const int locked = opened.methods().xLock(opened.file_.get(), SQLITE_LOCK_SHARED);
    if (locked != SQLITE_OK) return opened.Fail(locked, errno);
    return opened;
  }

  LockedFile(LockedFile&&) = default;

  Result<std::string> Read() {
    sqlite3_int64 size = 0;
    if (const int code = methods().xFileSize(file_.get(), &size); code != SQLITE_OK)
      return Fail(code, errno);
    if (size < 0 || static_cast<std::uint64_t>(size) > kImageBytesMax) {
      return Corrupt(path_ + " has " + std::to_string(size) +
                     " bytes; a store never gets that large");
    }
    std::string content(static_cast<std::size_t>(size), '\0');
    const int code = methods().xRead(file_.get(), content.data(), static_cast<int>(size), 0);
    if (code != SQLITE_OK) return Fail(code, errno);
    return content;
  }

 private:
  struct Close {
    void operator()(sqlite3_file* file) const {
      if (file->pMethods != nullptr) {
        (void)file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
        (void)file->pMethods->xClose(file);
      }
      ::operator delete(file);
    }
  };
  struct FreeName {
    void operator()(const char* name) const { sqlite3_free_filename(const_cast<char*>(name)); }
  };

  explicit LockedFile(std::string path) : path_(std::move(path)), vfs_(sqlite3_vfs_find(nullptr)) {
    name_.reset(sqlite3_create_filename(path_.c_str(), "", "", 0, nullptr));
    void* memory = ::operator new(static_cast<std::size_t>(vfs_->szOsFile));
    std::memset(memory, 0, static_cast<std::size_t>(vfs_->szOsFile));
    file_.reset(static_cast<sqlite3_file*>(memory));
  }

  const sqlite3_io_methods& methods() const { return *file_->pMethods; }

  Error Fail(int code, int system_error) const {
    if ((code & 0xff) == SQLITE_BUSY) return HeldBySomebody(path_);
    const std::string text = "read " + path_ + ": " + std::strerror(system_error);
    if (system_error == ENOENT) return NotFound(text);
    return MakeError(system_error == EACCES ? ErrorCode::kPermission : ErrorCode::kUnavailable,
                     text);
  }

  std::string path_;
  sqlite3_vfs* vfs_;
  // Destroyed after the file, which points to it.
  std::unique_ptr<const char, FreeName> name_;
  std::unique_ptr<sqlite3_file, Close> file_;
};

}  // namespace

void ReplayWal(std::string_view wal, std::string& image) {
  if (wal.size() < kWalHeaderBytes || (BigEndian32(wal) & ~1u) != kWalMagic) return;
  const std::string_view header = wal.substr(0, kWalHeaderBytes);
  const std::size_t page_bytes = BigEndian32(header.substr(8));
  const bool page_bytes_valid =
      page_bytes >= 512 && page_bytes <= 65'536 && (page_bytes & (page_bytes - 1)) == 0;
  if (BigEndian32(header.substr(4)) != kWalVersion || !page_bytes_valid) return;
  WalChecksum sum((BigEndian32(wal) & 1) != 0);
  sum.Add(header.substr(0, 24));
  if (!sum.Is(header.substr(24))) return;

  // Frames count once a commit frame follows them.
  std::vector<std::string_view> pending;
  const std::string_view salts = header.substr(16, 8);
  const std::size_t frame_bytes = kFrameHeaderBytes + page_bytes;
  for (std::string_view rest = wal.substr(kWalHeaderBytes); rest.size() >= frame_bytes;
       rest.remove_prefix(frame_bytes)) {
    const std::string_view frame = rest.substr(0, frame_bytes);
    const std::uint64_t page = BigEndian32(frame);
    if (page == 0 || page * page_bytes > kImageBytesMax || frame.substr(8, 8) != salts) return;
    sum.Add(frame.substr(0, 8));
    sum.Add(frame.substr(kFrameHeaderBytes));
    if (!sum.Is(frame.substr(16))) return;
    pending.push_back(frame);
    const std::uint64_t pages = BigEndian32(frame.substr(4));
    if (pages == 0) continue;
    if (pages * page_bytes > kImageBytesMax) return;
    image.resize(std::max<std::size_t>(image.size(), pages * page_bytes));
    for (const std::string_view committed : pending) {
      const std::size_t end = std::size_t{BigEndian32(committed)} * page_bytes;
      if (end > image.size()) image.resize(end);
      committed.substr(kFrameHeaderBytes).copy(image.data() + end - page_bytes, page_bytes);
    }
    image.resize(pages * page_bytes);
    pending.clear();
  }
}

Result<std::string> ReadImage(const std::string& path) {
  Result<LockedFile> file = LockedFile::Open(path);
  if (!file) return file.error();
  Result<std::string> image = file->Read();
  if (!image) return image;
  const Result<std::string> wal = ReadWal(path);
  if (!wal) return wal;
  ReplayWal(*wal, *image);
  if (image->size() < kDatabaseHeaderBytes) {
    return Corrupt(path + " is truncated: it has only " + std::to_string(image->size()) + " bytes");
  }
  // The two versions of the file format, 2 for WAL, become 1: the image has no WAL any more.
  if ((*image)[18] == 2 && (*image)[19] == 2) (*image)[18] = (*image)[19] = 1;
  return image;
}

}  // namespace edgetwin::store
