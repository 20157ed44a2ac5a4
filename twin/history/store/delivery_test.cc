// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/delivery.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "twin/history/block.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"

namespace edgetwin::history {
namespace {

// A whole block, since what isn't whole isn't delivered.
BlockRecord Whole(PathId path, std::uint64_t first, std::uint32_t count,
                  Priority priority = Priority::kNormal) {
  BlockRecord block = BlockOf(path, first, count, 0, priority);
  std::vector<model::Sample> samples(count);
  std::mt19937_64 noise(first * 1'000 + path);  // Nothing that a codec could shorten.
  for (std::uint32_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<std::int64_t>(noise()));
    samples[i].time = At(static_cast<std::int64_t>(first) + i);
  }
  block.bytes = EncodeBlock(samples, first).value();
  return block;
}

class DeliveryTest : public testing::Test {
 protected:
  std::uint32_t count_ = 10;  // Samples of each block.

  void Open(std::uint64_t inc, std::uint64_t bytes_max = 256 << 20) {
    store_.reset();
    HistoryStoreOptions options = OptionsFor(folder_, inc);
    options.bytes_max = bytes_max;
    options.window_samples_max = 0;
    store_ = OpenHistory(options);
    ASSERT_NE(store_, nullptr);
  }
  // One block of each of `paths` paths.
  void Commit(int paths = 2, Priority priority = Priority::kNormal) {
    HistoryBatch batch;
    for (PathId path = 1; path <= static_cast<PathId>(paths); ++path) {
      if (path > store_->paths().size()) {
        batch.paths.push_back({path, "plant/p" + std::to_string(path)});
      }
      const bool known = path <= store_->paths().size();
      const std::uint64_t next = known ? store_->paths()[path - 1].next : 0;
      batch.blocks.push_back(Whole(path, next, count_, priority));
    }
    const Status done = store_->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
  }
  Undelivered Take(DeliveryRequest request = {}) {
    if (request.bytes_max == 0) request.bytes_max = 100;
    Result<Undelivered> taken = store_->TakeUndelivered(request);
    EXPECT_TRUE(taken) << taken.error().text;
    return taken.value_or(Undelivered());
  }
  Undelivered TakeNext() { return Take({.delivered = true}); }
  // Takes everything from `first` on, each chunk delivered; how often each sample was given.
  std::map<std::pair<PathId, std::uint64_t>, int> TakeAll(DeliveryOrder order, Undelivered chunk) {
    std::map<std::pair<PathId, std::uint64_t>, int> given;
    while (!chunk.blocks.empty()) {
      for (const BlockRecord& block : chunk.blocks) ++given[{block.path, block.first}];
      chunk = Take({.delivered = true, .order = order});
    }
    return given;
  }
  PathAudit AuditOf(PathId path) {
    const auto audit = store_->Audit();
    EXPECT_TRUE(audit) << audit.error().text;
    return audit->at(path - 1);
  }

