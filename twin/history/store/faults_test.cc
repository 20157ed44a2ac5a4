// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Full disks, media that turn read-only, damaged and missing files.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <random>
#include <string>

#include "twin/history/block.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/bundle.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/child_process.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

// A block that decodes: `count` samples of hardly compressible values.
BlockRecord RealBlock(PathId path, std::uint64_t first, std::size_t count) {
  std::mt19937_64 random(first * 31 + path);
  std::vector<model::Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<std::int64_t>(random()));
    samples[i].time = At(static_cast<std::int64_t>(first + i));
  }
  return {path,
          Priority::kNormal,
          first,
          static_cast<std::uint32_t>(count),
          samples.front().time,
          samples.back().time,
          EncodeBlock(samples, first).value()};
}

// Four paths with 25 blocks of 40 samples each, about 32 KB.
void MakeHistory(const HistoryStoreOptions& options) {
  auto store = OpenHistory(options);
  HistoryBatch batch;
  for (PathId id = 1; id <= 4; ++id) batch.paths.push_back({id, "p/" + std::to_string(id)});
  ASSERT_TRUE(store->Commit(batch));
  for (std::uint64_t i = 0; i < 25; ++i) {
    batch = {};
    for (PathId id = 1; id <= 4; ++id) batch.blocks.push_back(RealBlock(id, i * 40, 40));
    ASSERT_TRUE(store->Commit(batch));
  }
  ASSERT_TRUE(store->Close({}));
}

// The default file layer, whose writes and syncs fail on demand.
class FailingVfs {
 public:
  FailingVfs() {
    base_ = sqlite3_vfs_find(nullptr);
    vfs_ = *base_;
    vfs_.pNext = nullptr;
    vfs_.zName = "failing";
    vfs_.xOpen = Open;
    EXPECT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
  }
  ~FailingVfs() { EXPECT_EQ(sqlite3_vfs_unregister(&vfs_), SQLITE_OK); }
  FailingVfs(const FailingVfs&) = delete;
  FailingVfs& operator=(const FailingVfs&) = delete;

  // From the `call`th write or sync from now on, counted from 0, with this code.
  void Fail(int call, int code) {
    calls_left_ = call;
    code_ = code;
  }
  void Heal() { code_ = SQLITE_OK; }
  // Whether it got as far as a failure.
  bool failed() const { return calls_left_ < 0; }

 private:
  static bool Fails() { return code_ != SQLITE_OK && calls_left_-- <= 0; }
  static int Write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
    return Fails() ? code_ : methods_->xWrite(file, data, bytes, offset);
  }
  static int Sync(sqlite3_file* file, int flags) {
    return Fails() ? code_ : methods_->xSync(file, flags);
  }
  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = base_->xOpen(base_, name, file, flags, out);
    if (file->pMethods == nullptr) return code;
    methods_ = file->pMethods;  // Writes and syncs are the same for all kinds; locks are not.
    sqlite3_io_methods& failing = failing_[(flags & SQLITE_OPEN_MAIN_DB) != 0 ? 1 : 0];
    failing = *methods_;
    failing.xWrite = Write;
    failing.xSync = Sync;
    file->pMethods = &failing;
    return code;
  }
  static inline sqlite3_vfs* base_ = nullptr;
  static inline const sqlite3_io_methods* methods_ = nullptr;
  static inline sqlite3_io_methods failing_[2]{};
  static inline int calls_left_ = 0;
  static inline int code_ = SQLITE_OK;
  sqlite3_vfs vfs_{};
};

class HistoryFaultsTest : public testing::Test {
 protected:
  // Puts the file aside, and what can be read of it into a new one.
  std::unique_ptr<HistoryStore> SalvageAll(std::uint64_t inc, Salvaged& salvaged) {
    const std::string aside = HistoryFile(folder_) + ".corrupt-1";
    std::filesystem::rename(HistoryFile(folder_), aside);
    const std::string before = store::ReadFile(aside);
    auto store = OpenHistory(OptionsFor(folder_, inc));
    const Result<Salvaged> done = Salvage(aside, *store);
    EXPECT_TRUE(done) << done.error().text;
    salvaged = done.value_or(Salvaged());
    EXPECT_EQ(store::ReadFile(aside), before) << "the evidence stays as it is";
    return store;
  }
  // Where SQLite sees nothing wrong.
  void DamageBlock(int batch, PathId path) {
    auto db = store::Database::Open({.path = HistoryFile(folder_)});
    int damaged = 0;
    const std::string rows =
        "SELECT id, bytes FROM block WHERE id >> 34 = " + std::to_string(batch);
    std::vector<std::pair<std::int64_t, std::string>> found;
    ASSERT_TRUE(store::ForEach(*db, rows, [&found](const store::Statement& row) -> Status {
      found.emplace_back(row.Int(0), row.Blob(1));
      return {};
    }));
    for (const auto& [id, row] : found) {
      std::string unpacked;
      std::string bytes(Unpack(row, unpacked).value());
      const auto blocks = Unbundle({PathOf(id), 0, 0, bytes});
      ASSERT_TRUE(blocks);
      for (const Bundled& block : *blocks) {
        if (block.path != path) continue;
        const auto at = static_cast<std::size_t>(block.bytes.data() - bytes.data());
        bytes.replace(at, block.bytes.size(), block.bytes.size(), '\0');
        ++damaged;
        break;
      }
      auto update = db->Prepare("UPDATE block SET bytes = ?2 WHERE id = ?1");
      ASSERT_TRUE(update && update->BindInt(1, id).BindBlob(2, bytes).Run());
    }
    ASSERT_EQ(damaged, 1);
  }
  TestFolder folder_;
};

