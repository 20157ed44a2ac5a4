// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Pointers, expressions and values, without a server.

#include "drivers/sdk/extract/extraction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "twin/base/utf8.h"

namespace edgetwin::extract {
namespace {

using model::Value;
using model::ValueType;
using ::testing::HasSubstr;

// What `json` has at `pointer`, as a value of `type`; or the error, which begins with "x: ".
std::string At(const std::string& pointer, std::string_view json,
               ValueType type = ValueType::kDouble) {
  const Result<Pointer> parsed = ParsePointer(pointer);
  if (!parsed) return parsed.error().text;
  Extraction extraction;
  Conversion conversion;
  conversion.type = type;
  extraction.Add("x", PointerPlace{*parsed, pointer}, conversion);
  const auto values = extraction.From(json);
  return values[0] ? Format(*values[0]) : values[0].error().text;
}
std::string Int(std::string_view json) {
  return At("", json, ValueType::kInt);
}
std::string Double(std::string_view json) {
  return At("", json);
}

// RFC 6901, 5: its own document and examples.
TEST(JsonPickerTest, TheExamplesOfRfc6901) {
  const std::string_view json = R"({"foo":["1","2"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,
    "i\\j":5,"k\"l":6," ":7,"m~n":8})";
  EXPECT_EQ(At("", json), "x: the whole is an object");
  EXPECT_EQ(At("/foo", json), "x: /foo is an array");
  EXPECT_EQ(At("/foo/0", json), "1");
  EXPECT_EQ(At("/", json), "0");
  EXPECT_EQ(At("/a~1b", json), "1");
  EXPECT_EQ(At("/c%d", json), "2");
  EXPECT_EQ(At("/e^f", json), "3");
  EXPECT_EQ(At("/g|h", json), "4");
  EXPECT_EQ(At("/i\\j", json), "5");
  EXPECT_EQ(At("/k\"l", json), "6");
  EXPECT_EQ(At("/ ", json), "7");
  EXPECT_EQ(At("/m~0n", json), "8");
}

TEST(JsonPickerTest, WhatIsNotThereIsTold) {
  EXPECT_EQ(At("/a/b", R"({"a":{"c":1}})"), "x: no /a/b in the JSON");
  EXPECT_EQ(At("/a/b", R"({"a":1})"), "x: no /a/b in the JSON");
  EXPECT_EQ(At("/1", "[0]"), "x: no /1 in the JSON");
  EXPECT_EQ(At("/01", "[0,1]"), "x: no /01 in the JSON");  // No leading zeros.
  EXPECT_EQ(At("/-", "[0,1]"), "x: no /- in the JSON");    // The one past the end.
  EXPECT_EQ(At("/1", R"({"1":7})"), "7");                  // A name may be a number.
}

TEST(JsonPickerTest, WrongPointersAreRefused) {
  EXPECT_EQ(At("a", "{}"), "'a' doesn't begin with '/'");
  EXPECT_THAT(At("/a~2", "{}"), HasSubstr("neither ~0 (for ~) nor ~1"));
  EXPECT_THAT(At("/a~", "{}"), HasSubstr("neither ~0 (for ~) nor ~1"));
  EXPECT_EQ(At("/" + std::string(512, 'a'), "{}"), "is longer than 512 bytes");
  EXPECT_EQ(At(std::string(65, '/'), "{}"), "is deeper than 64 levels");
}

TEST(JsonPickerTest, ANameThatStandsTwiceIsAmbiguousWithAllBelowIt) {
  EXPECT_EQ(At("/a", R"({"a":1,"a":2})"), "x: /a stands twice in the JSON");
  EXPECT_EQ(At("/a/b", R"({"a":{"b":1},"a":{"c":2}})"), "x: /a/b stands twice in the JSON");
  EXPECT_EQ(At("/a/b", R"({"a":{"c":2},"a":{"b":1}})"), "x: /a/b stands twice in the JSON");
  EXPECT_EQ(At("/b", R"({"a":1,"a":2,"b":3})"), "3");
}

TEST(JsonPickerTest, WhatIsNoJsonIsTold) {
  EXPECT_THAT(At("/a", R"({"a":1)"), HasSubstr("no JSON at byte"));
  EXPECT_THAT(At("/a", R"({"a":1}})"), HasSubstr("no JSON at byte"));
  EXPECT_THAT(At("/a", "\"\xff\""), HasSubstr("no JSON at byte"));
  EXPECT_THAT(At("/a", R"({"a":1e999})"), HasSubstr("no JSON"));
  EXPECT_EQ(At("/a", ""), "the body is empty, not JSON");
}

