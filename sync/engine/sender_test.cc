// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/sender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "twin/model/twin.h"

namespace edgetwin::sync {
namespace {

using model::Stream;

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr model::Pid kAllPids = ~model::Pid{0};

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    model::Stored stored;
    stored.lineage = {{.inc = 1, .first_seq = 1, .limit = 1'000}};
    twin_.Load(std::move(stored));
    for (int i = 0; i < 8; ++i) {
      model::PropertyDef def;
      def.path = *model::Path::Parse("plant/p" + std::to_string(i));
      def.type = model::ValueType::kInt;
      model::Sample sample;
      sample.value = model::Value(std::int64_t{1});
      twin_.Report(*twin_.Define(def), sample, now_);
    }
  }
  Delta Next() { return *sender_.Next(Stream::kState, kAll, kAllPids, 1, now_); }
  void Refuse(const Delta& delta, const std::vector<std::uint64_t>& entries = {}) {
    sender_.OnRefused({delta.stream, delta.from, delta.to}, entries);
  }

  model::Twin twin_{model::Role::kDevice};
  Sender sender_{{.twin = twin_}, {}};
  MonoTime now_{std::chrono::seconds(10)};
};

TEST_F(SenderTest, TheSearchForABadEntryGoesOnInTheNextSession) {
  sender_.Begin({}, now_);
  const Delta all = Next();
  ASSERT_EQ(all.rows.size(), 8u);
  Refuse(all);
  const Delta half = Next();
  ASSERT_EQ(half.rows.size(), 4u);
  Refuse(half);
  sender_.End();
  sender_.Begin({}, now_);
  EXPECT_EQ(Next().rows.size(), 2u) << "one search, however often the link breaks";
}

TEST_F(SenderTest, WhatWasSetAsideAndHasChangedSinceMakesRoom) {
  sender_.Begin({}, now_);
  const model::PropertyId id = twin_.Find("plant/p3");
  const auto change = [&](std::int64_t value) {
    model::Sample sample;
    sample.value = model::Value(value);
    twin_.Report(id, sample, now_);
    const Delta delta = Next();
    Refuse(delta, {delta.rows.back().row.dot.seq});
  };
  const std::uint64_t max = sender_.quarantined_limit().max;
  for (std::uint64_t i = 0; i < max; ++i) change(static_cast<std::int64_t>(i) + 2);
  ASSERT_EQ(sender_.quarantined(), max);
  change(1'000'000);
  EXPECT_EQ(sender_.quarantined(), 1u);
  EXPECT_EQ(sender_.Withheld(Stream::kState), std::vector{twin_.pid(id)});
  EXPECT_EQ(sender_.Withheld(Stream::kControl), std::vector<model::Pid>());
  EXPECT_EQ(sender_.quarantined_limit().hits, 0u);
}

TEST_F(SenderTest, WhatFindsNoRoomAsideIsSentAgainAndCounted) {
  std::vector<model::PropertyId> ids;
  const std::uint64_t max = sender_.quarantined_limit().max;
  for (std::uint64_t i = 0; i <= max; ++i) {
    model::PropertyDef def;
    def.path = *model::Path::Parse("more/p" + std::to_string(i));
    def.type = model::ValueType::kInt;
    ids.push_back(*twin_.Define(def));
  }
  sender_.Begin({}, now_);
  for (const model::PropertyId id : ids) {
    model::Sample sample;
    sample.value = model::Value(std::int64_t{1});
    twin_.Report(id, sample, now_);
    const Delta delta = Next();
    Refuse(delta, {delta.rows.back().row.dot.seq});
    if (id == ids.back()) break;
    Ack ack;
    ack.session = 1;
    ack.watermark[static_cast<std::size_t>(Stream::kState)] = Next().to;
    sender_.OnAck(ack, now_);
  }
  EXPECT_EQ(sender_.quarantined(), max);
  EXPECT_EQ(sender_.quarantined_limit().hits, 1u);
  EXPECT_EQ(twin_.row(ids.back(), model::Side::kReported)->dot.seq, Next().rows.back().row.dot.seq);
}

TEST_F(SenderTest, ARefusalThatComesAgainSetsNothingElseAside) {
  sender_.Begin({}, now_);
  const Delta all = Next();
  Refuse(all);
  const Delta half = Next();
  Refuse(half);
  const Delta two = Next();
  Refuse(two);
  const Delta bad = Next();
  ASSERT_EQ(bad.rows.size(), 1u);
  Refuse(bad);
  ASSERT_EQ(sender_.quarantined(), 1u);
  for (const Delta& late : {all, half, two, bad}) {
    (void)sender_.Next(Stream::kState, kAll, kAllPids, 1, now_);
    Refuse(late);
  }
  EXPECT_EQ(sender_.quarantined(), 1u);
}

TEST_F(SenderTest, ARefusalThatAGapOvertookCounts) {
  sender_.Begin({}, now_);
  const Delta all = Next();
  ASSERT_TRUE(sender_.OnGap({}, now_));
  Refuse(all);
  const Delta half = Next();
  EXPECT_EQ(half.rows.size(), 4u);
  Refuse(half);
  Refuse(all);  // Once more, late.
  EXPECT_EQ(Next().rows.size(), 2u);
}

TEST_F(SenderTest, NamedEntriesAreSetAsideAtOnceAndTheRestComesAgain) {
  sender_.Begin({}, now_);
  const Delta all = Next();
  Refuse(all, {2, 5});
  EXPECT_EQ(sender_.quarantined(), 2u);
  std::vector<std::uint64_t> sent;
  while (const auto delta = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_)) {
    for (const WireRow& wire : delta->rows) sent.push_back(wire.row.dot.seq);
  }
  EXPECT_EQ(sent, (std::vector<std::uint64_t>{1, 3, 4, 6, 7, 8}));
}

TEST_F(SenderTest, ANameThatComesAgainOrTooLateChangesNothing) {
  sender_.Begin({}, now_);
  const Delta all = Next();
  Refuse(all, {2});
  const Delta first = Next();
  const Delta second = Next();
  Refuse(all, {2});
  EXPECT_EQ(sender_.quarantined(), 1u);
  EXPECT_EQ(sender_.under_way(), 2u) << "what is under way needs no repetition";
  Ack ack;
  ack.watermark[static_cast<std::size_t>(Stream::kState)] = second.to;
  sender_.OnAck(ack, now_);
  Refuse(all, {3});
  EXPECT_EQ(sender_.quarantined(), 1u) << "the peer has it";
  EXPECT_EQ(first.rows.size() + second.rows.size(), 7u);
}

// A link of so many (estimated) bytes a second, and a peer that acknowledges at once.
class LinkRateTest : public testing::Test {
 protected:
  static constexpr int kProperties = 4'000;

