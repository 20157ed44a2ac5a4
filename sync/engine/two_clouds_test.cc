// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device that two clouds hear, one of them from a backup of the other: only one is its peer. The
// stories are those that tests/model found.

#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

constexpr std::size_t kState = static_cast<std::size_t>(model::Stream::kState);
constexpr std::size_t kControl = static_cast<std::size_t>(model::Stream::kControl);

class TwoCloudsTest : public testing::Test {
 protected:
  TwoCloudsTest() {
    for (int i = 0; i < world_.properties; ++i) world_.Sample(i, 1);
    world_.Want(0, 5);
    world_.Run(seconds(5));
    welcome_.to = world_.edge_twin().lineage().back().inc;
    welcome_.lineage = {{kOther, 1, 0}};
    welcome_.epoch = {1, 1};
  }

  // What the device's frames carry now.
  std::uint32_t Session() {
    const auto bye = world_.edge().Goodbye();
    EXPECT_TRUE(bye);
    return bye ? bye->session : 0;
  }
  void FromOther(Frame frame) {
    world_.edge().Receive(std::move(frame), world_.now, world_.wall());
    world_.Turn();
  }
  void OtherWelcomes() {
    welcome_.session = Session();
    FromOther(welcome_);
  }
  SyncState State() { return world_.edge().status().state; }

  static constexpr std::uint64_t kOther = 0xbacc'bacc'bacc'bacc;
  World world_{1};
  Welcome welcome_;
};

TEST_F(TwoCloudsTest, AcksOfTheOtherOneAreNotHeeded) {
  const std::uint64_t acked = world_.edge().status().state_acked;
  world_.CutLink();
  world_.MendLink();
  while (State() != SyncState::kLive) world_.Run(seconds(1));
  for (int i = 0; i < world_.properties; ++i) world_.Sample(i, 2);
  for (const std::uint32_t session : {Session(), DownSession(Session(), kOther)}) {
    Ack ack;
    ack.session = session;
    ack.watermark[kState] = world_.edge_twin().head();
    FromOther(ack);
    EXPECT_EQ(world_.edge().status().state_acked, acked);
  }
}

TEST_F(TwoCloudsTest, DesiredOfTheOtherOneIsNotTaken) {
  Delta delta;
  delta.session = DownSession(Session(), kOther);
  delta.stream = model::Stream::kControl;
  delta.from = world_.edge().status().cloud_control;
  delta.to = delta.from + 1;
  const std::uint64_t held = delta.from;
  FromOther(delta);
  world_.Run(seconds(2));
  EXPECT_EQ(world_.edge().status().cloud_control, held);
}

TEST_F(TwoCloudsTest, AWelcomeOfTheOtherOneEndsNoSession) {
  OtherWelcomes();
  EXPECT_EQ(State(), SyncState::kLive);
  EXPECT_EQ(world_.edge().status().foreign_welcomes, 1u);
}

TEST_F(TwoCloudsTest, OnceItIsKnownItsNacksEndNoSession) {
  Nack nack{.reason = NackReason::kUnknownSession};
  nack.cursors.session = Session();
  OtherWelcomes();
  FromOther(nack);
  EXPECT_EQ(State(), SyncState::kLive);
  nack.reason = NackReason::kFenced;
  FromOther(nack);
  EXPECT_EQ(State(), SyncState::kLive);
  // The peer's own still do: they name its session as only it can.
  nack.reason = NackReason::kUnknownSession;
  nack.cursors.session = DownSession(Session(), world_.cloud_twin().lineage().back().inc);
  FromOther(nack);
  EXPECT_EQ(State(), SyncState::kHello);
}

TEST_F(TwoCloudsTest, WhileNoOtherOneIsKnownAnUnknownSessionIsBelieved) {
  Nack nack{.reason = NackReason::kUnknownSession};
  nack.cursors.session = Session();
  FromOther(nack);
  EXPECT_EQ(State(), SyncState::kHello);
}

TEST_F(TwoCloudsTest, AWelcomeForAnotherOpeningIsNotTaken) {
  world_.CutLink();
  world_.edge_commits.clear();
  world_.link = true;
  world_.edge().LinkUp(world_.now);
  world_.Turn();
  ASSERT_FALSE(world_.up.empty());
  const auto& hello = std::get<Hello>(world_.up.front());
  Welcome welcome = welcome_;
  welcome.session = hello.session;
  welcome.lineage = world_.cloud_twin().lineage();
  welcome.head[0] = world_.cloud_twin().head();
  welcome.to = hello.lineage.back().inc + 1;
  FromOther(welcome);
  EXPECT_EQ(State(), SyncState::kHello);
  welcome.to = hello.lineage.back().inc;
  FromOther(welcome);
  EXPECT_EQ(State(), SyncState::kLive);
}

