// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/output.h"

#include <gtest/gtest.h>

#include "agent/cli/client.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"

namespace edgetwin::cli {
namespace {

TEST(OutputTest, MeasuresColumnsNotBytes) {
  EXPECT_EQ(Width("21.5 °C"), 7U);
  EXPECT_EQ(Width("温度"), 4U);
  EXPECT_EQ(Width("e\u0301"), 1U);
  EXPECT_EQ(Width("\xff"), 1U);
}

TEST(OutputTest, CutsBetweenCharacters) {
  EXPECT_EQ(Cut("abcdef", 6), "abcdef");
  EXPECT_EQ(Cut("abcdefg", 6), "abcde…");
  EXPECT_EQ(Cut("温度計", 4), "温…");
}

TEST(OutputTest, LeavesNothingThatCommandsATerminal) {
  EXPECT_EQ(Printable("a\033[2Jb"), "a\uFFFD[2Jb");
  EXPECT_EQ(Printable("a\u009b31mb"), "a\uFFFD31mb");
  EXPECT_EQ(Printable("a\u202eb\xff"), "a\uFFFDb\uFFFD");
  EXPECT_EQ(Printable("21 °C"), "21 °C");
}

TEST(OutputTest, KeepsColumnsInLineWhateverTheirBytes) {
  Table table({"A", ">B", "C"});
  table.Add({"°", "1", "x"});
  table.Add({"abc", "100", "y"});
  table.Add({"", "5", ""});
  testing::internal::CaptureStdout();
  table.Print(Output(false, Color::kNever));
  std::fflush(stdout);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "A      B  C\n"
            "°      1  x\n"
            "abc  100  y\n"
            "       5\n");
}

TEST(OutputTest, NeverCutsASentenceInTheLastColumn) {
  const std::string sentence(300, 'x');
  Table table({"", ""});
  table.Add({sentence, sentence});
  testing::internal::CaptureStdout();
  table.Print(Output(false, Color::kNever));
  std::fflush(stdout);
  const std::string line = testing::internal::GetCapturedStdout();
  EXPECT_TRUE(line.ends_with("x…  " + sentence + "\n")) << line;
}

TEST(OutputTest, EscapesWhatAUrlCantHold) {
  EXPECT_EQ(Escaped("a/b c%"), "a/b%20c%25");
  EXPECT_EQ(Escaped("a/*", true), "a%2F%2A");
}

TEST(OutputTest, ReadsDocumentsThatLackWhatItAsks) {
  EXPECT_TRUE(At(Json::array(), "x").is_null());
  EXPECT_EQ(TextAt({{"x", 5}}, "x", "-"), "-");
  EXPECT_EQ(NumberAt({{"x", "5"}}, "x"), 0U);
  EXPECT_EQ(TimeAt({{"x", "yesterday"}}, "x"), "-");
  EXPECT_EQ(Bytes(1'023), "1023 B");
  EXPECT_EQ(Bytes(1'536), "1.5 KiB");
}

}  // namespace
}  // namespace edgetwin::cli