  LinkRateTest() {
    model::Stored stored;
    stored.lineage = {{.inc = 1, .first_seq = 1, .limit = 10'000'000}};
    twin_.Load(std::move(stored));
    for (int i = 0; i < kProperties; ++i) {
      model::PropertyDef def;
      def.path = *model::Path::Parse("plant/p" + std::to_string(i));
      def.type = model::ValueType::kInt;
      ids_.push_back(*twin_.Define(def));
    }
    Change(kProperties);
    sender_.Begin({}, now_);
    sender_.Measured(way_);
  }

  void Change(int count) {
    model::Sample sample;
    sample.value = model::Value(++value_);
    for (int i = 0; i < count; ++i) twin_.Report(ids_[static_cast<std::size_t>(i)], sample, now_);
  }
  static std::size_t Bytes(const Delta& delta) {
    std::size_t bytes = 64;
    for (const WireRow& row : delta.rows) bytes += EstimateBytes(row);
    return bytes;
  }

  // Sends all that is owed over a link of that rate, as much at a time as the window allows.
  // Returns the sizes of the frames.
  std::vector<std::size_t> Drain(double bytes_a_second) {
    std::vector<std::size_t> sizes;
    std::deque<std::pair<MonoTime, std::uint64_t>> acks;
    MonoTime free_at = now_;
    for (int turn = 0; turn < 100'000; ++turn) {
      while (auto delta = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_)) {
        sizes.push_back(Bytes(*delta));
        const double took = static_cast<double>(sizes.back()) / bytes_a_second;
        free_at = std::max(free_at, now_) + std::chrono::microseconds(static_cast<int>(took * 1e6));
        acks.emplace_back(free_at + way_, delta->to);
      }
      if (acks.empty()) return sizes;
      now_ = acks.front().first;
      Ack ack;
      ack.watermark[static_cast<std::size_t>(Stream::kState)] = acks.front().second;
      acks.pop_front();
      sender_.OnAck(ack, now_);
    }
    ADD_FAILURE() << "never drained";
    return sizes;
  }

