// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/flash_folder.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

std::string NameOf(std::uint32_t magic) {
  switch (magic) {
    case EXT4_SUPER_MAGIC: return "ext4";
    case BTRFS_SUPER_MAGIC: return "btrfs";
    case XFS_SUPER_MAGIC: return "xfs";
    case F2FS_SUPER_MAGIC: return "f2fs";
    case OVERLAYFS_SUPER_MAGIC: return "overlayfs";
    default: break;
  }
  char text[32];
  std::snprintf(text, sizeof text, "of type 0x%x", magic);
  return text;
}

// Writes one page, for good.
bool WritePage(const std::string& file) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const std::string page(4'096, 'x');
  const bool written =
      write(fd, page.data(), page.size()) == static_cast<ssize_t>(page.size()) && fsync(fd) == 0;
  const int why = errno;
  close(fd);
  unlink(file.c_str());
  errno = why;
  return written;
}

}  // namespace

Result<std::string> FileSystemOf(const std::string& folder) {
  struct statfs info {};
  if (!std::filesystem::is_directory(folder) || statfs(folder.c_str(), &info) != 0) {
    return NotFound("'" + folder + "' is no folder");
  }
  const auto magic = static_cast<std::uint32_t>(info.f_type);
  if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) {
    return Unsupported("'" + folder +
                       "' lies in memory (tmpfs): nothing there reaches flash. Choose a folder on "
                       "a disk with --folder");
  }
  const double before = Measure(getpid()).write_bytes;
  if (!WritePage(folder + "/edgetwin-bench-page-" + std::to_string(getpid()))) {
    return Unavailable("'" + folder + "' can't be written to: " + std::strerror(errno));
  }
  if (Measure(getpid()).write_bytes <= before) {
    return Unsupported("the kernel counts nothing that is written to '" + folder +
                       "' (write_bytes of /proc/PID/io). Choose another folder with --folder");
  }
  return NameOf(magic);
}

}  // namespace edgetwin::bench
