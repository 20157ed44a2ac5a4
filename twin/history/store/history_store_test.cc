// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/history_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "twin/history/store/history_test_support.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

class HistoryStoreTest : public testing::Test {
 protected:
  std::unique_ptr<HistoryStore> Open(std::uint64_t inc) {
    return OpenHistory(OptionsFor(folder_, inc));
  }
  TestFolder folder_;
};

HistoryBatch TwoPaths() {
  HistoryBatch batch;
  batch.paths = {{1, "plant/a"}, {2, "plant/b"}};
  batch.blocks = {BlockOf(2, 0, 5), BlockOf(1, 10, 10), BlockOf(1, 0, 10)};
  return batch;
}

TEST_F(HistoryStoreTest, GivesBackBlocksInTheOrderOfTheirOrdinals) {
  {
    auto store = Open(1);
    ASSERT_TRUE(store->Commit(TwoPaths()));
    HistoryBatch more;
    more.blocks = {BlockOf(1, 20, 7)};
    ASSERT_TRUE(store->Close(more));
  }
  auto store = Open(2);
  ASSERT_EQ(store->paths().size(), 2u);
  EXPECT_EQ(store->paths()[0].path, "plant/a");
  EXPECT_EQ(store->paths()[0].next, 27u);
  EXPECT_EQ(store->paths()[1].next, 5u);
  const std::vector<BlockRecord> expected = {BlockOf(1, 0, 10), BlockOf(1, 10, 10),
                                             BlockOf(1, 20, 7)};
  EXPECT_EQ(AllBlocks(*store, 1), expected);
  EXPECT_EQ(AllBlocks(*store, 2), (std::vector{BlockOf(2, 0, 5)}));
}

TEST_F(HistoryStoreTest, ReadsOnlyBlocksThatMayHaveSamplesOfTheTime) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(TwoPaths()));
  EXPECT_EQ(AllBlocks(*store, 1, At(10), At(10)), (std::vector{BlockOf(1, 10, 10)}));
  EXPECT_EQ(AllBlocks(*store, 1, At(9), At(10)).size(), 2u);
  EXPECT_TRUE(AllBlocks(*store, 1, At(20), At(99)).empty());
}

TEST_F(HistoryStoreTest, ACleanStopLosesNothing) {
  {
    auto store = Open(1);
    ASSERT_TRUE(store->Commit(TwoPaths()));
    ASSERT_TRUE(store->Close({}));
  }
  auto store = Open(2);
  EXPECT_EQ(store->Losses()->size(), 0u);
  EXPECT_EQ(store->paths()[0].next, 20u);
}

TEST_F(HistoryStoreTest, AnUncleanStopIsAnUpperBoundInTheLedgerAndItsOrdinalsAreNotUsedAgain) {
  {
    auto store = Open(1);
    ASSERT_TRUE(store->Commit(TwoPaths()));
  }
  auto store = Open(2);
  const Result<std::vector<Loss>> losses = store->Losses();
  ASSERT_TRUE(losses);
  ASSERT_EQ(losses->size(), 2u);
  const Loss expected{.path = 1,
                      .reason = LossReason::kUncleanStop,
                      .exact = false,
                      .inc = 1,
                      .first = 20,
                      .last = 69,
                      .count = 50,
                      .from = At(19),
                      .to = At(2'000'000)};
  EXPECT_EQ(losses->front(), expected);
  EXPECT_EQ(store->paths()[0].next, 70u);
  EXPECT_EQ(store->paths()[1].next, 55u);
}

TEST_F(HistoryStoreTest, UncleanStopsOneAfterTheOtherAreOneRecordAPath) {
  ASSERT_TRUE(Open(1)->Commit(TwoPaths()));
  for (std::uint64_t inc = 2; inc < 40; ++inc) Open(inc);
  auto store = Open(40);
  const Result<std::vector<Loss>> losses = store->Losses();
  ASSERT_EQ(losses->size(), 2u);
  EXPECT_EQ(losses->front().count, 39u * 50u);
  EXPECT_EQ(losses->front().inc, 0u) << "of several openings";
  EXPECT_EQ(store->paths()[0].next, 20u + 39u * 50u);
}

TEST_F(HistoryStoreTest, APathThatHadNoSamplesBeforeACleanStopLosesNoneInACrashLater) {
  {
    auto store = Open(1);
    ASSERT_TRUE(store->Commit(TwoPaths()));
    ASSERT_TRUE(store->Close({}));
  }
  {
    auto store = Open(2);
    HistoryBatch batch;
    batch.blocks = {BlockOf(1, 20, 1)};
    ASSERT_TRUE(store->Close(batch));
  }
  Open(3);  // Ends unclean.
  auto store = Open(4);
  EXPECT_EQ(Lost(*store, 1), 50u);
  EXPECT_EQ(Lost(*store, 2), 0u) << "nothing came of it any more";
  HistoryBatch batch;
  batch.live = {2};
  ASSERT_TRUE(store->Commit(batch));
  store.reset();
  EXPECT_EQ(Lost(*Open(5), 2), 50u) << "it was live again";
}

