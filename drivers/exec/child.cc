// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace edgetwin::exec {
namespace {

// Where the child is to find the pipe that tells why it never became the program.
constexpr int kFailureFd = 3;

// What the child could not do.
enum class Step : int { kSetUp, kDirectory, kExec };
struct Failure {
  Step step;
  int error;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Away from 0 to 3, which the child overwrites one after the other.
Descriptor Lifted(Descriptor low) {
  return Descriptor(fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
}

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Unavailable(std::string("no pipe for the program: ") + std::strerror(errno));
  }
  Pipe pipe{Lifted(Descriptor(ends[0])), Lifted(Descriptor(ends[1]))};
  if (!pipe.read.open() || !pipe.write.open()) {
    return Unavailable(std::string("no pipe for the program: ") + std::strerror(errno));
  }
  return pipe;
}

void SetNonBlocking(const Descriptor& end) {
  fcntl(end.get(), F_SETFL, fcntl(end.get(), F_GETFL) | O_NONBLOCK);
}

// All that the child needs, made before the fork: after it, it may not allocate.
struct Plan {
  const char* program;
  char** args;
  char** env;
  const char* directory;
  const ChildLimits* limits;
  pid_t parent;
  int input;
  int output;
  int errors;
  int failure;
};

[[noreturn]] void Fail(Step step) {
  const Failure failure{step, errno};
  // Straight to the kernel: what a sanitizer puts around write and _exit may want memory, which is
  // limited by now.
  syscall(SYS_write, kFailureFd, &failure, sizeof failure);
  while (true) syscall(SYS_exit_group, 127);
}

void Limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit{value, value};
  // A hard limit that is lower already stays.
  if (setrlimit(resource, &limit) != 0 && errno != EPERM) Fail(Step::kSetUp);
}

// What runs between fork and exec: only calls that are safe there. Signals are blocked.
[[noreturn]] void Become(const Plan& plan) {
  dup2(plan.input, STDIN_FILENO);
  dup2(plan.output, STDOUT_FILENO);
  dup2(plan.errors, STDERR_FILENO);
  dup3(plan.failure, kFailureFd, O_CLOEXEC);
  if (close_range(kFailureFd + 1, ~0U, 0) != 0) Fail(Step::kSetUp);
  if (setsid() < 0) Fail(Step::kSetUp);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(127);  // The agent died before this was in force.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  const ChildLimits& limits = *plan.limits;
  Limit(RLIMIT_CORE, 0);
  Limit(RLIMIT_AS, limits.memory_bytes_max);
  Limit(RLIMIT_NOFILE, limits.open_files_max);
  Limit(RLIMIT_FSIZE, limits.file_bytes_max);
  if (limits.cpu_time_max.count() > 0) {
    Limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu_time_max.count()));
  }
  setpriority(PRIO_PROCESS, 0, limits.nice);  // One that may not be raised stays.
  if (chdir(plan.directory) != 0) Fail(Step::kDirectory);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.program, plan.args, plan.env);
  Fail(Step::kExec);
}

// glibc 2.36 declares pidfd_open without C linkage.
int PidfdOpen(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<Child> StartChild(const ChildOptions& options) {
  std::array<Result<Pipe>, 4> pipes = {MakePipe(), MakePipe(), MakePipe(), MakePipe()};
  for (const auto& pipe : pipes) {
    if (!pipe) return pipe.error();
  }
  auto& [input, output, errors, failure] = pipes;
  std::vector<std::string> args = {options.program};
  args.insert(args.end(), options.args.begin(), options.args.end());
  std::vector<std::string> env = options.env;
  std::vector<char*> arg_pointers = Pointers(args);
  std::vector<char*> env_pointers = Pointers(env);
  const Plan plan{options.program.c_str(),   arg_pointers.data(), env_pointers.data(),
                  options.directory.c_str(), &options.limits,     getpid(),
                  input->read.get(),         output->write.get(), errors->write.get(),
                  failure->write.get()};
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // The agent's handlers are none of the child's.
  const pid_t pid = fork();
  if (pid == 0) Become(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Unavailable(std::string("no process: ") + std::strerror(error));

  Child child;
  child.pid = pid;
  child.process = Descriptor(PidfdOpen(pid));
  if (!child.process.open()) {
    const Error why = MakeError(
        errno == ENOSYS ? ErrorCode::kUnsupported : ErrorCode::kUnavailable,
        std::string("the program can't be followed (pidfd_open): ") + std::strerror(errno));
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return why;
  }
  child.input = std::move(input->write);
  child.output = std::move(output->read);
  child.errors = std::move(errors->read);
  child.failure = std::move(failure->read);
  for (const Descriptor* end : {&child.input, &child.output, &child.errors, &child.failure}) {
    SetNonBlocking(*end);
  }
  return child;
}

std::string StartFailure(const Child& child, const ChildOptions& options) {
  Failure failure{};
  if (read(child.failure.get(), &failure, sizeof failure) != sizeof failure) return {};
  const std::string why = std::string(": ") + std::strerror(failure.error);
  switch (failure.step) {
    case Step::kDirectory: return "can't enter '" + options.directory + "'" + why;
    case Step::kExec: return "can't run '" + options.program + "'" + why;
    case Step::kSetUp: break;
  }
  return "its limits can't be set" + why;
}

std::string Reap(const Child& child) {
  // While the leader is not reaped, its number can't be another group's.
  Signal(child, SIGKILL);
  int status = 0;
  if (waitpid(child.pid, &status, WNOHANG) != child.pid) return "ended";
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = sigdescr_np(signal);
  return "was killed by signal " + std::to_string(signal) +
         (name == nullptr ? "" : " (" + std::string(name) + ")");
}

void Signal(const Child& child, int signal) {
  // Both: just after the fork there is no such group yet.
  kill(-child.pid, signal);
  kill(child.pid, signal);
}

}  // namespace edgetwin::exec
