// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/old_blocks.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "twin/history/store/blocks.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/child_process.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

constexpr PathId kPaths = 5;
constexpr std::uint64_t kCommits = 60;

std::string OldTable(const std::string& name) {
  return "CREATE TABLE " + name +
         " (batch INTEGER NOT NULL, priority INTEGER NOT NULL, path INTEGER NOT NULL,"
         " first INTEGER NOT NULL, count INTEGER NOT NULL, t_min_ms INTEGER NOT NULL,"
         " t_max_ms INTEGER NOT NULL, bytes BLOB NOT NULL,"
         " PRIMARY KEY (batch, priority, path, first)) STRICT, WITHOUT ROWID";
}

// The default file layer, on which the process ends at one of its writes or syncs.
class DyingVfs {
 public:
  DyingVfs() {
    base_ = sqlite3_vfs_find(nullptr);
    vfs_ = *base_;
    vfs_.pNext = nullptr;
    vfs_.zName = "dying";
    vfs_.xOpen = Open;
    EXPECT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
  }
  ~DyingVfs() { EXPECT_EQ(sqlite3_vfs_unregister(&vfs_), SQLITE_OK); }
  DyingVfs(const DyingVfs&) = delete;
  DyingVfs& operator=(const DyingVfs&) = delete;

  // At the `call`th from now on, counted from 1; 0: never.
  void Die(int call) {
    die_at_ = call;
    calls_ = 0;
  }
  int calls() const { return calls_; }

 private:
  static void Count() {
    if (++calls_ == die_at_) _exit(0);
  }
  static int Write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
    Count();
    return methods_->xWrite(file, data, bytes, offset);
  }
  static int Sync(sqlite3_file* file, int flags) {
    Count();
    return methods_->xSync(file, flags);
  }
  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = base_->xOpen(base_, name, file, flags, out);
    if (file->pMethods == nullptr) return code;
    methods_ = file->pMethods;  // Writes and syncs are the same for all kinds; locks are not.
    sqlite3_io_methods& counting = counting_[(flags & SQLITE_OPEN_MAIN_DB) != 0 ? 1 : 0];
    counting = *methods_;
    counting.xWrite = Write;
    counting.xSync = Sync;
    file->pMethods = &counting;
    return code;
  }
  static inline sqlite3_vfs* base_ = nullptr;
  static inline const sqlite3_io_methods* methods_ = nullptr;
  static inline sqlite3_io_methods counting_[2]{};
  static inline int calls_ = 0;
  static inline int die_at_ = 0;
  sqlite3_vfs vfs_{};
};

