// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/verifier.h"

#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

constexpr milliseconds kRto{200};

class VerifierTest : public testing::Test {
 protected:
  VerifierTest() {
    verifier_.Now(now_);
    verifier_.Shown(7, 70, now_, kRto);
  }

  MonoTime now_{seconds(100)};
  Verifier verifier_;
};

TEST_F(VerifierTest, OnlyTheLastOneShownIsAwaited) {
  EXPECT_TRUE(verifier_.Awaits(7));
  verifier_.Shown(9, 90, now_ + kRto, kRto);
  EXPECT_FALSE(verifier_.Awaits(7));
  EXPECT_TRUE(verifier_.Awaits(9));
}

TEST_F(VerifierTest, AnotherSumAtTheSamePlaceIsNotAwaited) {
  EXPECT_TRUE(verifier_.Awaits(7, 70));
  EXPECT_FALSE(verifier_.Awaits(7, 71)) << "shown before a row was set aside";
}

TEST_F(VerifierTest, AnAnsweredOneIsNotAwaited) {
  verifier_.Equal(7);
  EXPECT_FALSE(verifier_.Awaits(7));
  EXPECT_FALSE(verifier_.due());
}

TEST_F(VerifierTest, WhatWasShownBeforeHealingIsNotAwaitedAfterIt) {
  verifier_.Now(now_ + seconds(1));
  EXPECT_FALSE(verifier_.Awaits(7));
  verifier_.Equal(7);
  EXPECT_FALSE(verifier_.equal());
}

TEST_F(VerifierTest, AnAnswerCountsThoughRowsWereSentMeanwhile) {
  verifier_.Changed(now_ + milliseconds(10));
  verifier_.Equal(7);
  EXPECT_TRUE(verifier_.equal());
  EXPECT_TRUE(verifier_.due()) << "of those rows nothing is known yet";
}

class LateDigestTest : public testing::Test {
 protected:
  LateDigestTest() {
    for (int i = 0; i < world_.properties; ++i) world_.Sample(i, 1);
    world_.Run(seconds(5));
    nack_.reason = NackReason::kDigest;
    nack_.cursors.session = DownSession(world_.edge().Goodbye().value_or(Bye{}).session,
                                        world_.cloud_twin().lineage().back().inc);
  }

  std::uint64_t HealsAfterNack() {
    world_.edge().Receive(nack_, world_.now, world_.wall());
    world_.Run(seconds(5));
    return world_.edge().status().heals;
  }

  World world_{1};
  Nack nack_;
};

TEST_F(LateDigestTest, ANackOfAnotherDigestThanTheLastOneBeginsNoHealing) {
  nack_.refused = FrameSpan{model::Stream::kState, 1, 1};
  EXPECT_EQ(HealsAfterNack(), 0u);
}

TEST_F(LateDigestTest, ACloudThatDoesNotSayOfWhichOneIsBelieved) {
  EXPECT_EQ(HealsAfterNack(), 1u);
}

}  // namespace
}  // namespace edgetwin::sync
