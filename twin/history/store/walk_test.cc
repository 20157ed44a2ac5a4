// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/walk.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"

namespace edgetwin::history {
namespace {

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

class WalkTest : public testing::Test {
 protected:
  void Open(std::uint64_t inc) {
    store_.reset();
    HistoryStoreOptions options = OptionsFor(folder_, inc);
    options.window_samples_max = 0;
    store_ = OpenHistory(options);
    ASSERT_NE(store_, nullptr);
  }
  // A block of ten samples of each of two paths.
  void Commit() {
    HistoryBatch batch;
    for (PathId path = 1; path <= 2; ++path) {
      const bool known = path <= store_->paths().size();
      if (!known) batch.paths.push_back({path, "plant/p" + std::to_string(path)});
      batch.blocks.push_back(BlockOf(path, known ? store_->paths()[path - 1].next : 0, 10));
    }
    const Status done = store_->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
  }
  Walked Next(const WalkRequest& request) {
    Result<Walked> walked = store_->Walk(request);
    EXPECT_TRUE(walked) << walked.error().text;
    return walked ? *walked : Walked{.all = true};
  }
  // How often each block is given, and by which opening.
  std::map<std::pair<PathId, std::uint64_t>, std::vector<std::uint64_t>> Walk(
      WalkRequest request = {.bytes_max = 150}) {
    std::map<std::pair<PathId, std::uint64_t>, std::vector<std::uint64_t>> given;
    for (int pieces = 0; pieces < 1'000; ++pieces) {
      Walked walked = Next(request);
      for (const BlockRecord& block : walked.blocks) {
        EXPECT_EQ(block, BlockOf(block.path, block.first, 10));
        given[{block.path, block.first}].push_back(walked.inc);
      }
      if (walked.all) return given;
      request.after = walked.end;
    }
    ADD_FAILURE() << "it does not end";
    return given;
  }
  // Delivers what commits up to here have.
  WalkPlace End() {
    WalkRequest request{.bytes_max = 1 << 20};
    while (true) {
      const Walked walked = Next(request);
      if (walked.all) return walked.end;
      request.after = walked.end;
    }
  }