TEST_F(HistoryFaultsTest, AFullDiskFailsCommitsUntilThereIsRoomAgainAndTheAuditAddsUp) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=512k"));
    const std::string filler = folder_.path() + "/filler";
    store::WriteFile(filler, std::string(256 << 10, 'f'));
    auto store = OpenHistory(OptionsFor(folder_, 1));
    HistoryBatch batch;
    batch.paths = {{1, "p/1"}};
    ASSERT_TRUE(store->Commit(batch));
    batch = {};
    std::uint64_t next = 0;
    Status done;
    while (next < 100'000) {
      batch.blocks = {BlockOf(1, next, 10, 5'000)};
      if (!(done = store->Commit(batch))) break;
      next += 10;
    }
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::kExhausted) << done.error().text;
    std::filesystem::remove(filler);
    done = store->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    EXPECT_TRUE((*audit)[0].AddsUp());
    EXPECT_EQ((*audit)[0].stored, next + 10);
  });
}

// A history at its cap, so that a commit evicts; its next batch fails at each of its writes and
// syncs in turn, as an I/O error, a full disk and a medium that is read-only.
TEST_F(HistoryFaultsTest, WhicheverWriteFailsTheSameBatchIsStoredOnceAfterwards) {
  FailingVfs vfs;
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  options.vfs = "failing";
  for (const int code : {SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_FULL, SQLITE_READONLY}) {
    auto store = OpenHistory(options);
    ASSERT_NE(store, nullptr);
    HistoryBatch batch;
    if (store->paths().empty()) batch.paths = {{1, "p/1"}};
    std::uint64_t next = store->paths().empty() ? 0 : store->paths()[0].next;
    bool failed = true;
    for (int call = 0; failed; call += 1 + call / 4) {
      SCOPED_TRACE("call " + std::to_string(call) + ", code " + std::to_string(code));
      ASSERT_LT(call, 1'000);
      // In between, so that the next one evicts again.
      for (int i = 0; i < 8; ++i, next += 10) {
        batch.blocks = {BlockOf(1, next, 10, 20'000)};
        ASSERT_TRUE(store->Commit(batch));
        batch = {};
      }
      batch.blocks = {BlockOf(1, next, 10, 100'000)};
      vfs.Fail(call, code);
      const Status done = store->Commit(batch);
      failed = vfs.failed();
      vfs.Heal();
      // A write that fails while the WAL is copied back fails no commit.
      if (!done) {
        EXPECT_EQ(done.error().code,
                  code == SQLITE_FULL ? ErrorCode::kExhausted : ErrorCode::kUnavailable)
            << done.error().text;
        const Status again = store->Commit(batch);
        ASSERT_TRUE(again) << again.error().text;
      }
      next += 10;
      batch = {};
      const auto audit = store->Audit();
      ASSERT_TRUE(audit) << audit.error().text;
      EXPECT_TRUE((*audit)[0].AddsUp());
      EXPECT_EQ((*audit)[0].path.next, next);
    }
    store.reset();
    store = OpenHistory(options);
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    EXPECT_TRUE((*audit)[0].AddsUp()) << "reopened";
  }
}

TEST_F(HistoryFaultsTest, WhatFailedAndWasNotTriedAgainIsAccountedForByTheNextOpening) {
  FailingVfs vfs;
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.vfs = "failing";
  for (int call = 0; call < 12; ++call) {
    SCOPED_TRACE(call);
    auto store = OpenHistory(options);
    HistoryBatch batch;
    if (store->paths().empty()) batch.paths = {{1, "p/1"}};
    batch.live = {1};
    ASSERT_TRUE(store->Commit(batch));
    batch = {};
    const std::uint64_t next = store->paths()[0].next;
    batch.blocks = {BlockOf(1, next, 10, 5'000)};
    vfs.Fail(call, SQLITE_IOERR_WRITE);
    (void)store->Commit(batch);
    store.reset();
    vfs.Heal();
    store = OpenHistory(options);
    ASSERT_NE(store, nullptr);
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    EXPECT_TRUE((*audit)[0].AddsUp());
    EXPECT_GE((*audit)[0].path.next, next + 10);
  }
}

TEST_F(HistoryFaultsTest, AMediumThatIsReadOnlyCanBeInspected) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=4m"));
    MakeHistory(OptionsFor(folder_, 1));
    ASSERT_EQ(mount("none", folder_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const auto refused = HistoryStore::Open(OptionsFor(folder_, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().text;
    const auto seen = HistoryStore::Inspect(HistoryFile(folder_));
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(Stored(**seen, 1), 1'000u);
  });
}

TEST_F(HistoryFaultsTest, EveryDamagedPageIsSurvivedAndTheSalvagedHistoryAddsUp) {
  MakeHistory(OptionsFor(folder_, 1));
  const std::string sound = store::ReadFile(HistoryFile(folder_));
  std::size_t page_bytes = 0;
  {
    auto db = store::Database::Open({.path = HistoryFile(folder_)});
    page_bytes = static_cast<std::size_t>(db->QueryInt("PRAGMA page_size").value());
  }
  const std::size_t pages = sound.size() / page_bytes;
  std::mt19937 random(7);
  std::size_t kept_most = 0;
  for (std::size_t page = 0; page < pages; page += 3) {
    SCOPED_TRACE(page);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    std::string damaged = sound;
    for (std::size_t i = 0; i < page_bytes; ++i) {
      damaged[page * page_bytes + i] = static_cast<char>(random());
    }
    store::WriteFile(HistoryFile(folder_), damaged);
    Salvaged salvaged;
    auto store = SalvageAll(2, salvaged);
    if (salvaged.blocks >= 80) ++kept_most;
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    std::uint64_t stored = 0;
    for (const PathAudit& path : *audit) {
      EXPECT_TRUE(path.AddsUp());
      stored += path.stored;
      for (const BlockRecord& block : AllBlocks(*store, path.path.id)) {
        EXPECT_EQ(block, RealBlock(block.path, block.first, block.count));
      }
    }
    EXPECT_EQ(stored, salvaged.samples);
  }
  EXPECT_GT(kept_most, pages / 3 / 2) << "most pages are of a few blocks only";
}

TEST_F(HistoryFaultsTest, ABlockWhoseContentIsDamagedIsHandedOverWhereItIs) {
  MakeHistory(OptionsFor(folder_, 1));
  DamageBlock(11, 2);
  auto store = HistoryStore::Inspect(HistoryFile(folder_));
  ASSERT_TRUE(store) << store.error().text;
  const std::vector<BlockRecord> blocks = AllBlocks(**store, 2);
  ASSERT_EQ(blocks.size(), 25u);
  EXPECT_EQ(blocks[10].first, 400u);
  EXPECT_EQ(blocks[10].count, 0u);
  EXPECT_EQ(blocks[11], RealBlock(2, 440, 40));
}

TEST_F(HistoryFaultsTest, TheOrdinalsOfALastBlockThatIsDamagedAreNotUsedAgain) {
  MakeHistory(OptionsFor(folder_, 1));
  {
    auto store = OpenHistory(OptionsFor(folder_, 2));
    HistoryBatch batch;
    batch.blocks = {RealBlock(2, 1'000, 40)};
    ASSERT_TRUE(store->Commit(batch));
  }
  DamageBlock(27, 2);  // The clean stop took a number.
  const auto opened = HistoryStore::Open(OptionsFor(folder_, 3));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << opened.error().text;
  Salvaged salvaged;
  auto store = SalvageAll(4, salvaged);
  EXPECT_EQ(salvaged.blocks, 100u);
  EXPECT_GE(store->paths()[1].next, 1'040u);
  EXPECT_EQ(store->paths()[0].next, 1'000u);
  EXPECT_TRUE(store->Audit().value()[1].AddsUp());
}

TEST_F(HistoryFaultsTest, AnAuditFindsABlockWhoseContentIsDamaged) {
  MakeHistory(OptionsFor(folder_, 1));
  DamageBlock(11, 2);
  {
    auto store = OpenHistory(OptionsFor(folder_, 2));
    const auto audit = store->Audit();
    ASSERT_FALSE(audit);
    EXPECT_EQ(audit.error().code, ErrorCode::kCorrupt) << audit.error().text;
    ASSERT_TRUE(store->Close({}));
  }
  Salvaged salvaged;
  auto store = SalvageAll(3, salvaged);
  EXPECT_EQ(salvaged.blocks, 99u);
  const auto audit = store->Audit();
  ASSERT_TRUE(audit) << audit.error().text;
  EXPECT_EQ((*audit)[1].lost_at_most, 40u);
  EXPECT_TRUE((*audit)[1].AddsUp());
}

TEST_F(HistoryFaultsTest, WhatIsNoHistoryAtAllGivesNothing) {
  store::WriteFile(HistoryFile(folder_), std::string(5'000, 'x'));
  const auto opened = HistoryStore::Open(OptionsFor(folder_, 1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  Salvaged salvaged;
  auto store = SalvageAll(2, salvaged);
  EXPECT_EQ(salvaged.blocks, 0u);
  EXPECT_TRUE(store->paths().empty());
}

}  // namespace
}  // namespace edgetwin::history
