// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The delta that travels inside Hello: when a device sends one, and when a cloud takes it.

#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

constexpr std::size_t kState = static_cast<std::size_t>(model::Stream::kState);

class HelloDeltaTest : public testing::Test {
 protected:
  HelloDeltaTest() {
    for (int i = 0; i < world_.properties; ++i) world_.Sample(i, 1);
    world_.Run(seconds(5));
  }

  // Samples while the link is down.
  void SampleOffline(int properties, double value) {
    world_.CutLink();
    for (int i = 0; i < properties; ++i) world_.Sample(i, value);
  }
  // The Hello that waits to be delivered.
  Hello& NextHello() {
    EXPECT_FALSE(world_.up.empty());
    return std::get<Hello>(world_.up.front());
  }
  Hello Reconnect() {
    world_.MendLink();
    return NextHello();
  }
  std::uint64_t Held() { return world_.cloud().watermark()[kState]; }
  double Cloud(int index) {
    const model::PropertyId id = world_.cloud_twin().Find("plant/p" + std::to_string(index));
    return world_.cloud_twin().row(id, Side::kReported)->value.real();
  }
  void CommitCloud() {
    while (!world_.cloud_commits.empty()) world_.FinishCloudCommit();
  }
  const Welcome& NextWelcome() { return std::get<Welcome>(world_.down.front()); }
  // `hello` as it is, to the cloud as it stands.
  void Deliver(const Hello& hello) {
    world_.cloud().Receive(hello, world_.now, world_.wall());
    world_.Turn();
    CommitCloud();
  }
  void ExpectAllIsWell() {
    world_.Run(seconds(20));
    world_.ExpectEqualTwins();
    EXPECT_EQ(world_.edge().status().heals, 0u);
  }

  World world_{1};
};

TEST_F(HelloDeltaTest, ACloudHasWhatChangedOfflineBeforeItsWelcome) {
  SampleOffline(3, 7);
  const Hello hello = Reconnect();
  ASSERT_TRUE(hello.first);
  EXPECT_EQ(hello.first->from, Held());
  EXPECT_EQ(hello.first->rows.size(), 3u);
  world_.DeliverUp();
  EXPECT_EQ(Cloud(2), 7);
  // Nothing is promised before it is durable.
  EXPECT_TRUE(world_.down.empty());
  CommitCloud();
  ASSERT_FALSE(world_.down.empty());
  EXPECT_EQ(NextWelcome().watermark[kState], hello.first->to);
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, WhatTheWelcomeAcknowledgesIsNeitherSentAgainNorAcknowledgedAgain) {
  SampleOffline(3, 7);
  const std::uint64_t to = Reconnect().first->to;
  world_.DeliverUp();
  CommitCloud();
  EXPECT_EQ(world_.down.size(), 1u);
  world_.DeliverDown();
  EXPECT_EQ(world_.edge().status().state_acked, to);
  EXPECT_TRUE(world_.edge().sender().Find(model::Stream::kState, to)->acked);
  for (const Frame& frame : world_.up) {
    const auto* delta = std::get_if<Delta>(&frame);
    EXPECT_TRUE(delta == nullptr || delta->rows.empty()) << "sent twice";
  }
}

TEST_F(HelloDeltaTest, UntilTheWelcomeItIsUnderWayAndNotSafe) {
  SampleOffline(3, 7);
  const std::uint64_t acked = world_.edge().status().state_acked;
  Reconnect();
  EXPECT_EQ(world_.edge().status().frames_under_way, 1u);
  EXPECT_EQ(world_.edge().status().state_acked, acked);
  world_.up.clear();  // Lost.

  world_.Pass(seconds(3));
  while (!world_.edge_commits.empty()) world_.FinishEdgeCommit();
  EXPECT_EQ(world_.edge().status().state_durable, world_.edge().status().state_head);
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, ARepeatedHelloCarriesNone) {
  SampleOffline(3, 7);
  EXPECT_TRUE(Reconnect().first);
  world_.up.clear();
  world_.Sample(5, 9);  // What it could carry would begin where the lost one ends.
  world_.Pass(seconds(3));
  EXPECT_FALSE(NextHello().first);
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, AProcessThatWasNotWelcomeYetSendsNone) {
  world_.CutLink();
  world_.CrashEdge();
  world_.Sample(0, 7);
  EXPECT_FALSE(Reconnect().first);
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, AFencedDeviceSendsNone) {
  SampleOffline(3, 7);
  const std::uint32_t session = Reconnect().session;
  world_.edge().Receive(Nack{.reason = NackReason::kFenced, .cursors = {.session = session}},
                        world_.now, world_.wall());
  world_.CutLink();
  EXPECT_FALSE(Reconnect().first);
}

TEST_F(HelloDeltaTest, NoRowGoesBeforeItsDictionaryEntryIsAcknowledged) {
  world_.CutLink();
  world_.properties = 21;
  world_.Define(20);
  world_.Turn();
  while (!world_.edge_commits.empty()) world_.FinishEdgeCommit();
  world_.Sample(20, 7);
  EXPECT_FALSE(Reconnect().first);
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, ItIsBoundedAndTheRestFollowsTheWelcome) {
  World world(2);
  world.properties = 1'000;
  for (int i = 20; i < world.properties; ++i) world.Define(i);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.CutLink();
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 2);
  world.MendLink();
  const auto& first = std::get<Hello>(world.up.front()).first;
  ASSERT_TRUE(first);
  EXPECT_GT(first->rows.size(), 100u);
  EXPECT_LT(first->rows.size(), 200u);
  EXPECT_EQ(first->to, first->rows.back().row.dot.seq);
  world.Run(seconds(20));
  world.ExpectEqualTwins();
}

