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

TEST(RefusalTest, WhatRotsBesideARowThatIsSetAsideIsHealed) {
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
  const auto id = world.cloud_twin().Find("plant/p3");
  model::Row row = *world.cloud_twin().row(id, Side::kReported);
  row.value = Value(99.0);
  world.cloud_twin().Force(id, Side::kReported, row);
  world.CutLink();  // Each session begins with a digest.
  world.MendLink();
  world.Run(seconds(30));
  EXPECT_EQ(world.cloud_twin().row(id, Side::kReported)->value, Value(1.0));
  EXPECT_EQ(world.edge().status().heals, 1u);
  EXPECT_EQ(world.edge().status().quarantined, 2u) << "it was tried once more, by a new number";
  const std::uint64_t unequal = world.cloud().status().digests_unequal;
  world.Run(seconds(900));
  EXPECT_EQ(world.cloud().status().digests_unequal, unequal);
}

TEST(RefusalTest, ADigestOfWhatIsRefusedMeanwhileBeginsNoHealing) {
  World world(1);
  world.accept = [](const WireRow& wire) {
    return wire.row.value == Value(13.0) ? Status(Invalid("unlucky")) : Status();
  };
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(900));
  world.CutLink();
  world.Sample(0, 13);
  world.MendLink();
  // Of the new session: the row, and behind it a digest with it in.
  std::vector<Frame> late;
  for (int i = 0; i < 400 && late.empty(); ++i) {
    world.Turn();
    world.FinishEdgeCommit();
    world.FinishCloudCommit();
    for (auto at = world.up.begin(); at != world.up.end();) {
      const auto* delta = std::get_if<Delta>(&*at);
      if (delta != nullptr && delta->stream == model::Stream::kState && delta->digest) {
        late.push_back(*at);
        at = world.up.erase(at);
      } else {
        ++at;
      }
    }
    world.DeliverUp();
    world.DeliverDown();
    world.Pass(milliseconds(50));
  }
  ASSERT_EQ(late.size(), 1u);
  const std::uint64_t with_it = std::get<Delta>(late[0]).to;
  world.Run(seconds(2));
  ASSERT_EQ(world.edge().status().quarantined, 1u);
  Nack nack;
  nack.cursors.session = std::get<Delta>(late[0]).session;
  nack.reason = NackReason::kDigest;
  nack.refused = FrameSpan{model::Stream::kState, with_it, with_it};
  world.down.push_back(nack);
  world.Run(seconds(5));
  EXPECT_EQ(world.edge().status().heals, 0u);
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

TEST(RefusalTest, HealingDoesNotTakeBackWhatIsAboutToBeGivenBack) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(0, 5);
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  world.Want(0, 6);
  world.Run(seconds(5));
  ASSERT_EQ(world.device["plant/p0"], 6);
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  // Something differs, and no Offer arrives until that is healed.
  bool spoilt = false;
  for (int i = 0; i < 2'000 && world.edge().status().heals == 0; ++i) {
    world.Turn();
    world.FinishEdgeCommit();
    world.FinishCloudCommit();
    std::erase_if(world.up,
                  [](const Frame& frame) { return std::holds_alternative<Offer>(frame); });
    if (!spoilt && world.edge().status().orphans > 0 &&
        world.edge().status().state == SyncState::kLive) {
      spoilt = true;
      const auto id = world.cloud_twin().Find("plant/p3");
      model::Row row = *world.cloud_twin().row(id, Side::kReported);
      row.value = Value(99.0);
      world.cloud_twin().Force(id, Side::kReported, row);
    }
    world.DeliverUp();
    world.DeliverDown();
    world.Pass(milliseconds(50));
  }
  ASSERT_TRUE(spoilt);
  ASSERT_GT(world.edge().status().heals, 0u);
  EXPECT_EQ(world.edge().status().orphans, 1u);
  world.Run(seconds(30));
  EXPECT_EQ(world.device["plant/p0"], 6);
  EXPECT_EQ(world.cloud_twin().row(world.cloud_twin().Find("plant/p0"), Side::kDesired)->value,
            Value(6.0));
  world.ExpectEqualTwins();
}

TEST(RefusalTest, AValueThatCrashedTheDeviceIsSetAsideUntilThereIsANewerOne) {
  World world(1);
  std::uint64_t poison = 0;
  std::vector<std::uint64_t> begun, ended;
  world.entry_begins = [&](const model::Dot& dot) {
    EXPECT_NE(dot.inc, 0u);
    if (dot.seq == poison) return false;
    begun.push_back(dot.seq);
    return true;
  };
  world.entry_ends = [&](const model::Dot& dot) { ended.push_back(dot.seq); };
  world.CrashEdge();
  world.Run(seconds(5));
  poison = world.cloud().status().desired_head + 1;
  world.Want(0, 5);
  world.Want(4, 6);
  world.Run(seconds(5));
  EXPECT_GT(world.edge().status().entries_refused, 0u);
  EXPECT_EQ(world.cloud().status().quarantined, 1u);
  EXPECT_EQ(world.edge_twin().row(world.edge_twin().Find("plant/p0"), Side::kDesired), nullptr);
  EXPECT_EQ(world.device["plant/p4"], 6) << "the rest goes on";
  EXPECT_EQ(begun, ended);
  EXPECT_FALSE(begun.empty());
  world.Want(0, 7);
  world.Run(seconds(5));
  EXPECT_EQ(world.device["plant/p0"], 7);
  world.ExpectEqualTwins();
}

TEST(RefusalTest, ACommandThatCrashedTheDeviceIsAnsweredAndNotRun) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  const std::uint64_t poison = world.cloud().status().desired_head + 1;
  world.entry_begins = [&](const model::Dot& dot) { return dot.seq != poison; };
  world.entry_ends = [](const model::Dot&) {};
  world.CrashEdge();
  world.Run(seconds(5));
  world.log.clear();
  model::Command command;
  command.id = 7;
  command.name = "read";
  command.path = "plant/p0";
  command.expires = world.wall() + seconds(60);
  ASSERT_TRUE(world.cloud().AddCommand(command));
  world.Run(seconds(5));
  EXPECT_EQ(world.log, std::vector<std::string>());
  EXPECT_EQ(world.cloud().commands().Find(7)->state, model::CommandState::kFailed);
  EXPECT_EQ(world.cloud().commands().Find(7)->result.rfind("quarantined: ", 0), 0u);
  world.Want(4, 6);
  world.Run(seconds(5));
  EXPECT_EQ(world.device["plant/p4"], 6) << "what comes after it is taken";
}

}  // namespace
}  // namespace edgetwin::sync
