// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/recover.h"

#include <gtest/gtest.h>

#include <string>

#include "twin/history/block.h"
#include "twin/history/store/history_test_support.h"
#include "twin/store/child_process.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

BlockRecord RealBlock(std::uint64_t first, std::size_t count) {
  std::vector<model::Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    // Hardly compressible.
    samples[i].value = model::Value(
        static_cast<std::int64_t>((first + i) * 0x9e37'79b9'7f4a'7c15u ^ (first + i) << 29));
    samples[i].time = At(static_cast<std::int64_t>(first + i));
  }
  return {1,
          Priority::kNormal,
          first,
          static_cast<std::uint32_t>(count),
          samples.front().time,
          samples.back().time,
          EncodeBlock(samples, first).value()};
}

constexpr std::uint64_t kBlocks = 50;
constexpr std::uint64_t kSamplesOfABlock = 400;
constexpr std::uint64_t kSamples = kBlocks * kSamplesOfABlock;

class RecoverTest : public testing::Test {
 protected:
  // Samples of one path, `clean` or as a crash leaves it.
  void MakeHistory(bool clean) {
    auto store = OpenHistory(OptionsFor(folder_, 1));
    HistoryBatch batch;
    batch.paths = {{1, "p/1"}};
    ASSERT_TRUE(store->Commit(batch));
    for (std::uint64_t i = 0; i < kBlocks; ++i) {
      batch = {};
      batch.blocks = {RealBlock(i * kSamplesOfABlock, kSamplesOfABlock)};
      ASSERT_TRUE(store->Commit(batch));
    }
    if (!clean) return;
    ASSERT_TRUE(store->Close({}));
  }
  // The table of openings, by its place in the schema: every block stays whole.
  void DamageOpenings() {
    std::int64_t page = 0;
    std::size_t page_bytes = 0;
    {
      auto db = store::Database::Open({.path = HistoryFile(folder_)});
      page = db->QueryInt("SELECT rootpage FROM sqlite_schema WHERE name = 'incarnation'").value();
      page_bytes = static_cast<std::size_t>(db->QueryInt("PRAGMA page_size").value());
    }
    std::string bytes = store::ReadFile(HistoryFile(folder_));
    bytes.replace(static_cast<std::size_t>(page - 1) * page_bytes, page_bytes,
                  std::string(page_bytes, 'x'));
    store::WriteFile(HistoryFile(folder_), bytes);
  }
  // What a new file with one path and one loss takes while it is made: at its end, WAL and database
  // side by side.
  static std::uintmax_t BytesOfALedger() {
    TestFolder beside;
    auto store = OpenHistory(OptionsFor(beside, 1));
    HistoryBatch batch;
    batch.paths = {{1, "p/1"}};
    batch.losses = {
        {.path = 1, .reason = LossReason::kDamaged, .first = 0, .last = 9, .count = 10}};
    EXPECT_TRUE(store->Commit(batch));
    const std::uintmax_t wal = std::filesystem::file_size(HistoryFile(beside) + "-wal");
    EXPECT_TRUE(store->Close({}));
    store.reset();
    return wal + std::filesystem::file_size(HistoryFile(beside));
  }
  void ExpectAddsUp(HistoryStore& store) {
    const auto audit = store.Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    for (const PathAudit& path : *audit) EXPECT_TRUE(path.AddsUp()) << path.path.path;
  }
  bool Exists(const std::string& suffix) {
    return std::filesystem::exists(HistoryFile(folder_) + suffix);
  }
  TestFolder folder_;
};

TEST_F(RecoverTest, ASoundHistoryIsOpenedAsItIs) {
  MakeHistory(true);
  const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->quarantined, "");
  EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  EXPECT_EQ(Lost(*opened->store, 1), 0u);
}

TEST_F(RecoverTest, ADamagedOneIsKeptAsideAndWhatIsWholeOfItIsInTheNewOne) {
  MakeHistory(true);
  DamageOpenings();
  const std::string damaged = store::ReadFile(HistoryFile(folder_));
  const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->quarantined, HistoryFile(folder_) + ".corrupt-1");
  EXPECT_EQ(store::ReadFile(opened->quarantined), damaged);
  EXPECT_EQ(opened->store->inc(), 2u);
  EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  // Whether it had been closed can't be told any more.
  EXPECT_EQ(Lost(*opened->store, 1), 50u);
  EXPECT_FALSE(Exists(".salvaged"));
  ExpectAddsUp(*opened->store);
}

TEST_F(RecoverTest, WhatADeadProcessHadInMemoryIsAccountedForAlthoughItsFileIsDamaged) {
  MakeHistory(false);
  const std::string sound = store::ReadFile(HistoryFile(folder_));
  DamageOpenings();
  const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
  ASSERT_TRUE(opened) << opened.error().text;
  const auto losses = opened->store->Losses();
  ASSERT_TRUE(losses);
  ASSERT_EQ(losses->size(), 1u);
  EXPECT_EQ(losses->front().reason, LossReason::kUncleanStop);
  EXPECT_EQ(losses->front().first, kSamples);
  EXPECT_EQ(losses->front().count, 50u);
  ExpectAddsUp(*opened->store);
}

