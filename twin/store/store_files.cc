// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/store_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "twin/store/vfs_file.h"

namespace edgetwin::store {
namespace {

// Where SQLite puts its locks in a file (PENDING_BYTE in its os.h), and how many bytes they take.
constexpr std::uint64_t kLockFirstByte = 0x40000000;
constexpr std::uint64_t kLockLastByte = kLockFirstByte + 511;

// Enough of a database file to know its size by.
constexpr std::uint64_t kHeaderBytes = 32;

// Whether the process has the file open: another file system may have the same inode. True also
// when we may not look.
bool MayHaveOpen(pid_t pid, const struct stat& file) {
  std::error_code failed;
  std::filesystem::directory_iterator open("/proc/" + std::to_string(pid) + "/fd", failed);
  if (failed) return failed != std::errc::no_such_file_or_directory;
  for (; !failed && open != std::filesystem::directory_iterator(); open.increment(failed)) {
    struct stat other {};
    if (stat(open->path().c_str(), &other) == 0 && other.st_dev == file.st_dev &&
        other.st_ino == file.st_ino) {
      return true;
    }
  }
  return static_cast<bool>(failed);
}

}  // namespace

std::optional<pid_t> LockHolder(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  const std::string inode = ":" + std::to_string(status.st_ino);
  // proc(5): "1: POSIX  ADVISORY  WRITE 2568 fd:03:131104 1073741824 1073742335". The device isn't
  // compared: stat and the kernel's locks name different ones on btrfs and overlayfs.
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number;
    std::string type;
    std::string enforcement;
    std::string access;
    pid_t pid = 0;
    std::string file;
    std::uint64_t first = 0;
    fields >> number >> type >> enforcement >> access >> pid >> file >> first;
    const bool sqlite = first >= kLockFirstByte && first <= kLockLastByte;
    // A waiting request has "->" as its type. Locks of other pid namespaces have no pid.
    const bool alike = fields && type == "POSIX" && sqlite && pid > 0 && file.ends_with(inode);
    if (alike && MayHaveOpen(pid, status)) return pid;
  }
  return {};
}

Error HeldBySomebody(const std::string& path) {
  const std::optional<pid_t> pid = LockHolder(path);
  if (!pid) return Conflict(path + " is open in another process");
  return Conflict(path + " is open in process " + std::to_string(*pid));
}

Status CheckFiles(const std::string& path, const std::string& vfs) {
  if (!VfsFile::HasBytes(path, VfsFile::Part::kWal, vfs) ||
      VfsFile::HasBytes(path, VfsFile::Part::kDatabase, vfs)) {
    return {};
  }
  return Corrupt(path + " is missing or empty, but its -wal is not");
}

Error ExplainDamage(const std::string& path, const std::string& vfs, Error error) {
  Result<VfsFile> file = VfsFile::Open(path, VfsFile::Part::kDatabase, vfs);
  if (!file) return error;
  const Result<std::uint64_t> found = file->Size();
  const Result<std::string> header = file->Read(kHeaderBytes);
  if (!found || !header || !header->starts_with("SQLite format 3")) return error;
  const auto number = [&header](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value = value << 8 | static_cast<unsigned char>((*header)[at + i]);
    }
    return value;
  };
  const std::uint64_t page_bytes = number(16, 2) == 1 ? 65'536 : number(16, 2);
  const std::uint64_t expected = page_bytes * number(28, 4);
  if (*found >= expected) return error;
  error.text += "; the file is truncated: " + std::to_string(*found) + " of " +
                std::to_string(expected) + " bytes";
  return error;
}

bool AnyExists(const std::string& path) {
  for (const std::string_view suffix : kStoreSuffixes) {
    std::error_code ignored;
    if (std::filesystem::exists(
            std::filesystem::symlink_status(path + std::string(suffix), ignored))) {
      return true;
    }
  }
  return false;
}

Result<std::string> FreeName(const std::string& path, const std::string& kind, int kept_max) {
  for (int number = 1; number <= kept_max; ++number) {
    const std::string name = path + "." + kind + "-" + std::to_string(number);
    if (!AnyExists(name)) return name;
  }
  return Exhausted("there are " + std::to_string(kept_max) + " stores " + path + "." + kind +
                   "-N already; look at them and remove what isn't needed");
}

Status SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open " + folder, errno);
  const int synced = fsync(fd);
  const int number = errno;
  close(fd);
  if (synced != 0) return SystemError("sync " + folder, number);
  return {};
}

Error SystemError(const std::string& doing, int number) {
  const bool permission = number == EACCES || number == EPERM;
  const bool full = number == ENOSPC || number == EDQUOT;
  const ErrorCode code = permission ? ErrorCode::kPermission
                         : full     ? ErrorCode::kExhausted
                                    : ErrorCode::kUnavailable;
  return MakeError(code, doing + ": " + std::strerror(number));
}

}  // namespace edgetwin::store