TEST_F(TwoCloudsTest, ABusyCloudIsNotAskedAgainAtOnce) {
  FromOther(Nack{.reason = NackReason::kUnknownSession});
  world_.up.clear();
  FromOther(Nack{.reason = NackReason::kBusy});
  EXPECT_TRUE(world_.up.empty());
  world_.Pass(milliseconds(900));
  EXPECT_TRUE(world_.up.empty());
  world_.Pass(milliseconds(200));
  EXPECT_FALSE(world_.up.empty());
}

TEST_F(TwoCloudsTest, EachHandshakeOfAConnectionHasItsOwnSession) {
  const std::uint32_t before = Session();
  const Bye will = world_.edge().Will();
  FromOther(Nack{.reason = NackReason::kUnknownSession});
  world_.Run(seconds(5));
  ASSERT_EQ(State(), SyncState::kLive);
  EXPECT_NE(Session(), before);
  EXPECT_EQ(world_.edge().Will().session, will.session);
  // The connection breaks: its Will ends the session that came last.
  world_.cloud().Receive(will, world_.now, world_.wall());
  EXPECT_FALSE(world_.cloud().connected());
}

TEST_F(TwoCloudsTest, AnEpochOfAnotherLifeOfTheCloudEndsThoughItHasTheSameNumber) {
  model::Batch other_life;
  other_life.epoch = world_.cloud_disk.stored().epoch;
  other_life.epoch->token ^= 1;
  world_.cloud_disk.Commit(other_life);
  world_.CrashCloud();
  world_.Run(seconds(5));
  ASSERT_EQ(State(), SyncState::kLive);
  EXPECT_EQ(world_.edge().status().epoch.counter, other_life.epoch->counter + 1);
  EXPECT_EQ(world_.edge().status().epoch, world_.cloud_disk.stored().epoch);
}

// The other copy of a device may run it, where the session was our peer's after all to end.
TEST_F(TwoCloudsTest, NoCommandBeginsInASessionThatIsInDoubt) {
  OtherWelcomes();
  ASSERT_EQ(State(), SyncState::kLive);
  model::Command command;
  command.id = 7;
  command.name = "read";
  command.path = "plant/p0";
  command.expires = world_.wall() + seconds(60);
  ASSERT_TRUE(world_.cloud().AddCommand(command));
  world_.Turn();
  world_.FinishCloudCommit();
  world_.DeliverDown();
  world_.Turn();
  ASSERT_FALSE(world_.edge_commits.empty());
  Nack nack{.reason = NackReason::kUnknownSession};
  nack.cursors.session = Session();
  FromOther(nack);
  ASSERT_EQ(State(), SyncState::kLive);
  while (!world_.edge_commits.empty()) world_.FinishEdgeCommit();
  world_.Turn();
  EXPECT_TRUE(world_.calls.empty());
  world_.Run(seconds(30));
  EXPECT_EQ(world_.cloud().commands().Find(7)->state, model::CommandState::kDone);
}

TEST(RestoredCloudWaitTest, WhatIsNotOnFlashIsNotHeldThoughTheRestoredCloudHadGivenIt) {
  World world(1);
  world.Run(seconds(5));
  world.Want(0, 1);
  world.Run(seconds(3));
  const auto on_flash = [&] { return world.edge_disk.stored().peer_watermark[kControl]; };
  const std::uint64_t before = on_flash();
  Disk backup;
  for (const double value : {2.0, 3.0}) {
    world.Want(4, value);
    world.FinishCloudCommit();
    if (value == 2.0) backup = world.cloud_disk;
    world.DeliverDown();
    world.Turn();
  }
  ASSERT_EQ(on_flash(), before);
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  bool told = false;
  for (int i = 0; i < 2'000; ++i) {
    world.Turn();
    world.FinishCloudCommit();
    for (const Frame& frame : world.up) {
      if (const auto* hello = std::get_if<Hello>(&frame)) {
        EXPECT_LE(hello->watermark[kControl], on_flash());
      } else if (const auto* ack = std::get_if<Ack>(&frame)) {
        EXPECT_LE(ack->watermark[kControl], on_flash());
      }
    }
    world.DeliverUp();
    world.DeliverDown();
    world.Pass(milliseconds(50));
    told = told || world.edge().status().state == SyncState::kLive;
  }
  EXPECT_TRUE(told);
  EXPECT_EQ(on_flash(), before) << "no commit has ended";
  world.Run(seconds(10));
  world.ExpectEqualTwins();
}

}  // namespace
}  // namespace edgetwin::sync
