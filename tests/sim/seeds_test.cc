// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/seeds.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/sim/vfs.h"
#include "twin/base/guard.h"

namespace edgetwin::sim {
namespace {

class ShrinkTest : public testing::Test {
 protected:
  ShrinkTest() {
    ConfigureSqlite();
    choice_.profile = "diskfault";
  }
  ~ShrinkTest() override { guards_off[static_cast<std::size_t>(Guard::kQueueCap)] = false; }

  Choice choice_;
  std::ostringstream told_;
};

TEST_F(ShrinkTest, ASeedThatHoldsIsNotShrunk) {
  EXPECT_FALSE(Shrink(1, choice_, 1, told_));
}

TEST_F(ShrinkTest, WhatIsLeftFailsTheSameAndIsLess) {
  guards_off[static_cast<std::size_t>(Guard::kQueueCap)] = true;
  const auto least = Shrink(1, choice_, 1, told_);
  ASSERT_TRUE(least);
  EXPECT_GE(least->without.size(), 5u) << told_.str();
  EXPECT_LE(least->happenings_max, 10u) << told_.str();
  const WorldResult whole = RunWorld(*MakeOptions(1, choice_));
  const WorldResult result = RunWorld(*MakeOptions(1, *least));
  ASSERT_FALSE(whole.violations.empty());
  ASSERT_FALSE(result.violations.empty());
  EXPECT_EQ(result.violations.front().invariant, whole.violations.front().invariant);
}

}  // namespace
}  // namespace edgetwin::sim
