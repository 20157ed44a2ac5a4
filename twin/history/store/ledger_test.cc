// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/ledger.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "twin/history/store/history_test_support.h"

namespace edgetwin::history {
namespace {

// A ledger behind a store that never fills.
class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    HistoryStore::Open(OptionsFor(folder_, 1)).value();
    Result<store::Database> db = store::Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    db_ = std::make_unique<store::Database>(std::move(*db));
  }
  Status Add(const Loss& loss, std::size_t records_max = 100) {
    return AddLosses(*db_, {&loss, 1}, records_max);
  }
  std::vector<Loss> All() { return ReadLosses(*db_).value(); }

  TestFolder folder_;
  std::unique_ptr<store::Database> db_;
};

Loss LossOf(PathId path, std::uint64_t first, std::uint64_t count, std::uint64_t inc = 1) {
  const auto start = static_cast<std::int64_t>(first);
  return {.path = path,
          .reason = LossReason::kBytesMax,
          .exact = true,
          .inc = inc,
          .first = first,
          .last = first + count - 1,
          .count = count,
          .from = At(start),
          .to = At(start + static_cast<std::int64_t>(count) - 1)};
}

TEST_F(LedgerTest, ContiguousRecordsOfOnePathAndReasonMerge) {
  ASSERT_TRUE(Add(LossOf(1, 0, 10)));
  ASSERT_TRUE(Add(LossOf(2, 10, 10)));
  ASSERT_TRUE(Add(LossOf(1, 10, 5)));
  EXPECT_EQ(All(), (std::vector{LossOf(1, 0, 15), LossOf(2, 10, 10)}));
}

TEST_F(LedgerTest, OtherReasonsBoundsAndGapsStayApart) {
  Loss other = LossOf(1, 10, 5);
  other.reason = LossReason::kAgeMax;
  Loss bound = LossOf(1, 10, 5);
  bound.exact = false;
  for (const Loss& loss : {LossOf(1, 0, 10), other, bound, LossOf(1, 11, 5)}) {
    ASSERT_TRUE(Add(loss));
  }
  EXPECT_EQ(All().size(), 4u);
}

TEST_F(LedgerTest, ARecordOverTwoOpeningsNamesNone) {
  ASSERT_TRUE(Add(LossOf(1, 0, 10, 7)));
  ASSERT_TRUE(Add(LossOf(1, 10, 10, 8)));
  EXPECT_EQ(All().front().inc, 0u);
  EXPECT_EQ(All().front().count, 20u);
}

TEST_F(LedgerTest, PastItsLimitItBecomesCoarserAndKeepsEveryCount) {
  std::uint64_t count = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const std::uint64_t lost = 1 + i % 3;
    ASSERT_TRUE(Add(LossOf(1 + i % 4, i * 10, lost), 20));
    count += lost;
    EXPECT_LE(All().size(), 20u);
  }
  std::uint64_t kept = 0;
  for (const Loss& loss : All()) kept += loss.count;
  EXPECT_EQ(kept, count);
  EXPECT_EQ(All().back().first, 4'990u) << "the newest are kept as they are";
}

TEST_F(LedgerTest, WithMorePathsThanItsLimitThereIsOneRecordForEach) {
  for (std::uint32_t i = 0; i < 60; ++i) ASSERT_TRUE(Add(LossOf(1 + i % 30, i * 10, 1), 20));
  EXPECT_EQ(All().size(), 30u);
  for (const Loss& loss : All()) EXPECT_EQ(loss.count, 2u);
}

TEST_F(LedgerTest, ADamagedRecordIsCorrupt) {
  ASSERT_TRUE(Add(LossOf(1, 0, 10)));
  for (const char* damage : {"UPDATE loss SET count = 11", "UPDATE loss SET count = 0",
                             "UPDATE loss SET count = 1, reason = 8",
                             "UPDATE loss SET reason = 1, last = -1, first = -2, exact = 2"}) {
    ASSERT_TRUE(db_->Exec(damage)) << damage;
    const auto read = ReadLosses(*db_);
    ASSERT_FALSE(read) << damage;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace edgetwin::history
