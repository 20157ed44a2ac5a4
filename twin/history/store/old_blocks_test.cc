// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/old_blocks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

constexpr PathId kPaths = 5;
constexpr std::uint64_t kCommits = 60;

std::string TableOfVersion2(const std::string& name) {
  return "CREATE TABLE " + name +
         " (batch INTEGER NOT NULL, priority INTEGER NOT NULL, path INTEGER NOT NULL,"
         " first INTEGER NOT NULL, count INTEGER NOT NULL, t_min_ms INTEGER NOT NULL,"
         " t_max_ms INTEGER NOT NULL, bytes BLOB NOT NULL,"
         " PRIMARY KEY (batch, priority, path, first)) STRICT, WITHOUT ROWID";
}

// A file of version 2, or one whose blocks are being moved, made of one of this version.
class OldBlocksTest : public testing::Test {
 protected:
  // Commits of some blocks of each path, 40 to 3,000 bytes each, of all priorities.
  void MakeNew() {
    auto store = OpenHistory(OptionsFor(folder_, 1));
    std::mt19937 random(3);
    std::vector<std::uint64_t> nexts(kPaths + 1);
    for (std::uint64_t commit = 1; commit <= kCommits; ++commit) {
      HistoryBatch batch;
      for (PathId path = 1; path <= kPaths; ++path) {
        if (commit == 1) batch.paths.push_back({path, "plant/" + std::to_string(path)});
        for (std::uint32_t i = 0; i <= commit % 3; ++i) {
          const auto count = static_cast<std::uint32_t>(1 + random() % 20);
          const std::size_t bytes = commit % 4 == 0 ? random() % 3'000 : random() % 250;
          batch.blocks.push_back(BlockOf(path, nexts[path], count, bytes,
                                         static_cast<Priority>((path + i) % kPriorities)));
          nexts[path] += count;
        }
      }
      for (const BlockRecord& block : batch.blocks) batches_[{block.path, block.first}] = commit;
      ASSERT_TRUE(store->Commit(batch));
    }
    for (PathId path = 1; path <= kPaths; ++path) {
      expected_.push_back(AllBlocks(*store, path));
      ASSERT_EQ(expected_.back().size(), kCommits * 2);
    }
    ASSERT_TRUE(store->Close({}));
  }
  // The blocks of commits up to `last` into the old table, out of the new one.
  void MoveBack(Database& db, const std::string& table, std::uint64_t last) {
    ASSERT_TRUE(db.Exec(TableOfVersion2(table)));
    Result<Statement> insert =
        db.Prepare("INSERT INTO " + table + " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    ASSERT_TRUE(insert);
    for (const auto& blocks : expected_) {
      for (const BlockRecord& block : blocks) {
        const std::uint64_t batch = batches_.at({block.path, block.first});
        if (batch > last) continue;
        insert->BindUint(1, batch).BindInt(2, static_cast<int>(block.priority));
        insert->BindInt(3, block.path).BindUint(4, block.first).BindInt(5, block.count);
        insert->BindInt(6, block.t_min.time_since_epoch().count());
        insert->BindInt(7, block.t_max.time_since_epoch().count()).BindBlob(8, block.bytes);
        ASSERT_TRUE(insert->Run());
      }
    }
  }
  void MakeVersion2() {
    MakeNew();
    auto db = Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_TRUE(
        db->Exec("DROP TABLE block; DROP TABLE delivered;"
                 "ALTER TABLE loss DROP COLUMN told;"
                 "UPDATE meta SET value = 2 WHERE key = 'version';"
                 "UPDATE meta SET value = 1 WHERE key = 'min_reader'"));
    MoveBack(*db, "block", kCommits);
  }
  void MakeHalfMoved(std::uint64_t left) {
    MakeNew();
    auto db = Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec("DELETE FROM block WHERE id >> 34 <= " + std::to_string(left)));
    MoveBack(*db, "block_2", left);
  }
  void ExpectAll(HistoryStore& store) {
    for (PathId path = 1; path <= kPaths; ++path) {
      EXPECT_EQ(AllBlocks(store, path), expected_[path - 1]) << path;
    }
    const auto audit = store.Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    for (const PathAudit& path : *audit) EXPECT_TRUE(path.AddsUp()) << path.path.path;
  }
  std::int64_t OldTables() {
    auto db = Database::Open({.path = HistoryFile(folder_)});
    return db->QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'block_2'").value();
  }

