// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Programs that mean harm, or are as wrong as if they did.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drivers/exec/exec_driver_test_base.h"
#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::exec {
namespace {

using driver::testing::CodeOf;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class ExecHostileTest : public ExecDriverTest {};

TEST_F(ExecHostileTest, AThousandUnknownPathsALineDontHoldUpTheLoop) {
  Start(R"(read -r hello
long=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
defs=$(seq -f '{"path":"%04g-'$long'","type":"int"}' 1000 | paste -sd,)
lost=$(seq -f '"'$long'-%04g"' 1000 | paste -sd,)
echo "{\"define\":[$defs]}"
echo '{"ready":{}}'
echo "{\"bad\":[$lost]}"
echo "{\"bad\":[$lost]}"
cat
)",
        "lines_per_second_max = 10000\nmemory_max = \"1GiB\"\n");
  ASSERT_TRUE(UntilError("-1000' is defined"));
  EXPECT_EQ(LimitOf("program_properties").used, 1'000u);
  EXPECT_LT(longest_turn_, seconds(1));
}

TEST_F(ExecHostileTest, WordsAreShortAndHoldNoControlCharacters) {
  Start(std::string(kBegin) + R"(
printf '%s\n' '{"error":"a\u001b[2Jb\nc\u009bd"}'
read -r line
echo "{\"bad\":\"$(head -c 100000 /dev/zero | tr '\0' x)\"}"
read -r line
printf '%s\n' '{"values":{"\u001b]0;title\u0007":1}}'
read -r line
printf 'bye \033[31mred\n' >&2
exit 1
)");
  const auto next = [&] {
    EXPECT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0), [](auto) {}));
  };
  ASSERT_TRUE(UntilError("a?[2Jb?c?d"));
  next();
  ASSERT_TRUE(UntilError("no property 'xxx"));
  EXPECT_LT(Part().last_error.size(), 200u);
  next();
  ASSERT_TRUE(UntilError("no property '?]0;title?' is defined"));
  next();
  ASSERT_TRUE(UntilError("bye ?[31mred"));
}

TEST_F(ExecHostileTest, DefinitionsThatChangeForEverAreLimited) {
  Start(std::string(kBegin) + R"(
n=0
while [ $n -lt 50 ]; do
  n=$((n + 1))
  echo "{\"define\":{\"path\":\"count\",\"type\":\"int\",\"description\":\"$n\"}}"
  echo '{"define":{"path":"count","type":"int","description":"the same again"}}'
  echo '{"define":{"path":"count","type":"int","description":"the same again"}}'
done
echo '{"values":{"count":1}}'
cat
)",
        "properties_max = 10\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  // The first two of all, and 18 changes; in each round after that, one differs from what holds.
  EXPECT_EQ(LimitOf("definitions_per_minute").peak, 20u);
  EXPECT_EQ(LimitOf("definitions_per_minute").hits, 41u);
  EXPECT_EQ(sink_.DefOf("t/count").description, "the same again");
}

TEST_F(ExecHostileTest, FailedReadsWithEverNewTextsAreToldOnceInAWhile) {
  Start(std::string(kBegin) + R"(
n=0
while read -r line; do
  n=$((n + 1))
  echo "{\"read_done\":{\"error\":\"number $n.\"}}"
done
)",
        "period = \"10ms\"\n");
  ASSERT_TRUE(UntilError("number 20."));
  std::set<std::string> told;
  std::size_t failed = 0;
  for (const auto& poll : sink_.polls()) {
    if (poll.result) continue;
    told.insert(poll.result.error().text);
    ++failed;
  }
  EXPECT_GE(failed, 20u);
  EXPECT_EQ(told, std::set<std::string>{"number 1."});
}

TEST_F(ExecHostileTest, ValuesMustBeOfTheTypeThatWasDefinedLast) {
  Start(std::string(kBegin) + R"(
echo '{"values":{"count":1}}'
echo '{"define":{"path":"count","type":"string"}}'
echo '{"values":{"count":"one"}}'
echo '{"values":{"count":2}}'
cat
)");
  ASSERT_TRUE(UntilError("report: 'count': the value must be a string of at most 16 KiB, not '2'"));
  EXPECT_EQ(sink_.Last("t/count").value, Value(std::string("one")));
  EXPECT_EQ(sink_.Last("t/count").quality, model::Quality::kBad);
}

