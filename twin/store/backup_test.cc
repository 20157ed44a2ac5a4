// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "twin/store/child_process.h"
#include "twin/store/sqlite_db.h"
#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

// Sets the only row to `value`, and the seq of the only event, too.
model::Batch Step(std::uint64_t inc, std::uint64_t value) {
  model::Batch batch = Doubles(1);
  batch.rows = {Reported(0, model::Value(static_cast<double>(value)), {inc, value})};
  batch.events = {EventAt(value, inc)};
  batch.events_floor = value - 1;
  return batch;
}

double ValueIn(const std::string& path) {
  const Result<model::Stored> stored = TwinStore::Inspect(path);
  EXPECT_TRUE(stored) << stored.error().text;
  if (!stored || stored->rows.size() != 1 || stored->events.size() != 1) return -1;
  EXPECT_EQ(stored->events[0].dot.seq, stored->rows[0].row.dot.seq);
  return stored->rows[0].row.value.real();
}

ErrorCode CodeOf(const Result<std::string>& restored) {
  EXPECT_FALSE(restored);
  return restored ? ErrorCode::kInvalid : restored.error().code;
}

class BackupTest : public testing::Test {
 protected:
  std::string backup() const { return folder_.path() + "/backup.db"; }
  void MakeBackup(std::uint64_t inc, std::uint64_t value) {
    auto store = OpenStore(folder_.db(), inc);
    ASSERT_TRUE(store->Commit(Step(inc, value)));
    const Status done = store->BackupTo(backup());
    ASSERT_TRUE(done) << done.error().text;
  }
  std::string Restore() {
    const Result<std::string> aside = TwinStore::RestoreFrom(backup(), folder_.db());
    EXPECT_TRUE(aside) << aside.error().text;
    return aside.value_or("");
  }
  TestFolder folder_;
};

TEST_F(BackupTest, HoldsWhatWasCommittedBeforeItAndNothingAfter) {
  auto store = OpenStore(folder_.db(), 1);
  ASSERT_TRUE(store->Commit(Step(1, 5)));
  const Status done = store->BackupTo(backup());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(store->stats().tail_records, 1u) << "the backup has it unfolded, too";
  ASSERT_TRUE(store->Commit(Step(1, 6))) << "the store goes on";
  EXPECT_EQ(ValueIn(backup()), 5.0);
  store.reset();
  EXPECT_EQ(ValueIn(folder_.db()), 6.0);
}

