// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/recorder.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "twin/history/block.h"

namespace edgetwin::history {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime kStart(milliseconds(1'790'000'000'000));

MonoTime Mono(seconds since) {
  return MonoTime(since);
}

model::Sample SampleOf(std::int64_t n) {
  model::Sample sample;
  sample.value = model::Value(n);
  sample.time = kStart + seconds(n);
  return sample;
}

// The ints in a path's blocks, which must follow each other from `next` on; `next` then is behind.
std::vector<std::int64_t> Values(const std::vector<BlockRecord>& blocks, PathId path,
                                 std::uint64_t& next) {
  std::vector<std::int64_t> values;
  for (const BlockRecord& record : blocks) {
    if (record.path != path) continue;
    const Result<Block> block = DecodeBlock(record.bytes);
    EXPECT_TRUE(block) << block.error().text;
    EXPECT_EQ(record.first, next);
    EXPECT_EQ(block->first_ordinal, record.first);
    EXPECT_EQ(block->samples.size(), record.count);
    for (const model::Sample& sample : block->samples) values.push_back(sample.value.integer());
    next += record.count;
  }
  return values;
}

std::vector<std::int64_t> Range(std::int64_t first, std::int64_t end) {
  std::vector<std::int64_t> values;
  for (; first < end; ++first) values.push_back(first);
  return values;
}

class RecorderTest : public testing::Test {
 protected:
  void Make(RecorderOptions options) { recorder_ = std::make_unique<Recorder>(options); }
  void SetUp() override {
    Make({});
    recorder_->Attach(7, {}, LossReason::kFileLost, kStart);
  }
  void Record(Recorder::Slot slot, std::int64_t first, std::int64_t end, seconds now,
              Priority priority = Priority::kNormal) {
    for (; first < end; ++first) recorder_->Record(slot, priority, SampleOf(first), Mono(now));
  }
  std::unique_ptr<Recorder> recorder_;
};

TEST_F(RecorderTest, APathThatTheStoreDoesNotKnowIsToldAtOnceAndItsSamplesAfterTheWindow) {
  const Recorder::Slot a = recorder_->Define("plant/a");
  EXPECT_EQ(recorder_->Define("plant/a"), a);
  EXPECT_FALSE(recorder_->NextTake());
  Record(a, 0, 1, seconds(10));
  ASSERT_EQ(recorder_->NextTake(), Mono(seconds(10)) + milliseconds(500));
  EXPECT_FALSE(recorder_->Take(Mono(seconds(10))));
  const auto first = recorder_->Take(Mono(seconds(11)));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->paths.size(), 1u);
  EXPECT_EQ(first->paths[0].id, 1u);
  EXPECT_EQ(first->paths[0].path, "plant/a");
  EXPECT_TRUE(first->blocks.empty());
  recorder_->Committed(true, Mono(seconds(11)));
  EXPECT_EQ(recorder_->NextTake(), Mono(seconds(130))) << "two minutes after the first sample";
  Record(a, 1, 60, seconds(129));
  const auto second = recorder_->Take(Mono(seconds(130)));
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->paths.empty() && second->live.empty());
  std::uint64_t next = 0;
  EXPECT_EQ(Values(second->blocks, 1, next), Range(0, 60));
  EXPECT_EQ(second->blocks[0].t_min, kStart);
  EXPECT_EQ(second->blocks[0].t_max, kStart + seconds(59));
  recorder_->Committed(true, Mono(seconds(130)));
  EXPECT_FALSE(recorder_->NextTake()) << "nothing happens before another sample";
}

TEST_F(RecorderTest, APathThatTheStoreKnowsGoesOnFromItsNextOrdinalAndIsToldToBeLive) {
  recorder_->Attach(8, {{1, "plant/a", 100}, {2, "plant/b", 5}}, LossReason::kFileLost, kStart);
  const Recorder::Slot b = recorder_->Define("plant/b");
  Record(b, 0, 3, seconds(1));
  const auto batch = recorder_->Take(Mono(seconds(1)), true);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->live, (std::vector<PathId>{2}));
  EXPECT_TRUE(batch->paths.empty());
  std::uint64_t next = 5;
  EXPECT_EQ(Values(batch->blocks, 2, next), Range(0, 3));
}

