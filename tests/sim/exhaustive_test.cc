// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/exhaustive.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

// Once a process, before all else of SQLite.
void Configure() {
  static const bool kOnce = [] {
    ConfigureSqlite();
    return true;
  }();
  (void)kOnce;
}

void TellNothing(const CrashReport::Failure&) {}

CrashReport RunDesired(std::uint64_t seed, std::uint64_t every) {
  Configure();
  CrashChoice choice;
  choice.scenario = "desired";
  choice.first_seed = choice.last_seed = seed;
  choice.every = every;
  return RunExhaustive(choice, TellNothing);
}

std::string Told(std::uint64_t seed, const std::string& text) {
  Configure();
  const auto point = CrashPoint::Parse(text);
  std::ostringstream told;
  return point && ReplayCrash("desired", seed, *point, told) ? told.str() : std::string();
}

TEST(CrashPointTest, ReadsWhatItWrites) {
  for (const char* text : {"device:57:keep", "device1:3:torn_last", "cloud:4:lose+again"}) {
    const auto point = CrashPoint::Parse(text);
    ASSERT_TRUE(point) << text;
    EXPECT_EQ(point->text(), text);
  }
}

TEST(CrashPointTest, RefusesWhatNamesNoPoint) {
  for (const char* text : {"", "device", "device:57", "device:x:keep",
                           "device:57:", "device:57:kept", "device:57:keep+", "device:-1:keep"}) {
    EXPECT_FALSE(CrashPoint::Parse(text)) << text;
  }
}

TEST(ExhaustiveTest, EachSeedTellsAnotherStory) {
  std::set<std::uint64_t> calls;
  for (const std::uint64_t seed : {1, 2, 3, 4})
    calls.insert(RunDesired(seed, 1'000'000).parts["desired"].calls);
  EXPECT_EQ(calls.size(), 4u);
}

TEST(ExhaustiveTest, TheFirstSeedTriesEveryFateAndLeavesOutWhatComesToTheSame) {
  const CrashReport report = RunDesired(1, 10);
  EXPECT_EQ(report.variants.size(), 6u);
  const CrashReport::Part& part = report.parts.at("desired");
  EXPECT_GT(part.crash_points, 0u);
  EXPECT_LT(part.crash_points, part.calls / 10 * 6);
  EXPECT_EQ(report.violations, 0u);
}

TEST(ExhaustiveTest, ACrashPointIsTheSameEachTimeItIsTold) {
  const std::string first = Told(2, "device:80:tear");
  EXPECT_NE(first.find("loses power"), std::string::npos);
  EXPECT_EQ(Told(2, "device:80:tear"), first);
  EXPECT_NE(Told(2, "device:81:tear"), first);
  EXPECT_EQ(Told(2, "device:999999:tear"), "");
}

}  // namespace
}  // namespace edgetwin::sim
