// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

extern char** environ;  // NOLINT: POSIX's own.

namespace edgetwin::tests {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// What runs between fork and exec: only calls that are safe there.
[[noreturn]] void Become(pid_t parent, const char* output, const char* folder, char** args,
                         char** env) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (in < 0 || out < 0) _exit(126);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  close_range(3, ~0U, 0);
  if (folder[0] != '\0' && chdir(folder) != 0) _exit(126);
  execvpe(args[0], args, env);
  _exit(127);
}

}  // namespace

Child::Child(ChildOptions options) {
  std::vector<std::string> env = options.env;
  for (char** entry = environ; *entry != nullptr; ++entry) env.emplace_back(*entry);
  const std::vector<char*> args = Pointers(options.args);
  const std::vector<char*> envp = Pointers(env);
  const std::string output = options.output_file.empty() ? "/dev/null" : options.output_file;
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid_ == 0) {
    Become(parent, output.c_str(), options.folder.c_str(), const_cast<char**>(args.data()),
           const_cast<char**>(envp.data()));
  }
}

Child::~Child() {
  Kill(SIGKILL);
  if (!exit_code_) waitpid(pid_, nullptr, 0);
}

bool Child::running() {
  return !Wait(std::chrono::milliseconds(0)).has_value();
}

void Child::Kill(int signal) {
  if (running()) kill(pid_, signal);
}

std::optional<int> Child::Wait(std::chrono::milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!exit_code_) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      break;
    }
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return exit_code_;
}

int RunChild(ChildOptions options) {
  Child child(std::move(options));
  return child.Wait(std::chrono::minutes(1)).value_or(-1);
}

}  // namespace edgetwin::tests
