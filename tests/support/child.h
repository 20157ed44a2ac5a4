// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A child process that can't outlive its test.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace edgetwin::tests {

struct ChildOptions {
  std::vector<std::string> args{};  // args[0]: the program, looked up in PATH when it has no '/'.
  std::vector<std::string> env{};   // "NAME=value", added to ours.
  std::string output_file{};        // Both standard streams, appended; empty: /dev/null.
  std::string folder{};             // To run in; empty: ours.
};

class Child {
 public:
  // Starts the program. It is killed when the thread that started it ends, so that no crash of a
  // test leaves it behind: start children from the test's main thread.
  explicit Child(ChildOptions options);
  // Kills it and waits.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Whether it has not ended yet.
  bool running();
  // Sends `signal`; ignored once the process has ended.
  void Kill(int signal = SIGKILL);
  // Waits for the end: the exit code, or 128 + the signal that ended it; nothing when the time is
  // up.
  std::optional<int> Wait(std::chrono::milliseconds at_most);

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

// Runs a program to its end and returns its exit code (-1 when it took longer than a minute).
int RunChild(ChildOptions options);

}  // namespace edgetwin::tests
