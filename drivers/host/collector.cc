// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/collector.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

namespace edgetwin::host {
namespace {

constexpr std::chrono::seconds kSlowPace{10};
// A poll that comes a little early is not made to wait for another ten seconds.
constexpr std::chrono::milliseconds kSlowPaceEarly{100};

}  // namespace

bool SlowPace::Due(MonoTime now) {
  if (ran_ && now - last_ < kSlowPace - kSlowPaceEarly) return false;
  ran_ = true;
  last_ = now;
  return true;
}

Result<FilesystemSpace> ProbeSpace(const std::string& folder) {
  struct statvfs space {};
  int result = 0;
  do {
    result = statvfs(folder.c_str(), &space);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return Unavailable(folder + ": " + std::system_category().message(errno));
  return FilesystemSpace{space.f_frsize, space.f_blocks, space.f_bfree,
                         space.f_bavail, space.f_files,  space.f_ffree};
}

}  // namespace edgetwin::host
