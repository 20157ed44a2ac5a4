// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/oid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::snmp_driver {
namespace {

using ::testing::HasSubstr;

std::string Problem(std::string_view text) {
  const Result<Oid> oid = ParseOid(text);
  return oid ? "" : oid.error().text;
}

TEST(OidTest, NumbersWithOrWithoutALeadingDot) {
  EXPECT_EQ(*ParseOid("1.3.6.1"), (Oid{1, 3, 6, 1}));
  EXPECT_EQ(*ParseOid(".1.3.6.1"), (Oid{1, 3, 6, 1}));
  EXPECT_EQ(*ParseOid("2.999.4294967295"), (Oid{2, 999, 4'294'967'295}));
  EXPECT_EQ(ToString(*ParseOid("1.3.6.1.2.1")), "1.3.6.1.2.1");
}

TEST(OidTest, WhatIsNoneIsRefused) {
  for (const char* text : {"", ".", "1", "1.", "1..3", "..1.3", "1.3.x", "sysUpTime.0", "1.3 ",
                           "1.-3", "1.3.4294967296", "+1.3"}) {
    EXPECT_NE(Problem(text), "") << text;
  }
  EXPECT_THAT(Problem("IF-MIB::ifDescr"), HasSubstr("names are not read"));
}

TEST(OidTest, WhatCantBeEncodedIsRefused) {
  EXPECT_THAT(Problem("3.1"), HasSubstr("begins with"));
  EXPECT_THAT(Problem("1.40"), HasSubstr("begins with"));
  EXPECT_EQ(Problem("2.40"), "");
  std::string longest = "1.3";
  for (std::size_t i = 2; i < kOidPartsMax; ++i) longest += ".1";
  EXPECT_EQ(Problem(longest), "");
  EXPECT_THAT(Problem(longest + ".1"), HasSubstr("more than 128"));
}

TEST(OidTest, BelowIsAfterTheRoot) {
  EXPECT_TRUE(IsBelow({1, 3, 6, 1}, {1, 3, 6}));
  EXPECT_FALSE(IsBelow({1, 3, 6}, {1, 3, 6}));
  EXPECT_FALSE(IsBelow({1, 3, 7, 1}, {1, 3, 6}));
  EXPECT_FALSE(IsBelow({1, 3}, {1, 3, 6}));
}

}  // namespace
}  // namespace edgetwin::snmp_driver
