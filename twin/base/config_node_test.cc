// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace edgetwin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

ConfigNode Node(decltype(ConfigNode::value) value, int line = 1) {
  return {std::move(value), {"t.toml", line}};
}

ConfigNode Text(std::string text, int line = 1) {
  return Node(std::move(text), line);
}

ConfigNode Number(std::int64_t number, int line = 1) {
  return Node(number, line);
}

// One table, its reader, and what the reader said.
struct Reading {
  explicit Reading(ConfigNode::Table members, std::size_t problems_max = 100)
      : table(Node(std::move(members))), problems(problems_max), reader(table, "a", problems) {}
  std::string said() const { return problems.ToString(); }

  ConfigNode table;
  ConfigProblems problems;
  ConfigReader reader;
};

TEST(NearestTest, FindsWhatWasMeant) {
  const std::vector<std::string> keys = {"host", "port", "unit", "poll_interval", "timeout"};
  EXPECT_EQ(Nearest("hots", keys), "host");
  EXPECT_EQ(Nearest("prot", keys), "port");
  EXPECT_EQ(Nearest("poll-interval", keys), "poll_interval");
  EXPECT_EQ(Nearest("Timeout", keys), "timeout");
  EXPECT_EQ(Nearest("pol_intervall", keys), "poll_interval");
  EXPECT_EQ(Nearest("units", keys), "unit");
}

TEST(NearestTest, SuggestsNothingForAnotherWord) {
  EXPECT_EQ(Nearest("baudrate", {"host", "port"}), "");
  EXPECT_EQ(Nearest("ca", {"id", "to"}), "");
  EXPECT_EQ(Nearest("", {"id"}), "");
  EXPECT_EQ(Nearest("x", {"y"}), "");
  EXPECT_EQ(Nearest("key_file", {"keepalive"}), "");
  EXPECT_EQ(Nearest("host", {}), "");
}

TEST(NearestTest, PrefersTheFewestEditsThenTheFirst) {
  EXPECT_EQ(Nearest("reed", {"reads", "reef", "read"}), "reef");
  EXPECT_EQ(Nearest("ports", {"parts", "port"}), "parts");
}

TEST(NearestTest, ASwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(Nearest("di_", {"id_"}), "id_");
}

TEST(NearestTest, AnAbbreviationIsNear) {
  EXPECT_EQ(Nearest("warn", {"error", "warning"}), "warning");
  EXPECT_EQ(Nearest("cert", {"certificate_file"}), "certificate_file");
  EXPECT_EQ(Nearest("ce", {"certificate_file"}), "");
}

