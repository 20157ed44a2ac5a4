// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A named file layer must get everything that is done with the store's files.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

// The default layer, but with every name moved into another folder: whoever goes around it finds
// nothing, or leaves something behind where it doesn't belong.
class ElsewhereVfs {
 public:
  ElsewhereVfs() {
    base_ = sqlite3_vfs_find(nullptr);
    vfs_ = *base_;
    vfs_.pNext = nullptr;
    vfs_.zName = "elsewhere";
    vfs_.xFullPathname = FullPathname;
    vfs_.xOpen = Open;
    vfs_.xDelete = Delete;
    vfs_.xAccess = Access;
    EXPECT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
  }
  ~ElsewhereVfs() { EXPECT_EQ(sqlite3_vfs_unregister(&vfs_), SQLITE_OK); }

 private:
  // "/a/twin.db" → "/a/elsewhere/twin.db".
  static std::string Moved(const char* name) {
    const std::filesystem::path path(name);
    return path.parent_path() / "elsewhere" / path.filename();
  }
  static int FullPathname(sqlite3_vfs*, const char* name, int bytes, char* out) {
    sqlite3_snprintf(bytes, out, "%s", name);
    return SQLITE_OK;
  }
  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    // SQLite wants the name to live as long as the file.
    static std::vector<std::unique_ptr<std::string>> names;
    names.push_back(std::make_unique<std::string>(Moved(name)));
    // As a database, since the unix layer looks at what stands around the name of a WAL in memory.
    const int kind = (flags & ~(SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) | SQLITE_OPEN_MAIN_DB;
    return base_->xOpen(base_, names.back()->c_str(), file, kind, out);
  }
  static int Delete(sqlite3_vfs*, const char* name, int sync) {
    return base_->xDelete(base_, Moved(name).c_str(), sync);
  }
  static int Access(sqlite3_vfs*, const char* name, int flags, int* there) {
    return base_->xAccess(base_, Moved(name).c_str(), flags, there);
  }

  static inline sqlite3_vfs* base_ = nullptr;
  sqlite3_vfs vfs_{};
};

class StoreVfsTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(elsewhere_); }
  // Nothing may have happened where the names point to.
  void TearDown() override {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path(), elsewhere_);
    }
  }
  std::unique_ptr<TwinStore> Open(std::uint64_t inc) {
    return OpenStore({.path = folder_.db(), .inc = inc, .vfs = "elsewhere"});
  }
  ElsewhereVfs vfs_;
  TestFolder folder_;
  const std::filesystem::path elsewhere_ = std::filesystem::path(folder_.path()) / "elsewhere";
};

TEST_F(StoreVfsTest, AStoreIsMadeReopenedInspectedAndCopiedInItsLayerAlone) {
  const std::string backup = folder_.path() + "/backup.db";
  {
    auto store = Open(1);
    ASSERT_NE(store, nullptr);
    model::Batch batch = Doubles(1);
    batch.rows = {Reported(0, model::Value(2.0), {1, 1})};
    ASSERT_TRUE(store->Commit(batch));
    EXPECT_GT(store->stats().file_bytes, 1'000u);
    const Status copied = store->BackupTo(backup);
    ASSERT_TRUE(copied) << copied.error().text;
    const Status again = store->BackupTo(backup);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::kConflict);
    // As a crash now would leave it: all of it in the WAL.
    std::filesystem::copy(elsewhere_ / "twin.db", elsewhere_ / "crashed.db");
    std::filesystem::copy(elsewhere_ / "twin.db-wal", elsewhere_ / "crashed.db-wal");
  }
  for (const char* name : {"twin.db", "crashed.db", "backup.db"}) {
    const auto stored = TwinStore::Inspect(folder_.path() + "/" + name, "elsewhere");
    ASSERT_TRUE(stored) << stored.error().text;
    EXPECT_EQ(stored->rows.size(), 1u) << name;
  }
  EXPECT_EQ(Open(2)->TakeStored().rows.size(), 1u);
}

TEST_F(StoreVfsTest, ItsDamageIsSeenInItsLayer) {
  Open(1).reset();
  std::filesystem::resize_file(elsewhere_ / "twin.db", 2'048);
  const auto truncated = TwinStore::Open({.path = folder_.db(), .inc = 2, .vfs = "elsewhere"});
  ASSERT_FALSE(truncated);
  EXPECT_NE(truncated.error().text.find("truncated"), std::string::npos) << truncated.error().text;
  std::filesystem::remove(elsewhere_ / "twin.db");
  WriteFile(elsewhere_ / "twin.db-wal", "a WAL without its database");
  const auto lost = TwinStore::Open({.path = folder_.db(), .inc = 2, .vfs = "elsewhere"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kCorrupt) << lost.error().text;
}

TEST_F(StoreVfsTest, AMeterCountsWhatGoesThroughToIt) {
  FlashMeter meter("elsewhere");
  auto store = OpenStore({.path = folder_.db(), .inc = 1, .vfs = "elsewhere", .meter = &meter});
  ASSERT_TRUE(store->Commit(Doubles(1)));
  EXPECT_GT(meter.bytes()[static_cast<std::size_t>(WriteCause::kCommit)], 0u);
  EXPECT_TRUE(std::filesystem::exists(elsewhere_ / "twin.db-wal"));
}

TEST_F(StoreVfsTest, AnUnknownLayerIsSaid) {
  const auto inspected = TwinStore::Inspect(folder_.db(), "no-such-layer");
  EXPECT_FALSE(inspected);
  const auto opened = TwinStore::Open({.path = folder_.db(), .inc = 1, .vfs = "no-such-layer"});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("no-such-layer"), std::string::npos) << opened.error().text;
}

}  // namespace
}  // namespace edgetwin::store
