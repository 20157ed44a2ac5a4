// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs real programs, mostly small shell scripts.

#include "drivers/exec/exec_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drivers/exec/undertaker.h"
#include "drivers/sdk/testing/code_of.h"
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

constexpr seconds kPatience{30};

// What most programs here begin with: one property of each kind, then whatever the test wants.
constexpr char kBegin[] = R"(read -r hello
echo '{"define":[{"path":"level","type":"double","unit":"m","decimals":1,"writable":true},'\
'{"path":"count","type":"int"}]}'
echo '{"ready":{}}'
)";

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Zombies of other parents don't count: whoever is their parent reaps them when it likes.
bool Lives(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != stat.npos && stat.size() > name_end + 2 && stat[name_end + 2] != 'Z';
}

class ExecDriverTest : public ::testing::Test {
 protected:
  ExecDriverTest() {
    signal(SIGPIPE, SIG_IGN);
    folder_ = (fs::path(::testing::TempDir()) / "edgetwin-exec-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    instance_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~ExecDriverTest() override {
    driver_.Stop();
    sink_.Revoke();
    EXPECT_TRUE(Until([&] { return !Undertaker::Get().Has(instance_); }));
    fs::remove_all(folder_);
  }

  // Runs `script` by the shell with "$1" being a folder of its own; `options` are more lines.
  void Start(const std::string& script, const std::string& options = "") {
    std::ofstream(fs::path(folder_) / "script") << script;
    StartProgram("program = \"/bin/sh\"\nargs = [\"" + folder_ + "/script\", \"" + folder_ +
                 "\"]\n" + options);
  }
  void StartProgram(const std::string& options) {
    const auto node = driver::testing::ParseOptions(
        "restart_min = \"10ms\"\nrestart_max = \"10s\"\nthing = \"t\"\n" + options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers." + instance_, problems);
    ASSERT_TRUE(driver_.Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
  }

  template <class Holds>
  bool Until(Holds holds) {
    const MonoTime end = clock_.Now() + kPatience;
    while (!holds()) {
      if (clock_.Now() > end) return false;
      const MonoTime turn = clock_.Now();
      loop_.RunFor(milliseconds(2));
      longest_turn_ = std::max(longest_turn_, clock_.Now() - turn);
    }
    return true;
  }
  bool UntilValue(std::string_view path, const Value& value) {
    return Until([&] {
      return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kGood &&
             sink_.Last(path).value == value;
    });
  }
  bool UntilError(std::string_view text) {
    return Until([&] { return Part().last_error.find(text) != std::string::npos; });
  }
  bool UntilFile(const std::string& name) {
    return Until([&] { return !ReadFile(fs::path(folder_) / name).empty(); });
  }
  std::string InFile(const std::string& name) { return ReadFile(fs::path(folder_) / name); }
  driver::PartStatus Part() { return driver_.parts().front(); }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_.limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }

  std::string folder_;
  std::string instance_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  ExecDriver driver_{[] { return std::uint64_t{1}; }};
  std::chrono::microseconds longest_turn_{0};
};

TEST_F(ExecDriverTest, ValuesArriveWithTypeQualityAndTime) {
  Start(std::string(kBegin) + R"(
echo '{"report":[{"path":"level","value":1.26,"quality":"uncertain","time":1790000000123},'\
'{"path":"count","value":7}]}'
cat
)");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{7})));
  EXPECT_EQ(sink_.Last("t/level").value, Value(1.3));
  EXPECT_EQ(sink_.Last("t/level").quality, model::Quality::kUncertain);
  EXPECT_EQ(sink_.Last("t/level").time, WallTime(milliseconds(1'790'000'000'123)));
  EXPECT_EQ(sink_.DefOf("t/level").unit, "m");
  EXPECT_EQ(sink_.DefOf("t/level").source, "sh");
  EXPECT_EQ(Part().name, "sh");
  EXPECT_EQ(Part().state, "ok");
  EXPECT_TRUE(sink_.polls().back().result);
}

TEST_F(ExecDriverTest, TheProgramGetsItsOptionsArgumentsAndNothingOfTheAgents) {
  setenv("EDGETWIN_TEST_SECRET", "x", 1);
  Start(R"(read -r hello
echo "$hello" > "$1/hello"
env > "$1/env"
pwd > "$1/pwd"
ls /proc/$$/fd | tr '\n' ' ' > "$1/fds"
ulimit -n > "$1/files"
cut -d' ' -f5,6 /proc/$$/stat > "$1/group"
cat
)",
        "directory = \"" + folder_ +
            "\"\nopen_files_max = 20\n[env]\nCOLOUR = \"blue\"\n[options]\nport = 7\n");
  ASSERT_TRUE(UntilFile("group"));
  EXPECT_EQ(InFile("hello"), R"({"hello":{"instance":")" + instance_ +
                                 R"(","options":{"port":7},"protocol":1,"thing":"t"}})"
                                 "\n");
  EXPECT_THAT(InFile("env"), AllOf(HasSubstr("COLOUR=blue\n"), HasSubstr("PATH=/usr/local/bin:"),
                                   ::testing::Not(HasSubstr("SECRET"))));
  EXPECT_EQ(InFile("pwd"), fs::canonical(folder_).string() + "\n");
  // 10 is the shell's own: the script.
  EXPECT_EQ(InFile("fds"), "0 1 10 2 ");
  EXPECT_EQ(InFile("files"), "20\n");
  const std::string pid = std::to_string(driver_.pid());
  EXPECT_EQ(InFile("group"), pid + " " + pid + "\n");
}

