// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/history/cloud_history.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "twin/history/block.h"
#include "twin/store/store_test_support.h"

namespace edgetwin::cloud {
namespace {

using history::LossReason;
using sync::OrdinalSet;

constexpr std::uint64_t kDeviceInc = 0xd1;

WallTime At(std::uint64_t seconds) {
  return WallTime(
      std::chrono::milliseconds(1'790'000'000'000 + static_cast<std::int64_t>(seconds) * 1'000));
}

std::string Block(std::uint64_t first, std::size_t count) {
  std::vector<model::Sample> samples(count);
  std::mt19937_64 noise(first);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<std::int64_t>(noise()));
    samples[i].time = At(first + i);
  }
  return history::EncodeBlock(samples, first).value();
}

class CloudHistoryTest : public testing::Test {
 protected:
  void SetUp() override { Open(1); }

  void Open(std::uint64_t inc, std::uint64_t bytes_max = 0) {
    history_.reset();
    auto opened = CloudHistory::Open(
        {.path = folder_.path() + "/history.db", .inc = inc, .bytes_max = bytes_max});
    ASSERT_TRUE(opened) << opened.error().text;
    history_ = *std::move(opened);
  }
  sync::HistoryPutDone Put(const std::string& path, std::vector<std::string> blocks,
                           std::uint64_t inc = kDeviceInc, const std::string& device = "plant") {
    DevicePut put{device, {}};
    put.put.inc = inc;
    for (std::string& bytes : blocks) put.put.blocks.push_back({path, std::move(bytes)});
    auto done = history_->Put({&put, 1});
    EXPECT_TRUE(done) << done.error().text;
    return done ? done->front() : sync::HistoryPutDone();
  }
  void PutLoss(const std::string& path, const sync::LossRecord& record) {
    DevicePut put{"plant", {}};
    put.put.losses = {{path, record}};
    ASSERT_TRUE(history_->Put({&put, 1}));
  }
  HistoryHolding Of(const std::string& path) {
    const auto audit = history_->Audit("plant");
    EXPECT_TRUE(audit) << audit.error().text;
    for (const HistoryHolding& holding : *audit) {
      if (holding.path == path) return holding;
    }
    ADD_FAILURE() << "nothing of " << path;
    return {};
  }
  std::vector<std::uint64_t> Firsts(const std::string& path, WallTime from = WallTime::min(),
                                    WallTime to = WallTime::max()) {
    std::vector<std::uint64_t> firsts;
    const Status read = history_->ReadBlocks("plant", path, from, to,
                                             [&](const history::BlockRecord& block, std::uint64_t) {
                                               firsts.push_back(block.first);
                                               return true;
                                             });
    EXPECT_TRUE(read) << read.error().text;
    return firsts;
  }

