// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/sysfs/text.h"

#include <gtest/gtest.h>

namespace edgetwin::sysfs {
namespace {

TEST(TextTest, TakesLinesAndWordsOffAndEndsEmpty) {
  std::string_view rest = "cpu  1 2\n\nlast";
  std::string_view line = TakeLine(rest);
  EXPECT_EQ(TakeWord(line), "cpu");
  EXPECT_EQ(TakeWord(line), "1");
  EXPECT_EQ(TakeWord(line), "2");
  EXPECT_EQ(TakeWord(line), "");
  EXPECT_EQ(TakeLine(rest), "");
  EXPECT_EQ(TakeLine(rest), "last");
  EXPECT_EQ(TakeLine(rest), "");
}

TEST(TextTest, NumbersAreWholeWordsInRange) {
  EXPECT_EQ(ParseUnsigned("18446744073709551615"), 18446744073709551615u);
  EXPECT_FALSE(ParseUnsigned("18446744073709551616"));
  for (const char* text : {"", "-1", "+1", "1x", "x", " 1", "1 ", "0x10"}) {
    EXPECT_FALSE(ParseUnsigned(text)) << text;
  }
  EXPECT_EQ(ParseSigned("-62000"), -62000);
  EXPECT_EQ(ParseDouble("0.52"), 0.52);
  for (const char* text : {"nan", "inf", "1e999", "", "1,5"})
    EXPECT_FALSE(ParseDouble(text)) << text;
}

TEST(TextTest, UndoesOctalEscapesOfMountPointsOnly) {
  EXPECT_EQ(Unescaped("/srv/backup\\040disk"), "/srv/backup disk");
  EXPECT_EQ(Unescaped("/a\\134b"), "/a\\b");
  EXPECT_EQ(Unescaped("/a\\04"), "/a\\04");
  EXPECT_EQ(Unescaped("/a\\089"), "/a\\089");
}

TEST(TextTest, TrimsBothSides) {
  EXPECT_EQ(Trimmed(" up \n"), "up");
  EXPECT_EQ(Trimmed(" \n"), "");
}

}  // namespace
}  // namespace edgetwin::sysfs
