// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/flash_meter.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

std::uint64_t Of(const FlashMeter& meter, WriteCause cause) {
  return meter.bytes()[static_cast<std::size_t>(cause)];
}

class FlashMeterTest : public testing::Test {
 protected:
  std::unique_ptr<TwinStore> Open(std::uint64_t inc) {
    TwinStoreOptions options;
    options.path = folder_.db();
    options.inc = inc;
    options.meter = &meter_;
    return OpenStore(options);
  }
  std::uint64_t WalBytes() const { return std::filesystem::file_size(folder_.db() + "-wal"); }
  static model::Batch Change(std::uint64_t seq) {
    model::Batch batch;
    batch.rows = {Reported(0, model::Value(static_cast<double>(seq)), {1, seq})};
    return batch;
  }
  TestFolder folder_;
  FlashMeter meter_;
};

TEST_F(FlashMeterTest, CountsEveryByteByWhatItIsFor) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(Doubles(1)));
  EXPECT_GT(Of(meter_, WriteCause::kOther), 0u) << "the opening";
  const std::uint64_t wal = WalBytes();
  const std::uint64_t before = Of(meter_, WriteCause::kCommit);
  const std::uint64_t database = Of(meter_, WriteCause::kCheckpoint);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) ASSERT_TRUE(store->Commit(Change(seq)));
  EXPECT_EQ(Of(meter_, WriteCause::kCommit) - before, WalBytes() - wal);
  EXPECT_EQ(Of(meter_, WriteCause::kCheckpoint), database);

  const std::uint64_t unfolded = WalBytes();
  model::Batch fold = Change(21);
  fold.checkpoint = true;
  ASSERT_TRUE(store->Commit(fold));
  EXPECT_EQ(Of(meter_, WriteCause::kCheckpoint) - database, WalBytes() - unfolded);

  const std::string backup = folder_.path() + "/backup.db";
  ASSERT_TRUE(store->BackupTo(backup));
  EXPECT_GE(Of(meter_, WriteCause::kBackup), std::filesystem::file_size(backup));

  const WrittenBytes open = meter_.bytes();
  store.reset();  // Copies the WAL into the database.
  const WrittenBytes closed = meter_.bytes();
  const auto checkpoint = static_cast<std::size_t>(WriteCause::kCheckpoint);
  EXPECT_GT(closed[checkpoint], open[checkpoint]);
  EXPECT_EQ(Sum(closed) - closed[checkpoint], Sum(open) - open[checkpoint]);
}

TEST_F(FlashMeterTest, LeavesLocksAndDurabilityAsTheyAre) {
  auto store = Open(1);
  ASSERT_TRUE(store->Commit(Doubles(1)));
  const auto second = TwinStore::Open({.path = folder_.db(), .inc = 2});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  store.reset();
  // Read without the meter.
  const auto stored = TwinStore::Inspect(folder_.db());
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->properties.size(), 1u);
}

TEST_F(FlashMeterTest, EachHasItsOwnFiguresAndItsLayerGoesWithIt) {
  std::string name;
  {
    const FlashMeter other;
    name = other.vfs();
    EXPECT_NE(name, meter_.vfs());
    Open(1).reset();
    EXPECT_EQ(other.bytes(), WrittenBytes{});
    EXPECT_TRUE(TwinStore::Inspect(folder_.db(), name));
  }
  EXPECT_FALSE(TwinStore::Inspect(folder_.db(), name));
}

}  // namespace
}  // namespace edgetwin::store
