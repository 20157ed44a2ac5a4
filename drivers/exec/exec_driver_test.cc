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

TEST_F(ExecDriverTest, WhoWantsItIsToldTheLine) {
  Start(std::string(kBegin) + R"(
echo '{"values":{"level":1.260}}'
echo '{"report":{"path":"count","value":7,                                                    '\
'                                    "quality":"good"}}'
cat
)");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{7})));
  EXPECT_EQ(sink_.RawOf("t/level"), R"({"values":{"level":1.260}})");
  EXPECT_EQ(sink_.RawOf("t/count"), "'7'") << "of a long line only its own";
}

TEST_F(ExecDriverTest, WhoWantsItIsToldWhatIsBad) {
  Start(std::string(kBegin) +
        "echo '{\"bad\":\"level\"}'\necho '{\"values\":{\"count\":7}}'\ncat\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{7})));
  EXPECT_EQ(sink_.RawOf("t/level"), R"({"bad":"level"})");
}

TEST_F(ExecDriverTest, TheProgramGetsItsOptionsArgumentsAndNothingOfTheAgents) {
  setenv("EDGETWIN_TEST_SECRET", "x", 1);
  Start(R"(read -r hello
echo "$hello" > "$1/hello"
env > "$1/env"
pwd > "$1/pwd"
ls /proc/self/fd > "$1/fds"
ulimit -n > "$1/files"
cut -d' ' -f5,6,19 /proc/$$/stat > "$1/group"
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
  // 3 is the listing's own: the folder.
  EXPECT_EQ(InFile("fds"), "0\n1\n2\n3\n");
  EXPECT_EQ(InFile("files"), "20\n");
  // Its process group, its session, and how nice it is.
  const std::string pid = std::to_string(driver_.pid());
  EXPECT_EQ(InFile("group"), pid + " " + pid + " 5\n");
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

TEST_F(ExecDriverTest, HalfALineIsNoLine) {
  Start(std::string(kBegin) + "printf '{\"values\":{\"count\":1}}'\nexit 4\n");
  ASSERT_TRUE(UntilError("exited with 4 in the middle of a line"));
  EXPECT_EQ(sink_.Samples("t/count").front().quality, model::Quality::kBad);
}

TEST_F(ExecDriverTest, ALineThatIsTooLongIsPassedOver) {
  Start(std::string(kBegin) +
            "head -c 10000000 /dev/zero | tr '\\0' x\necho\n"
            "echo '{\"values\":{\"count\":2}}'\ncat\n",
        "lines_per_second_max = 100000\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{2})));
  EXPECT_EQ(LimitOf("line_bytes").hits, 1u);
  EXPECT_THAT(Part().last_error, HasSubstr("longer than 131072 bytes"));
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

}  // namespace
}  // namespace edgetwin::exec