TEST_F(HistoryStoreTest, FindsTheNextOrdinalsHoweverManyCommitsThereWere) {
  std::uint64_t next = 0;
  std::uint64_t inc = 1;
  for (const int commits : {1, 63, 64, 65, 200}) {
    auto store = Open(inc++);
    if (next == 0) {
      HistoryBatch batch;
      batch.paths = {{1, "a/b"}};
      ASSERT_TRUE(store->Commit(batch));
    }
    next = store->paths()[0].next;
    for (int i = 0; i < commits; ++i) {
      HistoryBatch batch;
      batch.blocks = {BlockOf(1, next, 3)};
      ASSERT_TRUE(store->Commit(batch));
      next += 3;
    }
    store.reset();
    EXPECT_EQ(Open(inc++)->paths()[0].next, next + 50) << commits;
  }
}

TEST_F(HistoryStoreTest, WhatLeavesAGapOrOverlapsIsRefused) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(TwoPaths()));
  const auto refused = [&](const HistoryBatch& batch) {
    const Status done = store->Commit(batch);
    return !done && done.error().code == ErrorCode::kInvalid;
  };
  HistoryBatch batch;
  batch.blocks = {BlockOf(1, 21, 1)};
  EXPECT_TRUE(refused(batch)) << "a gap";
  batch.blocks = {BlockOf(1, 19, 2)};
  EXPECT_TRUE(refused(batch)) << "an overlap";
  batch.blocks = {BlockOf(3, 0, 2)};
  EXPECT_TRUE(refused(batch)) << "an unknown path";
  batch.blocks = {BlockOf(1, 25, 5)};
  batch.losses = {{.path = 1,
                   .reason = LossReason::kNotStored,
                   .inc = 1,
                   .first = 20,
                   .last = 24,
                   .count = 5,
                   .from = At(20),
                   .to = At(24)}};
  EXPECT_TRUE(store->Commit(batch)) << "a loss fills the gap";
  EXPECT_EQ(store->paths()[0].next, 30u);
  EXPECT_EQ(Stored(*store, 1) + Lost(*store, 1), 30u);
}