TEST_F(RecorderTest, EachPriorityHasItsOwnWindow) {
  const Recorder::Slot low = recorder_->Define("p/low");
  const Recorder::Slot high = recorder_->Define("p/high");
  Record(low, 0, 5, seconds(0), Priority::kLow);
  Record(high, 0, 5, seconds(0), Priority::kHigh);
  ASSERT_TRUE(recorder_->Take(Mono(seconds(1))));
  recorder_->Committed(true, Mono(seconds(1)));
  const auto soon = recorder_->Take(Mono(seconds(10)));
  ASSERT_TRUE(soon);
  ASSERT_EQ(soon->blocks.size(), 1u);
  EXPECT_EQ(soon->blocks[0].priority, Priority::kHigh);
  recorder_->Committed(true, Mono(seconds(10)));
  EXPECT_EQ(recorder_->NextTake(), Mono(seconds(300)));
  recorder_->SetWindow(Priority::kLow, minutes(60));
  const auto late = recorder_->Take(Mono(seconds(300)));
  ASSERT_TRUE(late);
  EXPECT_EQ(late->blocks[0].priority, Priority::kLow);
  recorder_->Committed(true, Mono(seconds(300)));
  Record(low, 5, 6, seconds(300), Priority::kLow);
  EXPECT_EQ(recorder_->NextTake(), Mono(seconds(300 + 3'600))) << "stretched for the flash's sake";
}

TEST_F(RecorderTest, ABatchThatFailedIsTakenAgainWithWhatCameSince) {
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 5, seconds(0));
  ASSERT_TRUE(recorder_->Take(Mono(seconds(60))));
  EXPECT_FALSE(recorder_->Take(Mono(seconds(60)), true)) << "one at a time";
  Record(a, 5, 8, seconds(60));
  recorder_->Committed(false, Mono(seconds(61)));
  EXPECT_FALSE(recorder_->Take(Mono(seconds(61))));
  EXPECT_EQ(recorder_->NextTake(), Mono(seconds(61)) + Recorder::retry_period);
  Record(recorder_->Define("p/b"), 0, 1, seconds(62));
  const auto batch = recorder_->Take(Mono(seconds(61)), true);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->paths.size(), 2u);
  EXPECT_EQ(batch->paths[1].id, 2u);
  std::uint64_t next = 0;
  EXPECT_EQ(Values(batch->blocks, 1, next), Range(0, 8));
}

TEST_F(RecorderTest, WhatIsTakenHasALimitAndTheRestFollows) {
  RecorderOptions options;
  options.batch_bytes_max = 2'000;
  options.samples_max = 100'000;
  Make(options);
  recorder_->Attach(7, {}, LossReason::kFileLost, kStart);
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 40'000, seconds(0));
  std::uint64_t next = 0;
  std::size_t batches = 0;
  while (const auto batch = recorder_->Take(Mono(seconds(1)), true)) {
    std::uint64_t bytes = 0;
    for (const BlockRecord& block : batch->blocks) bytes += block.bytes.size();
    EXPECT_LT(bytes, 4'000u);
    Values(batch->blocks, 1, next);
    recorder_->Committed(true, Mono(seconds(1)));
    ++batches;
  }
  EXPECT_GT(batches, 3u);
  EXPECT_EQ(next, 40'000u);
}

TEST_F(RecorderTest, PastAPathsCapTheOldestGoAndAreAccountedFor) {
  RecorderOptions options;
  options.block_samples_max = 10;
  options.samples_max = 50;
  Make(options);
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 1'000, seconds(0));  // There is no store yet.
  EXPECT_EQ(recorder_->next(a), 1'000u);
  ASSERT_EQ(recorder_->UnstoredLosses(a).size(), 1u);
  recorder_->Attach(9, {}, LossReason::kFileLost, kStart);
  const auto batch = recorder_->Take(Mono(seconds(1)), true);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->losses.size(), 1u);
  const Loss& loss = batch->losses[0];
  EXPECT_EQ(loss.path, 1u);
  EXPECT_EQ(loss.reason, LossReason::kNotStored);
  EXPECT_TRUE(loss.exact);
  EXPECT_EQ(loss.inc, 9u);
  EXPECT_EQ(loss.first, 0u);
  EXPECT_EQ(loss.count, recorder_->dropped());
  EXPECT_EQ(loss.from, kStart);
  std::uint64_t next = loss.last + 1;
  EXPECT_EQ(Values(batch->blocks, 1, next), Range(static_cast<std::int64_t>(loss.last) + 1, 1'000));
  EXPECT_EQ(next, 1'000u);
  EXPECT_LE(batch->blocks.size(), 5u);
}

TEST_F(RecorderTest, ABlockInFlightIsNotDropped) {
  RecorderOptions options;
  options.block_samples_max = 10;
  options.samples_max = 30;
  Make(options);
  recorder_->Attach(7, {}, LossReason::kFileLost, kStart);
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 20, seconds(0));
  const auto out = recorder_->Take(Mono(seconds(0)), true);
  ASSERT_TRUE(out);
  Record(a, 20, 100, seconds(0));
  recorder_->Committed(true, Mono(seconds(0)));
  std::uint64_t next = 0;
  EXPECT_EQ(Values(out->blocks, 1, next), Range(0, 20));
  const auto rest = recorder_->Take(Mono(seconds(0)), true);
  ASSERT_TRUE(rest);
  ASSERT_EQ(rest->losses.size(), 1u);
  EXPECT_EQ(rest->losses[0].first, 20u);
  next = rest->losses[0].last + 1;
  Values(rest->blocks, 1, next);
  EXPECT_EQ(next, 100u);
}

TEST_F(RecorderTest, LossesBeforeAndAfterABatchThatFailedBecomeOne) {
  RecorderOptions options;
  options.block_samples_max = 10;
  options.samples_max = 20;
  Make(options);
  recorder_->Attach(7, {}, LossReason::kFileLost, kStart);
  const Recorder::Slot a = recorder_->Define("p/a");
  for (int round = 0; round < 20; ++round) {
    Record(a, round * 20, round * 20 + 20, seconds(0));
    ASSERT_TRUE(recorder_->Take(Mono(seconds(0)), true));
    recorder_->Committed(false, Mono(seconds(0)));
  }
  EXPECT_LE(recorder_->UnstoredLosses(a).size(), 2u);
  std::uint64_t next = 0;
  const auto batch = recorder_->Take(Mono(seconds(0)), true);
  for (const Loss& loss : batch->losses) next += loss.count;
  for (const BlockRecord& block : batch->blocks) next += block.count;
  EXPECT_EQ(next, 400u);
}

TEST_F(RecorderTest, PastItsMemoryWhatIsRawIsEncodedAndThenTheLowestPriorityGoes) {
  RecorderOptions options;
  options.bytes_max = 200'000;
  options.samples_max = 1'000'000;
  Make(options);
  const Recorder::Slot low = recorder_->Define("p/low");
  const Recorder::Slot high = recorder_->Define("p/high");
  std::uint64_t random = 1;
  for (std::int64_t i = 0; i < 40'000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    model::Sample sample = SampleOf(i);
    sample.value = model::Value(static_cast<std::int64_t>(random >> 1));
    recorder_->Record(i % 4 == 0 ? high : low, i % 4 == 0 ? Priority::kHigh : Priority::kLow,
                      sample, Mono(seconds(0)));
  }
  const LimitReport report = recorder_->limits()[0];
  EXPECT_LE(report.peak, report.max);
  EXPECT_GT(report.hits, 0u);
  EXPECT_FALSE(recorder_->UnstoredLosses(low).empty());
  EXPECT_TRUE(recorder_->UnstoredLosses(high).empty());
  EXPECT_EQ(recorder_->next(low), 30'000u);
}

TEST_F(RecorderTest, SamplesFromBeforeThereWasAStoreGetTheOrdinalsAfterItsOwn) {
  RecorderOptions options;
  options.block_samples_max = 10;
  Make(options);
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 25, seconds(0));
  recorder_->Attach(9, {{1, "p/b", 3}, {2, "p/a", 1'000}}, LossReason::kFileLost, kStart);
  std::uint64_t next = 1'000;
  EXPECT_EQ(Values(recorder_->Unstored(a), 2, next), Range(0, 25));
  const auto batch = recorder_->Take(Mono(seconds(0)), true);
  ASSERT_TRUE(batch);
  next = 1'000;
  EXPECT_EQ(Values(batch->blocks, 2, next), Range(0, 25));
}

TEST_F(RecorderTest, WhatAnotherFileHeldIsLostAsAnUpperBoundWhenANewOneBegins) {
  const Recorder::Slot a = recorder_->Define("p/a");
  Record(a, 0, 25, seconds(0));
  ASSERT_TRUE(recorder_->Take(Mono(seconds(0)), true));
  recorder_->Committed(true, Mono(seconds(0)));
  Record(a, 25, 30, seconds(0));
  recorder_->Attach(9, {}, LossReason::kFileLost, kStart + seconds(99));
  const auto batch = recorder_->Take(Mono(seconds(0)), true);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->losses.size(), 1u);
  const Loss& loss = batch->losses[0];
  EXPECT_EQ(loss.reason, LossReason::kFileLost);
  EXPECT_FALSE(loss.exact);
  EXPECT_EQ(loss.count, 25u);
  EXPECT_EQ(loss.to, kStart + seconds(99));
  std::uint64_t next = 25;
  EXPECT_EQ(Values(batch->blocks, 1, next), Range(25, 30));
}

// A thousand properties, of two decimals, with some jitter.
class RecorderMemoryTest : public RecorderTest {
 protected:
  static constexpr std::size_t kPaths = 1'000;
  void SetUp() override {
    Make({});
    for (std::size_t i = 0; i < kPaths; ++i) recorder_->Define("p/" + std::to_string(i));
  }
  void RecordEach(std::int64_t first, std::int64_t end) {
    for (; first < end; ++first) {
      for (std::size_t i = 0; i < kPaths; ++i) {
        level_[i] += static_cast<double>(random_() % 11) - 5;
        model::Sample sample = SampleOf(first);
        sample.value = model::Value(level_[i] / 100);
        sample.time += milliseconds(random_() % 7);
        recorder_->Record(static_cast<Recorder::Slot>(i), Priority::kNormal, sample,
                          Mono(seconds(first)));
      }
    }
  }
  std::uint64_t Said() const { return recorder_->limits()[0].used; }

  std::mt19937_64 random_{1};
  std::vector<double> level_ = std::vector<double>(kPaths, 2'150);
};

TEST_F(RecorderMemoryTest, AMinuteOfAThousandPropertiesTakesLessThanAMegabyte) {
  RecordEach(0, 60);
  EXPECT_LT(Said(), 1'000'000u);
}

TEST_F(RecorderMemoryTest, WhatWaitsIsCountedAsItLiesInMemory) {
  const std::size_t before = mallinfo2().uordblks;
  if (before == 0) GTEST_SKIP() << "mallinfo2 says nothing under a sanitizer";
  const auto taken = [before] { return static_cast<double>(mallinfo2().uordblks - before); };
  RecordEach(0, 60);
  EXPECT_NEAR(taken(), static_cast<double>(Said()), static_cast<double>(Said()) * 0.1);
  RecordEach(60, 512 * 2 + 1);  // There is no store: two blocks of each.
  ASSERT_EQ(recorder_->Unstored(0).size(), 3u);
  EXPECT_NEAR(taken(), static_cast<double>(Said()), static_cast<double>(Said()) * 0.1);
  recorder_->Attach(7, {}, LossReason::kFileLost, kStart);
  while (recorder_->Take(Mono(seconds(2'000)), true)) {
    recorder_->Committed(true, Mono(seconds(2'000)));
  }
  EXPECT_EQ(Said(), 0u);
  EXPECT_LT(taken(), 200'000) << "and given back, but for what a path has anyway";
}

}  // namespace
}  // namespace edgetwin::history