TEST_F(RecoverTest, AProcessThatFindsItsOwnFileDamagedStillHasWhatItDidNotCommit) {
  MakeHistory(false);
  DamageOpenings();
  const auto opened = Replace(OptionsFor(folder_, 2));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  EXPECT_EQ(Lost(*opened->store, 1), 0u);
}

TEST_F(RecoverTest, WheneverItDiesTheNextOpeningHasEveryBlock) {
  for (int died = 0; died < 4; ++died) {
    SCOPED_TRACE(died);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    MakeHistory(true);
    DamageOpenings();
    const std::string damaged = store::ReadFile(HistoryFile(folder_));
    store::RunInChild([&] {
      (void)OpenOrReplace(OptionsFor(folder_, 2), [died](int step) {
        if (step == died) _exit(0);
      });
      ADD_FAILURE() << "it ended";
    });
    const auto opened = OpenOrReplace(OptionsFor(folder_, 3));
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(Stored(*opened->store, 1), kSamples);
    EXPECT_EQ(store::ReadFile(HistoryFile(folder_) + ".corrupt-1"), damaged);
    EXPECT_FALSE(Exists(".corrupt-2"));
    EXPECT_FALSE(Exists(".salvaged"));
    ExpectAddsUp(*opened->store);
  }
}

TEST_F(RecoverTest, AWalThatWasLeftBehindIsNotTakenForTheNewFiles) {
  MakeHistory(true);
  DamageOpenings();
  store::RunInChild([&] {
    (void)OpenOrReplace(OptionsFor(folder_, 2), [](int step) {
      if (step == 2) _exit(0);
    });
  });
  ASSERT_TRUE(Exists(".salvaged"));
  store::WriteFile(HistoryFile(folder_) + "-wal", "of the one that was moved away");
  const auto opened = OpenOrReplace(OptionsFor(folder_, 3));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  EXPECT_TRUE(Exists(".corrupt-2-wal"));
}

TEST_F(RecoverTest, ACopyThatWasCutOffIsMadeAnew) {
  MakeHistory(true);
  store::WriteFile(HistoryFile(folder_) + ".salvaged", "half");
  store::WriteFile(HistoryFile(folder_) + ".salvaged-wal", "of it");
  const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  EXPECT_FALSE(Exists(".salvaged"));
  EXPECT_FALSE(Exists(".salvaged-wal"));
}

TEST_F(RecoverTest, WithoutRoomForACopyTheLedgerSaysWhatIsOnlyInTheOldFile) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=4m"));
    MakeHistory(true);
    DamageOpenings();
    // As much as the ledger of a new file needs, and less than a copy is only begun with: the old
    // file's bytes and a fourth of them. A page of the memory's less, so that it's below that.
    const auto file_bytes = std::filesystem::file_size(HistoryFile(folder_));
    const std::uintmax_t room = file_bytes + file_bytes / 4 - (4 << 10);
    ASSERT_LT(BytesOfALedger(), room) << "the history is too small for this test";
    const std::string filler = folder_.path() + "/filler";
    store::WriteFile(filler, std::string(4 << 20, 'f'));
    std::filesystem::resize_file(filler, std::filesystem::file_size(filler) - room);
    const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(Stored(*opened->store, 1), 0u);
    EXPECT_EQ(Lost(*opened->store, 1), kSamples + 50);
    EXPECT_TRUE(Exists(".corrupt-1"));
    ExpectAddsUp(*opened->store);
  });
}

TEST_F(RecoverTest, HoweverMuchRoomThereIsTheNewFileIsWholeOrTheOldOneStays) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=4m"));
    MakeHistory(true);
    DamageOpenings();
    const std::string damaged = store::ReadFile(HistoryFile(folder_));
    bool refused = false;
    for (std::uintmax_t room = 4 << 10;; room += 4 << 10) {
      SCOPED_TRACE(room);
      ASSERT_LT(room, 1u << 20);
      const std::string filler = folder_.path() + "/filler";
      store::WriteFile(filler, std::string(4 << 20, 'f'));
      std::filesystem::resize_file(filler, std::filesystem::file_size(filler) - room);
      const auto opened = OpenOrReplace(OptionsFor(folder_, 2));
      std::filesystem::remove(filler);
      if (opened) {
        ExpectAddsUp(*opened->store);
        break;
      }
      refused = true;
      EXPECT_EQ(opened.error().code, ErrorCode::kExhausted) << opened.error().text;
      ASSERT_EQ(store::ReadFile(HistoryFile(folder_)), damaged);
    }
    EXPECT_TRUE(refused) << "it was never tight";
  });
}

TEST_F(RecoverTest, WithoutAnyRoomTheDamagedFileStaysWhereItIs) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=4m"));
    MakeHistory(true);
    DamageOpenings();
    const std::string damaged = store::ReadFile(HistoryFile(folder_));
    const std::string filler = folder_.path() + "/filler";
    store::WriteFile(filler, std::string(4 << 20, 'f'));
    const auto refused = OpenOrReplace(OptionsFor(folder_, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kExhausted) << refused.error().text;
    EXPECT_EQ(store::ReadFile(HistoryFile(folder_)), damaged);
    EXPECT_FALSE(Exists(".salvaged"));
    std::filesystem::remove(filler);
    const auto opened = OpenOrReplace(OptionsFor(folder_, 3));
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(Stored(*opened->store, 1), kSamples);
  });
}

}  // namespace
}  // namespace edgetwin::history
