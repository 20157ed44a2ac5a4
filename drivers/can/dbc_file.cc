// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/dbc_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "drivers/can/dbc.h"

namespace edgetwin::can {
namespace {

Result<std::string> ReadAll(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return Invalid(path + " is no file");
  std::string text;
  while (text.size() <= kDbcBytesMax) {
    const std::size_t before = text.size();
    text.resize(before + (64 << 10));
    const ssize_t got = read(fd, text.data() + before, text.size() - before);
    if (got < 0 && errno != EINTR) return Invalid(path + ": " + std::strerror(errno));
    text.resize(before + static_cast<std::size_t>(got < 0 ? 0 : got));
    if (got == 0) return text;
  }
  return Invalid(path + " is longer than " + std::to_string(kDbcBytesMax) + " bytes");
}

}  // namespace

Result<std::string> ReadDbc(const std::string& path) {
  // Non-blocking, for a FIFO without a writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return NotFound(path + ": " + std::strerror(errno));
  Result<std::string> text = ReadAll(fd, path);
  close(fd);
  return text;
}

}  // namespace edgetwin::can
