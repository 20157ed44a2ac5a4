// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <string>

#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

TEST(QuarantineTest, MovesTheFilesAsideUnderTheNextFreeName) {
  TestFolder folder;
  const std::string path = folder.db();
  for (const int number : {1, 2}) {
    WriteFile(path, "database " + std::to_string(number));
    WriteFile(path + "-wal", "wal");
    WriteFile(path + "-shm", "shm");
    const std::string name = path + ".corrupt-" + std::to_string(number);
    EXPECT_EQ(TwinStore::Quarantine(path), name);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
    EXPECT_EQ(ReadFile(name), "database " + std::to_string(number));
    EXPECT_EQ(ReadFile(name + "-wal"), "wal");
    EXPECT_EQ(ReadFile(name + "-shm"), "shm");
  }
  EXPECT_NE(OpenStore(path, 1), nullptr) << "a new store may begin in its place";
}

TEST(QuarantineTest, AWalAloneIsMovedTooAndNeverOverAnOlderOne) {
  TestFolder folder;
  WriteFile(folder.db() + ".corrupt-1-wal", "older");
  WriteFile(folder.db() + "-wal", "newer");
  EXPECT_EQ(TwinStore::Quarantine(folder.db()), folder.db() + ".corrupt-2");
  EXPECT_EQ(ReadFile(folder.db() + ".corrupt-1-wal"), "older");
  EXPECT_EQ(ReadFile(folder.db() + ".corrupt-2-wal"), "newer");
}

TEST(QuarantineTest, KeepsAtMostSoManyAndDeletesNone) {
  TestFolder folder;
  for (int i = 0; i < 2; ++i) {
    WriteFile(folder.db(), "x");
    ASSERT_TRUE(TwinStore::Quarantine(folder.db(), 2));
  }
  WriteFile(folder.db(), "x");
  const auto before = Snapshot(folder.path());
  const Result<std::string> refused = TwinStore::Quarantine(folder.db(), 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(Snapshot(folder.path()) == before);
}

TEST(QuarantineTest, WithoutAStoreThereIsNothingToMove) {
  TestFolder folder;
  const Result<std::string> refused = TwinStore::Quarantine(folder.db());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
}

TEST(QuarantineTest, AStoreInUseStaysWhereItIs) {
  TestFolder folder;
  const auto store = OpenStore(folder.db(), 1);
  const Result<std::string> refused = TwinStore::Quarantine(folder.db());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::exists(folder.db()));
}

}  // namespace
}  // namespace edgetwin::store
