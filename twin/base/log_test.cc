// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace {

std::vector<std::string> journal_entries;
int journal_result = 0;

}  // namespace

// Takes the place of libsystemd's, whose socket has a fixed path: what would reach journald ends
// here.
extern "C" int sd_journal_sendv(const iovec* parts, int count) {
  for (int i = 0; i < count; ++i) {
    journal_entries.emplace_back(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  }
  return journal_result;
}

namespace edgetwin {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Replaces file descriptor 2 by a file, a terminal, …; puts the old one back.
class StderrAs {
 public:
  explicit StderrAs(int fd) : saved_(dup(STDERR_FILENO)) {
    dup2(fd, STDERR_FILENO);
    if (fd != STDERR_FILENO) close(fd);
  }
  ~StderrAs() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }
  StderrAs(const StderrAs&) = delete;

 private:
  int saved_;
};

int MemoryFile() {
  return memfd_create("log", 0);
}

// What stands in the file behind descriptor 2.
std::string Written() {
  std::string text(64 << 10, '\0');
  const ssize_t size = pread(STDERR_FILENO, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    journal_entries.clear();
    journal_result = 0;
    unsetenv("JOURNAL_STREAM");
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
  }
  void TearDown() override {
    SetUp();
    InitLog("test", LogLevel::kInfo);
  }

  // The line without its time.
  static std::string Line(LogLevel level, std::string_view text,
                          std::initializer_list<LogField> fields = {}) {
    const StderrAs captured(MemoryFile());
    InitLog("edgetwind", LogLevel::kDebug);
    Log(level, text, fields);
    const std::string line = Written();
    return line.substr(std::min(line.find(' ') + 1, line.size()));
  }

  static void NameStderrAsTheJournal() {
    struct stat state {};
    ASSERT_EQ(fstat(STDERR_FILENO, &state), 0);
    const std::string stream = std::to_string(state.st_dev) + ":" + std::to_string(state.st_ino);
    setenv("JOURNAL_STREAM", stream.c_str(), 1);
  }
};

TEST_F(LogTest, WritesTimeLevelTextAndFields) {
  const StderrAs captured(MemoryFile());
  InitLog("edgetwind", LogLevel::kInfo);
  Log(LogLevel::kWarning, "the broker refused us", {{"broker", "mqtt://b"}, {"tries", "3"}});
  EXPECT_THAT(Written(), ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\."
                                       "[0-9]{3}Z warning the broker refused us "
                                       "broker=mqtt://b tries=3\n$"));
}

TEST_F(LogTest, QuotesFieldsThatWouldNotReadBackAsOneWord) {
  EXPECT_EQ(Line(LogLevel::kInfo, "x",
                 {{"a", "two words"}, {"b", ""}, {"c", "say \"hi\""}, {"d", "k=v"}, {"e", "a\\b"}}),
            "info x a=\"two words\" b=\"\" c=\"say \\\"hi\\\"\" d=\"k=v\" e=\"a\\\\b\"\n");
}

TEST_F(LogTest, OneCallIsOneLineWhateverTheTextHolds) {
  EXPECT_EQ(Line(LogLevel::kError, "a\nb\r\tc", {{"k", "x\ny"}}), "error a\\nb\\r\\tc k=x\\ny\n");
}

TEST_F(LogTest, NoByteMovesATerminalsCursor) {
  EXPECT_EQ(Line(LogLevel::kInfo, "\x1b[2J \x7f \xc2\x9b!"), "info \\x1b[2J \\x7f \\xc2\\x9b!\n");
}

TEST_F(LogTest, KeepsValidUtf8AndEscapesWhatIsNot) {
  EXPECT_EQ(Line(LogLevel::kInfo, "21 °C – ok \xff\xc0\xaf \xed\xa0\x80 \xf0\x9f\x94\xa5 \xe2\x82"),
            "info 21 °C – ok \\xff\\xc0\\xaf \\xed\\xa0\\x80 \xf0\x9f\x94\xa5 \\xe2\\x82\n");
}

