// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/breaker.h"

#include <gtest/gtest.h>

#include <set>

namespace edgetwin::driver {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

class BreakerTest : public testing::Test {
 protected:
  void Open(Breaker& breaker) {
    for (int i = 0; i < 3; ++i) breaker.Failed(clock_.Now());
    ASSERT_EQ(breaker.state(), Breaker::State::kOpen);
  }

  ManualClock clock_;
  BreakerOptions options_{.failures_max = 3, .backoff_min = seconds(1), .backoff_max = seconds(60)};
};

TEST_F(BreakerTest, OpensAfterThreeFailuresInARowAndSaysSoOnce) {
  Breaker breaker(options_, 1);
  EXPECT_FALSE(breaker.Failed(clock_.Now()));
  EXPECT_FALSE(breaker.Failed(clock_.Now()));
  EXPECT_TRUE(breaker.Allow(clock_.Now()));
  EXPECT_TRUE(breaker.Failed(clock_.Now()));
  EXPECT_FALSE(breaker.Allow(clock_.Now()));
  clock_.Advance(seconds(61));
  ASSERT_TRUE(breaker.Allow(clock_.Now()));
  EXPECT_FALSE(breaker.Failed(clock_.Now()));
}

TEST_F(BreakerTest, ASuccessInBetweenStartsTheCountAnew) {
  Breaker breaker(options_, 1);
  breaker.Failed(clock_.Now());
  breaker.Failed(clock_.Now());
  breaker.Succeeded();
  breaker.Failed(clock_.Now());
  breaker.Failed(clock_.Now());
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
}

TEST_F(BreakerTest, AllowsNothingBeforeNextTryAndThenExactlyOneProbe) {
  Breaker breaker(options_, 7);
  Open(breaker);
  clock_.Advance(breaker.next_try() - clock_.Now() - microseconds(1));
  EXPECT_FALSE(breaker.Allow(clock_.Now()));
  clock_.Advance(microseconds(1));
  EXPECT_TRUE(breaker.Allow(clock_.Now()));
  EXPECT_EQ(breaker.state(), Breaker::State::kHalfOpen);
  EXPECT_FALSE(breaker.Allow(clock_.Now()));
  clock_.Advance(seconds(600));
  EXPECT_FALSE(breaker.Allow(clock_.Now()));
}

TEST_F(BreakerTest, AProbeThatSucceedsClosesIt) {
  Breaker breaker(options_, 7);
  Open(breaker);
  clock_.Advance(seconds(61));
  ASSERT_TRUE(breaker.Allow(clock_.Now()));
  breaker.Succeeded();
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
  EXPECT_TRUE(breaker.Allow(clock_.Now()));
  EXPECT_EQ(breaker.failures(), 0);
}

TEST_F(BreakerTest, TheWaitIsAtLeastThePeriodGrowsAndStaysUnderTheMaximum) {
  microseconds longest{0};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Breaker breaker(options_, seed);
    Open(breaker);
    EXPECT_LE(breaker.next_try() - clock_.Now(), seconds(2));  // Twice the period at first.
    for (int probe = 0; probe < 12; ++probe) {
      const microseconds wait = breaker.next_try() - clock_.Now();
      EXPECT_GE(wait, seconds(1));
      EXPECT_LE(wait, seconds(60));
      longest = std::max(longest, wait);
      clock_.Advance(wait);
      ASSERT_TRUE(breaker.Allow(clock_.Now()));
      breaker.Failed(clock_.Now());
    }
  }
  EXPECT_GT(longest, seconds(50));
}

TEST_F(BreakerTest, DifferentSeedsDoNotProbeTogether) {
  std::set<std::int64_t> waits;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Breaker breaker(options_, seed);
    Open(breaker);
    waits.insert((breaker.next_try() - clock_.Now()).count());
  }
  EXPECT_GT(waits.size(), 45u);
}

TEST_F(BreakerTest, APeriodLongerThanTheMaximumIsTheWait) {
  options_.backoff_min = seconds(300);
  Breaker breaker(options_, 3);
  Open(breaker);
  EXPECT_EQ(breaker.next_try() - clock_.Now(), seconds(300));
}

}  // namespace
}  // namespace edgetwin::driver
