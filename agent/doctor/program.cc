// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "twin/base/clock.h"

namespace edgetwin::doctor {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

Result<pid_t> Spawn(const std::vector<std::string>& args, int output) {
  std::vector<char*> words;
  words.reserve(args.size() + 1);
  for (const std::string& arg : args) words.push_back(const_cast<char*>(arg.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  // A group of its own, so that all of it can be ended.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error == 0) return pid;
  const std::string text = args[0] + ": " + std::strerror(error);
  return error == ENOENT ? NotFound(text) : Unavailable(text);
}

// Until everybody has closed the other end; false when that took too long.
bool Drain(int input, milliseconds at_most, std::size_t bytes_max, ProgramRun& run) {
  const SystemClock clock;
  const MonoTime end = clock.Now() + at_most;
  std::array<char, 8192> buffer;
  for (;;) {
    const auto left = duration_cast<milliseconds>(end - clock.Now());
    if (left.count() <= 0) return false;
    pollfd wait{input, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    const ssize_t bytes = read(input, buffer.data(), buffer.size());
    if (bytes == 0) return true;
    if (bytes < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    const auto taken =
        std::min(static_cast<std::size_t>(bytes), bytes_max - std::min(bytes_max, run.out.size()));
    run.out.append(buffer.data(), taken);
    run.cut = run.cut || taken < static_cast<std::size_t>(bytes);
  }
}

}  // namespace

Result<ProgramRun> RunProgram(const std::vector<std::string>& args, milliseconds at_most,
                              std::size_t bytes_max) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unavailable(std::string("pipe: ") + std::strerror(errno));
  const auto pid = Spawn(args, ends[1]);
  close(ends[1]);
  if (!pid) {
    close(ends[0]);
    return pid.error();
  }
  ProgramRun run;
  const bool ended = Drain(ends[0], at_most, bytes_max, run);
  close(ends[0]);
  if (!ended) kill(-*pid, SIGKILL);
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return TimedOut(args[0] + " did not end within " + std::to_string(at_most.count()) + " ms");
  }
  run.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return run;
}

}  // namespace edgetwin::doctor