TEST_F(HistoryStoreTest, OneCommitHasAsManyBlocksOfAPathAsItHasNumbersForAndNoMore) {
  auto store = Open(1);
  HistoryBatch batch;
  batch.paths = {{1, "plant/a"}, {2, "plant/b"}};
  const BlockRecord like = BlockOf(1, 0, 1);
  for (std::uint64_t i = 0; i <= 4'096; ++i) {
    BlockRecord block = like;
    block.first = i;
    batch.blocks.push_back(std::move(block));
  }
  const Status refused = store->Commit(batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << refused.error().text;
  batch.blocks.pop_back();
  for (BlockRecord& block : batch.blocks) block = BlockOf(1, block.first, 1);
  batch.blocks.push_back(BlockOf(2, 0, 1));
  ASSERT_TRUE(store->Commit(batch));
  EXPECT_EQ(AllBlocks(*store, 2), (std::vector{batch.blocks.back()}));
  batch.blocks.pop_back();
  EXPECT_EQ(AllBlocks(*store, 1), batch.blocks);
}

TEST_F(HistoryStoreTest, TimesMayBeAnyNumbers) {
  auto store = Open(1);
  HistoryBatch batch = TwoPaths();
  batch.blocks[1].t_min = WallTime::min();
  batch.blocks[2].t_max = WallTime::max();
  ASSERT_TRUE(store->Commit(batch));
  const std::vector<BlockRecord> expected = {batch.blocks[2], batch.blocks[1]};
  EXPECT_EQ(AllBlocks(*store, 1), expected);
  EXPECT_EQ(AllBlocks(*store, 2), (std::vector{batch.blocks[0]}));
}

TEST_F(HistoryStoreTest, ACommitsBlocksOfOnePathAreInOrderWhateverTheirPriorities) {
  auto store = Open(1);
  HistoryBatch batch;
  batch.paths = {{1, "plant/a"}};
  for (std::uint64_t i = 0; i < 9; ++i) {
    batch.blocks.push_back(BlockOf(1, i * 10, 10, 20, static_cast<Priority>((i * 2) % 3)));
  }
  ASSERT_TRUE(store->Commit(batch));
  EXPECT_EQ(AllBlocks(*store, 1), batch.blocks);
}

TEST_F(HistoryStoreTest, TheFileStaysBelowItsCapAndEveryEvictionIsAccountedFor) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  auto store = OpenHistory(options);
  HistoryBatch batch;
  for (PathId id = 1; id <= 20; ++id) batch.paths.push_back({id, "p/" + std::to_string(id)});
  ASSERT_TRUE(store->Commit(batch));
  std::uint64_t largest = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    batch = {};
    for (PathId id = 1; id <= 20; ++id) batch.blocks.push_back(BlockOf(id, i * 10, 10, 1'000));
    const Status done = store->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
    largest = std::max(largest, store->stats().file_bytes);
  }
  EXPECT_LE(largest, options.bytes_max);
  EXPECT_GT(largest, options.bytes_max / 2) << "it uses what it may";
  for (PathId id = 1; id <= 20; ++id) {
    EXPECT_EQ(Stored(*store, id) + Lost(*store, id), 2'000u) << id;
    EXPECT_GT(Stored(*store, id), 0u);
    EXPECT_EQ(AllBlocks(*store, id).back().first, 1'990u) << "the newest stay";
  }
  EXPECT_EQ(store->Losses()->size(), 20u) << "contiguous losses are one record";
}

// A row that is too long for its page takes pages of its own.
TEST_F(HistoryStoreTest, BlocksOfAnySizeHaveRoomMadeForThem) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  const auto store = OpenHistory(options);
  constexpr PathId kPaths = 100;
  std::mt19937 random(1);
  for (std::uint64_t commit = 0; commit < 150; ++commit) {
    HistoryBatch batch;
    // Short ones, and now and then a commit of such as just don't fit.
    const std::size_t bytes = commit % 3 == 0 ? 250 : 110 + random() % 60;
    for (PathId path = 1; path <= kPaths; ++path) {
      if (commit == 0) batch.paths.push_back({path, "plant/" + std::to_string(path)});
      batch.blocks.push_back(BlockOf(path, commit, 1, bytes));
    }
    const Status done = store->Commit(batch);
    ASSERT_TRUE(done) << "commit " << commit << ": " << done.error().text;
    ASSERT_LE(store->stats().file_bytes, options.bytes_max);
  }
  EXPECT_GT(store->stats().lost, 0u);
}

TEST_F(HistoryStoreTest, TheLowestPriorityIsEvictedFirst) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  auto store = OpenHistory(options);
  HistoryBatch batch;
  batch.paths = {{1, "p/low"}, {2, "p/normal"}, {3, "p/high"}};
  ASSERT_TRUE(store->Commit(batch));
  const auto commit = [&](std::uint64_t i) {
    batch = {};
    batch.blocks = {BlockOf(1, i * 10, 10, 3'000, Priority::kLow),
                    BlockOf(2, i * 10, 10, 1'500, Priority::kNormal),
                    BlockOf(3, i * 10, 10, 1'000, Priority::kHigh)};
    const Status done = store->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
  };
  std::uint64_t i = 0;
  for (; Lost(*store, 1) == 0; ++i) commit(i);
  while (Stored(*store, 1) > 30) commit(i++);
  EXPECT_EQ(Lost(*store, 2), 0u);
  while (Lost(*store, 2) == 0) commit(i++);
  EXPECT_LE(Stored(*store, 1), 20u);
  EXPECT_EQ(Lost(*store, 3), 0u);
}

TEST_F(HistoryStoreTest, WhatIsOlderThanItNeedsToBeGoesAndIsAccountedFor) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(TwoPaths()));
  for (std::uint64_t first = 20; first < 100; first += 10) {
    HistoryBatch batch;
    batch.blocks = {BlockOf(1, first, 10)};
    ASSERT_TRUE(store->Commit(batch));
  }
  while (*store->EvictBefore(At(45))) {
  }
  EXPECT_EQ(AllBlocks(*store, 1).front().first, 40u) << "its block has samples of that time, too";
  const Result<std::vector<Loss>> losses = store->Losses();
  ASSERT_EQ(losses->size(), 2u);
  EXPECT_EQ(losses->front().reason, LossReason::kAgeMax);
  EXPECT_EQ(losses->front().count, 40u);
  EXPECT_EQ(losses->front().inc, 1u);
}

TEST_F(HistoryStoreTest, TheAuditAddsUpAndFindsWhatIsMissing) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(TwoPaths()));
  store.reset();
  store = Open(2);
  ASSERT_TRUE(store->EvictBefore(At(1'000)));
  HistoryBatch batch;
  batch.blocks = {BlockOf(1, 70, 30)};
  ASSERT_TRUE(store->Commit(batch));
  Result<std::vector<PathAudit>> audit = store->Audit();
  ASSERT_EQ(audit->size(), 2u);
  EXPECT_EQ((*audit)[0].stored, 30u);
  EXPECT_EQ((*audit)[0].lost, 20u);
  EXPECT_EQ((*audit)[0].lost_at_most, 50u);
  EXPECT_EQ((*audit)[0].bytes, batch.blocks[0].bytes.size());
  EXPECT_TRUE((*audit)[0].AddsUp() && (*audit)[1].AddsUp());
  ASSERT_TRUE(store->Close({}));
  store.reset();
  {
    Result<store::Database> db = store::Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db && db->Exec("DELETE FROM block"));
  }
  store = Open(3);
  EXPECT_FALSE((*store->Audit())[0].AddsUp());
}

TEST_F(HistoryStoreTest, ABatchThatCanNeverFitIsRefusedAndTheStoreGoesOn) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  auto store = OpenHistory(options);
  HistoryBatch batch = TwoPaths();
  batch.blocks = {BlockOf(1, 0, 100, kHistoryBytesMin)};
  const Status refused = store->Commit(batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(store->Commit(TwoPaths()));
}

TEST_F(HistoryStoreTest, TheTableOfOpeningsDoesNotGrow) {
  for (std::uint64_t inc = 1; inc < 30; ++inc) ASSERT_TRUE(Open(inc)->Close({}));
  auto db = store::Database::Open({.path = HistoryFile(folder_)});
  ASSERT_TRUE(db);
  EXPECT_EQ(db->QueryInt("SELECT count(*) FROM incarnation"), 1);
}

TEST_F(HistoryStoreTest, InspectingChangesNothing) {
  ASSERT_TRUE(Open(1)->Close(TwoPaths()));
  const auto before = store::Snapshot(folder_.path());
  {
    auto seen = HistoryStore::Inspect(HistoryFile(folder_));
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ((*seen)->paths()[0].next, 20u);
    EXPECT_EQ(AllBlocks(**seen, 1).size(), 2u);
    EXPECT_TRUE((*seen)->Audit().value()[0].AddsUp());
    HistoryBatch batch;
    batch.blocks = {BlockOf(1, 20, 1)};
    EXPECT_FALSE((*seen)->Commit(batch));
  }
  EXPECT_TRUE(store::Snapshot(folder_.path()) == before);
  EXPECT_EQ(Open(2)->Losses()->size(), 0u);
  const auto none = HistoryStore::Inspect(folder_.path() + "/none.db");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST_F(HistoryStoreTest, ADeletedFileIsNoticedBeforeMoreIsWrittenToIt) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(TwoPaths()));
  std::filesystem::remove(HistoryFile(folder_));
  HistoryBatch batch;
  batch.blocks = {BlockOf(1, 20, 1)};
  const Status done = store->Commit(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kNotFound) << done.error().text;
}

TEST_F(HistoryStoreTest, ASecondOpenerIsRefused) {
  auto store = Open(1);
  const auto second = HistoryStore::Open(OptionsFor(folder_, 2));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(HistoryStoreTest, ATwinsDatabaseIsNoHistory) {
  store::OpenStore(HistoryFile(folder_), 1);
  const auto opened = HistoryStore::Open(OptionsFor(folder_, 2));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalid) << opened.error().text;
}

TEST_F(HistoryStoreTest, WhatItWritesIsCountedByWhatItIsFor) {
  store::FlashMeter meter;
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.meter = &meter;
  const auto written = [&meter](store::WriteCause cause) {
    return meter.bytes()[static_cast<std::size_t>(cause)];
  };
  auto store = OpenHistory(options);
  HistoryBatch batch;
  batch.paths = {{1, "p/1"}};
  batch.blocks = {BlockOf(1, 0, 10, 5'000)};
  ASSERT_TRUE(store->Commit(batch));
  EXPECT_GE(written(store::WriteCause::kBlocks), 5'000u);
  EXPECT_EQ(written(store::WriteCause::kLedger), 0u);
  ASSERT_TRUE(store->EvictBefore(At(1'000)));
  EXPECT_GT(written(store::WriteCause::kLedger), 0u);
}

TEST_F(HistoryStoreTest, TheDaysFlashFigureOutlivesACleanStop) {
  HistoryBatch last;
  last.flash = FlashDay{20'700, 123'456};
  {
    auto store = OpenHistory(OptionsFor(folder_, 1));
    EXPECT_EQ(store->flash_day(), FlashDay());
    ASSERT_TRUE(store->Close(last));
  }
  EXPECT_EQ(OpenHistory(OptionsFor(folder_, 2))->flash_day(), *last.flash);
}

}  // namespace
}  // namespace edgetwin::history
