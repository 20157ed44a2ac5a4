// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Rows of paths that no driver knows: they have no number, and are compared and healed by path.

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

class UnnumberedTest : public testing::Test {
 protected:
  UnnumberedTest() {
    world.Sample(0, 1);
    world.Run(seconds(3));
  }

  void Want(int index, Value value) {
    world.Want(index, std::move(value), {});
    world.Run(seconds(3));
  }
  static std::string Path(int index) { return "plant/p" + std::to_string(index); }
  PropertyId Here(int index) { return world.edge_twin().Find(Path(index)); }
  PropertyId There(int index) { return world.cloud_twin().Find(Path(index)); }
  const model::Row* Held(int index) { return world.edge_twin().row(Here(index), Side::kDesired); }

  void ExpectEqual(int index) {
    ASSERT_EQ(world.edge().status().state, SyncState::kLive);
    for (const Side side : {Side::kDesired, Side::kStatus}) {
      const model::Row* here = world.edge_twin().row(Here(index), side);
      const model::Row* there = world.cloud_twin().row(There(index), side);
      ASSERT_TRUE(here != nullptr && there != nullptr) << ToString(side);
      EXPECT_EQ(*here, *there) << ToString(side);
    }
  }

  // Each session begins with digests.
  void BeginSession() {
    world.CutLink();
    world.MendLink();
    world.Run(seconds(30));
  }

  World world{1};
};

TEST_F(UnnumberedTest, AnotherValueUnderTheSameVersionIsFoundAndHealed) {
  Want(20, Value(3.0));
  model::Row rotten = *Held(20);
  rotten.value = Value(9.0);
  world.edge_twin().Force(Here(20), Side::kDesired, rotten);
  BeginSession();
  EXPECT_EQ(Held(20)->value, Value(3.0));
  ExpectEqual(20);
}

TEST_F(UnnumberedTest, WhatTheCloudHoldsOfThemIsToldAnew) {
  Want(20, Value(3.0));
  model::Row rotten = *world.cloud_twin().row(There(20), Side::kStatus);
  rotten.unsynced = !rotten.unsynced;
  world.cloud_twin().Force(There(20), Side::kStatus, rotten);
  BeginSession();
  ExpectEqual(20);
}

TEST_F(UnnumberedTest, WhatOneSideLacksComesAndWhatOnlyItHasGoes) {
  Want(20, Value(3.0));
  Want(21, Value(4.0));
  Want(22, Value(5.0));
  model::Row stray = *Held(20);
  world.edge_twin().Force(Here(21), Side::kDesired, {});
  const PropertyId other = *world.edge_twin().FindOrAdd(*model::Path::Parse("plant/p23"));
  world.edge_twin().Force(other, Side::kDesired, stray);
  BeginSession();
  ASSERT_NE(Held(21), nullptr);
  EXPECT_EQ(Held(21)->value, Value(4.0));
  EXPECT_EQ(Held(23), nullptr);
  EXPECT_EQ(world.edge().status().heals, 1u);
  for (const int index : {20, 21, 22}) ExpectEqual(index);
}

TEST_F(UnnumberedTest, MoreThanAFrameOfThemComesInParts) {
  for (int index = 20; index < 26; ++index) {
    Want(index, Value(std::string(16'000, static_cast<char>('a' + index - 20))));
  }
  for (int index = 20; index < 26; ++index) {
    world.edge_twin().Force(Here(index), Side::kDesired, {});
  }
  BeginSession();
  for (int index = 20; index < 26; ++index) ASSERT_NE(Held(index), nullptr) << index;
  EXPECT_EQ(world.edge().status().heals, 1u);
  for (int index = 20; index < 26; ++index) ExpectEqual(index);
}

// The cloud, set back, doesn't know yet that the number was withdrawn when it says what it wants.
TEST_F(UnnumberedTest, WhatIsWantedByAWithdrawnNumberIsHeld) {
  Want(0, Value(1.0));
  world.Run(seconds(3));
  const Disk backup = world.cloud_disk;
  Want(0, Value(8.0));
  world.Run(seconds(3));
  world.CutLink();
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  Want(0, Value(9.0));
  world.local_only = {0};
  world.Define(0);
  world.MendLink();
  world.Run(seconds(60));
  EXPECT_EQ(world.edge().status().orphans, 0u) << "it waits for the newer wish for ever";
  ASSERT_NE(Held(0), nullptr);
  EXPECT_EQ(Held(0)->value, Value(9.0));
  EXPECT_EQ(world.device["plant/p0"], 8) << "and not acted upon";
}

TEST_F(UnnumberedTest, WhatTurnsOutToBeLocalOnlyMakesNobodyHealForEver) {
  Want(20, Value(3.0));
  world.local_only = {20};
  world.Define(20);
  world.Run(seconds(3));
  BeginSession();
  EXPECT_EQ(world.cloud_twin().row(There(20), Side::kStatus), nullptr) << "it knows no such path";
  const std::uint64_t heals = world.edge().status().heals;
  EXPECT_LE(heals, 1u);
  Want(20, Value(4.0));
  ASSERT_NE(Held(20), nullptr);
  EXPECT_EQ(Held(20)->value, Value(4.0)) << "held, so that both sides hold the same";
  EXPECT_FALSE(world.device.contains("plant/p20")) << "and not acted upon";
  BeginSession();
  world.Run(seconds(900));
  EXPECT_EQ(world.edge().status().heals, heals);
  EXPECT_EQ(world.edge().status().snapshots, 0u);
}

}  // namespace
}  // namespace edgetwin::sync