TEST(JsonPickerTest, DepthHasALimit) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + "1" + std::string(levels, ']');
  };
  std::string pointer;
  for (std::size_t i = 0; i < kJsonDepthMax; ++i) pointer += "/0";
  EXPECT_EQ(At(pointer, nested(kJsonDepthMax)), "1");
  EXPECT_EQ(At(pointer, nested(kJsonDepthMax + 1)), "the JSON is deeper than 64 levels");
}

TEST(JsonPickerTest, OnePassServesManyPointers) {
  JsonPicker picker;
  for (int i = 0; i < 1'000; ++i) {
    const std::string text = "/list/" + std::to_string(i) + "/v";
    picker.Add(*ParsePointer(text), text);
  }
  picker.Add(*ParsePointer("/list/0/v"), "again");
  std::string json = "{\"list\":[";
  for (int i = 0; i < 1'000; ++i) {
    json += (i > 0 ? "," : "") + std::string("{\"v\":") + std::to_string(i) + "}";
  }
  const auto picked = picker.Pick(json + "]}");
  ASSERT_TRUE(picked);
  ASSERT_EQ(picked->size(), 1'001u);
  for (int i = 0; i < 1'000; ++i) {
    const auto& scalar = (*picked)[static_cast<std::size_t>(i)];
    ASSERT_TRUE(scalar);
    EXPECT_EQ(std::get<std::int64_t>(*scalar), i);
  }
  EXPECT_EQ(std::get<std::int64_t>(*picked->back()), 0);
}

TEST(ValueTest, WholeNumbersKeepEachDigit) {
  EXPECT_EQ(Int("9007199254740993"), "9007199254740993");  // 2^53 + 1 is no double.
  EXPECT_EQ(Int("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Int("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Int("\"9223372036854775807\""), "9223372036854775807");
  EXPECT_EQ(Int("9223372036854775808"), "x: is 9223372036854775808, not a whole number of 64 bits");
  EXPECT_THAT(Int("18446744073709551616"), HasSubstr("not a whole number of 64 bits"));
  EXPECT_EQ(Int("25.0"), "25");
  EXPECT_EQ(Int("25.5"), "x: is 25.5, not a whole number of 64 bits");
  EXPECT_THAT(Int("9007199254740992.0"), HasSubstr("not a whole number"));
}

TEST(ValueTest, NumbersInTextsAreNumbers) {
  EXPECT_EQ(Double("\" 21.5 \""), "21.5");
  EXPECT_EQ(Double("\"+21.5\""), "21.5");
  EXPECT_EQ(Double("\"21,5\""), "x: is '21,5', not a number");
  EXPECT_EQ(Double("\"+-1\""), "x: is '+-1', not a number");
  EXPECT_EQ(Double("\"\""), "x: is '', not a number");
  EXPECT_EQ(Double("\"nan\""), "x: is 'nan', not a number");
  EXPECT_EQ(Double("\"inf\""), "x: is 'inf', not a number");
  EXPECT_EQ(Double("null"), "x: is null, not a number");
  EXPECT_EQ(Double("true"), "x: is true, not a number");
}

TEST(ValueTest, ScaleMustLeaveANumberFinite) {
  Conversion conversion;
  conversion.scale = 1e300;
  EXPECT_FALSE(ToValue(Scalar(1e300), conversion));
  EXPECT_TRUE(ToValue(Scalar(1.0), conversion));
}

TEST(ValueTest, BoolsAreToldFromTextsAndBits) {
  for (const char* yes : {"true", "1", "\"true\"", "\"1\""}) {
    EXPECT_EQ(At("", yes, ValueType::kBool), "true") << yes;
  }
  for (const char* no : {"false", "0", "\"false\"", "\"0\""}) {
    EXPECT_EQ(At("", no, ValueType::kBool), "false") << no;
  }
  EXPECT_EQ(At("", "2", ValueType::kBool), "x: is 2, not true or false");
  EXPECT_EQ(At("", "\"ON\"", ValueType::kBool), "x: is 'ON', not true or false");
  Conversion named;
  named.type = ValueType::kBool;
  named.true_text = "ON";
  named.false_text = "OFF";
  EXPECT_EQ(*ToValue(Scalar(std::string("ON")), named), Value(true));
  EXPECT_EQ(*ToValue(Scalar(std::string("OFF")), named), Value(false));
  EXPECT_EQ(ToValue(Scalar(true), named).error().text, "is true, not 'ON' or 'OFF'");
  EXPECT_EQ(*ToJson(Value(true), named), "\"ON\"");
}

TEST(ValueTest, TextsAreOnesThatATwinCanHold) {
  EXPECT_EQ(At("", "\"warm\"", ValueType::kString), "warm");
  EXPECT_EQ(At("", "1", ValueType::kString), "x: is 1, not a string");
  const std::string longest(model::kValueBytesMax, 'a');
  EXPECT_EQ(At("", "\"" + longest + "\"", ValueType::kString), longest);
  EXPECT_THAT(At("", "\"" + longest + "a\"", ValueType::kString), HasSubstr("at most 16 KiB"));
  Conversion text;
  text.type = ValueType::kString;
  EXPECT_FALSE(ToValue(Scalar(std::string("\xff")), text));
}

TEST(ValueTest, WhatIsShownCanBeStored) {
  EXPECT_EQ(Shown(std::string_view("a\n\x1b\xff\x7f\xc2\x9b", 7)),
            "'a" + std::string(5, '?') + "'");
  EXPECT_LT(Shown(std::string(10'000, 'x')).size(), 100u);
}

TEST(ValueTest, WritesAreJsonOfTheDevicesOwnScale) {
  Conversion tenths;
  tenths.scale = 0.1;
  EXPECT_EQ(*ToJson(Value(21.5), tenths), "215");
  EXPECT_EQ(*ToJson(Value(0.3), tenths), "3");  // And not 2.9999999999999996.
  EXPECT_EQ(*ToJson(Value(21.55), tenths), "215.5");
  EXPECT_EQ(*ToJson(Value(4079685477580.8), Conversion()), "4079685477580.8");
  Conversion whole;
  whole.type = ValueType::kInt;
  EXPECT_EQ(*ToJson(Value(std::int64_t{9223372036854775807}), whole), "9223372036854775807");
  Conversion text;
  text.type = ValueType::kString;
  EXPECT_EQ(*ToJson(Value(std::string("a\"\\\n")), text), R"("a\"\\\n")");
  EXPECT_FALSE(ToJson(Value(std::string("1")), whole));
  EXPECT_FALSE(ToJson(Value(std::numeric_limits<double>::infinity()), tenths));
}

std::string Compiled(const std::string& text) {
  const Result<Pattern> pattern = Pattern::Compile(text);
  return pattern ? "" : pattern.error().text;
}

TEST(PatternTest, FindsTheFirstGroup) {
  const auto pattern = Pattern::Compile("Temp: *(?:about )?(-?[0-9.]+)");
  ASSERT_TRUE(pattern);
  EXPECT_EQ(*pattern->Find("<b>Temp: about -3.5</b> Temp: 4"), "-3.5");
  EXPECT_EQ(pattern->Find("cold").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(*Pattern::Compile("a(b)?")->Find("ac"), "");
  // Bytes that are no UTF-8 are no match of '.', and no harm.
  EXPECT_EQ(*Pattern::Compile("v=([0-9]+)")->Find("\xff\xfe v=7 \xff"), "7");
}

TEST(PatternTest, WrongExpressionsAreRefused) {
  EXPECT_THAT(Compiled("("), HasSubstr("missing )"));
  EXPECT_THAT(Compiled("(a)\\1"), HasSubstr("invalid escape sequence"));
  EXPECT_THAT(Compiled("a"), HasSubstr("has 0 groups"));
  EXPECT_THAT(Compiled("(a)(b)"), HasSubstr("has 2 groups"));
  EXPECT_EQ(Compiled("(" + std::string(600, 'a') + ")"), "is longer than 512 bytes");
  EXPECT_THAT(Compiled("(a{400})"), HasSubstr("costs too much"));
  EXPECT_THAT(Compiled("(\\pL{40})"), HasSubstr("too large"));
}

TEST(PatternTest, ALongBodyIsNotSearched) {
  const auto pattern = Pattern::Compile("(a)");
  const std::size_t most = pattern->body_bytes_max();
  EXPECT_EQ(*pattern->Find("a" + std::string(most - 1, ' ')), "a");
  EXPECT_EQ(pattern->Find("a" + std::string(most, ' ')).error().code, ErrorCode::kExhausted);
  // The more it could cost, the less it may search.
  EXPECT_LT(Pattern::Compile("(a{200})")->body_bytes_max(), 50'000u);
}

TEST(ExtractionTest, EachPropertyHasItsOwnResult) {
  Extraction extraction;
  extraction.Add("a", PointerPlace{{"a"}, "/a"}, Conversion());
  extraction.Add("b", *Pattern::Compile("\"b\":(\\d+)"), Conversion());
  extraction.Add("c", PointerPlace{{"c"}, "/c"}, Conversion());
  auto values = extraction.From(R"({"a":1,"b":2})");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(*values[0], Value(1.0));
  EXPECT_EQ(*values[1], Value(2.0));
  EXPECT_EQ(values[2].error().text, "c: no /c in the JSON");
  values = extraction.From(R"(no JSON, but "b":3)");
  EXPECT_FALSE(values[0]);
  EXPECT_EQ(*values[1], Value(3.0));
}

}  // namespace
}  // namespace edgetwin::extract
