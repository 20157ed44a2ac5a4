// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/vfs.h"

#include <gtest/gtest.h>

#include "twin/store/sqlite_db.h"

namespace edgetwin::sim {
namespace {

using store::Database;

constexpr char kPath[] = "/sim/a.db";

class VfsTest : public testing::Test {
 protected:
  VfsTest() : vfs_(disk_, {}, 7) {}

  Result<Database> Open(const std::string& pragmas = "PRAGMA synchronous=FULL") {
    auto db = Database::Open({.path = kPath, .exclusive = true, .vfs = vfs_.name()});
    if (!db) return db;
    if (const auto mode = db->QueryText("PRAGMA journal_mode=WAL"); !mode) return mode.error();
    if (const Status set = db->Exec(pragmas); !set) return set.error();
    if (const Status made = db->Exec("CREATE TABLE IF NOT EXISTS t(n)"); !made) return made.error();
    return db;
  }

  // How many rows it has; -1 when it can't be read or is damaged.
  std::int64_t Rows() {
    auto db = Open();
    if (!db || !db->IntegrityCheck()) return -1;
    // From 1 without gaps, or a commit in the middle was lost.
    const auto count = db->QueryInt("SELECT count(*) FROM t");
    const auto last = db->QueryInt("SELECT coalesce(max(n), 0) FROM t");
    return count && last && *count == *last ? *count : -1;
  }

  Disk disk_;
  Vfs vfs_;
};

Status Add(Database& db) {
  return db.Exec("INSERT INTO t SELECT coalesce(max(n), 0) + 1 FROM t");
}

TEST_F(VfsTest, KeepsADatabaseOverClosingAndKilling) {
  {
    auto db = Open();
    ASSERT_TRUE(db) << db.error().text;
    ASSERT_TRUE(Add(*db));
  }
  EXPECT_EQ(Rows(), 1);
  {
    auto db = Open();
    ASSERT_TRUE(Add(*db));
    ASSERT_GT(disk_.SizeOf(std::string(kPath) + "-wal").value_or(0), 0u);
    disk_.Kill();
    EXPECT_FALSE(Add(*db)) << "written by a dead process";
  }
  EXPECT_EQ(Rows(), 2);
}

TEST_F(VfsTest, WithoutSyncsAPowerLossTakesCommits) {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 20 && !lost; ++seed) {
    disk_.Replace({});
    Random random(seed);
    {
      auto db = Open("PRAGMA synchronous=OFF");
      ASSERT_TRUE(db) << db.error().text;
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(Add(*db));
      disk_.LosePower(PowerLoss::kTear, random);
    }
    lost = Rows() != 5;
  }
  EXPECT_TRUE(lost);
}

// What the stores rely on: at whichever call the power goes, all that was committed is there, at
// most the commit under way with it, and the database is sound.
TEST_F(VfsTest, WithSyncsCommitsSurviveAPowerLossAtEveryCall) {
  bool in_doubt = false;
  int cases = 0;
  for (const PowerLoss how : {PowerLoss::kKeepAll, PowerLoss::kLoseAll, PowerLoss::kTear}) {
    bool reached = true;
    for (std::uint64_t at = 1; reached; ++at) {
      disk_.Replace({});
      const std::uint64_t before = disk_.number();
      disk_.SetHook([&](DiskCall, std::string_view, std::uint64_t number) {
        return number == before + at ? DiskAnswer::kCrash : DiskAnswer::kOk;
      });
      std::int64_t committed = 0;
      {
        auto db = Open("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=6");
        for (int i = 0; i < 8 && db; ++i) {
          if (Add(*db)) ++committed;
        }
        reached = disk_.crashed();
        Random random(at);
        disk_.LosePower(how, random);
        disk_.SetHook({});
      }
      const std::int64_t rows = Rows();
      ASSERT_TRUE(rows == committed || rows == committed + 1)
          << rows << " rows of " << committed << ", crash at call " << at;
      in_doubt = in_doubt || rows == committed + 1;
      ++cases;
    }
  }
  EXPECT_TRUE(in_doubt);
  EXPECT_GT(cases, 100);
}

TEST_F(VfsTest, AFullDiskIsSaidAndGetsBetter) {
  auto db = Open();
  ASSERT_TRUE(Add(*db));
  disk_.SetQuota(disk_.state().bytes());
  const Status full = Add(*db);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted) << full.error().text;
  disk_.SetQuota(0);
  EXPECT_TRUE(Add(*db));
}

TEST_F(VfsTest, AnErrorIsSaidAndUndoesTheTransaction) {
  for (const DiskAnswer answer : {DiskAnswer::kIoError, DiskAnswer::kIoErrorAfterHalf}) {
    disk_.Replace({});
    auto db = Open();
    ASSERT_TRUE(Add(*db));
    disk_.SetHook([&](DiskCall call, std::string_view, std::uint64_t) {
      return call == DiskCall::kWrite ? answer : DiskAnswer::kOk;
    });
    const Status failed = Add(*db);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable) << failed.error().text;
    disk_.SetHook({});
    EXPECT_TRUE(Add(*db));
    EXPECT_EQ(*db->QueryInt("SELECT max(n) FROM t"), 2);
  }
}

TEST_F(VfsTest, ASecondConnectionIsRefused) {
  auto db = Open();
  ASSERT_TRUE(Add(*db));
  auto other = Open();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kConflict) << other.error().text;
}

TEST_F(VfsTest, TheSameSeedWritesTheSameBytes) {
  std::string images[2];
  for (std::string& image : images) {
    disk_.Replace({});
    SeedSqlite(42);
    auto db = Open();
    ASSERT_TRUE(Add(*db));
    const std::string wal = std::string(kPath) + "-wal";
    image.resize(static_cast<std::size_t>(disk_.SizeOf(wal).value_or(0)));
    disk_.state().files.at(disk_.state().names.at(wal)).current.Read(0, image.data(), image.size());
  }
  EXPECT_FALSE(images[0].empty());
  EXPECT_EQ(images[0], images[1]);
}

}  // namespace
}  // namespace edgetwin::sim
