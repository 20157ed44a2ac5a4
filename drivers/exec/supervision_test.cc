// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Programs that crash, hang, flood and won't end, all of them real.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "drivers/exec/exec_driver_test_base.h"
#include "drivers/exec/undertaker.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::exec {
namespace {

namespace fs = std::filesystem;
using driver::testing::CodeOf;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(ExecDriverTest, ACrashMakesValuesBadAndIsRestarted) {
  Start(std::string(kBegin) + R"(
echo '{"values":{"count":1}}'
echo 'segment violated' >&2
[ -e "$1/crashed" ] || { echo yes > "$1/crashed"; kill -SEGV $$; }
cat
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok" && InFile("crashed") == "yes\n"; }));
  ASSERT_TRUE(UntilError("signal 11"));
  EXPECT_EQ(Part().last_error,
            "sh was killed by signal 11 (Segmentation fault); its stderr ends with: segment "
            "violated");
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/count").size() == 3; }));
  EXPECT_EQ(sink_.Samples("t/count")[1].quality, model::Quality::kBad);
  EXPECT_EQ(sink_.Samples("t/count")[2].quality, model::Quality::kGood);
  EXPECT_EQ(LimitOf("restart_pause_ms").hits, 1u);
}

TEST_F(ExecDriverTest, WhatCantBeRunIsNamed) {
  StartProgram("program = \"/nowhere/program\"\n");
  ASSERT_TRUE(UntilError("can't run"));
  EXPECT_EQ(Part().last_error, "program can't run '/nowhere/program': No such file or directory");
  EXPECT_EQ(sink_.polls().front().result.error().code, ErrorCode::kUnavailable);
}

TEST_F(ExecDriverTest, ExitingAtOnceWithZeroIsAFailureToo) {
  Start("exit 0\n");
  ASSERT_TRUE(UntilError("exited with 0"));
  ASSERT_TRUE(Until([&] { return LimitOf("restart_pause_ms").hits >= 3; }));
  EXPECT_NE(Part().state, "ok");
}

TEST_F(ExecDriverTest, OneThatNeverBecomesReadyIsEnded) {
  Start("exec cat\n", "ready_within = \"100ms\"\n");
  ASSERT_TRUE(Until([&] { return driver_.pid() != 0; }));
  const pid_t pid = driver_.pid();
  ASSERT_TRUE(UntilError("was not ready within 100ms"));
  EXPECT_TRUE(Until([&] { return !Lives(pid); }));
}

TEST_F(ExecDriverTest, OneThatHangsIsReplacedThoughItIgnoresSigterm) {
  Start(R"(trap '' TERM
echo $$ >> "$1/pids"
)" + std::string(kBegin) +
            R"(
echo '{"values":{"count":1}}'
while :; do sleep 1000; done
)",
        "period = \"10ms\"\nsilence = \"60ms\"\nstop_within = \"20ms\"\n");
  ASSERT_TRUE(Until([&] { return std::ranges::count(InFile("pids"), '\n') == 2; }));
  EXPECT_FALSE(Lives(static_cast<pid_t>(std::stol(InFile("pids")))));
  EXPECT_THAT(sink_.TakeTranscript(),
              AllOf(HasSubstr("has not answered a read for 60ms"), HasSubstr("t/count bad")));
}

TEST_F(ExecDriverTest, OneThatReportsByItselfAndFallsSilentIsReplaced) {
  Start(std::string(kBegin) + "echo '{\"values\":{\"count\":1}}'\ncat > /dev/null\n",
        "silence = \"80ms\"\n");
  EXPECT_TRUE(UntilError("was silent for 80ms"));
}

TEST_F(ExecDriverTest, AFloodIsHeldToItsRateAndTheLoopStaysFree) {
  Start(std::string(kBegin) + "yes '{\"values\":{\"count\":1}}'\n", "lines_per_second_max = 50\n");
  ASSERT_TRUE(Until([&] { return LimitOf("lines_per_second").hits >= 2; }));
  EXPECT_LE(LimitOf("lines_per_second").peak, 50u);
  EXPECT_LE(sink_.Samples("t/count").size(), 150u);
  EXPECT_EQ(Part().state, "ok");
  EXPECT_LT(longest_turn_, seconds(1));
}

