// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace edgetwin::snmp_driver {
namespace {

using model::Value;
using model::ValueType;
using ::testing::HasSubstr;

Data Whole(std::int64_t number) {
  return {Syntax::kInteger, number};
}
Data Octets(std::string bytes) {
  return {Syntax::kOctets, std::move(bytes)};
}
Conversion Of(ValueType type) {
  Conversion conversion;
  conversion.type = type;
  return conversion;
}
std::string Problem(const Data& data, const Conversion& conversion) {
  const Result<Value> value = ToValue(data, conversion);
  return value ? "" : value.error().text;
}
std::string SetProblem(const Value& value, const Conversion& conversion, Syntax syntax) {
  const Result<Data> data = ToData(value, conversion, syntax);
  return data ? "" : data.error().text;
}

TEST(ConversionTest, NumbersThatAgentsSayAsTextAreNumbers) {
  EXPECT_EQ(*ToValue(Octets(" +23.5 "), Of(ValueType::kDouble)), Value(23.5));
  EXPECT_EQ(*ToValue(Octets(std::string("17\0", 3)), Of(ValueType::kInt)), Value(std::int64_t{17}));
  for (const char* text : {"", " ", "1 2", "23,5", "0x10", "nan", "inf", "12C", "+-1"}) {
    EXPECT_NE(Problem(Octets(text), Of(ValueType::kDouble)), "") << text;
  }
  EXPECT_NE(Problem(Octets("1.5"), Of(ValueType::kInt)), "");
}

TEST(ConversionTest, AWholeNumberKeepsAllItsDigits) {
  const auto most = std::uint64_t{9'223'372'036'854'775'807};
  EXPECT_EQ(*ToValue({Syntax::kCounter64, most}, Of(ValueType::kInt)),
            Value(std::int64_t{9'223'372'036'854'775'807}));
  EXPECT_THAT(Problem({Syntax::kCounter64, most + 1}, Of(ValueType::kInt)),
              HasSubstr("is Counter64 9223372036854775808, not a whole number of 64 bits"));
  EXPECT_EQ(*ToValue({Syntax::kCounter64, most + 1}, Of(ValueType::kString)),
            Value(std::string("9223372036854775808")));
}

TEST(ConversionTest, FloatsAreFinite) {
  EXPECT_EQ(*ToValue({Syntax::kFloat, 0.5}, Of(ValueType::kDouble)), Value(0.5));
  EXPECT_NE(Problem({Syntax::kFloat, std::nan("")}, Of(ValueType::kDouble)), "");
  Conversion huge = Of(ValueType::kDouble);
  huge.scale = std::numeric_limits<double>::max();
  EXPECT_THAT(Problem({Syntax::kDouble, 10.0}, huge), HasSubstr("leave finite"));
  EXPECT_NE(Problem({Syntax::kFloat, 0.5}, Of(ValueType::kInt)), "");
}

TEST(ConversionTest, ABoolIsOneOfTwoNumbers) {
  EXPECT_EQ(*ToValue(Whole(1), Of(ValueType::kBool)), Value(true));
  EXPECT_EQ(*ToValue(Whole(2), Of(ValueType::kBool)), Value(false));
  EXPECT_EQ(Problem(Whole(0), Of(ValueType::kBool)), "is INTEGER 0, not 1 (true) or 2 (false)");
  EXPECT_NE(Problem(Octets("yes"), Of(ValueType::kBool)), "");
}

TEST(ConversionTest, NumbersHaveNames) {
  Conversion state = Of(ValueType::kString);
  state.names = {{1, "up"}, {2, "down"}};
  EXPECT_EQ(*ToValue(Whole(2), state), Value(std::string("down")));
  EXPECT_EQ(*ToValue(Whole(7), state), Value(std::string("7")));
  EXPECT_EQ(
      std::get<std::int64_t>(ToData(Value(std::string("down")), state, Syntax::kInteger)->value),
      2);
  EXPECT_THAT(SetProblem(Value(std::string("off")), state, Syntax::kInteger),
              HasSubstr("'values'"));
}

TEST(ConversionTest, TextIsUtf8AndNotLonger) {
  EXPECT_EQ(*ToValue(Octets(std::string("eth0\0\0", 6)), Of(ValueType::kString)),
            Value(std::string("eth0")));
  EXPECT_THAT(Problem(Octets("\xff\xfe"), Of(ValueType::kString)), HasSubstr("not UTF-8"));
  EXPECT_EQ(Problem(Octets(std::string(16 << 10, 'x')), Of(ValueType::kString)), "");
  EXPECT_THAT(Problem(Octets(std::string((16 << 10) + 1, 'x')), Of(ValueType::kString)),
              HasSubstr("at most 16 KiB"));
  EXPECT_THAT(Problem(Octets(std::string((16 << 10) + 1, 'x')), Of(ValueType::kBytes)),
              HasSubstr("at most 16 KiB"));
}

TEST(ConversionTest, HexGoesThereAndBack) {
  Conversion hex = Of(ValueType::kString);
  hex.hex = true;
  EXPECT_EQ(*ToValue(Octets(std::string("\0\x1b\xc5", 3)), hex), Value(std::string("00:1b:c5")));
  EXPECT_EQ(*ToValue(Octets(""), hex), Value(std::string()));
  for (const char* text : {"00:1b:c5", "001BC5", "00 1b c5", "00-1b-c5"}) {
    EXPECT_EQ(std::get<std::string>(ToData(Value(std::string(text)), hex, Syntax::kOctets)->value),
              std::string("\0\x1b\xc5", 3))
        << text;
  }
  for (const char* text : {"0", "00:", ":00", "00::1b", "0g", "00:1"}) {
    EXPECT_NE(SetProblem(Value(std::string(text)), hex, Syntax::kOctets), "") << text;
  }
}

TEST(ConversionTest, WhatIsMissingIsNotFound) {
  for (const Syntax syntax :
       {Syntax::kNoSuchObject, Syntax::kNoSuchInstance, Syntax::kEndOfMibView}) {
    EXPECT_EQ(ToValue({syntax, {}}, Of(ValueType::kInt)).error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(ToValue({Syntax::kNull, {}}, Of(ValueType::kInt)).error().code, ErrorCode::kCorrupt);
}

TEST(ConversionTest, WhatIsSetFitsTheObject) {
  const Conversion whole = Of(ValueType::kInt);
  const auto value = [](std::int64_t number) { return Value(number); };
  EXPECT_EQ(SetProblem(value(2'147'483'647), whole, Syntax::kInteger), "");
  EXPECT_NE(SetProblem(value(2'147'483'648), whole, Syntax::kInteger), "");
  EXPECT_NE(SetProblem(value(-2'147'483'649), whole, Syntax::kInteger), "");
  EXPECT_EQ(SetProblem(value(4'294'967'295), whole, Syntax::kUnsigned), "");
  EXPECT_NE(SetProblem(value(4'294'967'296), whole, Syntax::kTimeTicks), "");
  EXPECT_NE(SetProblem(value(-1), whole, Syntax::kCounter64), "");
  Conversion scaled = Of(ValueType::kDouble);
  scaled.scale = 0.1;
  EXPECT_EQ(std::get<std::int64_t>(ToData(Value(12.3), scaled, Syntax::kInteger)->value), 123);
  EXPECT_NE(SetProblem(Value(1e300), scaled, Syntax::kInteger), "");
  EXPECT_NE(SetProblem(Value(std::nan("")), scaled, Syntax::kCounter64), "");
  EXPECT_NE(SetProblem(Value(std::numeric_limits<double>::infinity()), scaled, Syntax::kFloat), "");
  EXPECT_NE(SetProblem(Value(std::string("1.2.3")), Of(ValueType::kString), Syntax::kIpAddress),
            "");
  EXPECT_NE(SetProblem(Value(std::string("x")), Of(ValueType::kString), Syntax::kOid), "");
  EXPECT_EQ(ToData(value(1), whole, Syntax::kOpaque).error().code, ErrorCode::kUnsupported);
}

TEST(ConversionTest, ErrorsHoldNothingThatATerminalObeys) {
  EXPECT_EQ(Shown("a\x1b[2J"), "'a?[2J'");
  EXPECT_EQ(Shown("\xc2\x9b"), "'?'");
  EXPECT_EQ(Shown("Gerät"), "'Gerät'");
  EXPECT_EQ(Shown(std::string(41, 'x')), "'" + std::string(40, 'x') + "…'");
}

}  // namespace
}  // namespace edgetwin::snmp_driver
