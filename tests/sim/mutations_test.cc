// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/mutations.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/sim/accidents.h"
#include "tests/sim/seeds.h"
#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

MutationReport Mutate(std::string_view guard) {
  ConfigureSqlite();
  const auto reports = RunMutations(guard, 20, 1, [](const MutationReport&) {});
  return reports.empty() ? MutationReport() : reports.front();
}

// What the simulator was asked to be able to switch off.
TEST(MutationsTest, EveryGuardThatMustHaveASwitchHasOne) {
  for (const std::string_view name : {"watermark_atomic_with_rows",
                                      "from_within_watermark",
                                      "dot_comparison",
                                      "stale_epoch",
                                      "epoch_counter",
                                      "epoch_token",
                                      "lineage_ancestor",
                                      "seq_limit_reservation",
                                      "inc_draw",
                                      "incumbent_probe",
                                      "dictionary_chain",
                                      "scope_in",
                                      "scope_tagged_digest",
                                      "digest_check",
                                      "sketch_salt",
                                      "digest_after_healing",
                                      "commit_before_promise",
                                      "command_id_before_effect",
                                      "command_epoch",
                                      "read_back_before_rewrite",
                                      "override_remaining",
                                      "quarantine",
                                      "retransmission",
                                      "ordinal_intervals",
                                      "queue_cap",
                                      "local_only_barrier"}) {
    EXPECT_TRUE(FindGuard(name)) << name;
  }
}

TEST(MutationsTest, EveryGuardHasANameOfItsOwn) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kGuards; ++i) {
    const auto guard = static_cast<Guard>(i);
    EXPECT_EQ(FindGuard(ToString(guard)), guard);
    names.emplace(ToString(guard));
  }
  EXPECT_EQ(names.size(), kGuards);
}

TEST(MutationsTest, SamplesThatAreAcknowledgedByAWatermarkAreMissed) {
  EXPECT_EQ(Mutate("ordinal_intervals").invariant, 11);
}

TEST(MutationsTest, AGuardIsOnAgainAfterItsMutation) {
  EXPECT_EQ(Mutate("queue_cap").invariant, 12);
  EXPECT_TRUE(On(Guard::kQueueCap));
}

class AccidentTest : public testing::TestWithParam<std::string_view> {};

TEST_P(AccidentTest, TheStoryHolds) {
  ConfigureSqlite();
  Choice choice;
  choice.profile = GetParam();
  choice.story_only = true;
  const Summary summary = RunSeeds(1, 2, choice, 1, [](const Summary::Failure& failure) {
    ADD_FAILURE() << "seed " << failure.seed << ": I" << failure.invariant << ": " << failure.text;
  });
  EXPECT_EQ(summary.seeds, 2u);
  EXPECT_EQ(summary.violations, 0u);
}

// Else it would tell of something else than it says.
TEST_P(AccidentTest, TheStoryIsTheOneThatSomeGuardIsThereFor) {
  std::size_t needed = 0;
  for (std::size_t i = 0; i < kGuards && needed == 0; ++i) {
    const auto guard = static_cast<Guard>(i);
    if (ProfileOf(guard) != GetParam()) continue;
    const MutationReport report = Mutate(ToString(guard));
    EXPECT_FALSE(report.missed()) << ToString(guard) << " is missed";
    ++needed;
  }
  EXPECT_EQ(needed, 1u);
}

std::vector<std::string_view> AccidentNames() {
  std::vector<std::string_view> names;
  for (const Accident& accident : Accidents()) names.push_back(accident.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Each, AccidentTest, testing::ValuesIn(AccidentNames()),
                         [](const testing::TestParamInfo<std::string_view>& each) {
                           return std::string(each.param);
                         });

}  // namespace
}  // namespace edgetwin::sim
