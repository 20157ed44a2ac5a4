// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Damaged files, full disks, missing rights, other owners.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>
#include <string>

#include "twin/store/child_process.h"
#include "twin/store/sqlite_db.h"
#include "twin/store/store_test_support.h"
#include "twin/store/tail_codec.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

Error OpenError(const std::string& path) {
  const Result<std::unique_ptr<TwinStore>> store = TwinStore::Open({.path = path, .inc = 99});
  EXPECT_FALSE(store);
  return store ? Error{} : store.error();
}

Error InspectError(const std::string& path) {
  const Result<model::Stored> stored = TwinStore::Inspect(path);
  EXPECT_FALSE(stored);
  return stored ? Error{} : stored.error();
}

// Open and Inspect refuse with `code`, and change nothing.
void ExpectRefused(const TestFolder& folder, ErrorCode code, const std::string& text = "") {
  const auto before = Snapshot(folder.path());
  for (const Error& error : {OpenError(folder.db()), InspectError(folder.db())}) {
    EXPECT_EQ(error.code, code) << error.text;
    EXPECT_NE(error.text.find(text), std::string::npos) << error.text;
    EXPECT_NE(error.text.find("twin.db"), std::string::npos) << error.text;
  }
  EXPECT_TRUE(Snapshot(folder.path()) == before) << "a refused store must stay untouched";
}

model::Batch Texts(std::uint32_t properties, std::uint64_t inc, std::uint64_t seq,
                   std::size_t bytes) {
  model::Batch batch;
  for (std::uint32_t id = 0; id < properties; ++id) {
    batch.rows.push_back(Reported(id, model::Value(std::string(bytes, 'x')), {inc, seq + id}));
  }
  batch.peer_watermark[0] = seq;
  return batch;
}

// A store of some 100 pages, folded and closed.
void MakeStore(const std::string& path) {
  auto store = OpenStore(path, 1);
  ASSERT_TRUE(store->Commit(Doubles(100)));
  model::Batch batch = Texts(100, 1, 1, 500);
  batch.checkpoint = true;
  ASSERT_TRUE(store->Commit(batch));
}

// The same, as a crash leaves it: everything in the WAL. Runs `change` on the open database before.
void MakeCrashedStore(const std::string& path, const std::string& change) {
  TestFolder live;
  MakeStore(live.db());
  Result<Database> db = Database::Open({.path = live.db(), .exclusive = true});
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->Exec(change));
  std::filesystem::copy_file(live.db(), path);
  std::filesystem::copy_file(live.db() + "-wal", path + "-wal");
}

TEST(TwinStoreFaultsTest, ATruncatedStoreIsCorruptAndSaysSo) {
  TestFolder folder;
  MakeStore(folder.db());
  std::filesystem::resize_file(folder.db(), std::filesystem::file_size(folder.db()) / 2);
  const Error error = OpenError(folder.db());
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_NE(error.text.find("truncated"), std::string::npos) << error.text;
  ExpectRefused(folder, ErrorCode::kCorrupt);
}

