// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/no_io.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>
#include <vector>

namespace edgetwin::driver::testing {
namespace {

struct Call {
  const char* name;
  unsigned number;
};

// Not all that there are: those that a library which does something begins with.
constexpr std::array kForbidden = {
#ifdef SYS_open
    Call{"open", SYS_open},
#endif
    Call{"openat", SYS_openat},
    Call{"openat2", SYS_openat2},
    Call{"socket", SYS_socket},
    Call{"connect", SYS_connect},
    Call{"ioctl", SYS_ioctl},
    Call{"execve", SYS_execve},
    Call{"clone", SYS_clone},
    Call{"clone3", SYS_clone3},
#ifdef SYS_mkdir
    Call{"mkdir", SYS_mkdir},
#endif
    Call{"mkdirat", SYS_mkdirat},
    Call{"unlinkat", SYS_unlinkat},
    Call{"eventfd2", SYS_eventfd2},
    Call{"epoll_create1", SYS_epoll_create1},
    Call{"inotify_init1", SYS_inotify_init1},
};
constexpr int kSetUpFailed = 100;
constexpr int kThrew = 101;
constexpr int kCalled = 110;  // And the index of the call.

void TellCall(int, siginfo_t* info, void*) {
  for (std::size_t i = 0; i < kForbidden.size(); ++i) {
    if (kForbidden[i].number == static_cast<unsigned>(info->si_syscall)) {
      _exit(kCalled + static_cast<int>(i));
    }
  }
  _exit(kCalled - 1);
}

bool Forbid() {
  struct sigaction action {};
  action.sa_sigaction = TellCall;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGSYS, &action, nullptr) != 0) return false;
  std::vector<sock_filter> filter;
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const Call& call : kForbidden) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

std::string CallsOf(const std::function<void()>& work) {
  const pid_t pid = fork();
  if (pid < 0) return std::string("fork: ") + std::strerror(errno);
  if (pid == 0) {
    if (!Forbid()) _exit(kSetUpFailed);
    try {
      work();
    } catch (const std::exception&) {
      _exit(kThrew);
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return std::string("ended by ") + strsignal(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  if (code == 0) return "";
  if (code == kSetUpFailed) return "no system-call filter could be set";
  if (code == kThrew) return "threw an exception";
  if (code >= kCalled && code < kCalled + static_cast<int>(kForbidden.size())) {
    return kForbidden[static_cast<std::size_t>(code - kCalled)].name;
  }
  return "ended with status " + std::to_string(code);
}

}  // namespace edgetwin::driver::testing
