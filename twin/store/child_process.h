// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Tests that need a process of their own: to be killed, to lose a right, or to have a file system
// of its own.

#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

namespace edgetwin::store {

// Runs `body` in a fork; fails the test when an expectation in it fails (its text goes to stdout).
inline void RunInChild(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    std::fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

// Gives the calling process mounts of its own and a tmpfs on `folder`. False where the kernel
// forbids it.
inline bool MountPrivately(const std::string& folder, const std::string& options) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

inline bool CanMountPrivately(const std::string& folder) {
  const pid_t child = fork();
  if (child == 0) _exit(MountPrivately(folder, "size=64k") ? 0 : 1);
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace edgetwin::store
