// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Stories of the dictionary, full and begun anew; see session_world.h.

#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

// Redefines one property until most of the dictionary is past.
void FillDictionary(World& world) {
  world.edge_limits.dictionary_max = 30;
  world.CrashEdge();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, i);
  world.Want(0, 5);
  world.Run(seconds(5));
  world.log.clear();
  while (!world.edge_twin().DictionaryFull()) {
    ++world.units[1];
    world.Define(1);
    world.Sample(1, world.units[1]);
  }
}

TEST(DictionarySessionTest, AFullDictionaryBeginsAnewOnceTheCloudHasItAndNothingElseIsToldAgain) {
  World world(1);
  FillDictionary(world);
  const std::uint64_t epoch = world.edge().status().epoch.counter;
  const std::uint64_t head = world.edge_twin().stream_head(model::Stream::kState);
  const model::Pid shared = static_cast<model::Pid>(world.properties);
  world.Run(seconds(20));
  EXPECT_EQ(world.edge_twin().dictionary_size(), shared);
  EXPECT_EQ(world.cloud_twin().dictionary_size(), shared);
  EXPECT_EQ(world.edge().status().epoch.counter, epoch + 1)
      << "within an epoch no number names two properties";
  EXPECT_EQ(world.edge_twin().stream_head(model::Stream::kState), head);
  EXPECT_TRUE(world.log.empty()) << "what is wanted is the same";
  EXPECT_EQ(world.cloud().status().digests_unequal, 0u);
  world.Sample(1, 7);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(DictionarySessionTest, ADigestOverOtherNumbersSaysNothing) {
  World world(1);
  world.Sample(0, 1);
  world.Want(0, 5);
  world.Run(seconds(5));
  world.Want(0, 6);
  world.FinishCloudCommit();
  ASSERT_FALSE(world.down.empty());
  Delta shown;
  shown.session = SessionOf(world.down.back());
  world.Run(seconds(5));
  shown.stream = model::Stream::kControl;
  shown.from = shown.to = world.cloud_twin().stream_head(model::Stream::kControl);
  shown.digest = DigestTag{{1, 2}, 0, world.edge_twin().dictionary_size() - 1};
  const auto show = [&world](const Delta& delta) {
    world.edge().Receive(delta, world.now, world.wall());
    return world.edge().status().digests_unequal;
  };
  EXPECT_EQ(show(shown), 0u);
  ++shown.digest->entries;
  EXPECT_EQ(show(shown), 1u) << "or this test looks at nothing";
}

// Every answer to a row is UNKNOWN_PID, and just before it comes one to a digest, of a gap.
TEST(DictionarySessionTest, AGapDoesNotKeepTheDictionaryFromBeingToldAgain) {
  World world(1);
  world.Run(seconds(5));
  world.Want(0, 6);
  world.FinishCloudCommit();
  ASSERT_FALSE(world.down.empty());
  const std::uint32_t session = SessionOf(world.down.back());
  world.Run(seconds(5));
  ++world.units[1];
  world.Define(1);
  world.Sample(1, 1);
  world.FinishEdgeCommit();
  world.up.clear();  // The entry and the row.
  world.Pass(milliseconds(500));
  Nack gap{.reason = NackReason::kGap};
  gap.cursors.session = session;
  gap.cursors.watermark = world.cloud().watermark();
  gap.cursors.dictionary_n = world.cloud_twin().dictionary_size();
  world.edge().Receive(gap, world.now, world.wall());
  gap.reason = NackReason::kUnknownPid;
  world.edge().Receive(gap, world.now, world.wall());
  world.Turn();
  EXPECT_TRUE(std::ranges::any_of(
      world.up, [](const Frame& frame) { return std::holds_alternative<DictionaryFrame>(frame); }));
}

bool HasDictionary(const std::deque<Frame>& frames) {
  return std::ranges::any_of(
      frames, [](const Frame& frame) { return std::holds_alternative<DictionaryFrame>(frame); });
}

// Withdraws a property, until the entry is on its way.
void Withdraw(World& world, int property) {
  world.local_only.insert(property);
  world.Define(property);
  for (int i = 0; i < 100 && !HasDictionary(world.up); ++i) {
    world.up.clear();
    world.Pass(milliseconds(100));
    world.Turn();
    world.FinishEdgeCommit();
  }
  ASSERT_TRUE(HasDictionary(world.up));
}

// No row follows a withdrawal that would be missed with it.
TEST(DictionarySessionTest, AWithdrawalThatIsLostIsToldAgain) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  ASSERT_NO_FATAL_FAILURE(Withdraw(world, 1));
  world.up.clear();
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud_twin().dictionary_size(), world.edge_twin().dictionary_size());
  const PropertyId gone = world.cloud_twin().Find("plant/p1");
  EXPECT_TRUE(gone == model::kNoProperty ||
              world.cloud_twin().row(gone, model::Side::kReported) == nullptr)
      << "the cloud keeps what is not its business any more";
}

