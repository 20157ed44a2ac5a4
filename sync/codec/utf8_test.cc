// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace edgetwin::sync {
namespace {

TEST(Utf8Test, AcceptsTheFirstAndLastCharacterOfEachLength) {
  for (const std::string_view text :
       {"", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "twelve bytes, and \xc3\xa9"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesOverlongSurrogateTruncatedAndTooLarge) {
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2",
        "\xe2\x82", "\xf0\x9f\x94", "\xc2\x41", "\xe2\x82\x41", "seven b\xc2", "eightbyt\x80"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8Test, CutsOnlyBetweenCharacters) {
  EXPECT_EQ(CutUtf8("ab", 2), "ab");
  EXPECT_EQ(CutUtf8("abc", 2), "ab");
  EXPECT_EQ(CutUtf8("a\xe2\x82\xac", 3), "a");
  EXPECT_EQ(CutUtf8("a\xe2\x82\xac", 4), "a\xe2\x82\xac");
  EXPECT_EQ(CutUtf8("\xe2\x82\xac", 2), "");
}

}  // namespace
}  // namespace edgetwin::sync
