// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace edgetwin::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

Error Failed(std::string_view what, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound
                         : error == EACCES || error == EPERM ? ErrorCode::kPermission
                                                             : ErrorCode::kUnavailable;
  return MakeError(code, std::string(what) + ": " + std::generic_category().message(error));
}

Error TooLarge(std::size_t bytes_max) {
  return Exhausted("is larger than " + std::to_string(bytes_max) + " bytes");
}

}  // namespace

Result<std::string> ReadFileText(const std::string& path, std::size_t bytes_max) {
  // A path with a NUL would be opened up to it: another file than the one named.
  if (path.find('\0') != path.npos) return Invalid("has a NUL byte in its name");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return Failed("can't be opened", errno);
  struct stat state {};
  if (fstat(file.get(), &state) != 0) return Failed("can't be examined", errno);
  if (S_ISDIR(state.st_mode)) return Invalid("is a directory");
  if (!S_ISREG(state.st_mode)) return Invalid("is not a regular file");
  if (static_cast<std::uint64_t>(state.st_size) > bytes_max) return TooLarge(bytes_max);

  // The size is a hint only: files grow, and those of /proc and /sys say 0 or 4096.
  std::string text;
  for (;;) {
    const std::size_t held = text.size();
    text.resize(held + 64 * 1024);
    const ssize_t count = read(file.get(), text.data() + held, text.size() - held);
    const int error = errno;
    text.resize(held + (count > 0 ? static_cast<std::size_t>(count) : 0));
    if (count < 0 && error == EINTR) continue;
    if (count < 0) return Failed("can't be read", error);
    if (text.size() > bytes_max) return TooLarge(bytes_max);
    if (count == 0) return text;
  }
}

}  // namespace edgetwin::config