  TestFolder folder_;
  std::unique_ptr<HistoryStore> store_;
};

TEST_F(WalkTest, EveryBlockIsGivenOnceWithTheOpeningThatCommittedIt) {
  Open(1);
  for (int i = 0; i < 5; ++i) Commit();
  Open(2);
  for (int i = 0; i < 5; ++i) Commit();
  for (const std::size_t bytes_max : {std::size_t{1}, std::size_t{150}, std::size_t{1} << 20}) {
    const auto given = Walk({.bytes_max = bytes_max});
    ASSERT_EQ(given.size(), 20u) << bytes_max;
    for (const auto& [block, incs] : given) {
      ASSERT_EQ(incs.size(), 1u);
      EXPECT_EQ(incs[0], block.second < 50 ? 1u : 2u);
    }
  }
}

TEST_F(WalkTest, APieceMayEndBetweenBlocksOfOnePathInOneCommit) {
  Open(1);
  HistoryBatch batch;
  for (PathId path = 1; path <= 2; ++path) {
    batch.paths.push_back({path, "plant/p" + std::to_string(path)});
    for (std::uint64_t i = 0; i < 6; ++i) {
      const Priority priority = i % 2 == 0 ? Priority::kNormal : Priority::kLow;
      batch.blocks.push_back(BlockOf(path, i * 10, 10, 20, priority));
    }
  }
  ASSERT_TRUE(store_->Commit(batch));
  for (const std::size_t bytes_max : {std::size_t{1}, std::size_t{150}, std::size_t{1} << 20}) {
    std::size_t blocks = 0;
    WalkRequest request{.bytes_max = bytes_max};
    std::set<std::pair<PathId, std::uint64_t>> given;
    for (bool all = false; !all;) {
      const Walked walked = Next(request);
      all = walked.all;
      for (const BlockRecord& block : walked.blocks) given.insert({block.path, block.first});
      blocks += walked.blocks.size();
      request.after = walked.end;
      ASSERT_LT(blocks, 100u);
    }
    EXPECT_EQ(blocks, 12u) << bytes_max;
    EXPECT_EQ(given.size(), 12u) << bytes_max;
  }
}

TEST_F(WalkTest, APlaceThatNoBlockCanHaveIsRefusedOrBehindItsCommit) {
  Open(1);
  for (int i = 0; i < 2; ++i) Commit();
  const Walked behind = Next({.after = {.commit = 1, .priority = 255}, .bytes_max = 1});
  ASSERT_EQ(behind.blocks.size(), 1u);
  EXPECT_EQ(behind.end.commit, 2);
  for (const WalkPlace& place :
       {WalkPlace{.commit = std::numeric_limits<std::int64_t>::max()}, WalkPlace{.commit = -1},
        WalkPlace{.commit = 1, .path = 1 << 20}}) {
    const auto refused = store_->Walk({.after = place, .bytes_max = 1});
    ASSERT_FALSE(refused) << place.commit;
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  }
}

TEST_F(WalkTest, NothingIsMarkedByIt) {
  Open(1);
  for (int i = 0; i < 3; ++i) Commit();
  EXPECT_EQ(Walk().size(), 6u);
  EXPECT_EQ(Walk().size(), 6u);
  const auto taken = store_->TakeUndelivered({.bytes_max = 1 << 20});
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->blocks.size(), 6u);
}

TEST_F(WalkTest, WhatIsDeliveredIsLeftOut) {
  Open(1);
  for (int i = 0; i < 4; ++i) Commit();
  // The first chunk ends within the second commit.
  const auto first = store_->TakeUndelivered({.order = DeliveryOrder::kOldest, .bytes_max = 150});
  ASSERT_TRUE(first);
  ASSERT_FALSE(first->blocks.empty());
  ASSERT_LT(first->blocks.size(), 8u);
  ASSERT_TRUE(store_->TakeUndelivered({.delivered = true, .bytes_max = 1}));
  const auto given = Walk();
  EXPECT_EQ(given.size(), 8 - first->blocks.size());
  for (const BlockRecord& block : first->blocks) {
    EXPECT_FALSE(given.contains({block.path, block.first}));
  }
}

TEST_F(WalkTest, OnlyBlocksOfTheTimeThatIsAskedForAreGiven) {
  Open(1);
  for (int i = 0; i < 10; ++i) Commit();
  const auto given = Walk({.from = At(35), .to = At(50), .bytes_max = 150});
  EXPECT_EQ(given.size(), 6u);
  EXPECT_TRUE(given.contains({1, 30}));
  EXPECT_TRUE(given.contains({2, 50}));
}

TEST_F(WalkTest, InAnotherFileAPlaceIsNone) {
  Open(1);
  for (int i = 0; i < 3; ++i) Commit();
  WalkPlace place = Next({.bytes_max = 1}).end;
  place.inc = 9;
  const auto other = store_->Walk({.after = place, .bytes_max = 1});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  const auto beyond = store_->Walk({.after = {.commit = 99, .inc = 1}, .bytes_max = 1});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, ErrorCode::kConflict);
}

TEST_F(WalkTest, AFileThatNobodyHasOpenIsWalkedTheSame) {
  Open(1);
  for (int i = 0; i < 3; ++i) Commit();
  ASSERT_TRUE(store_->Close({}));
  store_.reset();
  auto inspected = HistoryStore::Inspect(HistoryFile(folder_));
  ASSERT_TRUE(inspected) << inspected.error().text;
  store_ = std::move(*inspected);
  EXPECT_EQ(Walk().size(), 6u);
}

TEST_F(WalkTest, WhatWasCarriedLastIsRememberedOverOpenings) {
  Open(1);
  EXPECT_EQ(store_->carried(), 0);
  ASSERT_TRUE(store_->SetCarried(17));
  Open(2);
  EXPECT_EQ(store_->carried(), 17);
}

TEST_F(WalkTest, WhatAReceiptSaysIsDeliveredAndStaysSo) {
  Open(1);
  for (int i = 0; i < 3; ++i) Commit();
  const WalkPlace end = End();
  Commit();
  const Receipt receipt{.since = 1, .end = end, .all_of_end = true, .mark = {0xc1, 5}};
  ASSERT_TRUE(store_->TakeReceipt(receipt));
  EXPECT_TRUE(store_->TakeReceipt(receipt)) << "once more says nothing new";
  for (std::uint64_t inc = 2; inc < 4; ++inc) {
    EXPECT_EQ(store_->cloud_mark(), (CloudMark{0xc1, 5}));
    const auto given = Walk();
    EXPECT_EQ(given.size(), 4u) << "of the first commit, and of the last";
    EXPECT_TRUE(given.contains({1, 0}) && given.contains({1, 30}));
    Open(inc);
  }
}

