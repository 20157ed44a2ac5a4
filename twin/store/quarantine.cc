// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "twin/store/store_files.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

// The database file first: a crash in between then leaves a WAL without its database, which Open
// refuses, and never a database without its WAL, which would open as an older state.
constexpr std::array<std::string_view, 4> kSuffixes = {"", "-wal", "-shm", "-journal"};

bool AnyExists(const std::string& path) {
  for (const std::string_view suffix : kSuffixes) {
    std::error_code ignored;
    if (std::filesystem::exists(
            std::filesystem::symlink_status(path + std::string(suffix), ignored))) {
      return true;
    }
  }
  return false;
}

Error SystemError(const std::string& doing, int number) {
  const bool permission = number == EACCES || number == EPERM;
  const bool full = number == ENOSPC || number == EDQUOT;
  const ErrorCode code = permission ? ErrorCode::kPermission
                         : full     ? ErrorCode::kExhausted
                                    : ErrorCode::kUnavailable;
  return MakeError(code, doing + ": " + std::strerror(number));
}

// Makes the new names survive a power cut.
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

}  // namespace

Result<std::string> TwinStore::Quarantine(const std::string& path, int kept_max) {
  if (!AnyExists(path)) return NotFound("there is no store " + path + " to move aside");
  if (LockHolder(path)) return HeldBySomebody(path);
  int number = 1;
  const auto name = [&] { return path + ".corrupt-" + std::to_string(number); };
  while (number <= kept_max && AnyExists(name())) ++number;
  if (number > kept_max) {
    return Exhausted("there are " + std::to_string(kept_max) + " damaged stores beside " + path +
                     " already; look at them and remove what isn't needed");
  }
  for (const std::string_view suffix : kSuffixes) {
    const std::string from = path + std::string(suffix);
    const std::string to = name() + std::string(suffix);
    if (std::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) continue;
    return SystemError("move " + from + " to " + to, errno);
  }
  if (Status synced = SyncFolder(path); !synced) return synced.error();
  return name();
}

}  // namespace edgetwin::store