// A file of an earlier version, or one whose blocks are being moved, made of one of this version.
class OldBlocksTest : public testing::Test {
 protected:
  // Commits of some blocks of each path, 40 to 3,000 bytes each, of all priorities.
  void MakeNew(std::uint32_t times) {
    Clear();
    auto store = OpenHistory(OptionsFor(folder_, 1));
    std::mt19937 random(3);
    std::vector<std::uint64_t> nexts(kPaths + 1);
    for (std::uint64_t commit = 1; commit <= kCommits; ++commit) {
      HistoryBatch batch;
      for (PathId path = 1; path <= kPaths; ++path) {
        if (commit == 1) batch.paths.push_back({path, "plant/" + std::to_string(path)});
        for (std::uint32_t i = 0; i < (1 + commit % 3) * times; ++i) {
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
      ASSERT_EQ(expected_.back().size(), kCommits * 2 * times);
    }
    ASSERT_TRUE(store->Close({}));
  }
  // The blocks of commits up to `last` into the old table, out of the new one.
  void MoveBack(Database& db, const std::string& table, std::uint64_t last) {
    ASSERT_TRUE(db.Exec(OldTable(table)));
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
  // `times`: as many blocks.
  void MakeOld(int version, std::uint32_t times = 1) {
    ASSERT_NO_FATAL_FAILURE(MakeNew(times));
    auto db = Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec("DROP TABLE block"));
    if (version < 3) {
      ASSERT_TRUE(db->Exec("DROP TABLE delivered; ALTER TABLE loss DROP COLUMN told"));
    }
    const std::string reader = version < 3 ? "1" : "3";
    ASSERT_TRUE(db->Exec("UPDATE meta SET value = " + std::to_string(version) +
                         " WHERE key = 'version'; UPDATE meta SET value = " + reader +
                         " WHERE key = 'min_reader'"));
    ASSERT_TRUE(db->Exec("BEGIN"));
    MoveBack(*db, "block", kCommits);
    ASSERT_TRUE(db->Exec("COMMIT"));
  }
  // Of version 4, in which each block has a row of its own in the table of today.
  void MakeVersion4() {
    ASSERT_NO_FATAL_FAILURE(MakeNew(1));
    auto db = Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_TRUE(
        db->Exec("DELETE FROM block; UPDATE meta SET value = 4 WHERE key IN ('version', "
                 "'min_reader'); BEGIN"));
    std::map<std::uint64_t, BatchTimes> times;
    for (const auto& blocks : expected_) {
      for (const BlockRecord& block : blocks) {
        const std::uint64_t batch = batches_.at({block.path, block.first});
        BatchTimes& of =
            times.try_emplace(batch, BatchTimes{block.t_min, block.t_max}).first->second;
        of = {std::min(of.t_min, block.t_min), std::max(of.t_max, block.t_max)};
      }
    }
    std::map<std::int64_t, std::int64_t> places;
    Result<Statement> insert = db->Prepare("INSERT INTO block VALUES (?1, ?2, ?3, ?4)");
    ASSERT_TRUE(insert);
    for (const auto& blocks : expected_) {
      for (const BlockRecord& block : blocks) {
        const std::uint64_t batch = batches_.at({block.path, block.first});
        const BatchTimes& of = times.at(batch);
        const std::int64_t first =
            IdsOf(static_cast<std::int64_t>(batch), static_cast<int>(block.priority), block.path)
                .first;
        insert->BindInt(1, first + places[first]++).BindInt(2, (block.t_min - of.t_min).count());
        insert->BindInt(3, (of.t_max - block.t_max).count()).BindBlob(4, block.bytes);
        ASSERT_TRUE(insert->Run());
      }
    }
    ASSERT_TRUE(db->Exec("COMMIT"));
  }
  void MakeHalfMoved(std::uint64_t left) {
    ASSERT_NO_FATAL_FAILURE(MakeNew(1));
    auto db = Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec("DELETE FROM block WHERE id >> 34 <= " + std::to_string(left)));
    MoveBack(*db, "block_3", left);
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
    return Query("SELECT count(*) FROM sqlite_schema WHERE name = 'block_3'").value();
  }
  Result<std::int64_t> Query(const std::string& select) {
    auto db = Database::Open({.path = HistoryFile(folder_)});
    return db->QueryInt(select);
  }
  void Clear() {
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    batches_.clear();
    expected_.clear();
  }

  TestFolder folder_;
  std::map<std::pair<PathId, std::uint64_t>, std::uint64_t> batches_;
  std::vector<std::vector<BlockRecord>> expected_;  // By path.
};

TEST_F(OldBlocksTest, AFileOfAnEarlierVersionHasAllItsBlocksAfterwardsAndGoesOn) {
  for (const int version : {2, 3}) {
    SCOPED_TRACE(version);
    ASSERT_NO_FATAL_FAILURE(MakeOld(version));
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
}

TEST_F(OldBlocksTest, RowsOfVersion4StayAsTheyAreAndNewOnesFollow) {
  ASSERT_NO_FATAL_FAILURE(MakeVersion4());
  const std::int64_t rows = Query("SELECT count(*) FROM block").value();
  ExpectAll(**HistoryStore::Inspect(HistoryFile(folder_)));
  {
    auto store = OpenHistory(OptionsFor(folder_, 2));
    ASSERT_NE(store, nullptr);
    HistoryBatch batch;
    for (PathId path = 1; path <= kPaths; ++path) {
      batch.blocks.push_back(BlockOf(path, store->paths()[path - 1].next, 3));
      expected_[path - 1].push_back(batch.blocks.back());
    }
    ASSERT_TRUE(store->Close(batch));
  }
  EXPECT_EQ(Query("SELECT count(*) FROM block").value(), rows + 1);
  EXPECT_EQ(Query("SELECT value FROM meta WHERE key = 'min_reader'").value(), 5);
  auto store = OpenHistory(OptionsFor(folder_, 3));
  ExpectAll(*store);
  for (bool more = true; more;) {
    const Result<bool> evicted = store->EvictBefore(WallTime::max());
    ASSERT_TRUE(evicted);
    more = *evicted;
  }
  const auto audit = store->Audit();
  ASSERT_TRUE(audit);
  for (const PathAudit& path : *audit) {
    EXPECT_TRUE(path.AddsUp());
    EXPECT_EQ(path.stored, 0u);
  }
}

TEST_F(OldBlocksTest, MovingThemDoesNotLetTheFileGrowByMoreThanOneStep) {
  ASSERT_NO_FATAL_FAILURE(MakeOld(2));
  const auto before = std::filesystem::file_size(HistoryFile(folder_));
  ASSERT_TRUE(OpenHistory(OptionsFor(folder_, 2))->Close({}));
  EXPECT_LE(std::filesystem::file_size(HistoryFile(folder_)), before + before / 10);
}

TEST_F(OldBlocksTest, WhatAnOpeningThatWasCutOffLeftIsMovedByTheNextOne) {
  for (const std::uint64_t left : {1u, 30u, 60u}) {
    SCOPED_TRACE(left);
    ASSERT_NO_FATAL_FAILURE(MakeHalfMoved(left));
    auto store = OpenHistory(OptionsFor(folder_, 2));
    ASSERT_NE(store, nullptr);
    ExpectAll(*store);
    store.reset();
    EXPECT_EQ(OldTables(), 0);
  }
}

TEST_F(OldBlocksTest, WhereverMovingThemIsCutOffNothingIsLostAndTheNextOpeningGoesOn) {
  DyingVfs vfs;
  HistoryStoreOptions options = OptionsFor(folder_, 2);
  options.vfs = "dying";
  ASSERT_NO_FATAL_FAILURE(MakeOld(3, 4));
  ASSERT_GT(kPaths * kCommits * 2 * 4, 2 * kMovedInOne);
  const std::string old = store::ReadFile(HistoryFile(folder_));
  vfs.Die(0);
  auto moved_at_once = OpenHistory(options);
  const int calls = vfs.calls();
  moved_at_once.reset();
  ASSERT_GT(calls, 100);
  int halfway = 0;
  for (int call = 1; call <= calls; call += calls / 30) {
    SCOPED_TRACE(call);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    store::WriteFile(HistoryFile(folder_), old);
    vfs.Die(call);
    store::RunInChild([&] {
      (void)HistoryStore::Open(options);
      ADD_FAILURE() << "it ended";
    });
    vfs.Die(0);
    const auto left = Query("SELECT count(*) FROM block_3");
    const auto moved = Query("SELECT count(id) FROM block");
    halfway += left && moved && *left > 0 && *moved > 0 ? 1 : 0;
    auto store = OpenHistory(OptionsFor(folder_, 3));
    ASSERT_NE(store, nullptr);
    for (PathId path = 1; path <= kPaths; ++path) {
      ASSERT_EQ(AllBlocks(*store, path), expected_[path - 1]) << path;
    }
    store.reset();
    EXPECT_EQ(OldTables(), 0);
  }
  EXPECT_GT(halfway, 5) << "all were moved in one transaction";
}

TEST_F(OldBlocksTest, InspectingOneSaysWhatIsToBeDone) {
  ASSERT_NO_FATAL_FAILURE(MakeOld(2));
  const auto before = store::Snapshot(folder_.path());
  const auto seen = HistoryStore::Inspect(HistoryFile(folder_));
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::kUnsupported) << seen.error().text;
  EXPECT_TRUE(store::Snapshot(folder_.path()) == before);
}

TEST_F(OldBlocksTest, ADamagedOneIsSalvagedWhole) {
  for (const bool half : {false, true}) {
    SCOPED_TRACE(half);
    if (half) {
      ASSERT_NO_FATAL_FAILURE(MakeHalfMoved(20));
    } else {
      ASSERT_NO_FATAL_FAILURE(MakeOld(2));
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
  ASSERT_NO_FATAL_FAILURE(MakeOld(2));
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