TEST(NearestTest, DoesNotCompareEndlessWords) {
  const std::string endless(100'000, 'a');
  EXPECT_EQ(Nearest(endless, {endless}), "");
}

TEST(DurationTest, ReadsUnitsAndCombinations) {
  EXPECT_EQ(ParseDuration("0"), 0ms);
  EXPECT_EQ(ParseDuration("1500ms"), 1500ms);
  EXPECT_EQ(ParseDuration("10s"), 10s);
  EXPECT_EQ(ParseDuration("5m"), 5min);
  EXPECT_EQ(ParseDuration("2h"), 2h);
  EXPECT_EQ(ParseDuration("1d"), 24h);
  EXPECT_EQ(ParseDuration("1h30m"), 90min);
  EXPECT_EQ(ParseDuration("1d1h1m1s1ms"), 25h + 61s + 1ms);
  EXPECT_EQ(ParseDuration("0s"), 0ms);
}

TEST(DurationTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "10",
                           "s",
                           "-1s",
                           "+1s",
                           "1.5s",
                           "1 s",
                           " 1s",
                           "1s ",
                           "1S",
                           "1min",
                           "1us",
                           "30m1h",
                           "1s1s",
                           "1h30",
                           "00",
                           "0x1s",
                           "9223372036854775808ms",
                           "106751991168d",
                           "106751991167d23h",
                           "1e3s"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(DurationTest, IsWrittenInTheShortestSpelling) {
  EXPECT_EQ(FormatDuration(0ms), "0");
  EXPECT_EQ(FormatDuration(1500ms), "1500ms");
  EXPECT_EQ(FormatDuration(10s), "10s");
  EXPECT_EQ(FormatDuration(90s), "90s");
  EXPECT_EQ(FormatDuration(90min), "90m");
  EXPECT_EQ(FormatDuration(24h), "1d");
  EXPECT_EQ(FormatDuration(1h + 1ms), "1h1ms");
  EXPECT_EQ(FormatDuration(-90s), "-90s");
  EXPECT_THAT(FormatDuration(milliseconds::min()), EndsWith("ms"));
}

TEST(DurationTest, WhatIsWrittenReadsBack) {
  std::int64_t ms = 1;
  for (int i = 0; i < 400; ++i, ms = (ms * 29 + 7 * i) % 40'000'000'000) {
    EXPECT_EQ(ParseDuration(FormatDuration(milliseconds(ms))), milliseconds(ms)) << ms;
  }
  EXPECT_EQ(ParseDuration(FormatDuration(milliseconds::max())), milliseconds::max());
}

TEST(ConfigNodeTest, FindsMembersOfTablesOnly) {
  const ConfigNode table = Node(ConfigNode::Table{{"a", Number(1)}});
  ASSERT_NE(table.Find("a"), nullptr);
  EXPECT_EQ(table.Find("a")->TypeName(), "integer");
  EXPECT_EQ(table.Find("b"), nullptr);
  EXPECT_EQ(Number(1).Find("a"), nullptr);
  EXPECT_EQ(table.TypeName(), "table");
  EXPECT_EQ(Node(ConfigNode::Array{}).TypeName(), "array");
  EXPECT_EQ(Node(1.0).TypeName(), "float");
  EXPECT_EQ(Node(true).TypeName(), "boolean");
  EXPECT_EQ(Text("").TypeName(), "string");
}

TEST(ConfigProblemsTest, ShowFileLineKeyAndText) {
  EXPECT_EQ((ConfigProblem{{"f.toml", 3}, "a.b", "is wrong"}).ToString(),
            "f.toml:3: a.b: is wrong");
  EXPECT_EQ((ConfigProblem{{"f.toml", 0}, "", "is wrong"}).ToString(), "f.toml: is wrong");
  EXPECT_EQ((ConfigProblem{{}, "a.b", "is wrong"}).ToString(), "a.b: is wrong");
}

TEST(ConfigProblemsTest, StopAtTheirLimitAndSayHowManyMore) {
  ConfigProblems problems(2);
  EXPECT_TRUE(problems.empty());
  for (int i = 0; i < 3; ++i) problems.Add({"f", i}, "k", "bad");
  EXPECT_EQ(problems.count(), 3u);
  EXPECT_THAT(problems.ToString(), EndsWith("k: bad\nand 1 more problem\n"));
  for (int i = 0; i < 998; ++i) problems.Add({"f", i}, "k", "bad");
  EXPECT_THAT(problems.list(), SizeIs(3));
  EXPECT_EQ(problems.list().back().text, "and 999 more problems");
  EXPECT_EQ(problems.count(), 1001u);
}

TEST(ConfigReaderTest, ReadsEachTypeAndFallsBackOnAbsence) {
  Reading r({{"flag", Node(true)},
             {"n", Number(7)},
             {"d", Node(2.5)},
             {"s", Text("x")},
             {"t", Text("1m")},
             {"b", Text("64KiB")},
             {"l", Node(ConfigNode::Array{Text("p"), Text("q")})}});
  EXPECT_TRUE(r.reader.Bool("flag", false));
  EXPECT_EQ(r.reader.Int("n", 1, 0, 9), 7);
  EXPECT_EQ(r.reader.Double("d", 1, 0, 9), 2.5);
  EXPECT_EQ(r.reader.Double("n", 1, 0, 9), 7.0);
  EXPECT_EQ(r.reader.OptionalDouble("d"), 2.5);
  EXPECT_EQ(r.reader.String("s", ""), "x");
  EXPECT_EQ(r.reader.Duration("t", 1s, 0s, 1h), 1min);
  EXPECT_EQ(r.reader.Bytes("b", 1, 0, 1 << 20), 65536u);
  EXPECT_EQ(r.reader.Bytes("n", 1, 0, 1 << 20), 7u);
  EXPECT_THAT(r.reader.Strings("l"), ElementsAre("p", "q"));

  EXPECT_TRUE(r.reader.Bool("flag2", true));
  EXPECT_EQ(r.reader.Int("n2", 1, 0, 9), 1);
  EXPECT_EQ(r.reader.Double("d2", 1.5, 0, 9), 1.5);
  EXPECT_EQ(r.reader.OptionalDouble("d2"), std::nullopt);
  EXPECT_EQ(r.reader.String("s2", "y"), "y");
  EXPECT_EQ(r.reader.Duration("t2", 3s, 0s, 1h), 3s);
  EXPECT_EQ(r.reader.Bytes("b2", 5, 0, 9), 5u);
  EXPECT_TRUE(r.reader.Strings("l2").empty());
  r.reader.Finish();
  EXPECT_EQ(r.said(), "");
}

TEST(ConfigReaderTest, RefusesWrongTypesAndSaysWhatItFound) {
  Reading r({{"flag", Text("yes", 2)},
             {"n", Node(3.0, 3)},
             {"s", Number(5, 4)},
             {"l", Text("p", 5)},
             {"d", Node(std::numeric_limits<double>::quiet_NaN(), 6)},
             {"m", Node(ConfigNode::Array{Text("p"), Number(2, 7)})}});
  EXPECT_FALSE(r.reader.Bool("flag", false));
  EXPECT_EQ(r.reader.Int("n", 1, 0, 9), 1);
  EXPECT_EQ(r.reader.String("s", "o"), "o");
  EXPECT_TRUE(r.reader.Strings("l").empty());
  EXPECT_EQ(r.reader.Double("d", 1, 0, 9), 1);
  r.reader.Strings("m");
  EXPECT_EQ(r.said(),
            "t.toml:2: a.flag: must be true or false, is the string \"yes\"\n"
            "t.toml:3: a.n: must be an integer, is 3.0\n"
            "t.toml:4: a.s: must be a string, is 5\n"
            "t.toml:5: a.l: must be an array of strings, is the string \"p\"\n"
            "t.toml:6: a.d: must be a number, is nan\n"
            "t.toml:7: a.m[1]: must be a string, is 2\n");
}

TEST(ConfigReaderTest, RefusesWhatIsOutOfRangeAndKeepsTheDefault) {
  Reading r(
      {{"n", Number(10, 2)}, {"d", Node(-0.5, 3)}, {"t", Text("2d", 4)}, {"b", Text("2GiB", 5)}});
  EXPECT_EQ(r.reader.Int("n", 1, 0, 9), 1);
  EXPECT_EQ(r.reader.Double("d", 1, 0, std::numeric_limits<double>::max()), 1);
  EXPECT_EQ(r.reader.Duration("t", 1s, 50ms, 1h), 1s);
  EXPECT_EQ(r.reader.Bytes("b", 8, 4096, 1 << 30), 8u);
  EXPECT_EQ(r.said(),
            "t.toml:2: a.n: must be from 0 to 9, is 10\n"
            "t.toml:3: a.d: must be at least 0, is -0.5\n"
            "t.toml:4: a.t: must be from 50ms to 1h, is 2d\n"
            "t.toml:5: a.b: must be from 4KiB to 1GiB, is 2GiB\n");
}

TEST(ConfigReaderTest, TheEndsOfARangeAreInside) {
  Reading r({{"lo", Number(0)}, {"hi", Number(9)}, {"t", Text("1h")}, {"u", Text("50ms")}});
  EXPECT_EQ(r.reader.Int("lo", 5, 0, 9), 0);
  EXPECT_EQ(r.reader.Int("hi", 5, 0, 9), 9);
  EXPECT_EQ(r.reader.Double("hi", 5, 0, 9), 9);
  EXPECT_EQ(r.reader.Duration("t", 1s, 50ms, 1h), 1h);
  EXPECT_EQ(r.reader.Duration("u", 1s, 50ms, 1h), 50ms);
  EXPECT_TRUE(r.problems.empty());
}

TEST(ConfigReaderTest, ADurationWithoutAUnitIsRefusedWithTheUnitsToChooseFrom) {
  Reading r({{"t", Number(10, 2)}, {"u", Text("10", 3)}, {"v", Text("soon", 4)}});
  r.reader.Duration("t", 1s, 0s, 1h);
  r.reader.Duration("u", 1s, 0s, 1h);
  r.reader.Duration("v", 1s, 0s, 1h);
  EXPECT_EQ(
      r.said(),
      "t.toml:2: a.t: 10 has no unit: write \"500ms\", \"10s\", \"5m\", \"2h\" or \"1d\"\n"
      "t.toml:3: a.u: \"10\" has no unit: write \"500ms\", \"10s\", \"5m\", \"2h\" or \"1d\"\n"
      "t.toml:4: a.v: must be a duration such as \"500ms\", \"10s\" or \"1h30m\", is the string "
      "\"soon\"\n");
}

TEST(ConfigReaderTest, RefusesSizesItCannotReadExactly) {
  for (const char* text :
       {"", "64", "64 KiB", "1.5MB", "-1KB", "KB", "1kib", "9223372036854775807KiB"}) {
    Reading r({{"b", Text(text)}});
    EXPECT_EQ(r.reader.Bytes("b", 8, 0, std::numeric_limits<std::uint64_t>::max()), 8u);
    EXPECT_THAT(r.said(), HasSubstr("must be a size")) << text;
  }
  Reading r({{"b", Number(-1)}});
  r.reader.Bytes("b", 8, 0, 9);
  EXPECT_THAT(r.said(),
              HasSubstr("must be a size such as 4096, \"64KiB\", \"10MB\" or \"1GiB\", is -1"));
}

TEST(ConfigReaderTest, AChoiceNamesTheOthersAndTheNearest) {
  const std::vector<std::pair<std::string, int>> choices = {{"rtu", 1}, {"tcp", 2}};
  Reading r({{"good", Text("tcp")},
             {"near", Text("tpc", 2)},
             {"far", Text("udplite", 3)},
             {"n", Number(1, 4)}});
  EXPECT_EQ(r.reader.Choice("good", 0, choices), 2);
  EXPECT_EQ(r.reader.Choice("absent", 1, choices), 1);
  EXPECT_EQ(r.reader.Choice("near", 1, choices), 1);
  EXPECT_EQ(r.reader.Choice("far", 1, choices), 1);
  EXPECT_EQ(r.reader.Choice("n", 1, choices), 1);
  EXPECT_EQ(r.said(),
            "t.toml:2: a.near: \"tpc\" is none of \"rtu\", \"tcp\"; did you mean \"tcp\"?\n"
            "t.toml:3: a.far: \"udplite\" is none of \"rtu\", \"tcp\"\n"
            "t.toml:4: a.n: must be one of \"rtu\", \"tcp\", is 1\n");
}

TEST(ConfigReaderTest, RequiredKeysAreMissedAtTheTablesLine) {
  Reading r({{"there", Number(1)}});
  EXPECT_TRUE(r.reader.Require("there"));
  EXPECT_FALSE(r.reader.Require("host"));
  EXPECT_EQ(r.said(), "t.toml:1: a.host: is required\n");
}

TEST(ConfigReaderTest, ReportsEveryKeyNobodyAskedFor) {
  Reading r({{"hots", Text("h", 2)}, {"color", Text("red", 3)}});
  r.reader.Require("host");
  r.reader.Has("port");
  r.reader.Finish();
  EXPECT_EQ(r.said(),
            "t.toml:1: a.host: is required\n"
            "t.toml:2: a.hots: unknown key; did you mean \"host\"?\n"
            "t.toml:3: a.color: unknown key; known here: host, port\n");
}

TEST(ConfigReaderTest, ARefusedKeyIsExplainedOnceAndNeverSuggested) {
  Reading r({{"password", Text("x", 2)}, {"pasword", Text("x", 3)}, {"zebra", Text("x", 4)}});
  r.reader.Has("user");
  r.reader.Refuse("password", "does not stand here");
  r.reader.Refuse("secret", "neither");
  r.reader.Finish();
  EXPECT_EQ(r.said(),
            "t.toml:2: a.password: does not stand here\n"
            "t.toml:3: a.pasword: unknown key; known here: user\n"
            "t.toml:4: a.zebra: unknown key; known here: user\n");
}

TEST(ConfigReaderTest, ReadsTablesArraysOfTablesAndMembers) {
  Reading r({{"one", Node(ConfigNode::Table{{"x", Number(99, 3)}})},
             {"many",
              Node(ConfigNode::Array{Node(ConfigNode::Table{{"y", Number(99, 5)}}), Number(1, 6)})},
             {"not", Text("t", 7)}});
  std::optional<ConfigReader> one = r.reader.Table("one");
  ASSERT_TRUE(one);
  one->Int("x", 0, 0, 9);
  std::vector<ConfigReader> many = r.reader.Tables("many");
  ASSERT_THAT(many, SizeIs(1));
  many[0].Int("y", 0, 0, 9);
  EXPECT_FALSE(r.reader.Table("not"));
  EXPECT_THAT(r.reader.Tables("absent"), SizeIs(0));
  EXPECT_EQ(r.said(),
            "t.toml:3: a.one.x: must be from 0 to 9, is 99\n"
            "t.toml:6: a.many[1]: must be a table, is 1\n"
            "t.toml:5: a.many[0].y: must be from 0 to 9, is 99\n"
            "t.toml:7: a.not: must be a table, is the string \"t\"\n");
}

TEST(ConfigReaderTest, MembersAreTheTablesAndOthersAreOfAWrongType) {
  Reading r({{"boiler", Node(ConfigNode::Table{})},
             {"pump/speed", Node(ConfigNode::Table{}, 2)},
             {"flag", Node(true, 3)}});
  auto members = r.reader.Members();
  ASSERT_THAT(members, SizeIs(2));
  EXPECT_EQ(members[0].first, "boiler");
  EXPECT_EQ(members[0].second.prefix(), "a.boiler");
  EXPECT_EQ(members[1].second.prefix(), "a.\"pump/speed\"");
  r.reader.Finish();
  EXPECT_EQ(r.said(), "t.toml:3: a.flag: must be a table ([a.flag]), is true\n");
}

TEST(ConfigReaderTest, AReaderOverSomethingElseThanATableSaysSoOnce) {
  const ConfigNode number = Number(3);
  ConfigProblems problems;
  ConfigReader reader(number, "drivers.x", problems);
  EXPECT_EQ(reader.Int("n", 4, 0, 9), 4);
  EXPECT_TRUE(reader.Members().empty());
  reader.Finish();
  EXPECT_EQ(problems.ToString(), "t.toml:1: drivers.x: must be a table, is 3\n");
}

TEST(ConfigReaderTest, WrongValuesAreShownEscapedAndCut) {
  Reading r({{"n", Text("a\n\x1b[2J\"")},
             {"m", Text(std::string(100'000, 'x'))},
             {"o", Text(std::string(79, 'x') + "°")}});
  r.reader.Int("n", 0, 0, 9);
  EXPECT_THAT(r.said(), HasSubstr("is the string \"a\\n\\?[2J\\\"\"\n"));
  r.reader.Int("m", 0, 0, 9);
  EXPECT_THAT(r.said(), SizeIs(testing::Lt(300u)));
  r.reader.Int("o", 0, 0, 9);
  EXPECT_THAT(r.said(), EndsWith("xx…\"\n"));
}

}  // namespace
}  // namespace edgetwin