TEST_F(BackupTest, IsForItsOwnerOnlyAndAloneOfItsName) {
  MakeBackup(1, 5);
  struct stat status {};
  ASSERT_EQ(stat(backup().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  for (const auto& [name, content] : Snapshot(folder_.path())) {
    EXPECT_TRUE(name == "twin.db" || name == "backup.db") << name;
  }
}

TEST_F(BackupTest, NeverOverwritesAFile) {
  WriteFile(backup(), "precious");
  auto store = OpenStore(folder_.db(), 1);
  for (const std::string& path : {backup(), folder_.db()}) {
    const Status refused = store->BackupTo(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().text;
  }
  EXPECT_EQ(ReadFile(backup()), "precious");
}

TEST_F(BackupTest, ThatFailsLeavesNothingBehindAndTheStoreUsable) {
  auto store = OpenStore(folder_.db(), 1);
  const Status refused = store->BackupTo(folder_.path() + "/no-such-folder/backup.db");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().text;
  if (!CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  RunInChild([&] {
    TestFolder small;
    ASSERT_TRUE(MountPrivately(small.path(), "size=8k"));
    const Status full = store->BackupTo(small.path() + "/backup.db");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, ErrorCode::kExhausted) << full.error().text;
    EXPECT_TRUE(Snapshot(small.path()).empty());
    _exit(testing::Test::HasFailure() ? 1 : 0);  // Its parent has the store.
  });
  ASSERT_TRUE(store->Commit(Step(1, 5)));
}

TEST_F(BackupTest, ARestoredStoreIsAnOlderImageThatDrawsANewIncarnation) {
  MakeBackup(1, 5);
  {
    auto store = OpenStore(folder_.db(), 2);
    ASSERT_TRUE(store->Commit(Step(2, 2'000'000)));
  }
  const std::string aside = Restore();
  EXPECT_EQ(aside, folder_.db() + ".before-restore-1");
  EXPECT_EQ(ValueIn(aside), 2'000'000.0) << "the old one is kept whole";
  EXPECT_EQ(ValueIn(folder_.db()), 5.0);
  const model::Lineage lineage = OpenStore(folder_.db(), 3)->TakeStored().lineage;
  ASSERT_EQ(lineage.size(), 2u) << "it knows nothing of the opening after it";
  EXPECT_EQ(lineage[0].inc, 1u);
  EXPECT_EQ(lineage[0].kept, 5u);
  EXPECT_EQ(lineage[1].inc, 3u);
  struct stat status {};
  ASSERT_EQ(stat(folder_.db().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(ValueIn(backup()), 5.0) << "the backup stays";
}

TEST_F(BackupTest, TheWalOfACrashGoesWithTheOldStoreAndNotWithTheNewOne) {
  MakeBackup(1, 5);
  TestFolder live;
  {
    auto store = OpenStore(live.db(), 2);
    ASSERT_TRUE(store->Commit(Step(2, 6)));
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(folder_.db() + suffix, ReadFile(live.db() + suffix));
    }
  }
  const std::string aside = Restore();
  EXPECT_EQ(ValueIn(aside), 6.0);
  EXPECT_EQ(ValueIn(folder_.db()), 5.0);
  EXPECT_NE(OpenStore(folder_.db(), 3), nullptr);
  EXPECT_EQ(ValueIn(folder_.db()), 5.0);
}

TEST_F(BackupTest, FilesOfAStoppedStoreAreABackupTooWithTheirWal) {
  TestFolder live;
  {
    auto store = OpenStore(live.db(), 2);
    ASSERT_TRUE(store->Commit(Step(2, 6)));
    for (const char* suffix : {"", "-wal"}) {
      WriteFile(backup() + suffix, ReadFile(live.db() + suffix));
    }
  }
  EXPECT_EQ(Restore(), "") << "there was no store";
  EXPECT_EQ(ValueIn(folder_.db()), 6.0);
}

TEST_F(BackupTest, ADamagedStoreMakesRoomWithAllItsFiles) {
  MakeBackup(1, 5);
  WriteFile(folder_.db(), "no database, but long enough for a header: " + std::string(2'000, 'z'));
  WriteFile(folder_.db() + "-wal", "its wal");
  const std::string aside = Restore();
  EXPECT_EQ(ReadFile(aside).substr(0, 11), "no database");
  EXPECT_EQ(ReadFile(aside + "-wal"), "its wal");
  EXPECT_EQ(ValueIn(folder_.db()), 5.0);
}

TEST_F(BackupTest, KeepsAtMostSoManyOldStoresAndDeletesNone) {
  MakeBackup(1, 5);
  for (int n = 1; n <= TwinStore::kKeptMax; ++n) {
    EXPECT_EQ(Restore(), folder_.db() + ".before-restore-" + std::to_string(n));
  }
  const auto before = Snapshot(folder_.path());
  EXPECT_EQ(CodeOf(TwinStore::RestoreFrom(backup(), folder_.db())), ErrorCode::kExhausted);
  EXPECT_TRUE(Snapshot(folder_.path()) == before);
}

TEST_F(BackupTest, WhatIsNoSoundBackupIsRefusedAndTheStoreStaysAsItIs) {
  MakeBackup(1, 5);
  const std::string sound = ReadFile(backup());
  const auto expect = [&](ErrorCode code) {
    const auto before = Snapshot(folder_.path());
    EXPECT_EQ(CodeOf(TwinStore::RestoreFrom(backup(), folder_.db())), code);
    EXPECT_TRUE(Snapshot(folder_.path()) == before);
  };
  WriteFile(backup(), sound.substr(0, sound.size() / 2));
  expect(ErrorCode::kCorrupt);
  std::string damaged = sound;
  damaged.replace(5 * 1'024, 1'024, 1'024, 'x');
  WriteFile(backup(), damaged);
  expect(ErrorCode::kCorrupt);
  WriteFile(backup(), "");
  expect(ErrorCode::kCorrupt);
  std::filesystem::remove(backup());
  expect(ErrorCode::kNotFound);
  const auto change = [&](const char* sql) {
    WriteFile(backup(), sound);
    Result<Database> db = Database::Open({.path = backup()});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec(sql));
  };
  change("PRAGMA application_id=7");
  expect(ErrorCode::kInvalid);
  change("UPDATE meta SET value = 9");
  expect(ErrorCode::kUnsupported);
  change("UPDATE tail SET body = x'00'");
  expect(ErrorCode::kCorrupt);
}

TEST_F(BackupTest, AStoreOrBackupInUseIsLeftAlone) {
  MakeBackup(1, 5);
  {
    const auto store = OpenStore(folder_.db(), 2);
    EXPECT_EQ(CodeOf(TwinStore::RestoreFrom(backup(), folder_.db())), ErrorCode::kConflict);
    RunInChild([&] {
      EXPECT_EQ(CodeOf(TwinStore::RestoreFrom(backup(), folder_.db())), ErrorCode::kConflict);
    });
  }
  const auto open_backup = OpenStore(backup(), 2);
  EXPECT_EQ(CodeOf(TwinStore::RestoreFrom(backup(), folder_.db())), ErrorCode::kConflict);
}

}  // namespace
}  // namespace edgetwin::store