TEST(TwinStoreFaultsTest, AFileThatIsNoDatabaseIsCorrupt) {
  TestFolder folder;
  WriteFile(folder.db(),
            "certainly not a database, but long enough for a header: " + std::string(2'000, 'z'));
  ExpectRefused(folder, ErrorCode::kCorrupt, "not a database");
}

TEST(TwinStoreFaultsTest, AnOverwrittenPageIsFoundAtOpening) {
  std::mt19937 random(4);
  for (const std::size_t page : {3u, 9u, 30u, 60u}) {
    TestFolder folder;
    MakeStore(folder.db());
    std::string content = ReadFile(folder.db());
    ASSERT_GT(content.size(), (page + 1) * 1'024);
    for (std::size_t i = 0; i < 1'024; ++i) content[page * 1'024 + i] = static_cast<char>(random());
    WriteFile(folder.db(), content);
    ExpectRefused(folder, ErrorCode::kCorrupt);
  }
}

TEST(TwinStoreFaultsTest, ANewerSchemaIsRefusedUntouchedAndNamesBothVersions) {
  TestFolder folder;
  MakeStore(folder.db());
  {
    Result<Database> db = Database::Open({.path = folder.db()});
    ASSERT_TRUE(db);
    ASSERT_TRUE(
        db->Exec("UPDATE meta SET value = 9 WHERE key = 'version';"
                 "UPDATE meta SET value = 8 WHERE key = 'min_reader'"));
  }
  ExpectRefused(folder, ErrorCode::kUnsupported, "needs a reader of version 8");
  ExpectRefused(folder, ErrorCode::kUnsupported, "reads up to version 2");
}

TEST(TwinStoreFaultsTest, ANewerSchemaInAWalIsRefusedUntouched) {
  TestFolder folder;
  MakeCrashedStore(folder.db(), "UPDATE meta SET value = 9");
  ExpectRefused(folder, ErrorCode::kUnsupported);
}

TEST(TwinStoreFaultsTest, ANewerSchemaThatWeMayReadIsUsedAndKeepsItsVersion) {
  TestFolder folder;
  MakeStore(folder.db());
  const auto change = [&](const char* sql) {
    Result<Database> db = Database::Open({.path = folder.db()});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec(sql));
  };
  change(
      "UPDATE meta SET value = 3 WHERE key = 'version'; ALTER TABLE row ADD COLUMN later INTEGER");
  {
    auto store = OpenStore(folder.db(), 2);
    EXPECT_EQ(store->TakeStored().rows.size(), 100u);
    ASSERT_TRUE(store->Commit(Texts(1, 2, 2'000'000, 5)));
  }
  Result<Database> db = Database::Open({.path = folder.db()});
  ASSERT_TRUE(db);
  EXPECT_EQ(db->QueryInt("SELECT value FROM meta WHERE key = 'version'"), 3);
}

TEST(TwinStoreFaultsTest, AStoreOfVersion1IsUsedAndNeedsAReaderOfVersion2FromThenOn) {
  TestFolder folder;
  MakeStore(folder.db());
  const auto query = [&](const char* sql) {
    Result<Database> db = Database::Open({.path = folder.db()});
    return db->QueryInt(sql);
  };
  (void)query("UPDATE meta SET value = 1 WHERE key IN ('version', 'min_reader') RETURNING value");
  EXPECT_EQ(query("SELECT value FROM meta WHERE key = 'min_reader'"), 1);
  EXPECT_EQ(OpenStore(folder.db(), 2)->TakeStored().rows.size(), 100u);
  EXPECT_EQ(query("SELECT value FROM meta WHERE key = 'version'"), 2);
  EXPECT_EQ(query("SELECT value FROM meta WHERE key = 'min_reader'"), 2);
}

TEST(TwinStoreFaultsTest, AnotherApplicationsDatabaseIsRefusedUntouched) {
  TestFolder folder;
  {
    Result<Database> db = Database::Open({.path = folder.db()});
    ASSERT_TRUE(db);
    ASSERT_TRUE(db->Exec("CREATE TABLE mail(a)"));
  }
  ExpectRefused(folder, ErrorCode::kInvalid, "another application");
}

TEST(TwinStoreFaultsTest, AWalWithoutItsDatabaseIsCorruptAndKept) {
  for (const bool empty_file : {false, true}) {
    TestFolder folder;
    MakeCrashedStore(folder.db(), "UPDATE row SET seq = 1");
    std::filesystem::remove(folder.db());
    if (empty_file) WriteFile(folder.db(), "");
    ExpectRefused(folder, ErrorCode::kCorrupt, "-wal");
  }
}

TEST(TwinStoreFaultsTest, ADamagedTailRecordIsCorrupt) {
  TestFolder folder;
  MakeCrashedStore(folder.db(), "INSERT INTO tail VALUES(1, x'01020304050607')");
  ExpectRefused(folder, ErrorCode::kCorrupt, "check sum");
}

TEST(TwinStoreFaultsTest, WhatWasNeverWrittenToATableIsCorrupt) {
  for (const char* damage :
       {"UPDATE row SET side = 4 WHERE property = 3 AND side = 0", "UPDATE row SET quality = 4",
        "UPDATE row SET property = 100 WHERE property = 99", "UPDATE row SET type = 6",
        "DELETE FROM property WHERE id = 50", "UPDATE property SET decimals = 10",
        "UPDATE property SET path = '/'", "UPDATE property SET min = x'00'",
        "INSERT INTO event VALUES(1, 1, 0, 0, 3, '', NULL, 0, NULL, '', 0)",
        "INSERT INTO event VALUES(1, 1, 0, 0, 0, '', 100, 0, NULL, '', 0)",
        "INSERT INTO command VALUES(1, 1, 1, 0, '', '', 0, NULL, 0, '', 5, '')",
        "INSERT INTO alarm VALUES(0, 2, 1, 0, 0, 0, NULL, '')", "INSERT INTO hold VALUES(100, 1)",
        "INSERT INTO dictionary SELECT 1, id, 1, 0, path, type, unit, decimals, writable,"
        " local_only, min, max, deadband, min_period_ms, heartbeat_ms, alarm_high, alarm_low,"
        " alarm_hysteresis, alarm_delay_ms, description, instance, source FROM property LIMIT 1",
        "INSERT INTO cursor VALUES(4, 1)", "DELETE FROM meta WHERE key = 'version'",
        "DROP TABLE meta"}) {
    SCOPED_TRACE(damage);
    TestFolder folder;
    MakeCrashedStore(folder.db(), damage);
    ExpectRefused(folder, ErrorCode::kCorrupt);
  }
}

TEST(TwinStoreFaultsTest, InspectWithoutAStoreIsNotFound) {
  TestFolder folder;
  EXPECT_EQ(InspectError(folder.db()).code, ErrorCode::kNotFound);
  EXPECT_TRUE(Snapshot(folder.path()).empty());
}

TEST(TwinStoreFaultsTest, ASecondOpenerOfTheSameProcessIsRefusedAndTheFirstOneGoesOn) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 1);
  for (const Error& error : {OpenError(folder.db()), InspectError(folder.db())}) {
    EXPECT_EQ(error.code, ErrorCode::kConflict) << error.text;
  }
  ASSERT_TRUE(store->Commit(Doubles(1)));
  // The refused ones must not have dropped the first one's locks.
  RunInChild([&] { EXPECT_EQ(OpenError(folder.db()).code, ErrorCode::kConflict); });
}