  TestFolder folder_;
  std::unique_ptr<HistoryStore> store_;
};

TEST_F(DeliveryTest, GivesEveryBlockOnceFromEitherEnd) {
  for (const DeliveryOrder order : {DeliveryOrder::kNewest, DeliveryOrder::kOldest}) {
    TestFolder folder;
    HistoryStoreOptions options = OptionsFor(folder, 1);
    store_ = OpenHistory(options);
    for (int i = 0; i < 30; ++i) Commit(3);
    const Undelivered first = Take({.order = order});
    EXPECT_EQ(first.inc, 1u);
    EXPECT_EQ(first.blocks.front().first, order == DeliveryOrder::kNewest ? 290u : 0u);
    const auto given = TakeAll(order, first);
    EXPECT_EQ(given.size(), 90u);
    for (const auto& [block, times] : given) EXPECT_EQ(times, 1) << block.second;
    Commit(3);
    EXPECT_EQ(TakeAll(order, Take({.order = order})).size(), 3u) << "what came later";
    store_.reset();
  }
}

TEST_F(DeliveryTest, WhatIsNotDeliveredIsGivenAgain) {
  Open(1);
  for (int i = 0; i < 5; ++i) Commit();
  const Undelivered once = Take();
  const Undelivered again = Take();
  EXPECT_EQ(once.blocks, again.blocks);
  EXPECT_NE(TakeNext().blocks, once.blocks);
}

TEST_F(DeliveryTest, GoesOnAtTheExactBlockAfterACleanStop) {
  Open(1);
  Commit(9);
  const Undelivered first = Take();
  ASSERT_LT(first.blocks.size(), 9u);
  const std::vector<BlockRecord> second = TakeNext().blocks;
  ASSERT_TRUE(store_->Close({}));
  Open(2);
  EXPECT_EQ(Take().blocks, second);
  EXPECT_EQ(Take().inc, 1u) << "of the opening that committed it";
}

TEST_F(DeliveryTest, ACrashGivesSomeAgainAndSkipsNone) {
  Open(1);
  for (int i = 0; i < 40; ++i) Commit();
  std::map<std::pair<PathId, std::uint64_t>, int> given;
  std::uint64_t inc = 1;
  Undelivered chunk = Take();
  for (int chunks = 1; !chunk.blocks.empty(); ++chunks) {
    for (const BlockRecord& block : chunk.blocks) ++given[{block.path, block.first}];
    chunk = TakeNext();
    if (chunks % 10 == 9 && inc < 6) {
      Open(++inc);  // Without Close.
      chunk = Take();
    }
    if (chunks % 4 == 0) Commit();
  }
  const std::uint64_t next = store_->paths()[0].next;
  for (std::uint64_t first = 0; first < next; first += count_) {
    EXPECT_GE((given[{1, first}]), 1) << first;
    EXPECT_GE((given[{2, first}]), 1) << first;
  }
}

TEST_F(DeliveryTest, AChunkIsOfOneOpening) {
  Open(1);
  Commit();
  ASSERT_TRUE(store_->Close({}));
  Open(2);
  Commit();
  const Undelivered newest = Take({.bytes_max = 10'000});
  EXPECT_EQ(newest.inc, 2u);
  EXPECT_EQ(newest.blocks.size(), 2u);
  const Undelivered oldest = Take({.delivered = true, .bytes_max = 10'000});
  EXPECT_EQ(oldest.inc, 1u);
  EXPECT_EQ(oldest.blocks.size(), 2u);
}

TEST_F(DeliveryTest, RemembersTheCloudsMark) {
  Open(1);
  Commit();
  EXPECT_EQ(store_->cloud_mark(), CloudMark{});
  Take();
  Take({.delivered = true, .mark = {77, 5}});
  ASSERT_TRUE(store_->Close({}));
  Open(2);
  EXPECT_EQ(store_->cloud_mark(), (CloudMark{77, 5}));
}

// Full of blocks that the cloud has, the file has room.
TEST_F(DeliveryTest, WhatTheCloudHasIsEvictedFirstAndIsNoLoss) {
  count_ = 500;
  Open(1, kHistoryBytesMin);
  for (int i = 0; i < 10; ++i) Commit(9);
  TakeAll(DeliveryOrder::kOldest, Take({.order = DeliveryOrder::kOldest}));
  int commits = 0;
  while (AuditOf(1).delivered == 0) {
    Commit(9, Priority::kLow);
    ASSERT_LT(++commits, 500);
  }
  const PathAudit audit = AuditOf(1);
  EXPECT_EQ(audit.lost, 0u) << "the newer ones, though they are of a lower priority";
  EXPECT_TRUE(audit.AddsUp());
  EXPECT_EQ(store_->stats().lost, 0u);
  EXPECT_TRUE(Take().losses.empty()) << "nor is the cloud told of it";
}

TEST_F(DeliveryTest, WhatIsOnItsWayIsNotEvicted) {
  count_ = 500;
  Open(1, kHistoryBytesMin);
  Commit(9);
  const Undelivered out = Take({.order = DeliveryOrder::kOldest});
  int commits = 0;
  while (AuditOf(1).lost == 0) {
    Commit(9);
    ASSERT_LT(++commits, 500);
  }
  EXPECT_EQ(Take({.order = DeliveryOrder::kOldest}).blocks, out.blocks);
  EXPECT_TRUE(AuditOf(1).AddsUp());
}

TEST_F(DeliveryTest, LossesAreToldOnceUnlessTheyGrow) {
  Open(1);
  HistoryBatch batch;
  batch.paths = {{1, "plant/p1"}};
  batch.losses = {{.path = 1,
                   .reason = LossReason::kNotStored,
                   .inc = 1,
                   .first = 0,
                   .last = 9,
                   .count = 10,
                   .from = At(0),
                   .to = At(9)}};
  ASSERT_TRUE(store_->Commit(batch));
  EXPECT_EQ(Take().losses, batch.losses);
  EXPECT_TRUE(TakeNext().losses.empty());
  ASSERT_TRUE(store_->Close({}));
  Open(2);
  EXPECT_TRUE(Take().losses.empty());
  batch.paths.clear();
  batch.losses[0].first = 10;
  batch.losses[0].last = 19;
  ASSERT_TRUE(store_->Commit(batch));
  const std::vector<Loss> grown = Take().losses;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].count, 20u);
}

TEST_F(DeliveryTest, ACloudThatLostWhatWasEvictedIsAccountedFor) {
  count_ = 500;
  Open(1, kHistoryBytesMin);
  for (int i = 0; i < 10; ++i) Commit(9);
  TakeAll(DeliveryOrder::kOldest, Take({.order = DeliveryOrder::kOldest}));
  int commits = 0;
  while (AuditOf(1).delivered < 100) {
    Commit(9);
    ASSERT_LT(++commits, 500);
  }
  const std::uint64_t delivered = AuditOf(1).delivered;
  DeliveryRequest request;
  request.held = {{"plant/p1", {{0, 9}, {20, 29}, {delivered - 5, delivered + 500}}}};
  const Undelivered chunk = Take(request);
  const PathAudit audit = AuditOf(1);
  EXPECT_EQ(audit.delivered, 25u);
  EXPECT_EQ(audit.lost, delivered - 25);
  EXPECT_TRUE(audit.AddsUp());
  ASSERT_FALSE(chunk.losses.empty());
  EXPECT_EQ(chunk.losses[0].reason, LossReason::kPeerRolledBack);
  EXPECT_EQ(chunk.losses[0].first, 10u);
  EXPECT_EQ(chunk.losses[0].last, 19u);
}

TEST_F(DeliveryTest, AnewGivesEverythingThatIsStillThere) {
  Open(1);
  for (int i = 0; i < 5; ++i) Commit();
  TakeAll(DeliveryOrder::kNewest, Take());
  DeliveryRequest request;
  request.held.emplace();
  EXPECT_EQ(TakeAll(DeliveryOrder::kNewest, Take(request)).size(), 10u);
}

TEST_F(DeliveryTest, ABlockThatIsNotWholeIsNotGiven) {
  Open(1);
  HistoryBatch batch;
  batch.paths = {{1, "plant/p1"}};
  batch.blocks = {Whole(1, 0, 10)};
  batch.blocks[0].bytes[20] ^= 1;
  ASSERT_TRUE(store_->Commit(batch));
  const auto taken = store_->TakeUndelivered({.bytes_max = 100});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kCorrupt);
}

TEST_F(DeliveryTest, WhatIsSalvagedKeepsTheOpeningThatCommittedIt) {
  Open(5);
  Commit();
  ASSERT_TRUE(store_->Close({}));
  Open(6);
  Commit();
  store_.reset();
  TestFolder other;
  HistoryStoreOptions options = OptionsFor(other, 9);
  options.window_samples_max = 0;
  const auto copy = OpenHistory(options);
  ASSERT_TRUE(Salvage(HistoryFile(folder_), *copy));
  std::map<std::uint64_t, std::size_t> blocks;
  auto chunk = copy->TakeUndelivered({.bytes_max = 10'000});
  while (chunk && !chunk->blocks.empty()) {
    blocks[chunk->inc] += chunk->blocks.size();
    chunk = copy->TakeUndelivered({.delivered = true, .bytes_max = 10'000});
  }
  EXPECT_EQ(blocks, (std::map<std::uint64_t, std::size_t>{{5, 2}, {6, 2}}));
}

}  // namespace
}  // namespace edgetwin::history
