// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/excerpt.h"

#include <gtest/gtest.h>

#include <limits>

#include "twin/history/block.h"

namespace edgetwin::history {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr WallTime kStart(milliseconds(1'790'000'000'000));

// Samples first to first + count - 1: one a second, of that value.
BlockRecord BlockOf(std::uint64_t first, std::size_t count) {
  std::vector<model::Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<double>(first + i));
    samples[i].time = kStart + seconds(first + i);
  }
  return {1,
          Priority::kNormal,
          first,
          static_cast<std::uint32_t>(count),
          samples.front().time,
          samples.back().time,
          EncodeBlock(samples, first).value()};
}

TEST(ExcerptTest, HasEverySampleOfTheTimeAndNoOther) {
  Excerpt excerpt({kStart + seconds(5), kStart + seconds(12), 0});
  for (const std::uint64_t first : {0u, 4u, 10u, 20u}) {
    ASSERT_TRUE(excerpt.Add(BlockOf(first, first == 0 ? 4 : first == 4 ? 6 : 10)));
  }
  ASSERT_EQ(excerpt.samples().size(), 8u);
  EXPECT_EQ(excerpt.samples().front().value, model::Value(5.0));
  EXPECT_EQ(excerpt.samples().back().value, model::Value(12.0));
}

TEST(ExcerptTest, ABlockThatComesTwiceCountsOnce) {
  // From memory, and committed meanwhile.
  Excerpt excerpt({kStart, kStart + seconds(99), 0});
  for (const std::uint64_t first : {0u, 10u, 0u, 10u, 20u}) {
    ASSERT_TRUE(excerpt.Add(BlockOf(first, 10)));
  }
  EXPECT_EQ(excerpt.samples().size(), 30u);
}

TEST(ExcerptTest, BucketsHaveMinMaxAndMeanOfWhatIsInThem) {
  Excerpt excerpt({kStart, kStart + seconds(100) - milliseconds(1), 4});
  EXPECT_EQ(excerpt.bucket(), seconds(25));
  ASSERT_TRUE(excerpt.Add(BlockOf(0, 50)));
  ASSERT_TRUE(excerpt.Add(BlockOf(75, 5)));
  const std::vector<Bucket> buckets = excerpt.Buckets();
  ASSERT_EQ(buckets.size(), 3u) << "an empty one says nothing";
  EXPECT_EQ(buckets[1].from, kStart + seconds(25));
  EXPECT_EQ(buckets[1].count, 25u);
  EXPECT_EQ(buckets[1].min, 25);
  EXPECT_EQ(buckets[1].max, 49);
  EXPECT_NEAR(buckets[1].mean, 37, 1e-9);
  EXPECT_EQ(buckets[2].from, kStart + seconds(75));
  EXPECT_EQ(buckets[2].count, 5u);
}

TEST(ExcerptTest, WhatIsNoGoodNumberCountsWithoutChangingMinAndMax) {
  std::vector<model::Sample> samples(4);
  for (model::Sample& sample : samples) sample.time = kStart;
  samples[0].value = model::Value(std::numeric_limits<double>::quiet_NaN());
  samples[1].value = model::Value(std::string("text"));
  samples[2].value = model::Value(1e9);
  samples[2].quality = model::Quality::kBad;
  samples[3].value = model::Value(7.0);
  Excerpt excerpt({kStart, kStart, 1});
  ASSERT_TRUE(excerpt.Add({1, Priority::kLow, 0, 4, kStart, kStart, *EncodeBlock(samples, 0)}));
  const std::vector<Bucket> buckets = excerpt.Buckets();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(buckets[0].count, 4u);
  EXPECT_EQ(buckets[0].numbers, 1u);
  EXPECT_EQ(buckets[0].max, 7);
}

TEST(ExcerptTest, TheWholeOfTimeIsARangeToo) {
  Excerpt excerpt({WallTime::min(), WallTime::max(), 10});
  ASSERT_TRUE(excerpt.Add(BlockOf(0, 50)));
  ASSERT_EQ(excerpt.Buckets().size(), 1u);
  EXPECT_EQ(excerpt.Buckets()[0].count, 50u);
}

TEST(ExcerptTest, PastItsLimitItSaysThatThereIsMore) {
  Excerpt excerpt({WallTime::min(), WallTime::max(), 0});
  for (std::uint64_t first = 0; first < kExcerptSamplesMax; first += 1'000) {
    ASSERT_TRUE(excerpt.Add(BlockOf(first, 1'000)));
  }
  EXPECT_FALSE(excerpt.full());
  ASSERT_TRUE(excerpt.Add(BlockOf(kExcerptSamplesMax, 1)));
  EXPECT_TRUE(excerpt.full());
  EXPECT_EQ(excerpt.samples().size(), kExcerptSamplesMax);
}

TEST(ExcerptTest, ADamagedBlockIsCountedAndTheOthersAreThere) {
  Excerpt excerpt({WallTime::min(), WallTime::max(), 0});
  BlockRecord damaged = BlockOf(0, 10);
  damaged.bytes[3] ^= 1;
  EXPECT_FALSE(excerpt.Add(damaged));
  EXPECT_TRUE(excerpt.Add(BlockOf(10, 10)));
  EXPECT_EQ(excerpt.damaged_blocks(), 1u);
  EXPECT_EQ(excerpt.samples().size(), 10u);
}

}  // namespace
}  // namespace edgetwin::history