TEST(TwinStoreFaultsTest, ASecondProcessIsToldWhoHasTheStore) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 1);
  const std::string holder = "open in process " + std::to_string(getpid());
  RunInChild([&] {
    for (const Error& error : {OpenError(folder.db()), InspectError(folder.db())}) {
      EXPECT_EQ(error.code, ErrorCode::kConflict);
      EXPECT_NE(error.text.find(holder), std::string::npos) << error.text;
    }
    const Result<std::string> moved = TwinStore::Quarantine(folder.db());
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, ErrorCode::kConflict);
  });
  store.reset();
  RunInChild([&] { EXPECT_NE(OpenStore(folder.db(), 2), nullptr); });
}

TEST(TwinStoreFaultsTest, AFileOfTheSameInodeElsewhereIsNotTakenForTheOneThatIsOpen) {
  TestFolder open;
  TestFolder damaged;
  if (!CanMountPrivately(open.path())) GTEST_SKIP() << "no private mounts here";
  RunInChild([&] {
    ASSERT_TRUE(MountPrivately(open.path(), "size=1m"));
    ASSERT_EQ(mount("tmpfs", damaged.path().c_str(), "tmpfs", 0, "size=1m"), 0);
    auto store = OpenStore(open.db(), 1);
    WriteFile(damaged.db(), "no database");
    struct stat one {};
    struct stat other {};
    ASSERT_EQ(stat(open.db().c_str(), &one), 0);
    ASSERT_EQ(stat(damaged.db().c_str(), &other), 0);
    ASSERT_EQ(one.st_ino, other.st_ino);
    const Result<std::string> moved = TwinStore::Quarantine(damaged.db());
    EXPECT_TRUE(moved) << moved.error().text;
    const Result<std::string> refused = TwinStore::Quarantine(open.db());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  });
}

