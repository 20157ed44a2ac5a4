// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/aggregates.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>
#include <optional>

#include "twin/history/block.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

constexpr WallTime kHour = WallTime(std::chrono::hours(497'000));

// One sample a minute.
BlockRecord Minutes(PathId path, std::uint64_t first, const std::vector<double>& values) {
  std::vector<model::Sample> samples(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    samples[i].value = model::Value(values[i]);
    samples[i].time = kHour + std::chrono::minutes(first + i);
  }
  return {path,
          Priority::kNormal,
          first,
          static_cast<std::uint32_t>(values.size()),
          samples.front().time,
          samples.back().time,
          EncodeBlock(samples, first).value()};
}

class AggregatesTest : public testing::Test {
 protected:
  std::unique_ptr<HistoryStore> Open(std::uint64_t inc) {
    return OpenHistory(OptionsFor(folder_, inc));
  }
  static void Store(HistoryStore& store, BlockRecord block) {
    HistoryBatch batch;
    while (store.paths().size() + batch.paths.size() < block.path) {
      const auto id = static_cast<PathId>(store.paths().size() + batch.paths.size() + 1);
      batch.paths.push_back({id, "p/" + std::to_string(id)});
    }
    batch.blocks = {std::move(block)};
    ASSERT_TRUE(store.Commit(batch));
  }
  static void EvictAll(HistoryStore& store) {
    while (store.EvictBefore(WallTime::max()).value()) {
    }
  }
  static std::vector<Bucket> Hours(HistoryStore& store, PathId path,
                                   WallTime from = WallTime::min(), WallTime to = WallTime::max()) {
    std::vector<Bucket> hours;
    EXPECT_TRUE(store.ReadAggregates(path, from, to,
                                     [&hours](const Bucket& hour) { hours.push_back(hour); }));
    return hours;
  }
  TestFolder folder_;
};

TEST_F(AggregatesTest, WhatIsEvictedLeavesItsLeastMeanAndGreatestOfEachHour) {
  auto store = Open(1);
  Store(*store, Minutes(1, 0, {1, 2, 6}));
  Store(*store, Minutes(1, 3, {-5}));
  // 58, 59, 60 and 61 minutes.
  Store(*store, Minutes(2, 0, std::vector<double>(58, 4)));
  Store(*store, Minutes(2, 58, {10, 10, 20, 30}));
  EXPECT_TRUE(Hours(*store, 1).empty()) << "nothing is evicted yet";
  EvictAll(*store);
  EXPECT_EQ(Stored(*store, 1), 0u);
  EXPECT_EQ(Hours(*store, 1), (std::vector<Bucket>{{kHour, 4, 4, -5, 6, 1}}));
  const std::vector<Bucket> hours = Hours(*store, 2);
  ASSERT_EQ(hours.size(), 2u);
  EXPECT_EQ(hours[0].count, 60u);
  EXPECT_DOUBLE_EQ(hours[0].mean, (58 * 4 + 20) / 60.0);
  EXPECT_EQ(hours[1], (Bucket{kHour + std::chrono::hours(1), 2, 2, 20, 30, 25}));
  // The samples themselves are gone all the same.
  EXPECT_EQ(Lost(*store, 1), 4u);
  const auto audit = store->Audit();
  ASSERT_TRUE(audit);
  EXPECT_TRUE((*audit)[0].AddsUp() && (*audit)[1].AddsUp());
}

TEST_F(AggregatesTest, HoursAreFoundByTheirBeginning) {
  auto store = Open(1);
  Store(*store, Minutes(1, 0, std::vector<double>(180, 1)));
  EvictAll(*store);
  const auto hour = std::chrono::hours(1);
  EXPECT_EQ(Hours(*store, 1, kHour, kHour + 2 * hour).size(), 3u);
  EXPECT_EQ(Hours(*store, 1, kHour + std::chrono::milliseconds(1), kHour + 2 * hour).size(), 2u);
  EXPECT_EQ(Hours(*store, 1, kHour, kHour + 2 * hour - std::chrono::milliseconds(1)).size(), 2u);
  EXPECT_TRUE(Hours(*store, 2).empty());
}

TEST_F(AggregatesTest, WhatIsNoNumberIsCountedOnly) {
  auto store = Open(1);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Store(*store, Minutes(1, 0, {kNan, kNan}));
  Store(*store, Minutes(2, 0, {kInfinity, 1}));
  Store(*store, Minutes(2, 2, {-kInfinity}));
  EvictAll(*store);
  EXPECT_EQ(Hours(*store, 1), (std::vector<Bucket>{{kHour, 2, 0, 0, 0, 0}}));
  Store(*store, Minutes(1, 2, {7, kNan}));
  EvictAll(*store);
  EXPECT_EQ(Hours(*store, 1), (std::vector<Bucket>{{kHour, 4, 1, 7, 7, 7}}));
  const Bucket both = Hours(*store, 2).front();
  EXPECT_EQ(both.numbers, 3u);
  EXPECT_EQ(both.min, -kInfinity);
  EXPECT_EQ(both.max, kInfinity);
  EXPECT_TRUE(std::isnan(both.mean));
}

TEST_F(AggregatesTest, PastTheirShareOfTheFileTheOldestHoursGoForGood) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  auto store = OpenHistory(options);
  // Three times as many as its eighth of the megabyte has room for.
  for (std::uint64_t block = 0; block < 10; ++block) {
    Store(*store, Minutes(1, block * 48'000, std::vector<double>(48'000, 1)));
    EvictAll(*store);
  }
  const std::vector<Bucket> hours = Hours(*store, 1);
  EXPECT_LT(hours.size(), 3'000u);
  EXPECT_GT(hours.size(), 2'000u);
  EXPECT_EQ(hours.back().from, kHour + std::chrono::hours(7'999));
  EXPECT_LE(store->stats().file_bytes, kHistoryBytesMin);
}

TEST_F(AggregatesTest, OneEvictionEndsWhenItsBlocksAreOfManyHours) {
  // What an hourly property may have after weeks without a store: a sample an hour.
  std::vector<model::Sample> samples(400);
  auto store = Open(1);
  HistoryBatch batch;
  batch.paths = {{1, "p/1"}};
  for (std::uint64_t block = 0; block < 10; ++block) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i].value = model::Value(1.0);
      samples[i].time = kHour + std::chrono::hours(block * 400 + i);
    }
    batch.blocks.push_back({1, Priority::kNormal, block * 400, 400, samples.front().time,
                            samples.back().time, EncodeBlock(samples, block * 400).value()});
  }
  ASSERT_TRUE(store->Commit(batch));
  const Result<bool> evicted = store->EvictBefore(WallTime::max());
  ASSERT_TRUE(evicted);
  EXPECT_TRUE(*evicted) << "there is more";
  EXPECT_EQ(Hours(*store, 1).size(), 1'200u) << "three blocks are past 1,024 hours";
  EXPECT_EQ(Stored(*store, 1), 2'800u);
  EvictAll(*store);
  EXPECT_EQ(Hours(*store, 1).size(), 4'000u);
  EXPECT_TRUE(store->Audit()->front().AddsUp());
}

std::vector<Aggregate> HoursOf(PathId path, std::int64_t first, std::int64_t count) {
  std::vector<Aggregate> aggregates;
  for (std::int64_t i = first; i < first + count; ++i) {
    aggregates.push_back({path, {kHour + std::chrono::hours(i), 2, 1, 3, 3, 3}});
  }
  return aggregates;
}

class AggregateRowsTest : public AggregatesTest {
 protected:
  void SetUp() override {
    { ASSERT_TRUE(Open(1)->Close({})); }
    auto db = store::Database::Open({.path = HistoryFile(folder_), .exclusive = true});
    ASSERT_TRUE(db) << db.error().text;
    db_.emplace(std::move(*db));
  }
  Status Add(const std::vector<Aggregate>& aggregates, std::int64_t rows_max) {
    auto transaction = store::Transaction::Begin(*db_);
    if (!transaction) return transaction.error();
    if (Status added = AddAggregates(*db_, aggregates, rows_max); !added) return added;
    return transaction->Commit();
  }
  std::int64_t Rows() { return db_->QueryInt("SELECT count(*) FROM aggregate").value(); }
  std::int64_t Known() {
    return db_->QueryInt("SELECT value FROM meta WHERE key = 'aggregates'").value_or(-1);
  }
  // How many pages were looked at.
  int Pages() {
    int hits = 0, misses = 0, ignored = 0;
    sqlite3_db_status(db_->raw(), SQLITE_DBSTATUS_CACHE_HIT, &hits, &ignored, 0);
    sqlite3_db_status(db_->raw(), SQLITE_DBSTATUS_CACHE_MISS, &misses, &ignored, 0);
    return hits + misses;
  }
  std::optional<store::Database> db_;
};

TEST_F(AggregateRowsTest, TheirNumberIsKnownThroughAdditionsMergesAndRemovals) {
  const auto add = [this](const std::vector<Aggregate>& aggregates, std::int64_t rows_max) {
    ASSERT_TRUE(Add(aggregates, rows_max));
    ASSERT_EQ(Known(), Rows());
  };
  add(HoursOf(1, 0, 100), 150);
  add(HoursOf(1, 50, 60), 150);
  EXPECT_EQ(Rows(), 110);
  add(HoursOf(2, 100, 10), 150);
  add(HoursOf(1, 110, 50), 150);
  EXPECT_EQ(Rows(), 150);
  add(HoursOf(1, 160, 1), 10);
  EXPECT_EQ(Rows(), 10);
  // As nothing of it happened.
  {
    auto transaction = store::Transaction::Begin(*db_);
    ASSERT_TRUE(AddAggregates(*db_, HoursOf(3, 0, 7), 150));
  }
  EXPECT_EQ(Known(), 10);
  EXPECT_EQ(Rows(), 10);
}

TEST_F(AggregateRowsTest, AFileThatDoesNotSayHowManyThereAreIsCountedOnce) {
  ASSERT_TRUE(Add(HoursOf(1, 0, 100), 1'000));
  ASSERT_TRUE(db_->Exec("DELETE FROM meta WHERE key = 'aggregates'"));
  ASSERT_TRUE(Add(HoursOf(2, 0, 1), 1'000));
  EXPECT_EQ(Known(), 101);
  ASSERT_TRUE(db_->Exec("UPDATE meta SET value = 900000 WHERE key = 'aggregates'"));
  ASSERT_TRUE(Add(HoursOf(2, 1, 1), 1'000)) << "and one that says too many ends";
  EXPECT_EQ(Known(), Rows());
}

TEST_F(AggregateRowsTest, AddingOneTakesNoLongerWhenThereAreMany) {
  ASSERT_TRUE(Add(HoursOf(1, 0, 20'000), 100'000));
  const int before = Pages();
  ASSERT_TRUE(Add(HoursOf(1, 20'000, 1), 100'000));
  EXPECT_LT(Pages() - before, 50) << "the table has about 900";
}

TEST_F(AggregateRowsTest, ACapThatWasLoweredIsReachedInSteps) {
  ASSERT_TRUE(Add(HoursOf(1, 0, 10'000), 100'000));
  for (const std::int64_t left : {10'001 - kAggregatesRemovedMax, 1'810L, 100L}) {
    ASSERT_TRUE(Add(HoursOf(1, 10'000 + left, 1), 100));
    EXPECT_EQ(Rows(), left);
  }
}

TEST_F(AggregatesTest, ASalvagedHistoryHasThemToo) {
  const std::string aside = HistoryFile(folder_) + ".corrupt-1";
  {
    auto store = Open(1);
    Store(*store, Minutes(1, 0, std::vector<double>(90, 3)));
    EvictAll(*store);
    ASSERT_TRUE(store->Close({}));
  }
  std::filesystem::rename(HistoryFile(folder_), aside);
  auto store = Open(2);
  ASSERT_TRUE(Salvage(aside, *store));
  EXPECT_EQ(Hours(*store, 1).size(), 2u);
}

}  // namespace
}  // namespace edgetwin::history