TEST_F(WalkTest, OfACommitThatIsNotAllInTheFileNothingIsDelivered) {
  Open(1);
  for (int i = 0; i < 2; ++i) Commit();
  const WalkPlace within = Next({.after = Next({.bytes_max = 1}).end, .bytes_max = 1}).end;
  ASSERT_TRUE(store_->TakeReceipt({.end = End(), .mark = {0xc1, 5}}));
  EXPECT_EQ(Walk().size(), 2u);
  EXPECT_EQ(within.commit, 1);
}

TEST_F(WalkTest, AReceiptIsRefusedOnceTheCloudWasHeard) {
  Open(1);
  Commit();
  const WalkPlace end = End();
  ASSERT_TRUE(store_->TakeUndelivered({.mark = {0xc1, 1}, .bytes_max = 1}));
  const Status done = store_->TakeReceipt({.end = end, .all_of_end = true, .mark = {0xc1, 5}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kConflict);
  EXPECT_EQ(store_->cloud_mark(), (CloudMark{0xc1, 1}));
  EXPECT_EQ(Walk().size(), 2u);
}

TEST_F(WalkTest, AReceiptForAnotherHistoryIsRefused) {
  Open(1);
  Commit();
  WalkPlace end = End();
  end.inc = 9;
  EXPECT_FALSE(store_->TakeReceipt({.end = end, .all_of_end = true, .mark = {0xc1, 5}}));
  EXPECT_EQ(Walk().size(), 2u);
}

TEST_F(WalkTest, WhatIsWithheldNeverLeavesAndDoesNotHoldTheRestUp) {
  Open(1);
  ASSERT_TRUE(store_->Withhold("plant/p1", kEverything));
  for (int i = 0; i < 200; ++i) Commit();
  ASSERT_TRUE(store_->Withhold("plant/p1", 1'985));  // Within a block, all of which stays.
  Open(2);
  Commit();
  const auto given = Walk();
  EXPECT_EQ(given.size(), 203u);
  EXPECT_FALSE(given.contains({1, 1'980}));
  EXPECT_TRUE(given.contains({1, 1'990}));
  std::size_t taken = 0;
  DeliveryRequest request{.order = DeliveryOrder::kOldest, .bytes_max = 1};
  while (true) {
    const auto chunk = store_->TakeUndelivered(request);
    ASSERT_TRUE(chunk);
    if (chunk->blocks.empty()) break;
    for (const BlockRecord& block : chunk->blocks) {
      EXPECT_TRUE(block.path == 2 || block.first >= 1'990);
    }
    taken += chunk->blocks.size();
    request.delivered = true;
  }
  EXPECT_EQ(taken, 203u);
}

TEST_F(WalkTest, NothingButWhatIsWithheldIsNoEndOfTheRest) {
  Open(1);
  ASSERT_TRUE(store_->Withhold("plant/p1", kEverything));
  ASSERT_TRUE(store_->Withhold("plant/p2", 1'000));
  for (int i = 0; i < 200; ++i) Commit();
  const auto chunk = store_->TakeUndelivered({.order = DeliveryOrder::kOldest, .bytes_max = 1});
  ASSERT_TRUE(chunk);
  ASSERT_EQ(chunk->blocks.size(), 1u);
  EXPECT_EQ(chunk->blocks[0].first, 1'000u);
}

TEST_F(WalkTest, ACopyOfADamagedFileWithholdsTheSame) {
  Open(1);
  Commit();
  ASSERT_TRUE(store_->Withhold("plant/p1", 5));
  ASSERT_TRUE(store_->Close({}));
  store_.reset();
  HistoryStoreOptions options = OptionsFor(folder_, 2);
  options.path += ".copy";
  const auto copy = OpenHistory(options);
  ASSERT_NE(copy, nullptr);
  ASSERT_TRUE(Salvage(HistoryFile(folder_), *copy, {}));
  EXPECT_EQ(copy->withheld().at("plant/p1"), 5u);
}

}  // namespace
}  // namespace edgetwin::history
