// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::exec {
namespace {

using model::Value;
using model::ValueType;
using ::testing::HasSubstr;

template <class M>
M Parsed(std::string_view line) {
  auto message = ParseLine(line);
  if (!message) {
    ADD_FAILURE() << message.error().text;
    return {};
  }
  if (!std::holds_alternative<M>(*message)) {
    ADD_FAILURE() << "another message: " << line;
    return {};
  }
  return std::get<M>(*message);
}

std::string Refused(std::string_view line) {
  const auto message = ParseLine(line);
  return message ? "accepted" : message.error().text;
}

TEST(ProtocolTest, ReadsDefinitions) {
  const auto define = Parsed<Define>(
      R"({"define":[{"path":"level","type":"double","unit":"m","decimals":2,"writable":true,)"
      R"("min":0,"max":4.5,"description":"of the tank","source":"input 3"},)"
      R"({"path":"pump/on","type":"bool"}]})");
  ASSERT_EQ(define.items.size(), 2u);
  const model::PropertyDef& def = define.items[0].def;
  EXPECT_EQ(define.items[0].path, "level");
  EXPECT_EQ(def.type, ValueType::kDouble);
  EXPECT_EQ(def.unit, "m");
  EXPECT_EQ(def.decimals, 2);
  EXPECT_TRUE(def.writable);
  EXPECT_EQ(def.min, 0.0);
  EXPECT_EQ(def.max, 4.5);
  EXPECT_EQ(def.description, "of the tank");
  EXPECT_EQ(def.source, "input 3");
  EXPECT_EQ(define.items[1].def.type, ValueType::kBool);
  EXPECT_FALSE(define.items[1].def.writable);
}

TEST(ProtocolTest, ReadsReportsOfOneOrMany) {
  const auto report = Parsed<Report>(
      R"({"report":{"path":"level","value":1.5,"quality":"uncertain","time":1790000000123}})");
  ASSERT_EQ(report.items.size(), 1u);
  EXPECT_EQ(report.items[0].value, 1.5);
  EXPECT_EQ(report.items[0].quality, model::Quality::kUncertain);
  EXPECT_EQ(report.items[0].time, WallTime(std::chrono::milliseconds(1'790'000'000'123)));
  EXPECT_EQ(
      Parsed<Report>(R"({"report":[{"path":"a","value":1},{"path":"b","value":2}]})").items.size(),
      2u);
  const auto values = Parsed<Report>(R"({"values":{"a":1,"b":"x"}})");
  ASSERT_EQ(values.items.size(), 2u);
  EXPECT_EQ(values.items[1].path, "b");
  EXPECT_EQ(values.items[1].value, "x");
}

TEST(ProtocolTest, ReadsTheSmallMessages) {
  Parsed<Ready>(R"({"ready":{}})");
  Parsed<Ready>(R"({"ready":{"protocol":1}})");
  EXPECT_EQ(Parsed<Bad>(R"({"bad":"a"})").paths, std::vector<std::string>{"a"});
  EXPECT_EQ(Parsed<Remove>(R"({"remove":["a","b"]})").paths.size(), 2u);
  EXPECT_EQ(Parsed<ReadDone>(R"({"read_done":{}})").error, "");
  EXPECT_EQ(Parsed<ReadDone>(R"({"read_done":{"error":"no answer"}})").error, "no answer");
  const auto done = Parsed<WriteDone>(R"({"write_done":{"id":7,"value":true}})");
  EXPECT_EQ(done.id, 7u);
  EXPECT_EQ(done.value, true);
  const auto failed = Parsed<WriteDone>(R"({"write_done":{"id":8,"error":"busy","retry":true}})");
  EXPECT_EQ(failed.error, "busy");
  EXPECT_TRUE(failed.retry);
  EXPECT_EQ(Parsed<Log>(R"({"log":"hi"})").text, "hi");
  EXPECT_EQ(Parsed<Complaint>(R"({"error":"no device"})").text, "no device");
}

TEST(ProtocolTest, SaysWhatIsWrongWithALine) {
  EXPECT_EQ(Refused("Traceback (most recent call last):"),
            "no JSON: 'Traceback (most recent call last):'");
  EXPECT_EQ(Refused(R"({"repotr":{}})"), "there is no message 'repotr'; did you mean 'report'?");
  EXPECT_EQ(Refused("[1]"), "a line is an object with one member, not '[1]'");
  EXPECT_EQ(Refused("{}"), "a line is an object with one member, not '{}'");
  EXPECT_EQ(Refused(R"({"define":{"path":"a","type":"float"}})"),
            "define: 'type' must be bool, int, double, string or bytes, not 'float'");
  EXPECT_EQ(Refused(R"({"define":{"path":"a","type":"int","uint":"m"}})"),
            "define: there is no member 'uint'; did you mean 'unit'?");
  EXPECT_EQ(Refused(R"({"report":{"path":"a"}})"), "report: 'value' is missing");
  EXPECT_EQ(Refused(R"({"report":{"path":"a","value":1,"time":-1}})"),
            "report: 'time' must be a whole number from 0 to 253402300799999, not '-1'");
  EXPECT_EQ(Refused(R"({"report":{"path":"a","value":1,"quality":"bad"}})"),
            "report: 'quality' must be good or uncertain (say bad for bad), not 'bad'");
  EXPECT_EQ(Refused(R"({"values":{"a":1,"a":2}})"),
            R"('a' stands twice in '{"values":{"a":1,"a":2}}')");
  EXPECT_EQ(Refused(R"({"write_done":{"value":1}})"), "write_done: 'id' is missing");
  EXPECT_EQ(Refused(R"({"ready":{"protocol":2}})"),
            "ready: the program speaks protocol 2, this agent 1");
  EXPECT_THAT(Refused("\xff\x01{"), HasSubstr("no JSON: '??{'"));
}

TEST(ProtocolTest, RefusesWhatIsNoJson) {
  for (const std::string value :
       {"NaN", "nan", "Infinity", "-Infinity", "1e999", "-1e999", "01", "'a'", R"("\ud800")",
        "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "1 /* one */", "undefined", ""}) {
    EXPECT_THAT(Refused(R"({"values":{"a":)" + value + "}}"), HasSubstr("no JSON: ")) << value;
  }
  EXPECT_THAT(Refused(R"({"values":{"a":1}}{"values":{"a":1}})"), HasSubstr("no JSON: "));
}

TEST(ProtocolTest, WordsHoldNothingThatATerminalObeys) {
  EXPECT_EQ(Words("a\x1b[2J\n\x7f\xc2\x9b\xc3\xbc\xff", 100), "a?[2J???\xc3\xbc?");
  EXPECT_EQ(Words("\xc3\xbc\xc3\xbc", 3), "\xc3\xbc");
  EXPECT_EQ(Parsed<ReadDone>(R"({"read_done":{"error":"a\nb"}})").error, "a?b");
  EXPECT_EQ(Parsed<WriteDone>(R"({"write_done":{"id":1,"error":"a\nb"}})").error, "a?b");
  EXPECT_EQ(Parsed<Complaint>(R"({"error":"a\u001bb"})").text, "a?b");
}

TEST(ProtocolTest, BoundsDepthAndLists) {
  EXPECT_THAT(Refused(std::string(100'000, '[')), HasSubstr("more than 4 levels"));
  std::string deep;
  for (int i = 0; i < 1'000; ++i) deep += R"({"a":)";
  EXPECT_THAT(Refused(deep), HasSubstr("more than 4 levels"));
  std::string paths = R"({"bad":["a")";
  for (std::size_t i = 0; i < kItemsMax; ++i) paths += R"(,"a")";
  EXPECT_EQ(Refused(paths + "]}"), "bad: a list of 1001; 1000 are allowed");
}

TEST(ProtocolTest, ConvertsValuesToThePropertysType) {
  using nlohmann::json;
  EXPECT_EQ(*ToValue(json(true), ValueType::kBool), Value(true));
  EXPECT_EQ(*ToValue(json(-3), ValueType::kInt), Value(std::int64_t{-3}));
  EXPECT_EQ(*ToValue(json(5), ValueType::kDouble), Value(5.0));
  EXPECT_EQ(*ToValue(json("x"), ValueType::kString), Value(std::string("x")));
  EXPECT_EQ(*ToValue(json("0x01ff"), ValueType::kBytes), Value(model::Bytes{"\x01\xff"}));
  EXPECT_EQ(ToValue(json(1.5), ValueType::kInt).error().text,
            "the value must be a whole number of 64 bits, not '1.5'");
  EXPECT_FALSE(ToValue(json(std::uint64_t{1} << 63), ValueType::kInt));
  EXPECT_FALSE(ToValue(json(nullptr), ValueType::kDouble));
  EXPECT_FALSE(ToValue(json("1"), ValueType::kDouble));
  EXPECT_FALSE(ToValue(json("0x1"), ValueType::kBytes));
  EXPECT_FALSE(ToValue(json(std::string(model::kValueBytesMax + 1, 'x')), ValueType::kString));
}

TEST(ProtocolTest, WritesWhatTheAgentSays) {
  ConfigNode options;
  ConfigNode port;
  port.value = std::int64_t{7};
  options.value = ConfigNode::Table{{"port", port}};
  EXPECT_EQ(HelloLine({"i", "t", std::chrono::milliseconds(500), &options}),
            R"({"hello":{"instance":"i","options":{"port":7},"period_ms":500,"protocol":1,)"
            R"("thing":"t"}})"
            "\n");
  EXPECT_EQ(WriteLine(3, "valve", Value(0.25)), R"({"write":{"id":3,"path":"valve","value":0.25}})"
                                                "\n");
  EXPECT_EQ(WriteLine(3, "b", Value(model::Bytes{"\x01"})),
            R"({"write":{"id":3,"path":"b","value":"0x01"}})"
            "\n");
  EXPECT_EQ(WriteLine(4, "s", Value(std::string("a\nb"))),
            R"({"write":{"id":4,"path":"s","value":"a\nb"}})"
            "\n");
}

}  // namespace
}  // namespace edgetwin::exec
