// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/pty.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "twin/base/check.h"

namespace edgetwin::driver::testing {

Pty::Pty() {
  std::string name = std::filesystem::temp_directory_path() / "edgetwin-pty-XXXXXX";
  EDGETWIN_CHECK(mkdtemp(name.data()) != nullptr);
  folder_ = name;
  link_ = folder_ + "/port";
  Plug();
}

Pty::~Pty() {
  Unplug();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Pty::Plug() {
  Unplug();
  fd_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  EDGETWIN_CHECK(fd_ >= 0 && grantpt(fd_) == 0 && unlockpt(fd_) == 0);
  char name[64];
  EDGETWIN_CHECK(ptsname_r(fd_, name, sizeof name) == 0);
  kept_ = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  EDGETWIN_CHECK(kept_ >= 0);
  // Else it echoes what it gets until somebody sets it.
  termios line{};
  EDGETWIN_CHECK(tcgetattr(kept_, &line) == 0);
  cfmakeraw(&line);
  EDGETWIN_CHECK(tcsetattr(kept_, TCSANOW, &line) == 0);
  std::filesystem::create_symlink(name, link_);
}

void Pty::Unplug() {
  if (fd_ < 0) return;
  std::filesystem::remove(link_);
  close(kept_);
  close(fd_);
  fd_ = kept_ = -1;
}

std::string Pty::target() const {
  return std::filesystem::read_symlink(link_);
}

void Pty::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    EDGETWIN_CHECK(written > 0);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace edgetwin::driver::testing
