// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whether the watchdog of a real agent is fed by what moves. This test is the service manager.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/command.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeout{1'000};

// sd_notify(3)'s other end.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~NotifySocket() { close(fd_); }

  // Whether it was fed within the time.
  bool Fed(milliseconds within) {
    pollfd wait{fd_, POLLIN, 0};
    const auto end = std::chrono::steady_clock::now() + within;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() < 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
      char text[4096];
      const ssize_t bytes = recv(fd_, text, sizeof text, 0);
      if (bytes > 0 && std::string(text, static_cast<std::size_t>(bytes)) == "WATCHDOG=1")
        return true;
    }
  }

 private:
  int fd_;
};

// All but the main one.
std::vector<pid_t> ThreadsOf(pid_t pid) {
  std::vector<pid_t> threads;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    const pid_t thread = std::stoi(entry.path().filename());
    if (thread != pid) threads.push_back(thread);
  }
  return threads;
}

TEST(WatchdogTest, IsNotFedWhileTheStoreHangsAndTheLoopTurns) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer has a thread of its own, which is not to be told apart";
#endif
  const TempDir folder;
  std::filesystem::create_directory(folder.path() / "store");
  // Without cloud and history its one other thread is the store's, and it has work for it.
  const std::string config = folder.Write(
      "edgetwin.toml",
      "[device]\nid = \"watched\"\n[store]\ndirectory = \"store\"\ncommit_window = \"50ms\"\n"
      "[history]\nenabled = false\n[api]\nsocket = \"sock\"\n[drivers.host]\nperiod = \"500ms\"\n");
  NotifySocket notified(folder.File("notify"));
  Child agent({.args = {EDGETWIN_BIN_DIR "/edgetwind", "-c", config},
               .env = {"NOTIFY_SOCKET=" + folder.File("notify"),
                       "WATCHDOG_USEC=" + std::to_string(kTimeout.count() * 1'000)},
               .output_file = folder.File("log")});
  ASSERT_TRUE(notified.Fed(milliseconds(60'000))) << ReadFile(folder.File("log"));
  ASSERT_TRUE(Until([&] { return ThreadsOf(agent.pid()).size() == 1; }, 20));
  const pid_t store = ThreadsOf(agent.pid()).at(0);
  if (ptrace(PTRACE_SEIZE, store, nullptr, nullptr) != 0) {
    GTEST_SKIP() << "a thread may not be stopped here: " << std::strerror(errno);
  }
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, store, nullptr, nullptr), 0);
  ASSERT_EQ(waitpid(store, nullptr, __WALL), store);

  // Fed each half of the timeout before; a gap of three is none of the load's if the loop answers.
  const auto ask = [&] {
    return RunCommand({EDGETWIN_BIN_DIR "/edgetwin", "--config", config, "status"}).out;
  };
  bool gap = false;
  for (int tries = 0; tries < 60 && !gap; ++tries) {
    gap = !notified.Fed(3 * kTimeout) && ask().find("watched") != std::string::npos;
  }
  EXPECT_TRUE(gap) << "it is fed all the time";
  EXPECT_TRUE(
      Until([&] { return ask().find("The store has not answered for") != std::string::npos; }, 60));
  ASSERT_EQ(ptrace(PTRACE_DETACH, store, nullptr, nullptr), 0);
  EXPECT_TRUE(notified.Fed(milliseconds(60'000))) << "it goes on";
}

}  // namespace
}  // namespace edgetwin::tests
