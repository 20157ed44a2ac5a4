// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace edgetwin::cli {
namespace {

edgetwin::Status Fill(int fd, const std::string& name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write " + name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) return FileError("sync " + name, errno);
  return {};
}

edgetwin::Status GiveName(const std::string& made, const std::string& path, bool replace) {
  if (replace) {
    if (std::rename(made.c_str(), path.c_str()) == 0) return {};
    return FileError("move " + made + " to " + path, errno);
  }
  // Unlike link(2), this works on a memory stick's FAT, too.
  if (renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return Conflict(path + " is there already");
  if (errno != EINVAL && errno != ENOSYS) return FileError("move " + made + " to " + path, errno);
  if (access(path.c_str(), F_OK) == 0) return Conflict(path + " is there already");
  if (std::rename(made.c_str(), path.c_str()) == 0) return {};
  return FileError("move " + made + " to " + path, errno);
}

}  // namespace

Error FileError(const std::string& doing, int number) {
  ErrorCode code = ErrorCode::kUnavailable;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::kPermission;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::kExhausted;
  if (number == ENOENT) code = ErrorCode::kNotFound;
  if (number == EEXIST) code = ErrorCode::kConflict;
  return MakeError(code, doing + ": " + std::strerror(number));
}

void SyncFolderOf(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)fsync(fd);
  close(fd);
}

edgetwin::Status WriteNewFile(
    const std::string& path, std::string_view bytes, bool replace,
    const std::function<edgetwin::Status(const std::string& file)>& check) {
  std::string made = path + ".XXXXXX";
  const int fd = mkostemp(made.data(), O_CLOEXEC);  // Mode 0600.
  if (fd < 0) return FileError("make " + path, errno);
  edgetwin::Status done = Fill(fd, path, bytes);
  if (close(fd) != 0 && done) done = FileError("close " + path, errno);
  if (done) done = check(made);
  if (done) done = GiveName(made, path, replace);
  if (!done) {
    (void)unlink(made.c_str());
    return done;
  }
  SyncFolderOf(path);
  return {};
}

}  // namespace edgetwin::cli
