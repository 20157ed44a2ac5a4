// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/nmea/nmea_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace edgetwin::nmea {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Cut(Lines& lines, std::string_view bytes) {
  std::vector<std::string> got;
  lines.Add(bytes, [&](std::string_view line) { got.emplace_back(line); });
  return got;
}

TEST(NmeaLinesTest, LinesComeInWhateverPieces) {
  Lines whole;
  EXPECT_THAT(Cut(whole, "$A*1\r\n$B*2\n\n\r\n$C*3\r"), ElementsAre("$A*1", "$B*2", "$C*3"));
  Lines pieces;
  std::vector<std::string> got;
  for (const char c : std::string_view("$A*1\r\n$B*2\n$C")) {
    for (const std::string& line : Cut(pieces, {&c, 1})) got.push_back(line);
  }
  EXPECT_THAT(got, ElementsAre("$A*1", "$B*2"));
  EXPECT_THAT(Cut(pieces, "\n"), ElementsAre("$C"));
}

TEST(NmeaLinesTest, ALineThatIsTooLongIsLeftOutWhole) {
  Lines lines;
  EXPECT_THAT(Cut(lines, std::string(kLineBytesMax, 'x') + "\n"),
              ElementsAre(std::string(kLineBytesMax, 'x')));
  EXPECT_EQ(lines.too_long(), 0u);
  for (int i = 0; i < 1'000; ++i) EXPECT_THAT(Cut(lines, std::string(100, 'y')), ElementsAre());
  EXPECT_THAT(Cut(lines, "tail\n$A\n"), ElementsAre("$A"));
  EXPECT_EQ(lines.too_long(), 1u);
  EXPECT_EQ(lines.longest_bytes(), kLineBytesMax);
}

TEST(NmeaLinesTest, WhatBeganBeforeAnUnpluggingIsForgotten) {
  Lines lines;
  EXPECT_THAT(Cut(lines, "$GPGG"), ElementsAre());
  lines.Clear();
  EXPECT_THAT(Cut(lines, "$A\n"), ElementsAre("$A"));
}

}  // namespace
}  // namespace edgetwin::nmea