TEST(DictionarySessionTest, EntriesThatAreNotAcknowledgedAreToldAgainEverLessOften) {
  World world(1);
  world.Run(seconds(5));
  ASSERT_NO_FATAL_FAILURE(Withdraw(world, 1));
  int told = 0;
  for (int i = 0; i < 1'200; ++i) {
    told += HasDictionary(world.up) ? 1 : 0;
    world.up.clear();
    world.Pass(milliseconds(100));
    world.Turn();
  }
  // After 1.5 s, 3 s, 6 s … of two minutes.
  EXPECT_GE(told, 6);
  EXPECT_LE(told, 8);
}

TEST(DictionarySessionTest, WhatNoDriverKnowsAnyMoreIsNoDifferenceOnceTheDictionaryBeganAnew) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  // An empty store, and drivers that know one property less than the cloud does.
  --world.properties;
  world.edge_disk = Disk();
  world.ForgetSent();
  world.CrashEdge();
  world.Run(seconds(30));
  const PropertyId gone = world.edge_twin().Find("plant/p19");
  ASSERT_NE(gone, model::kNoProperty);
  FillDictionary(world);
  const std::uint64_t unequal = world.cloud().status().digests_unequal;
  world.Run(seconds(30));
  EXPECT_EQ(world.edge_twin().pid(gone), 0u);
  EXPECT_EQ(world.cloud().status().digests_unequal, unequal);
  EXPECT_EQ(world.edge().status().snapshots, 0u);
}

TEST(DictionarySessionTest, ACrashOfEitherSideWhileTheDictionaryBeginsAnewLosesNothing) {
  for (int steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    World world(1);
    FillDictionary(world);
    for (int i = 0; i < steps; ++i) {
      switch (i % 5) {
        case 0: world.FinishEdgeCommit(); break;
        case 1: world.DeliverUp(); break;
        case 2: world.FinishCloudCommit(); break;
        case 3: world.DeliverDown(); break;
        case 4: world.Pass(milliseconds(100)); break;
      }
    }
    steps % 2 == 0 ? world.CrashEdge() : world.CrashCloud();
    world.Run(seconds(30));
    EXPECT_FALSE(world.edge_twin().DictionaryFull());
    world.Sample(1, 7);
    world.Run(seconds(10));
    world.ExpectEqualTwins();
  }
}

// The cloud has forgotten its dictionary, and the device what it began anew: it comes back with
// the old one, in which a property is withdrawn that is shared again since.
TEST(DictionarySessionTest, AnOldWithdrawalThatIsToldAgainTakesNothingFromTheCloud) {
  World world(1);
  world.Run(seconds(5));
  world.local_only.insert(2);
  world.Define(2);
  world.Run(seconds(5));
  world.local_only.clear();
  world.Define(2);
  FillDictionary(world);
  const auto turn = [&world] {
    world.DeliverUp();
    world.FinishCloudCommit();
    world.DeliverDown();
    world.Pass(milliseconds(100));
  };
  const model::Pid full = world.edge_twin().dictionary_size();
  for (int i = 0; i < 200 && world.edge_twin().dictionary_size() == full; ++i) {
    turn();
    if (world.edge_twin().dictionary_size() == full) world.FinishEdgeCommit();
  }
  for (int i = 0; i < 200 && world.cloud_twin().dictionary_size() != 0; ++i) turn();
  world.CrashEdge();
  ASSERT_EQ(world.cloud_twin().dictionary_size(), 0u);
  ASSERT_EQ(world.edge_twin().dictionary_size(), full);

  const PropertyId shared = world.cloud_twin().Find("plant/p2");
  for (int i = 0; i < 20; ++i) {
    turn();
    world.FinishEdgeCommit();
    ASSERT_NE(world.cloud_twin().row(shared, Side::kReported), nullptr) << i;
  }
  EXPECT_EQ(world.cloud_twin().dictionary_size(), static_cast<model::Pid>(world.properties));
  world.Run(seconds(30));
  world.ExpectEqualTwins();
}

}  // namespace
}  // namespace edgetwin::sync