TEST_F(ExecDriverTest, GarbageIsCountedNamedAndAtLastEnded) {
  Start(std::string(kBegin) + R"(
head -c 2000 /dev/urandom
echo
echo 'not {json'
echo '{"values":{"count":1}}'
read -r line
while :; do echo nonsense; done
)");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  EXPECT_GE(LimitOf("bad_lines").hits, 2u);
  // Whatever it reads, it goes on with nonsense.
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [](auto) {}));
  ASSERT_TRUE(
      UntilError("wrote 100 lines in a row that are no messages, at last: no JSON: "
                 "'nonsense'"));
}

TEST_F(ExecDriverTest, AFullStderrStopsNobody) {
  Start(std::string(kBegin) + R"(
head -c 150000 /dev/zero | tr '\0' '\n' >&2
echo 'the last words' >&2
echo '{"values":{"count":3}}'
exit 5
)");
  ASSERT_TRUE(UntilError("exited with 5; its stderr ends with: the last words"));
  EXPECT_GE(LimitOf("stderr_bytes_per_second").hits, 1u);
  EXPECT_EQ(sink_.Samples("t/count").front().value, Value(std::int64_t{3}));
}

TEST_F(ExecDriverTest, ChildrenThatOutliveTheProgramAreEnded) {
  Start(std::string(kBegin) + R"(
sleep 1000 &
echo $! > "$1/child"
exit 1
)");
  ASSERT_TRUE(UntilError("exited with 1"));
  const pid_t child = static_cast<pid_t>(std::stol(InFile("child")));
  EXPECT_TRUE(Until([&] { return !Lives(child); }));
}

TEST_F(ExecDriverTest, MemoryIsLimited) {
  Start(std::string(kBegin) + R"(
x=$(head -c 50000000 /dev/zero | tr '\0' a)
echo '{"values":{"count":1}}'
cat
)",
        "memory_max = \"16MiB\"\n");
  ASSERT_TRUE(UntilError("sh "));
  EXPECT_FALSE(sink_.Has("t/count") && !sink_.Last("t/count").value.none());
}

TEST_F(ExecDriverTest, CpuTimeIsLimited) {
  Start(std::string(kBegin) + "while :; do :; done\n", "cpu_time_max = \"1s\"\nnice = 0\n");
  EXPECT_TRUE(UntilError("was killed by signal"));
}

TEST_F(ExecDriverTest, TheProgramIsToldToStopAndHasTimeForIt) {
  Start(std::string(kBegin) + R"(
while read -r line; do echo "$line" >> "$1/heard"; done
echo '{"values":{"level":0}}'
echo closed > "$1/valve"
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  const pid_t pid = driver_.pid();
  const MonoTime before = clock_.Now();
  driver_.Stop();
  EXPECT_LT(clock_.Now() - before, milliseconds(500));
  sink_.Revoke();
  ASSERT_TRUE(Until([&] { return !Lives(pid); }));
  EXPECT_EQ(InFile("heard"), "{\"stop\":{}}\n");
  EXPECT_EQ(InFile("valve"), "closed\n");
}

TEST_F(ExecDriverTest, StopLeavesNoProcess) {
  Start(R"(trap '' TERM
sleep 1000 &
echo $! > "$1/child"
)" + std::string(kBegin) +
            "while :; do sleep 1000; done\n",
        "stop_within = \"20ms\"\n");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  const pid_t pid = driver_.pid();
  const pid_t child = static_cast<pid_t>(std::stol(InFile("child")));
  driver_.Stop();
  EXPECT_TRUE(Until([&] { return !Undertaker::Get().Has(instance_); }));
  EXPECT_FALSE(Lives(pid));
  EXPECT_NE(kill(pid, 0), 0);  // Not even as a zombie.
  EXPECT_TRUE(Until([&] { return !Lives(child); }));
}

