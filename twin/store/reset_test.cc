// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Copies as bytes, whose a store is, and making room for a new one.

#include <gtest/gtest.h>

#include <string>

#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

model::Batch ValueBatch(std::uint64_t inc, std::uint64_t value) {
  model::Batch batch = Doubles(1);
  batch.rows = {Reported(0, model::Value(static_cast<double>(value)), {inc, value})};
  return batch;
}

double ValueIn(const std::string& path) {
  const Result<model::Stored> stored = TwinStore::Inspect(path);
  EXPECT_TRUE(stored) << stored.error().text;
  return stored && stored->rows.size() == 1 ? stored->rows[0].row.value.real() : -1;
}

std::unique_ptr<TwinStore> OpenFor(const std::string& path, std::uint64_t inc,
                                   const std::string& device) {
  TwinStoreOptions options;
  options.path = path;
  options.inc = inc;
  options.device = device;
  return OpenStore(options);
}

TEST(StoreImageTest, HoldsWhatIsCommittedAndWritesNothing) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 1);
  ASSERT_TRUE(store->Commit(ValueBatch(1, 5)));
  const auto before = Snapshot(folder.path());
  const Result<std::string> image = store->Image();
  ASSERT_TRUE(image) << image.error().text;
  EXPECT_TRUE(Snapshot(folder.path()) == before);
  ASSERT_TRUE(store->Commit(ValueBatch(1, 6))) << "the store goes on";
  const std::string copy = folder.path() + "/copy.db";
  WriteFile(copy, *image);
  EXPECT_EQ(ValueIn(copy), 5.0);
  store.reset();
  ASSERT_TRUE(TwinStore::RestoreFrom(copy, folder.db()));
  EXPECT_EQ(ValueIn(folder.db()), 5.0);
}

TEST(StoreImageTest, OfAStoppedStoreIsItsContentAndOfARunningOneIsRefused) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 1);
  ASSERT_TRUE(store->Commit(ValueBatch(1, 5)));
  store.reset();
  const Result<std::string> image = TwinStore::ImageOf(folder.db());
  ASSERT_TRUE(image) << image.error().text;
  WriteFile(folder.path() + "/copy.db", *image);
  EXPECT_EQ(ValueIn(folder.path() + "/copy.db"), 5.0);
  const auto none = TwinStore::ImageOf(folder.path() + "/none.db");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  WriteFile(folder.path() + "/text.db", std::string(4'096, 'x'));
  EXPECT_FALSE(TwinStore::ImageOf(folder.path() + "/text.db"));
}

TEST(StoreDeviceTest, AStoreKnowsWhoseItWasAndOneThatDoesNotSayIsAnybodys) {
  TestFolder folder;
  OpenFor(folder.db(), 1, "pump-1").reset();
  EXPECT_TRUE(TwinStore::IsOf(folder.db(), "pump-1").value_or(false));
  EXPECT_FALSE(TwinStore::IsOf(folder.db(), "pump-2").value_or(true));
  OpenFor(folder.db(), 2, "").reset();
  EXPECT_FALSE(TwinStore::IsOf(folder.db(), "pump-2").value_or(true)) << "what it said stays";
  OpenFor(folder.db(), 3, "pump-2").reset();
  EXPECT_TRUE(TwinStore::IsOf(folder.db(), "pump-2").value_or(false)) << "the device was renamed";
  OpenStore(folder.path() + "/old.db", 1).reset();
  EXPECT_TRUE(TwinStore::IsOf(folder.path() + "/old.db", "pump-2").value_or(false));
}

TEST(StoreResetTest, PutsTheOldStoreAsideWhole) {
  TestFolder folder;
  {
    auto store = OpenStore(folder.db(), 1);
    ASSERT_TRUE(store->Commit(ValueBatch(1, 5)));
    const auto held = TwinStore::PutAside(folder.db());
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, ErrorCode::kConflict) << held.error().text;
  }
  const Result<std::string> aside = TwinStore::PutAside(folder.db());
  ASSERT_TRUE(aside) << aside.error().text;
  EXPECT_EQ(*aside, folder.db() + ".before-reset-1");
  EXPECT_EQ(ValueIn(*aside), 5.0);
  EXPECT_EQ(OpenStore(folder.db(), 2)->TakeStored().lineage.size(), 1u) << "a new one";
}

TEST(StoreResetTest, ADamagedStoreMakesRoomToo) {
  TestFolder folder;
  WriteFile(folder.db(), "no database " + std::string(2'000, 'z'));
  WriteFile(folder.db() + "-wal", "its wal");
  const Result<std::string> aside = TwinStore::PutAside(folder.db());
  ASSERT_TRUE(aside) << aside.error().text;
  EXPECT_EQ(ReadFile(*aside + "-wal"), "its wal");
  WriteFile(folder.db(), "no database " + std::string(2'000, 'z'));
  EXPECT_TRUE(TwinStore::Remove(folder.db()));
  EXPECT_NE(OpenStore(folder.db(), 2), nullptr);
}

TEST(StoreResetTest, RemovesNothingButTheStore) {
  TestFolder folder;
  {
    auto store = OpenStore(folder.db(), 1);
    ASSERT_TRUE(store->Commit(ValueBatch(1, 5)));
    const Status held = TwinStore::Remove(folder.db());
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, ErrorCode::kConflict) << held.error().text;
  }
  WriteFile(folder.path() + "/neighbour", "stays");
  ASSERT_TRUE(TwinStore::Remove(folder.db()));
  EXPECT_EQ(Snapshot(folder.path()).size(), 1u);
  const Status none = TwinStore::Remove(folder.db());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace edgetwin::store
