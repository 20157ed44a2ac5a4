// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/mutations.h"

#include <algorithm>
#include <array>

#include "tests/sim/isolation.h"
#include "tests/sim/seeds.h"

namespace edgetwin::sim {
namespace {

struct Row {
  Guard guard;
  std::string_view name;
  // Where it matters most, an accident or a profile: tried first, then all others by turns.
  std::string_view profile;
  // What has to be there before it can show; empty: all of it is.
  std::string_view waits_for = {};
};

constexpr std::array<Row, kGuards> kRows = {{
    {Guard::kWatermarkAtomicWithRows, "watermark_atomic_with_rows", "crashy"},
    {Guard::kFromWithinWatermark, "from_within_watermark", "lossy"},
    {Guard::kDotComparison, "dot_comparison", "lossy"},
    {Guard::kStaleEpoch, "stale_epoch", "old_image_again"},
    {Guard::kEpochCounter, "epoch_counter", "cloud_behind"},
    {Guard::kEpochToken, "epoch_token", "epoch_given_twice"},
    {Guard::kLineageAncestor, "lineage_ancestor", "rollback"},
    {Guard::kUnheardSetback, "unheard_setback", "image_from_before"},
    {Guard::kSuperseded, "superseded", "branch_from_ahead"},
    {Guard::kPeerSession, "peer_session", "second_cloud"},
    {Guard::kSeqLimitReservation, "seq_limit_reservation", "out_of_numbers"},
    {Guard::kIncDraw, "inc_draw", "clones"},
    {Guard::kIncumbentProbe, "incumbent_probe", "clones"},
    {Guard::kHelloDeltaJudged, "hello_delta_judged", "branch_from_outside"},
    {Guard::kDictionaryChain, "dictionary_chain", "schema"},
    {Guard::kScopeIn, "scope_in", "schema"},
    {Guard::kScopeTaggedDigest, "scope_tagged_digest", "interests_on_a_bad_link"},
    {Guard::kDigestCheck, "digest_check", "rot"},
    {Guard::kSketchSalt, "sketch_salt", "same_hash_unsalted"},
    {Guard::kDigestAfterHealing, "digest_after_healing", "same_hash_next_time"},
    {Guard::kCommitBeforePromise, "commit_before_promise", "crashy"},
    {Guard::kCommandIdBeforeEffect, "command_id_before_effect", "commands"},
    {Guard::kCommandEpoch, "command_epoch", "late_command"},
    {Guard::kReadBackBeforeRewrite, "read_back_before_rewrite", "commands"},
    {Guard::kOverrideRemaining, "override_remaining", "hold_over_power_loss"},
    {Guard::kQuarantine, "quarantine", "schema"},
    {Guard::kRetransmission, "retransmission", "lossy"},
    {Guard::kOrdinalIntervals, "ordinal_intervals", "history"},
    {Guard::kQueueCap, "queue_cap", "diskfault"},
    {Guard::kLocalOnlyBarrier, "local_only_barrier", "schema"},
}};

static_assert(std::ranges::all_of(kRows, [](const Row& row) { return !row.name.empty(); }),
              "a guard is missing here");

const Row& RowOf(Guard guard) {
  return *std::ranges::find(kRows, guard, &Row::guard);
}

// A seed that fails without the mutation, too, proves nothing.
bool HoldsUnmutated(Guard guard, const WorldOptions& options) {
  bool& off = guards_off[static_cast<std::size_t>(guard)];
  off = false;
  bool holds = false;
  Isolated isolated(1);
  isolated.Run([&options] { return RunWorld(options); },
               [&holds](const Isolated::Outcome& outcome) {
                 holds = outcome.died.empty() && outcome.result.violations.empty();
               });
  isolated.Wait();
  off = true;
  return holds;
}

MutationReport Try(const Row& row, std::uint64_t seeds_max, std::size_t at_once) {
  MutationReport report;
  report.guard = row.guard;
  report.waits_for = row.waits_for;
  if (!row.waits_for.empty()) return report;
  guards_off[static_cast<std::size_t>(row.guard)] = true;
  {
    Isolated isolated(at_once);
    for (std::uint64_t seed = 1; seed <= seeds_max && report.invariant == 0; ++seed) {
      Choice choice;
      // Its own profile and the others by turns.
      if (seed % 2 == 1) choice.profile = std::string(row.profile);
      choice.story_only = true;
      const auto options = MakeOptions(seed, choice);
      if (!options) continue;
      isolated.Run([&options] { return RunWorld(*options); },
                   [&report, seed, world = *options](const Isolated::Outcome& outcome) {
                     if (report.invariant != 0) return;
                     ++report.seeds;
                     report.died += outcome.died.empty() ? 0 : 1;
                     if (!outcome.died.empty() || outcome.result.violations.empty()) return;
                     if (!HoldsUnmutated(report.guard, world)) {
                       ++report.skipped;
                       return;
                     }
                     report.invariant = outcome.result.violations.front().invariant;
                     report.text = outcome.result.violations.front().text;
                     report.seed = seed;
                     report.profile = std::string(world.accident == nullptr ? world.profile.name
                                                                            : world.accident->name);
                   });
    }
    isolated.Wait();
  }
  guards_off[static_cast<std::size_t>(row.guard)] = false;
  return report;
}

}  // namespace

std::string_view ToString(Guard guard) {
  return RowOf(guard).name;
}

std::string_view ProfileOf(Guard guard) {
  return RowOf(guard).profile;
}

std::optional<Guard> FindGuard(std::string_view name) {
  const auto found = std::ranges::find(kRows, name, &Row::name);
  return found == kRows.end() ? std::nullopt : std::optional(found->guard);
}

std::vector<MutationReport> RunMutations(std::string_view only, std::uint64_t seeds_max,
                                         std::size_t at_once,
                                         const std::function<void(const MutationReport&)>& done) {
  std::vector<MutationReport> reports;
  for (const Row& row : kRows) {
    if (!only.empty() && row.name != only) continue;
    reports.push_back(Try(row, seeds_max, at_once));
    done(reports.back());
  }
  return reports;
}

}  // namespace edgetwin::sim
