// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace edgetwin::exec {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Cut(LineCutter& cutter, std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    if (!cutter.Take(bytes)) break;
    lines.push_back(cutter.too_long() ? "(too long)" : std::string(cutter.line()));
  }
  return lines;
}

TEST(LineCutterTest, PutsLinesTogetherHoweverTheyArrive) {
  LineCutter cutter(100);
  EXPECT_THAT(Cut(cutter, "on"), ElementsAre());
  EXPECT_THAT(Cut(cutter, "e\ntwo\r\n\nthr"), ElementsAre("one", "two", ""));
  EXPECT_THAT(Cut(cutter, "ee\n"), ElementsAre("three"));
  EXPECT_FALSE(cutter.TakeRest());
  EXPECT_THAT(Cut(cutter, "half"), ElementsAre());
  ASSERT_TRUE(cutter.TakeRest());
  EXPECT_EQ(cutter.line(), "half");
}

TEST(LineCutterTest, PassesOverALineThatIsTooLongAndNoOther) {
  LineCutter cutter(4);
  EXPECT_THAT(Cut(cutter, "1234\n12345\n12"), ElementsAre("1234", "(too long)"));
  EXPECT_THAT(Cut(cutter, "345"), ElementsAre());
  EXPECT_THAT(Cut(cutter, "678\nok\n"), ElementsAre("(too long)", "ok"));
  EXPECT_EQ(cutter.longest_bytes(), 4u);
}

}  // namespace
}  // namespace edgetwin::exec
