// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/aggregates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "twin/history/block.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"

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
