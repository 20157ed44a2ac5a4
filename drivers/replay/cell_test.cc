// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/cell.h"

#include <gtest/gtest.h>

namespace edgetwin::replay {
namespace {

using model::Value;
using model::ValueType;

TEST(CellTest, NumbersAreTheWholeCell) {
  EXPECT_EQ(*ParseCell("-12.5e1", ValueType::kDouble), Value(-125.0));
  EXPECT_EQ(*ParseCell("+3", ValueType::kDouble), Value(3.0));
  EXPECT_EQ(*ParseCell("-9223372036854775808", ValueType::kInt), Value(INT64_MIN));
  for (const char* text : {"", "1,5", "1.5 ", "0x10", "inf", "nan", "1e999", "abc"}) {
    EXPECT_FALSE(ParseCell(text, ValueType::kDouble)) << text;
  }
  for (const char* text : {"", "1.0", "9223372036854775808", "1e3"}) {
    EXPECT_FALSE(ParseCell(text, ValueType::kInt)) << text;
  }
}

TEST(CellTest, BoolsComeInTheirUsualSpellings) {
  for (const char* text : {"1", "true", "TRUE", "Yes", "on"}) {
    EXPECT_EQ(*ParseCell(text, ValueType::kBool), Value(true)) << text;
  }
  for (const char* text : {"0", "false", "No", "OFF"}) {
    EXPECT_EQ(*ParseCell(text, ValueType::kBool), Value(false)) << text;
  }
  for (const char* text : {"", "2", "truetrue", "y"})
    EXPECT_FALSE(ParseCell(text, ValueType::kBool)) << text;
}

TEST(CellTest, TextMustBeUtf8OfBoundedLength) {
  EXPECT_EQ(*ParseCell("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\xa1", ValueType::kString),
            Value(std::string("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\xa1")));
  for (const char* text :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "a\x80"}) {
    EXPECT_FALSE(ParseCell(text, ValueType::kString));
  }
  EXPECT_TRUE(ParseCell(std::string(model::kValueBytesMax, 'x'), ValueType::kString));
  EXPECT_FALSE(ParseCell(std::string(model::kValueBytesMax + 1, 'x'), ValueType::kString));
}

TEST(CellTest, TheErrorShowsTheCellAndIsItselfUtf8) {
  EXPECT_EQ(ParseCell("12,5", ValueType::kDouble).error().text, "'12,5' is no double");
  EXPECT_EQ(ParseCell("\xff\xfe", ValueType::kDouble).error().text, "'\\?' is no double");
}

}  // namespace
}  // namespace edgetwin::replay