TEST_F(LogTest, CutsAnEndlessLineToWhatOneWriteToAPipeKeepsWhole) {
  std::string text;
  while (text.size() < 100'000) text += "°";
  const std::string line = Line(LogLevel::kInfo, text, {{"a", text}});
  EXPECT_LE(line.size(), static_cast<std::size_t>(PIPE_BUF));
  EXPECT_THAT(line, EndsWith("°…\n"));
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevel) {
  const StderrAs captured(MemoryFile());
  InitLog("edgetwind", LogLevel::kNotice);
  Log(LogLevel::kInfo, "left out");
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "kept");
  EXPECT_THAT(Written(), Not(HasSubstr("left out")));
  EXPECT_THAT(Written(), HasSubstr("debug kept\n"));
}

TEST_F(LogTest, LinesOfManyThreadsDoNotMix) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  ASSERT_GT(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 0);
  {
    const StderrAs captured(ends[1]);
    InitLog("edgetwind", LogLevel::kInfo);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([thread] {
        const std::string text(300, static_cast<char>('a' + thread));
        for (int i = 0; i < 100; ++i) Log(LogLevel::kInfo, text);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::string all(1 << 20, '\0');
  const ssize_t size = read(ends[0], all.data(), all.size());
  close(ends[0]);
  ASSERT_GT(size, 0);
  std::istringstream lines(all.substr(0, static_cast<std::size_t>(size)));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::string text = line.substr(line.rfind(' ') + 1);
    ASSERT_EQ(std::set<char>(text.begin(), text.end()).size(), 1u) << line;
    ASSERT_THAT(text, SizeIs(300));
  }
  EXPECT_EQ(count, 400);
}

TEST_F(LogTest, ColoursOnlyATerminalAndOnlyWhereColourIsWanted) {
  EXPECT_THAT(Line(LogLevel::kError, "x"), Not(HasSubstr("\x1b")));

  const auto on_terminal = [] {
    int ours = -1, theirs = -1;
    EXPECT_EQ(openpty(&ours, &theirs, nullptr, nullptr, nullptr), 0);
    const StderrAs captured(theirs);
    InitLog("edgetwind", LogLevel::kInfo);
    Log(LogLevel::kError, "x");
    std::string text(4096, '\0');
    const ssize_t size = read(ours, text.data(), text.size());
    close(ours);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  };
  EXPECT_THAT(on_terminal(), HasSubstr("\x1b[31merror\x1b[0m x"));
  setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(on_terminal(), HasSubstr(" error x"));
  setenv("NO_COLOR", "", 1);
  EXPECT_THAT(on_terminal(), HasSubstr("\x1b[31m"));
  setenv("TERM", "dumb", 1);
  EXPECT_THAT(on_terminal(), HasSubstr(" error x"));
}

TEST_F(LogTest, UnderSystemdItGoesToTheJournalWithItsFields) {
  const StderrAs captured(MemoryFile());
  NameStderrAsTheJournal();
  InitLog("edgetwind", LogLevel::kInfo);
  Log(LogLevel::kWarning, "a\nb", {{"poll-time", "3 s"}});
  EXPECT_THAT(Written(), IsEmpty());
  EXPECT_THAT(journal_entries,
              ElementsAre("MESSAGE=a\\nb", "PRIORITY=4", "SYSLOG_IDENTIFIER=edgetwind",
                          "EDGETWIN_POLL_TIME=3 s"));
}

TEST_F(LogTest, FallsBackToStderrWhenTheJournalDoesNotTakeTheLine) {
  const StderrAs captured(MemoryFile());
  NameStderrAsTheJournal();
  journal_result = -ENOBUFS;
  InitLog("edgetwind", LogLevel::kInfo);
  Log(LogLevel::kInfo, "still said");
  EXPECT_THAT(Written(), HasSubstr("info still said\n"));
}

TEST_F(LogTest, AJournalStreamInheritedPastARedirectionIsNotBelieved) {
  const StderrAs captured(MemoryFile());
  setenv("JOURNAL_STREAM", "8:12345", 1);
  InitLog("edgetwind", LogLevel::kInfo);
  Log(LogLevel::kInfo, "to the file");
  EXPECT_THAT(journal_entries, IsEmpty());
  EXPECT_THAT(Written(), HasSubstr("info to the file\n"));
}

}  // namespace
}  // namespace edgetwin