  store::TestFolder folder_;
  std::unique_ptr<CloudHistory> history_;
};

TEST_F(CloudHistoryTest, AnswersWithTheIntervalThatIsHeld) {
  using Interval = OrdinalSet::Interval;
  EXPECT_EQ(Put("a/b", {Block(20, 10)}).held, (std::vector<std::optional<Interval>>{{{20, 29}}}));
  EXPECT_EQ(Put("a/b", {Block(0, 10)}).held, (std::vector<std::optional<Interval>>{{{0, 9}}}));
  EXPECT_EQ(Put("a/b", {Block(10, 10)}).held, (std::vector<std::optional<Interval>>{{{0, 29}}}));
  EXPECT_EQ(Put("a/c", {Block(10, 10)}).held, (std::vector<std::optional<Interval>>{{{10, 19}}}))
      << "another path";
  EXPECT_EQ(Put("a/b", {Block(30, 10)}, 0xd2).held,
            (std::vector<std::optional<Interval>>{{{30, 39}}}))
      << "another opening";
}

TEST_F(CloudHistoryTest, TakesABlockOnceHoweverOftenItComes) {
  for (int i = 0; i < 3; ++i) {
    const auto done = Put("a/b", {Block(0, 10), Block(10, 10)});
    ASSERT_EQ(done.held.size(), 2u);
    EXPECT_TRUE(done.held[0] && done.held[1]);
    if (i == 1) Open(2);
  }
  EXPECT_EQ(Firsts("a/b"), (std::vector<std::uint64_t>{0, 10}));
  EXPECT_EQ(Of("a/b").stored, 20u);
  EXPECT_EQ(history_->stats().repeated, 2u) << "since the opening";
}

TEST_F(CloudHistoryTest, SameOrdinalsOfAnotherOpeningAreOtherSamples) {
  Put("a/b", {Block(0, 10)});
  Put("a/b", {Block(0, 10)}, 0xd2);
  EXPECT_EQ(Of("a/b").stored, 20u);
  EXPECT_TRUE(Of("a/b").AddsUp());
}

TEST_F(CloudHistoryTest, DevicesAreApart) {
  Put("a/b", {Block(0, 10)});
  Put("a/b", {Block(0, 10)}, kDeviceInc, "other");
  EXPECT_EQ(Of("a/b").stored, 10u);
  EXPECT_EQ(history_->Audit("nobody")->size(), 0u);
}

TEST_F(CloudHistoryTest, RefusesWhatIsNotWholeAndTakesTheRest) {
  std::string bad = Block(0, 10);
  bad[bad.size() / 2] ^= 1;
  const auto done = Put("a/b", {bad, Block(10, 10), Block(15, 10), Block(5, 10), Block(0, 99)});
  ASSERT_EQ(done.held.size(), 5u);
  EXPECT_FALSE(done.held[0]) << "a bit is wrong";
  EXPECT_TRUE(done.held[1]);
  EXPECT_FALSE(done.held[2]) << "half of it is held";
  EXPECT_FALSE(done.held[3]) << "half of it is held";
  EXPECT_FALSE(done.held[4]) << "some of it is held";
  EXPECT_EQ(Of("a/b").stored, 10u);
  EXPECT_TRUE(Of("a/b").AddsUp());
  EXPECT_EQ(history_->stats().refused, 4u);
  EXPECT_FALSE(Put("a/b", {Block(100, 10)}, 0).held[0]) << "of no opening";
}

TEST_F(CloudHistoryTest, ReadsByTimeAcrossBlocksOfAnyLength) {
  Put("a/b", {Block(1'000, 10), Block(0, 500), Block(500, 10), Block(510, 490)});
  EXPECT_EQ(Firsts("a/b"), (std::vector<std::uint64_t>{0, 500, 510, 1'000}));
  EXPECT_EQ(Firsts("a/b", At(499), At(500)), (std::vector<std::uint64_t>{0, 500}));
  EXPECT_EQ(Firsts("a/b", At(1'005), At(9'999)), (std::vector<std::uint64_t>{1'000}));
  EXPECT_TRUE(Firsts("a/b", At(5'000), At(9'999)).empty());
  const Status unknown =
      history_->ReadBlocks("plant", "a/x", At(0), At(1),
                           [](const history::BlockRecord&, std::uint64_t) { return true; });
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
}

TEST_F(CloudHistoryTest, KnowsWhichMarksItGave) {
  const auto mark = Put("a/b", {Block(0, 10)}).mark;
  const auto continues = [&](sync::HistoryMark known) {
    return history_->Look("plant", {known, {"a/b"}})->continues;
  };
  EXPECT_TRUE(continues(mark));
  EXPECT_FALSE(continues({})) << "nothing is known";
  EXPECT_FALSE(continues({mark.inc, mark.commit + 1})) << "the copy that this is lacks it";
  EXPECT_FALSE(continues({mark.inc + 5, mark.commit})) << "another history";
  Open(2);
  EXPECT_TRUE(continues(mark)) << "of the opening before";
  EXPECT_FALSE(continues({mark.inc, mark.commit + 1}));
  Put("a/b", {Block(10, 10)});
  EXPECT_FALSE(continues({mark.inc, mark.commit + 1})) << "that one was another opening's";
}

TEST_F(CloudHistoryTest, TellsWhatItHoldsByPathAndOpening) {
  Put("a/b", {Block(0, 10), Block(20, 10)});
  Put("a/b", {Block(0, 10)}, 0xd2);
  Put("a/c", {Block(5, 5)});
  const auto looked = history_->Look("plant", {{}, {"a/x", "a/c", "a/b"}});
  ASSERT_TRUE(looked);
  ASSERT_EQ(looked->held.size(), 4u);
  EXPECT_EQ(looked->held[0].place, 1u);
  EXPECT_EQ(looked->held[0].interval, (OrdinalSet::Interval{5, 9}));
  EXPECT_EQ(looked->held[1].place, 2u);
  EXPECT_EQ(looked->held[3].inc, 0xd2u);
}

TEST_F(CloudHistoryTest, ADevicesLossesMergeAsTheDeviceMergesThem) {
  const sync::LossRecord first{
      .reason = 1, .inc = 7, .first = 0, .last = 9, .count = 10, .from = At(0), .to = At(9)};
  sync::LossRecord second = first;
  second.first = 20;
  second.last = 29;
  PutLoss("a/b", first);
  PutLoss("a/b", second);
  EXPECT_EQ(history_->Gaps("plant", "a/b")->size(), 2u);
  sync::LossRecord both = first;
  both.inc = 0;
  both.last = 29;
  both.count = 20;
  both.to = At(29);
  PutLoss("a/b", both);
  PutLoss("a/b", second);  // Late.
  const auto gaps = history_->Gaps("plant", "a/b");
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ(gaps->front().record, both);
  both.count = 25;
  PutLoss("a/b", both);
  EXPECT_EQ(history_->Gaps("plant", "a/b")->front().record.count, 25u);
}

TEST_F(CloudHistoryTest, TheOldestSamplesMakeRoomByARecordAndAreNotTakenAgain) {
  Open(2, 1 << 20);
  for (std::uint64_t first = 0; history_->stats().evicted == 0; first += 500) {
    ASSERT_LT(first, 1'000'000u);
    Put("a/b", {Block(first, 500)});
  }
  const HistoryHolding before = Of("a/b");
  EXPECT_TRUE(before.AddsUp());
  EXPECT_GT(before.evicted, 0u);
  EXPECT_LT(before.evicted, before.taken / 8) << "no more of them than that takes";
  const auto gaps = history_->Gaps("plant", "a/b");
  ASSERT_EQ(gaps->size(), 1u) << "what follows each other is one record";
  EXPECT_TRUE(gaps->front().here);
  EXPECT_EQ(gaps->front().record.from, At(0));
  EXPECT_TRUE(Put("a/b", {Block(0, 500)}).held[0]) << "acknowledged";
  EXPECT_EQ(Of("a/b").stored, before.stored) << "and not taken";
}

TEST_F(CloudHistoryTest, WhatIsTooOldGoesByARecord) {
  Put("a/b", {Block(0, 10), Block(10, 10), Block(20, 10)});
  while (*history_->EvictBefore(At(19))) {
  }
  EXPECT_EQ(Firsts("a/b"), (std::vector<std::uint64_t>{10, 20})) << "its last sample isn't";
  EXPECT_EQ(history_->Gaps("plant", "a/b")->front().record.reason,
            static_cast<std::uint32_t>(LossReason::kAgeMax));
  EXPECT_TRUE(Of("a/b").AddsUp());
}

}  // namespace
}  // namespace edgetwin::cloud
