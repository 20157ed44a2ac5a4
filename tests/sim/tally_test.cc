// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/sim/longform.h"
#include "tests/sim/profile.h"
#include "tests/sim/report.h"
#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class TallyTest : public testing::Test {
 protected:
  TallyTest() : path_(testing::TempDir() + "/" + Name() + ".jsonl") { std::remove(path_.c_str()); }
  ~TallyTest() override { std::remove(path_.c_str()); }

  static std::string Name() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void Write(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

  static std::string LossyLine(std::uint64_t first, std::uint64_t last) {
    Summary summary;
    summary.by_profile.resize(Profiles().size());
    summary.seeds = last - first + 1;
    summary.seeds_counted = summary.seeds - 1;
    summary.sum.checks[9] = summary.seeds;
    summary.sum.happened[static_cast<std::size_t>(Happening::kCut)] = 5;
    return BatchLine({"lossy", first, last}, "abc", ToJson(summary, 1, 2));
  }

  const std::string path_;
};

TEST_F(TallyTest, SumsBatchesAndGoesOnAfterTheLast) {
  Write(LossyLine(1, 10) + LossyLine(11, 30));
  const auto tally = ReadTally(path_);
  ASSERT_TRUE(tally) << tally.error().text;
  const Tally::Part& part = tally->PartOf("lossy");
  EXPECT_EQ(part.seeds, 30u);
  EXPECT_EQ(part.last_seed, 30u);
  EXPECT_EQ(tally->seeds_counted(), 28u);
  EXPECT_EQ(part.checks.at("I9"), 30u);
  EXPECT_EQ(part.faults.at("cut"), 10u);
  EXPECT_EQ(part.cpu_s, 4);
}

TEST_F(TallyTest, ABatchThatWasCutCountsAsNothing) {
  const std::string second = LossyLine(11, 30);
  Write(LossyLine(1, 10) + second.substr(0, second.size() / 2));
  EXPECT_EQ(ReadTally(path_)->PartOf("lossy").seeds, 10u);
  Write("\n" + second);
  const auto tally = ReadTally(path_);
  ASSERT_TRUE(tally) << tally.error().text;
  EXPECT_EQ(tally->PartOf("lossy").seeds, 30u);
  EXPECT_EQ(tally->cut, 1u);
}

TEST_F(TallyTest, RefusesSeedsThatCountTwiceOrWereLeftOut) {
  Write(LossyLine(1, 10) + LossyLine(10, 30));
  const auto twice = ReadTally(path_);
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().text, HasSubstr("line 2"));
  std::remove(path_.c_str());
  Write(LossyLine(2, 10));
  EXPECT_FALSE(ReadTally(path_));
}

TEST_F(TallyTest, SaysWhatWasNeverCheckedAndNeverHappened) {
  Write(LossyLine(1, 10));
  const std::vector<std::string> missing = ReadTally(path_)->Missing();
  EXPECT_THAT(missing, Contains("lossy: no check of I1"));
  EXPECT_THAT(missing, Not(Contains("lossy: no check of I9")));
  EXPECT_THAT(missing, Not(Contains("lossy: no check of I13"))) << "no wall clock jumps there";
  EXPECT_THAT(missing, Contains("lossy: no partition"));
  EXPECT_THAT(missing, Not(Contains("lossy: no cut")));
  EXPECT_THAT(missing, Contains("crashy has not run"));
  EXPECT_THAT(missing, Contains("no crash point of desired"));
}

TEST_F(TallyTest, ALongRunFillsTheLedgerWithWholeBatches) {
  ConfigureSqlite();
  LongOptions options;
  options.ledger = path_;
  options.length = std::chrono::seconds(1);
  std::ostringstream progress;
  const Status done = RunLong(options, progress);
  ASSERT_TRUE(done) << done.error().text;
  const auto tally = ReadTally(path_);
  ASSERT_TRUE(tally) << tally.error().text;
  EXPECT_GT(tally->crashes.crash_points + tally->seeds_counted(), 0u);
  EXPECT_EQ(tally->cut, 0u);
  EXPECT_THAT(progress.str(), HasSubstr("1.."));
}

}  // namespace
}  // namespace edgetwin::sim
