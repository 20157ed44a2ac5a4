// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/backoff.h"

#include <gtest/gtest.h>

#include <vector>

namespace edgetwin::mqtt {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, DoublesItsCeilingToTheMaximumUntilReset) {
  std::vector<std::uint64_t> asked;
  Backoff backoff(milliseconds(500), milliseconds(3000), [&](std::uint64_t below) {
    asked.push_back(below);
    return below - 1;
  });
  for (const int expected : {500, 1000, 2000, 3000, 3000}) {
    EXPECT_EQ(backoff.Next(), milliseconds(expected));
  }
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(500));
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{501, 1001, 2001, 3001, 3001, 501}));
  EXPECT_EQ(backoff.Report("pause_ms").hits, 2u);
}

TEST(BackoffTest, MayBeZeroThroughJitter) {
  Backoff backoff(milliseconds(500), milliseconds(3000), [](std::uint64_t) { return 0; });
  EXPECT_EQ(backoff.Next(), milliseconds(0));
}

}  // namespace
}  // namespace edgetwin::mqtt