TEST_F(ExecDriverTest, AProgramIsAskedOnceAPeriod) {
  Start(std::string(kBegin) + R"(
n=0
while read -r line; do
  n=$((n + 1))
  echo "{\"values\":{\"count\":$n}}"
  echo '{"read_done":{}}'
done
)",
        "period = \"10ms\"\n");
  EXPECT_TRUE(UntilValue("t/count", Value(std::int64_t{3})));
  // Each value is a poll that was timed, besides the one that says it is ready.
  EXPECT_GE(sink_.polls().size(), 3u);
  EXPECT_GT(sink_.polls().back().took.count(), 0);
}

TEST_F(ExecDriverTest, AReadThatFailsIsAFailedPollAndTheNextOneComes) {
  Start(std::string(kBegin) + R"(
read -r line
echo '{"bad":"count"}'
echo '{"read_done":{"error":"the meter is silent"}}'
while read -r line; do echo '{"values":{"count":1}}'; echo '{"read_done":{}}'; done
)",
        "period = \"10ms\"\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  EXPECT_THAT(sink_.TakeTranscript(), AllOf(HasSubstr("t/count bad"),
                                            HasSubstr("polled: unavailable: the meter is silent")));
}

TEST_F(ExecDriverTest, AWriteHasItsOutcome) {
  Start(std::string(kBegin) + R"(
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"value":1.5'*) echo "{\"write_done\":{\"id\":$id,\"value\":1.4}}" ;;
    *'"value":2.5'*) echo "{\"write_done\":{\"id\":$id}}" ;;
    *'"value":3.5'*) echo "{\"write_done\":{\"id\":$id,\"error\":\"the valve is locked\"}}" ;;
    *'"value":4.5'*) echo "{\"write_done\":{\"id\":$id,\"error\":\"busy\",\"retry\":true}}" ;;
    *'"value":5.5'*) exit 9 ;;
  esac
done
)",
        "write_within = \"200ms\"\n");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  const auto write = [&](double value) {
    std::optional<Result<Value>> outcome;
    EXPECT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(value),
                              [&](Result<Value> result) { outcome = std::move(result); }));
    EXPECT_TRUE(Until([&] { return outcome.has_value(); }));
    return outcome.value_or(Invalid("none"));
  };
  EXPECT_EQ(*write(1.5), Value(1.4));  // As read back, which is a sample too.
  EXPECT_EQ(sink_.Last("t/level").value, Value(1.4));
  EXPECT_EQ(*write(2.5), Value(2.5));
  EXPECT_EQ(sink_.Samples("t/level").size(), 1u);
  EXPECT_EQ(CodeOf(write(3.5)), ErrorCode::kInvalid);
  EXPECT_EQ(write(4.5).error().text, "busy");
  EXPECT_EQ(CodeOf(write(4.5)), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(write(7.5)), ErrorCode::kTimeout);  // No answer within write_within.
  EXPECT_EQ(CodeOf(write(5.5)), ErrorCode::kTimeout);  // It ended: nobody knows.
  const auto count = driver_.Write(sink_.IdOf("t/count"), Value(std::int64_t{1}), {});
  EXPECT_EQ(CodeOf(count), ErrorCode::kUnsupported);
}

