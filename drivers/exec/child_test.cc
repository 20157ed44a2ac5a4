// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/child.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <optional>
#include <thread>

namespace edgetwin::exec {
namespace {

TEST(ChildTest, DiesWithTheThreadThatStartedIt) {
  ChildOptions options;
  options.program = "/bin/sh";
  options.args = {"-c", "echo; exec sleep 1000"};
  options.directory = "/";
  options.limits.memory_bytes_max = std::uint64_t{1} << 30;
  std::optional<Result<Child>> child;
  std::thread starter([&] {
    child = StartChild(options);
    if (!*child) return;
    pollfd began{(*child)->output.get(), POLLIN, 0};
    EXPECT_EQ(poll(&began, 1, 30'000), 1);
  });
  starter.join();
  ASSERT_TRUE(*child) << child->error().text;
  pollfd exited{(*child)->process.get(), POLLIN, 0};
  const bool ended = poll(&exited, 1, 10'000) == 1;
  if (!ended) Signal(**child, SIGKILL);
  ASSERT_TRUE(ended);
  EXPECT_EQ(Reap(**child), "was killed by signal 9 (Killed)");
}

}  // namespace
}  // namespace edgetwin::exec
