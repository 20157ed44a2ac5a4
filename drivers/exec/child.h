// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Starts a program in a session of its own, within limits, with nothing of the agent's but three
// pipes.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "drivers/exec/descriptor.h"
#include "twin/base/result.h"

namespace edgetwin::exec {

struct ChildLimits {
  std::uint64_t memory_bytes_max = 256 << 20;  // Of address space.
  std::uint64_t open_files_max = 64;
  std::uint64_t file_bytes_max = 16 << 20;  // Of one file that it writes.
  std::chrono::seconds cpu_time_max{0};     // Over its whole run; 0: no limit.
  int nice = 5;                             // 0 to 19.
};

struct ChildOptions {
  std::string program;            // An absolute path; no shell is involved.
  std::vector<std::string> args;  // Without the program itself.
  std::string directory;
  std::vector<std::string> env;  // All of it, as "NAME=value".
  ChildLimits limits;
};

// A process that was started and is not reaped: it leads a session and a process group, both of its
// own. The pipes' ends are non-blocking.
struct Child {
  pid_t pid = 0;
  Descriptor process;  // A pidfd: readable once it has exited.
  Descriptor input;    // Its stdin.
  Descriptor output;   // Its stdout.
  Descriptor errors;   // Its stderr.
  Descriptor failure;  // See StartFailure.
};

// Returns without waiting for the program's file to be loaded: that it can't be run shows when the
// process exits. It is killed when the thread that calls this ends, so that it dies with the agent.
// kUnavailable: no more processes or descriptors; kUnsupported: the kernel is older than 5.3.
Result<Child> StartChild(const ChildOptions& options);

// Why an exited process never became the program; empty if it did.
std::string StartFailure(const Child& child, const ChildOptions& options);

// Kills what is left of the group and takes the exit status of a process that has exited (that is,
// whose `process` is readable): "exited with 3", "was killed by signal 9 (Killed)".
std::string Reap(const Child& child);

// Sends `signal` to the process and to all of its group. Only before it is reaped.
void Signal(const Child& child, int signal);

}  // namespace edgetwin::exec