TEST_F(ExecDriverTest, StopLeavesAWriteUnanswered) {
  Start(std::string(kBegin) + "cat > /dev/null\n");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  bool answered = false;
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [&](auto) { answered = true; }));
  driver_.Stop();
  loop_.RunFor(milliseconds(20));
  EXPECT_FALSE(answered);
}

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
  Start("echo $$ > \"$1/pid\"\nexec cat\n", "ready_within = \"100ms\"\n");
  ASSERT_TRUE(UntilError("was not ready within 100ms"));
  const pid_t pid = static_cast<pid_t>(std::stol(InFile("pid")));
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
)",
        "period = \"1s\"\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  EXPECT_GE(LimitOf("bad_lines").hits, 2u);
  ASSERT_TRUE(
      UntilError("wrote 100 lines in a row that are no messages, at last: no JSON: "
                 "'nonsense'"));
}

TEST_F(ExecDriverTest, HalfALineIsNoLine) {
  Start(std::string(kBegin) + "printf '{\"values\":{\"count\":1}}'\nexit 4\n");
  ASSERT_TRUE(UntilError("exited with 4 in the middle of a line"));
  EXPECT_EQ(sink_.Samples("t/count").front().quality, model::Quality::kBad);
}

TEST_F(ExecDriverTest, ALineThatIsTooLongIsPassedOver) {
  Start(std::string(kBegin) +
        "head -c 200000 /dev/zero | tr '\\0' x\necho\necho '{\"values\":{\"count\":2}}'\ncat\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{2})));
  EXPECT_EQ(LimitOf("line_bytes").hits, 1u);
  EXPECT_THAT(Part().last_error, HasSubstr("longer than 131072 bytes"));
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
  Start(std::string(kBegin) + "while :; do :; done\n", "cpu_time_max = \"1s\"\n");
  EXPECT_TRUE(UntilError("was killed by signal"));
}

TEST_F(ExecDriverTest, DevicesAreUnpluggedAndComeBack) {
  Start(std::string(kBegin) + R"(
echo '{"values":{"count":1}}'
echo '{"remove":"count"}'
echo '{"values":{"count":2}}'
echo '{"define":{"path":"count","type":"int"}}'
echo '{"values":{"count":3}}'
cat
)");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{3})));
  EXPECT_EQ(sink_.Samples("t/count").size(), 2u);
  EXPECT_EQ(Part().last_error, "report: no property 'count' is defined");
}

TEST_F(ExecDriverTest, WhatARestartedProgramNoLongerDefinesIsRemoved) {
  Start(R"(read -r hello
[ -e "$1/again" ] || echo '{"define":{"path":"old","type":"bool"}}'
echo '{"define":{"path":"new","type":"bool"}}'
echo '{"ready":{}}'
[ -e "$1/again" ] && exec cat
echo yes > "$1/again"
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok" && LimitOf("restart_pause_ms").hits == 1; }));
  EXPECT_EQ(sink_.paths(), std::vector<std::string>{"t/new"});
}

TEST_F(ExecDriverTest, MistakesAreToldWithoutEndingTheProgram) {
  Start(std::string(kBegin) + R"(
echo '{"values":{"levle":1}}'
read -r line
echo '{"values":{"count":"x"}}'
cat
)",
        "properties_max = 2\n");
  ASSERT_TRUE(UntilError("report: no property 'levle' is defined; did you mean 'level'?"));
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [](auto) {}));
  ASSERT_TRUE(
      UntilError("report: 'count': the value must be a whole number of 64 bits, not '\"x\""));
  EXPECT_EQ(sink_.Last("t/count").quality, model::Quality::kBad);
  EXPECT_EQ(Part().state, "ok");
}

TEST_F(ExecDriverTest, PropertiesAreLimited) {
  Start(std::string(kBegin) + "cat\n", "properties_max = 1\n");
  ASSERT_TRUE(UntilError("define: 'count' is more than properties_max, 1"));
  EXPECT_EQ(LimitOf("program_properties").hits, 1u);
  EXPECT_EQ(sink_.paths(), std::vector<std::string>{"t/level"});
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

}  // namespace
}  // namespace edgetwin::exec
