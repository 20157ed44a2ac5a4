// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Stores that are replaced or put back from an image or a backup; see session_world.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

TEST(ReplacedTest, ADeviceWithANewStoreIsTakenAnewAndDesiredComesBack) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(4, 8);
  world.Run(seconds(5));
  const std::uint64_t epoch = world.cloud().status().epoch.counter;
  world.edge_disk = Disk();
  world.ForgetSent();
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
  EXPECT_EQ(world.cloud().status().resets, 1u);
  EXPECT_EQ(world.cloud().status().epoch.counter, epoch + 1);
  const PropertyId id = world.edge_twin().Find("plant/p4");
  EXPECT_EQ(world.edge_twin().row(id, Side::kDesired)->value, Value(8.0));
}

TEST(ReplacedTest, ACloudWithANewStoreIsFilledAnew) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(4, 8);
  world.Run(seconds(5));
  world.cloud_disk = Disk();
  world.ForgetAcked();
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.Run(seconds(20));  // The one that it knew might still answer.
  ASSERT_EQ(world.edge().status().state, SyncState::kLive);
  EXPECT_EQ(world.cloud().status().state_durable,
            world.edge_twin().stream_head(model::Stream::kState));
  EXPECT_EQ(world.cloud().status().epoch, world.edge().status().epoch);
  world.Want(4, 3);
  world.Run(seconds(5));
  EXPECT_EQ(world.device["plant/p4"], 3.0);
  world.ExpectEqualTwins();
}

TEST(ReplacedTest, ADeviceStoreThatIsReplacedWhileTheCloudCommitsLosesNothing) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.Pass(milliseconds(300));
  world.DeliverUp();
  ASSERT_EQ(world.cloud_commits.size(), 1u);  // Out while the other store says Hello.
  world.edge_disk = Disk();
  world.ForgetSent();
  world.ForgetAcked();
  world.CrashEdge();
  world.FinishEdgeCommit();
  while (!world.up.empty()) world.DeliverUp();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 3);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(ReplacedTest, RowsOfAReplacedDeviceStoreDoNotComeBackWithTheCloudsRestart) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < world.properties; ++i) world.Sample(i, 2 + round);
    world.Pass(milliseconds(300));
    world.DeliverUp();  // The second one waits behind the commit of the first.
  }
  world.edge_disk = Disk();
  world.ForgetSent();
  world.ForgetAcked();
  world.CrashEdge();
  while (!world.up.empty()) world.DeliverUp();
  while (!world.cloud_commits.empty()) world.FinishCloudCommit();
  world.CrashCloud();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 9);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

// The device holds desired values of the old cloud, one being committed and one that waits, when
// the new cloud's Welcome comes; the Hello after it is lost.
void ReplaceCloudWhileTheDeviceCommits(World& world) {
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(0, 1);
  world.Run(seconds(5));
  for (int i = 2; i < 9; ++i) {
    world.Want(i % 2 * 4, i);
    world.FinishCloudCommit();
    world.DeliverDown();
  }
  ASSERT_EQ(world.edge_commits.size(), 1u);
  world.cloud_disk = Disk();
  world.ForgetAcked();
  world.up.clear();
  world.CrashCloud();
  world.Want(0, 42);
  for (int i = 0; i < 50 && world.edge().status().trouble.empty(); ++i) {
    world.DeliverUp();
    world.FinishCloudCommit();
    world.DeliverDown();
    world.Pass(milliseconds(1));
  }
  ASSERT_FALSE(world.edge().status().trouble.empty());
  world.up.clear();
}

TEST(ReplacedTest, ACloudStoreThatIsReplacedWhileTheDeviceCommitsLosesNoDesired) {
  World world(1);
  ReplaceCloudWhileTheDeviceCommits(world);
  world.FinishEdgeCommit();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 3);
  world.Run(seconds(30));
  EXPECT_EQ(world.device["plant/p0"], 42);
}

TEST(ReplacedTest, DesiredOfAReplacedCloudStoreDoesNotComeBackWithTheDevicesRestart) {
  World world(1);
  ReplaceCloudWhileTheDeviceCommits(world);
  while (!world.edge_commits.empty()) world.FinishEdgeCommit();
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 3);
  world.Run(seconds(30));
  EXPECT_EQ(world.device["plant/p0"], 42);
}

TEST(ReplacedTest, ADeviceThatCrashesBeforeItHasItsNewEpochIsNotFenced) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.cloud_disk = Disk();
  world.ForgetAcked();
  world.CrashCloud();
  for (int i = 0; i < 50 && world.edge().status().sessions < 2; ++i) {
    world.DeliverUp();
    world.DeliverDown();
    world.FinishCloudCommit();
    world.Pass(milliseconds(1));
  }
  ASSERT_EQ(world.edge().status().sessions, 2u);
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(ReplacedTest, AHelloFromBeforeTheDevicesRestartChangesNothing) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  ASSERT_FALSE(world.up.empty());
  const Frame late = world.up.front();
  ASSERT_TRUE(std::holds_alternative<Hello>(late));
  world.Run(seconds(5));
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.Run(seconds(5));
  world.up.push_back(late);
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().resets, 0u);
  world.Sample(0, 3);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(ReplacedTest, ADeviceRestoredFromAnOlderImageIsTakenAnew) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  const Disk image = world.edge_disk;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < world.properties; ++i) world.Sample(i, round);
    world.Run(seconds(1));
  }
  world.edge_disk = image;
  world.ForgetSent();
  world.ForgetAcked();
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 7);
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().resets, 1u);
  world.ExpectEqualTwins();
}

TEST(ReplacedTest, ACloudRestoredFromABackupIsHeardAgain) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(0, 1);
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  for (int i = 2; i < 10; ++i) {
    world.Want(0, i);
    world.Run(seconds(2));
  }
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.Want(0, 42);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 7);
  world.Run(seconds(30));
  EXPECT_EQ(world.device["plant/p0"], 42);
  world.ExpectEqualTwins();
}

// Both branches wanted something since they parted, and the cloud's is newer by number.
TEST(ReplacedTest, WhatIsLostToAnotherBranchOfTheCloudIsTold) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  world.Want(0, 5);
  world.Run(seconds(5));
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.Want(4, 1);
  world.Want(0, 42);
  world.Run(seconds(60));
  EXPECT_EQ(world.device["plant/p0"], 42);
  world.ExpectEqualTwins();
  const auto& events = world.edge_disk.stored().events;
  const auto told = std::ranges::find(events, "conflict", &model::Event::kind);
  ASSERT_NE(told, events.end());
  EXPECT_THAT(told->text, testing::HasSubstr("'plant/p0'"));
  EXPECT_THAT(told->text, testing::EndsWith("lost: 5"));
}

// A newer value that a crash takes must not have made the cloud skip the one before it.
TEST(ReplacedTest, TheValueThatACrashBringsBackIsSent) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.down.clear();  // Lost.
  world.Want(4, 6);
  world.FinishCloudCommit();
  world.down.clear();
  world.Want(0, 7);  // Not durable when the others are sent again.
  for (int i = 0; i < 30; ++i) {
    world.Pass(milliseconds(100));
    while (!world.down.empty()) world.DeliverDown();
    world.FinishEdgeCommit();
    while (!world.up.empty()) world.DeliverUp();
  }
  world.CrashCloud();
  world.Run(seconds(10));
  world.ExpectEqualTwins();
  EXPECT_EQ(world.device["plant/p0"], 5);
}

}  // namespace
}  // namespace edgetwin::sync