  TestFolder folder_;
  std::map<std::pair<PathId, std::uint64_t>, std::uint64_t> batches_;
  std::vector<std::vector<BlockRecord>> expected_;  // By path.
};

TEST_F(OldBlocksTest, AFileOfVersion2HasAllItsBlocksAfterwardsAndGoesOn) {
  ASSERT_NO_FATAL_FAILURE(MakeVersion2());
  {
    auto store = OpenHistory(OptionsFor(folder_, 2));
    ASSERT_NE(store, nullptr);
    ExpectAll(*store);
    EXPECT_TRUE(store->Losses()->empty());
    HistoryBatch batch;
    batch.blocks = {BlockOf(1, store->paths()[0].next, 3)};
    ASSERT_TRUE(store->Close(batch));
    expected_[0].push_back(batch.blocks[0]);
  }
  EXPECT_EQ(OldTables(), 0);
  ExpectAll(*OpenHistory(OptionsFor(folder_, 3)));
}

TEST_F(OldBlocksTest, MovingThemDoesNotLetTheFileGrowByMoreThanOneStep) {
  ASSERT_NO_FATAL_FAILURE(MakeVersion2());
  const auto before = std::filesystem::file_size(HistoryFile(folder_));
  ASSERT_TRUE(OpenHistory(OptionsFor(folder_, 2))->Close({}));
  EXPECT_LE(std::filesystem::file_size(HistoryFile(folder_)), before + before / 10);
}

TEST_F(OldBlocksTest, WhatAnOpeningThatWasCutOffLeftIsMovedByTheNextOne) {
  for (const std::uint64_t left : {1u, 30u, 60u}) {
    SCOPED_TRACE(left);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    batches_.clear();
    expected_.clear();
    ASSERT_NO_FATAL_FAILURE(MakeHalfMoved(left));
    auto store = OpenHistory(OptionsFor(folder_, 2));
    ASSERT_NE(store, nullptr);
    ExpectAll(*store);
    store.reset();
    EXPECT_EQ(OldTables(), 0);
  }
}

TEST_F(OldBlocksTest, InspectingOneSaysWhatIsToBeDone) {
  ASSERT_NO_FATAL_FAILURE(MakeVersion2());
  const auto before = store::Snapshot(folder_.path());
  const auto seen = HistoryStore::Inspect(HistoryFile(folder_));
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::kUnsupported) << seen.error().text;
  EXPECT_TRUE(store::Snapshot(folder_.path()) == before);
}

TEST_F(OldBlocksTest, ADamagedOneIsSalvagedWhole) {
  for (const bool half : {false, true}) {
    SCOPED_TRACE(half);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    batches_.clear();
    expected_.clear();
    if (half) {
      ASSERT_NO_FATAL_FAILURE(MakeHalfMoved(20));
    } else {
      ASSERT_NO_FATAL_FAILURE(MakeVersion2());
    }
    const std::string aside = HistoryFile(folder_) + ".corrupt-1";
    std::filesystem::rename(HistoryFile(folder_), aside);
    auto store = OpenHistory(OptionsFor(folder_, 2));
    const Result<Salvaged> salvaged = Salvage(aside, *store);
    ASSERT_TRUE(salvaged) << salvaged.error().text;
    EXPECT_EQ(salvaged->blocks, kPaths * kCommits * 2);
    ExpectAll(*store);
  }
}

TEST_F(OldBlocksTest, ASalvagedOneWithoutRoomForACopyStillNumbersOnBehindIt) {
  ASSERT_NO_FATAL_FAILURE(MakeVersion2());
  const std::string aside = HistoryFile(folder_) + ".corrupt-1";
  std::filesystem::rename(HistoryFile(folder_), aside);
  auto store = OpenHistory(OptionsFor(folder_, 2));
  SalvageOptions options;
  options.blocks = false;
  ASSERT_TRUE(Salvage(aside, *store, options));
  for (PathId path = 1; path <= kPaths; ++path) {
    const BlockRecord& last = expected_[path - 1].back();
    EXPECT_EQ(store->paths()[path - 1].next, last.first + last.count) << path;
  }
}

}  // namespace
}  // namespace edgetwin::history