TEST_F(ExecHostileTest, AWriteIsNotAnsweredWithAValueOfAnEarlierType) {
  Start(std::string(kBegin) + R"(
read -r line
echo '{"define":{"path":"level","type":"string","writable":true}}'
echo '{"write_done":{"id":1}}'
cat
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  std::optional<Result<Value>> outcome;
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0),
                            [&](Result<Value> result) { outcome = std::move(result); }));
  ASSERT_TRUE(Until([&] { return outcome.has_value(); }));
  EXPECT_EQ(CodeOf(*outcome), ErrorCode::kCorrupt);
}

TEST_F(ExecHostileTest, AWriteThatIsAnsweredTwiceIsDoneOnce) {
  Start(std::string(kBegin) + R"(
read -r line
echo '{"write_done":{"id":1,"value":2.0}}'
echo '{"write_done":{"id":1,"value":3.0}}'
cat
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  std::vector<Result<Value>> outcomes;
  ASSERT_TRUE(driver_.Write(sink_.IdOf("t/level"), Value(1.0),
                            [&](Result<Value> result) { outcomes.push_back(std::move(result)); }));
  ASSERT_TRUE(UntilError("write_done: no write 1 is under way"));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(*outcomes[0], Value(2.0));
  EXPECT_EQ(sink_.Last("t/level").value, Value(2.0));
}

TEST_F(ExecHostileTest, WhatAProgramDoesntReadIsNotKeptForEver) {
  Start(R"(read -r hello
echo '{"define":{"path":"text","type":"string","writable":true}}'
echo '{"ready":{}}'
exec sleep 1000
)");
  ASSERT_TRUE(Until([&] { return Part().state == "ok"; }));
  const Value text(std::string(model::kValueBytesMax, 'x'));
  Status refused;
  for (int i = 0; i < 64 && refused; ++i) {
    refused = driver_.Write(sink_.IdOf("t/text"), text, [](auto) {});
  }
  EXPECT_EQ(CodeOf(refused), ErrorCode::kUnavailable);
  EXPECT_EQ(LimitOf("stdin_backlog_bytes").hits, 1u);
  EXPECT_LE(LimitOf("stdin_backlog_bytes").peak, ProgramLimits::kInputBytesMax);
}

TEST_F(ExecHostileTest, AnEscapedChildThatHoldsThePipesAndFloodsThemHoldsUpNothing) {
  Start(std::string(kBegin) + R"sh(
[ -e "$1/child" ] && { echo '{"values":{"count":2}}'; exec cat; }
setsid yes '{"log":"x"}' &
echo $! > "$1/child"
until [ "$(cut -d' ' -f6 /proc/$!/stat)" = $! ]; do :; done
exit 3
)sh",
        "lines_per_second_max = 100000\n");
  ASSERT_TRUE(UntilError("exited with 3"));
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{2})));
  // Nobody reads it any more: SIGPIPE ends it.
  const pid_t child = static_cast<pid_t>(std::stol(InFile("child")));
  EXPECT_TRUE(Until([&] { return !Lives(child); }));
}

TEST_F(ExecHostileTest, BytesAreLimitedToo) {
  Start(std::string(kBegin) + R"(
echo "{\"log\":\"$(head -c 1000 /dev/zero | tr '\0' x)\"}"
echo '{"values":{"count":1}}'
cat
)",
        "lines_per_second_max = 2\n");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  // Some 1,200 bytes, 512 a second.
  EXPECT_GE(LimitOf("lines_per_second").hits, 2u);
}

TEST_F(ExecHostileTest, InvalidUtf8IsNoMessageAndSoIsNan) {
  Start(std::string(kBegin) + R"(
printf '{"values":{"level":NaN}}\n{"values":{"level":1e999}}\n{"log":"\377"}\n{"log":"\000"}\n'
echo '{"values":{"count":1}}'
cat
)");
  ASSERT_TRUE(UntilValue("t/count", Value(std::int64_t{1})));
  EXPECT_EQ(LimitOf("bad_lines").hits, 4u);
  EXPECT_TRUE(sink_.Samples("t/level").empty());
  EXPECT_THAT(Part().last_error, HasSubstr("no JSON"));
  EXPECT_THAT(Part().last_error, Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace edgetwin::exec
