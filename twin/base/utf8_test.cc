// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace edgetwin {
namespace {

TEST(Utf8Test, CountsTheBytesOfACharacter) {
  EXPECT_EQ(Utf8CharacterBytes("a"), 1u);
  EXPECT_EQ(Utf8CharacterBytes("°C"), 2u);
  EXPECT_EQ(Utf8CharacterBytes("€"), 3u);
  EXPECT_EQ(Utf8CharacterBytes("\xf0\x9f\x94\xa5"), 4u);
  EXPECT_EQ(Utf8CharacterBytes(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(Utf8CharacterBytes("\xf4\x8f\xbf\xbf"), 4u);  // U+10FFFF, the last one.
}

TEST(Utf8Test, RefusesWhatRfc3629Refuses) {
  EXPECT_EQ(Utf8CharacterBytes(""), 0u);
  EXPECT_EQ(Utf8CharacterBytes("\x80"), 0u);              // A continuation without a lead.
  EXPECT_EQ(Utf8CharacterBytes("\xe2\x82"), 0u);          // Cut.
  EXPECT_EQ(Utf8CharacterBytes("\xe2\x82z"), 0u);         // Interrupted.
  EXPECT_EQ(Utf8CharacterBytes("\xc0\xaf"), 0u);          // Overlong.
  EXPECT_EQ(Utf8CharacterBytes("\xe0\x9f\xbf"), 0u);      // Overlong.
  EXPECT_EQ(Utf8CharacterBytes("\xf0\x8f\xbf\xbf"), 0u);  // Overlong.
  EXPECT_EQ(Utf8CharacterBytes("\xed\xa0\x80"), 0u);      // A surrogate.
  EXPECT_EQ(Utf8CharacterBytes("\xf4\x90\x80\x80"), 0u);  // Above U+10FFFF.
  EXPECT_EQ(Utf8CharacterBytes("\xff"), 0u);
}

TEST(Utf8Test, MakesUtf8OfAnyBytesAndCutsBetweenCharacters) {
  EXPECT_EQ(ToUtf8("21 °C", 6), "21 °C");
  EXPECT_EQ(ToUtf8("21 °C", 4), "21 ");
  EXPECT_EQ(ToUtf8("ger\xe4t", 100), "ger?t");
  EXPECT_EQ(ToUtf8("\xe4\xe4", 1), "?");
  EXPECT_EQ(ToUtf8("x", 0), "");
}

TEST(Utf8Test, FindsWhereValidTextEnds) {
  EXPECT_EQ(Utf8ValidBytes("21 °C"), 6u);
  EXPECT_EQ(Utf8ValidBytes("21 \xb0\x43"), 3u);
  EXPECT_EQ(Utf8ValidBytes(""), 0u);
}

}  // namespace
}  // namespace edgetwin