TEST_F(ExecDriverTest, AStartWaitsUntilTheEarlierRunIsGone) {
  const std::string script = R"(
[ -e "$1/lock" ] && echo shared >> "$1/trouble"
echo $$ > "$1/lock"
)" + std::string(kBegin) + R"(
read -r line
sleep 0.1
rm "$1/lock"
)";
  Start(script);
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  driver_.Stop();
  Start(script);
  EXPECT_EQ(Part().state, "failing");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  EXPECT_EQ(InFile("trouble"), "");
}

TEST_F(ExecDriverTest, OneThatClosesItsStdoutIsReplaced) {
  Start(std::string(kBegin) + "exec >&-\nexec sleep 1000\n");
  EXPECT_TRUE(UntilError("closed its stdout"));
}

TEST_F(ExecDriverTest, OneThatReadsNothingIsNotWaitedFor) {
  Start(std::string(kBegin) + "exec sleep 1000\n");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  std::optional<ErrorCode> refused;
  for (int i = 0; i < 100 && !refused; ++i) {
    refused = CodeOf(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [](auto) {}));
  }
  EXPECT_EQ(refused, ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("writes_under_way").hits, 1u);
}

// On a manual clock, which stands still while a program runs.
class ExecRestartTest : public ::testing::Test {
 protected:
  ExecRestartTest() {
    signal(SIGPIPE, SIG_IGN);
    loop_.AwaitWhile([this] { return driver_.pid() != 0; });
  }
  void Start(const std::string& script) {
    const auto node = driver::testing::ParseOptions("program = \"/bin/sh\"\nargs = [\"-c\", \"" +
                                                    script + "\"]\n");
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.restart", problems);
    ASSERT_TRUE(driver_.Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
  }
  // Runs until the program that runs now or next has ended, and gives the pause that follows.
  milliseconds NextPause() {
    const std::uint64_t before = Failures();
    for (int i = 0; i < 10'000 && Failures() == before; ++i) loop_.Run(milliseconds(10));
    EXPECT_EQ(Failures(), before + 1);
    return driver_.parts().front().next_try;
  }
  std::uint64_t Failures() const { return driver_.limits().back().hits; }

  ManualClock clock_;
  driver::testing::ManualLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  ExecDriver driver_{[] { return std::uint64_t{1}; }};
};

TEST_F(ExecRestartTest, PausesGrowUpToTheirMaximum) {
  Start("exit 1");
  milliseconds bound(2'000);
  milliseconds longest(0);
  for (int i = 0; i < 12; ++i) {
    const milliseconds pause = NextPause();
    EXPECT_GT(pause, milliseconds(980));  // Up to 10 ms of it are over already.
    EXPECT_LE(pause, bound);
    EXPECT_EQ(driver_.parts().front().state, "open");
    longest = std::max(longest, pause);
    bound = std::min(bound * 2, milliseconds(300'000));
    loop_.Run(pause - milliseconds(10));
    EXPECT_EQ(driver_.pid(), 0);  // Not a moment too early.
  }
  EXPECT_GT(longest, milliseconds(20'000));
}

TEST_F(ExecDriverTest, OneThatRanWellForAWhileIsForgivenItsPast) {
  // Crashes until its tenth run, which runs well until it is written to.
  Start(R"(echo run >> "$1/runs"
[ $(wc -l < "$1/runs") -lt 10 ] && exit 1
)" + std::string(kBegin) +
            "read -r line\nexit 2\n",
        "restart_max = \"100ms\"\nsteady_after = \"50ms\"\n");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  const MonoTime ready = clock_.Now();
  ASSERT_TRUE(Until([&] { return clock_.Now() > ready + milliseconds(80); }));
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [](auto) {}));
  ASSERT_TRUE(UntilError("exited with 2"));
  // As after the first of all failures: from restart_min to twice that.
  EXPECT_LE(Part().next_try, milliseconds(20));
}

}  // namespace
}  // namespace edgetwin::exec
