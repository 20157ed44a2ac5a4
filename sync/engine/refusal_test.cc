// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What can't be taken; see session_world.h.

#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

TEST(RefusalTest, ARowThatIsSetAsideMakesNobodyHealInVain) {
  World world(1);
  world.accept = [](const WireRow& wire) {
    return wire.row.value == Value(13.0) ? Status(Invalid("unlucky")) : Status();
  };
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Sample(0, 13);
  world.Run(seconds(5));
  ASSERT_EQ(world.edge().status().quarantined, 1u);
  world.CutLink();  // Each session begins with a digest.
  world.MendLink();
  world.Run(seconds(900));
  EXPECT_EQ(world.edge().status().heals, 0u);
  EXPECT_EQ(world.cloud().status().digests_unequal, 0u);
  const std::uint64_t compared = world.cloud().status().digests;
  world.Sample(0, 14);
  world.Run(seconds(900));
  EXPECT_GT(world.cloud().status().digests, compared) << "it is looked at again";
  EXPECT_EQ(world.cloud().status().digests_unequal, 0u);
  world.ExpectEqualTwins();
}

TEST(RefusalTest, BadEntriesCostTheirFrameOneRefusal) {
  World world(1);
  world.accept = [](const WireRow& wire) {
    return wire.row.value == Value(13.0) ? Status(Invalid("unlucky")) : Status();
  };
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  for (int i = 0; i < world.properties; ++i) world.Sample(i, i == 1 || i == 3 ? 13 : 2);
  world.Run(seconds(5));
  EXPECT_EQ(world.edge().status().quarantined, 2u);
  EXPECT_EQ(world.cloud().status().refused_content, 1u);
}

TEST(RefusalTest, WhatComesAgainWhenTheSchemaHasGoneOnIsPassedOver) {
  World world(1);
  bool changed = false;
  world.accept = [&changed](const WireRow& wire) {
    const bool fits = !changed || !(wire.row.value == Value(13.0));
    return fits ? Status() : Status(Invalid("not of its type"));
  };
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Sample(1, 13);
  world.Sample(2, 14);
  world.Turn();
  ASSERT_FALSE(world.up.empty());
  const Frame copy = world.up.front();
  ASSERT_TRUE(std::holds_alternative<Delta>(copy));
  world.Run(seconds(5));
  changed = true;  // Its type, say.
  world.Sample(1, 2);
  world.Run(seconds(5));
  world.up.push_back(copy);
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().refused_content, 0u);
  EXPECT_EQ(world.edge().status().quarantined, 0u);
  world.ExpectEqualTwins();
}

}  // namespace
}  // namespace edgetwin::sync