// Fills the disk by commits until one fails, makes room, and goes on.
void ExpectToRecoverFromAFullDisk(const std::string& path, const std::function<void()>& make_room) {
  auto store = OpenStore(path, 1);
  ASSERT_NE(store, nullptr);
  ASSERT_TRUE(store->Commit(Doubles(10)));
  std::uint64_t seq = 1;
  Status done;
  while ((done = store->Commit(Texts(10, 1, seq, 1'000))) && seq < 10'000) seq += 10;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kExhausted) << done.error().text;
  EXPECT_FALSE(store->Commit(Texts(10, 1, seq, 1'000))) << "still full";
  EXPECT_EQ(store->stats().failed_commits, 2u);
  make_room();
  const Status recovered = store->Commit(Texts(10, 1, seq, 1'001));
  EXPECT_TRUE(recovered) << recovered.error().text;
  store.reset();
  const Result<model::Stored> stored = TwinStore::Inspect(path);
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->peer_watermark[0], seq);
  ASSERT_EQ(stored->rows.size(), 10u);
  for (const model::RowChange& change : stored->rows)
    EXPECT_EQ(change.row.value.text().size(), 1'001u);
}

TEST(TwinStoreFaultsTest, AFullDiskFailsCommitsUntilThereIsRoomAgain) {
  TestFolder folder;
  if (!CanMountPrivately(folder.path())) GTEST_SKIP() << "no private mounts here";
  RunInChild([&] {
    ASSERT_TRUE(MountPrivately(folder.path(), "size=512k"));
    const std::string filler = folder.path() + "/filler";
    WriteFile(filler, std::string(256 << 10, 'f'));
    ExpectToRecoverFromAFullDisk(folder.db(), [&] { std::filesystem::remove(filler); });
  });
}

TEST(TwinStoreFaultsTest, AFileSizeLimitIsAFullDiskToo) {
  TestFolder folder;
  RunInChild([&] {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{200 << 10, RLIM_INFINITY};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ExpectToRecoverFromAFullDisk(folder.db(), [&] {
      limit.rlim_cur = RLIM_INFINITY;
      ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    });
  });
}

TEST(TwinStoreFaultsTest, AStoreThatDoesNotFitOnTheDiskIsExhausted) {
  TestFolder folder;
  if (!CanMountPrivately(folder.path())) GTEST_SKIP() << "no private mounts here";
  RunInChild([&] {
    ASSERT_TRUE(MountPrivately(folder.path(), "size=8k"));
    EXPECT_EQ(OpenError(folder.db()).code, ErrorCode::kExhausted);
  });
}

TEST(TwinStoreFaultsTest, AMediumThatTurnsReadOnlyFailsCommitsAndCanBeInspected) {
  TestFolder folder;
  if (!CanMountPrivately(folder.path())) GTEST_SKIP() << "no private mounts here";
  RunInChild([&] {
    ASSERT_TRUE(MountPrivately(folder.path(), "size=1m"));
    MakeStore(folder.db());
    ASSERT_EQ(mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const Error refused = OpenError(folder.db());
    EXPECT_EQ(refused.code, ErrorCode::kUnavailable) << refused.text;
    const Result<model::Stored> stored = TwinStore::Inspect(folder.db());
    ASSERT_TRUE(stored) << stored.error().text;
    EXPECT_EQ(stored->rows.size(), 100u);
    ASSERT_EQ(mount("none", folder.path().c_str(), nullptr, MS_REMOUNT, nullptr), 0);
    EXPECT_NE(OpenStore(folder.db(), 2), nullptr);
  });
}

TEST(TwinStoreFaultsTest, AFolderWithoutRightsIsAMatterOfPermission) {
  TestFolder folder;
  MakeStore(folder.db());
  ASSERT_EQ(chmod(folder.db().c_str(), 0444), 0);
  ASSERT_EQ(chmod(folder.path().c_str(), 0555), 0);
  RunInChild([&] {
    // Root may write anywhere.
    if (geteuid() == 0) {
      ASSERT_EQ(setresuid(65'534, 65'534, 65'534), 0);
    }
    const Error refused = OpenError(folder.db());
    EXPECT_EQ(refused.code, ErrorCode::kPermission) << refused.text;
    EXPECT_EQ(OpenError(folder.path() + "/new.db").code, ErrorCode::kPermission);
    EXPECT_TRUE(TwinStore::Inspect(folder.db())) << "reading needs no more than the right to read";
  });
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
}

}  // namespace
}  // namespace edgetwin::store