TEST_F(HelloDeltaTest, ARowThatIsTooLargeForItWaitsForTheWelcome) {
  model::PropertyDef def;
  def.path = *model::Path::Parse("plant/text");
  def.type = model::ValueType::kString;
  const auto id = world_.edge_twin().Define(def);
  ASSERT_TRUE(id);
  world_.Run(seconds(5));
  world_.CutLink();
  model::Sample sample;
  sample.value = Value(std::string(10'000, 'x'));
  sample.time = world_.wall();
  world_.edge_twin().Report(*id, sample, world_.now);
  EXPECT_FALSE(Reconnect().first);
  EXPECT_EQ(world_.edge().status().frames_under_way, 0u);
  ExpectAllIsWell();
}

// What follows goes to the cloud's judgement: each time the Hello alone must change as little as
// one without a delta.

TEST_F(HelloDeltaTest, OneThatBeginsAboveTheWatermarkIsPassedOverWithoutAnAnswer) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.first->from += 1;
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
  ASSERT_EQ(world_.down.size(), 1u);
  EXPECT_EQ(NextWelcome().watermark[kState], held);
  world_.up.clear();
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, OneThatEndsBelowTheWatermarkIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  WireRow late = hello.first->rows[0];
  late.row.dot.seq = Held();
  late.pid = world_.edge_twin().pid(world_.edge_twin().Find("plant/p10"));
  hello.first = FirstDelta{Held() - 1, Held(), {late}};
  Deliver(hello);
  EXPECT_EQ(Cloud(10), 1);
}

TEST_F(HelloDeltaTest, OneOfAnotherEpochIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.epoch.token ^= 1;
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
  world_.up.clear();
  ExpectAllIsWell();
}

TEST_F(HelloDeltaTest, OneOfAnotherDictionaryIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.dictionary_chain ^= 1;
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
}

TEST_F(HelloDeltaTest, OneThatShowsTheCloudSetBackIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.cloud_seq_max = 1'000;
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
}

TEST_F(HelloDeltaTest, OneWithARowThatCantBeTakenIsPassedOverAndRefusedAfterTheWelcome) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.first->rows[1].row.value = Value(true);
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(0), 1);
  EXPECT_EQ(world_.cloud().status().refused_content, 0u);
}

// Another opening: whatever it carries would be numbered in another life of the store.
TEST_F(HelloDeltaTest, OneOfAStoreThatWasSetBackIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.lineage = {{77, 1, 100'000, 0}};
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(world_.cloud().status().resets, 1u);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
}

// One that goes on with the store, and has told nobody of the crash between: a Hello made by hand.
TEST_F(HelloDeltaTest, OneOfALaterOpeningIsPassedOver) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  const std::uint64_t limit = hello.lineage.back().limit;
  hello.lineage.back().kept = limit;
  hello.lineage.push_back({77, limit + 1, limit + 1'000, 0});
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(world_.cloud().status().resets, 0u);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
}

// Its Welcome was lost, and its next Hello is of the opening that the cloud knows by now.
TEST_F(HelloDeltaTest, WhileASetbackIsNotOverNoneIsTaken) {
  SampleOffline(3, 7);
  Hello hello = Reconnect();
  hello.lineage = {{77, 1, 100'000, 0}};
  const std::optional<FirstDelta> first = std::exchange(hello.first, {});
  Deliver(hello);
  hello.epoch = NextWelcome().epoch;
  hello.first = first;
  ++hello.session;
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
}

TEST_F(HelloDeltaTest, OneOfAFencedStoreChangesNothing) {
  SampleOffline(3, 7);
  const Hello hello = Reconnect();
  world_.cloud().Decommission();
  const std::uint64_t held = Held();
  Deliver(hello);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 1);
  EXPECT_EQ(world_.cloud().status().fenced, 1u);
}

TEST_F(HelloDeltaTest, ALateCopyOfAnOldHelloTakesNothingBack) {
  SampleOffline(3, 7);
  const Hello old = Reconnect();
  ExpectAllIsWell();
  for (int i = 0; i < 3; ++i) world_.Sample(i, 8);
  ExpectAllIsWell();
  const std::uint64_t held = Held();
  world_.Send(world_.up, world_.edge().Will());
  world_.DeliverUp();  // Nobody is here that a late Hello could be told from.
  const std::uint64_t gaps = world_.cloud().status().gaps;
  Deliver(old);
  EXPECT_EQ(Held(), held);
  EXPECT_EQ(Cloud(2), 8);
  EXPECT_EQ(world_.cloud().status().gaps, gaps);
  world_.down.clear();
  ExpectAllIsWell();
}

// A peer that does not know the field.
TEST_F(HelloDeltaTest, ACloudThatPassesItOverIsSentItAfterTheWelcome) {
  SampleOffline(3, 7);
  Reconnect();
  NextHello().first.reset();
  ExpectAllIsWell();
  EXPECT_EQ(Cloud(2), 7);
}

}  // namespace
}  // namespace edgetwin::sync
