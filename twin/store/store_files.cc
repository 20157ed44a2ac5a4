// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/store_files.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <utility>

namespace edgetwin::store {
namespace {

// Where SQLite puts its locks in a file (PENDING_BYTE in its os.h), and how many bytes they take.
constexpr std::uint64_t kLockFirstByte = 0x40000000;
constexpr std::uint64_t kLockLastByte = kLockFirstByte + 511;

}  // namespace

std::uint64_t FileBytes(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

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
    if (fields && type == "POSIX" && sqlite && pid > 0 && file.ends_with(inode)) return pid;
  }
  return {};
}

Error HeldBySomebody(const std::string& path) {
  const std::optional<pid_t> pid = LockHolder(path);
  if (!pid) return Conflict(path + " is open in another process");
  return Conflict(path + " is open in process " + std::to_string(*pid));
}

Status CheckFiles(const std::string& path) {
  const std::uint64_t wal_bytes = FileBytes(path + "-wal");
  if (wal_bytes == 0 || FileBytes(path) != 0) return {};
  return Corrupt(path + " is missing or empty, but its -wal has " + std::to_string(wal_bytes) +
                 " bytes");
}

Error ExplainDamage(const std::string& path, Error error) {
  // Only called once the store has failed to open, so no lock of ours is lost by reading the file.
  std::ifstream file(path, std::ios::binary);
  unsigned char header[32] = {};
  if (!file.read(reinterpret_cast<char*>(header), sizeof header)) return error;
  const auto number = [&header](int at, int bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | header[at + i];
    return value;
  };
  const std::uint64_t page_bytes = number(16, 2) == 1 ? 65'536 : number(16, 2);
  const std::uint64_t expected = page_bytes * number(28, 4);
  const std::uint64_t found = FileBytes(path);
  if (found >= expected ||
      !std::string(reinterpret_cast<char*>(header), 15).starts_with("SQLite format 3")) {
    return error;
  }
  error.text += "; the file is truncated: " + std::to_string(found) + " of " +
                std::to_string(expected) + " bytes";
  return error;
}

}  // namespace edgetwin::store