  const std::chrono::milliseconds way_{600};
  model::Twin twin_{model::Role::kDevice};
  Sender sender_{{.twin = twin_}, {}};
  MonoTime now_{std::chrono::seconds(10)};
  std::vector<model::PropertyId> ids_;
  std::int64_t value_ = 0;
};

TEST_F(LinkRateTest, OnASlowLinkAFrameIsAboutASecondOfIt) {
  Drain(2'000);
  Change(kProperties);
  for (const std::size_t size : Drain(2'000)) EXPECT_LE(size, 3'000u);
  EXPECT_GE(sender_.frame_bytes(), 1'000u) << "nor much less";
}

TEST_F(LinkRateTest, TheFirstFrameOfAnUnknownLinkIsSmall) {
  const auto first = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_);
  ASSERT_TRUE(first);
  EXPECT_LE(Bytes(*first), 4'096u);
}

TEST_F(LinkRateTest, OnTheSlowestLinkAFrameStillHolds512Bytes) {
  Drain(50);
  EXPECT_EQ(sender_.frame_bytes(), 512u);
  Change(kProperties);
  const auto next = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_);
  ASSERT_TRUE(next);
  EXPECT_GT(next->rows.size(), 10u);
}

TEST_F(LinkRateTest, OnAFastLinkFramesGrowToTheirLimitHoweverLongTheWayIs) {
  for (int i = 0; i < 4; ++i) {
    Drain(1e6);
    Change(kProperties);
  }
  EXPECT_EQ(sender_.frame_bytes(), SenderLimits().frame_bytes_max);
}

TEST_F(LinkRateTest, ALinkThatBecomesFasterOrSlowerIsFollowed) {
  Drain(600);
  EXPECT_LE(sender_.frame_bytes(), 1'200u);
  for (int i = 0; i < 4; ++i) {
    Change(kProperties);
    Drain(1e6);
  }
  EXPECT_GT(sender_.frame_bytes(), 20'000u);
  for (int i = 0; i < 2; ++i) {
    Change(kProperties);
    Drain(600);
  }
  Change(kProperties);
  for (const std::size_t size : Drain(600)) EXPECT_LE(size, 1'200u);
}

TEST_F(LinkRateTest, ALoneRowThatTakesLongSaysNothing) {
  for (int i = 0; i < 4; ++i) {
    Drain(1e6);
    Change(kProperties);
  }
  Drain(1e6);
  const std::size_t before = sender_.frame_bytes();
  for (int i = 0; i < 20; ++i) {
    Change(1);
    Drain(20);
  }
  EXPECT_EQ(sender_.frame_bytes(), before);
}

TEST_F(LinkRateTest, WhatIsNotAcknowledgedInTimeIsSentInSmallerFrames) {
  const auto first = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_);
  ASSERT_TRUE(first);
  ASSERT_TRUE(sender_.Tick(now_ + sender_.rto()));
  const auto second = sender_.Next(Stream::kState, kAll, kAllPids, 1, now_);
  ASSERT_TRUE(second);
  EXPECT_LE(2 * second->rows.size(), first->rows.size() + 4);
}

}  // namespace
}  // namespace edgetwin::sync
