// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/classify.h"

#include <algorithm>

#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Stream;

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

std::uint64_t Promised(const Watermarks& marks) {
  return std::max(marks[At(Stream::kControl)], marks[At(Stream::kEvents)]);
}

// What the Hello's store had on flash when its opening number `i` ended, or has now.
std::uint64_t Kept(const Hello& hello, std::size_t i) {
  return i + 1 == hello.lineage.size() ? Promised(hello.durable) : hello.lineage[i].kept;
}

// Behind what the cloud issued, and not because its Welcome was lost.
bool Stale(const KnownDevice& known, const Hello& hello, bool holds_newest) {
  if (!On(Guard::kStaleEpoch)) return false;
  if (hello.epoch.counter == 0 || holds_newest) return false;
  if (hello.epoch.counter < known.epoch.counter) return true;
  return On(Guard::kEpochToken) && hello.epoch.counter == known.epoch.counter &&
         !(hello.epoch == known.epoch);
}

// The seq up to which the two stores are one: by their latest common opening.
std::uint64_t CommonSeq(const KnownDevice& known, const Hello& hello) {
  for (std::size_t i = hello.lineage.size(); i-- > 0;) {
    for (const model::Incarnation& ours : known.lineage) {
      if (ours.inc != hello.lineage[i].inc) continue;
      // The newest opening's limit has been raised since that Hello. An older one's successor may
      // have begun with less than this one did, from another image.
      const bool grew = &ours == &known.lineage.back();
      return grew ? Kept(hello, i) : std::min({Kept(hello, i), ours.limit, ours.kept});
    }
  }
  return 0;
}

}  // namespace

bool Contains(const model::Lineage& lineage, std::uint64_t inc) {
  return std::any_of(lineage.begin(), lineage.end(),
                     [inc](const model::Incarnation& entry) { return entry.inc == inc; });
}

bool Unheard(const model::Setback& setback, const Hello& hello) {
  return setback.floor != 0 || hello.epoch.counter < setback.epoch;
}

Verdict Classify(const KnownDevice& known, const Hello& hello) {
  if (known.admission == model::Admission::kDecommissioned)
    return {Standing::kRefused, 0, "it is decommissioned"};
  if (known.lineage.empty()) return {.standing = Standing::kFirst, .common = 0, .why = {}};
  const std::uint64_t newest = known.lineage.back().inc;
  const std::uint64_t opening = hello.lineage.back().inc;
  const bool holds_newest = Contains(hello.lineage, newest);
  if (known.admission == model::Admission::kNormal ||
      (known.admission == model::Admission::kNextClaimant && opening == newest)) {
    const auto given_up = [&known](const model::Incarnation& entry) {
      return std::ranges::count(known.superseded, entry.inc) != 0;
    };
    if (On(Guard::kSuperseded) && std::ranges::any_of(hello.lineage, given_up)) {
      return {.why = "its store was given up when an older copy of it took over"};
    }
    if (opening != newest && Contains(known.lineage, opening)) {
      return {.why = "a later opening of its store has been heard already"};
    }
    if (Stale(known, hello, holds_newest)) {
      return {.why =
                  "its epoch " + std::to_string(hello.epoch.counter) + " is not the current one"};
    }
  }
  Verdict verdict;
  verdict.common = CommonSeq(known, hello);
  // An opening keeps what it has. A Hello of it that says less was on its way for long.
  if (opening == newest) {
    verdict.standing = Standing::kSame;
    return verdict;
  }
  verdict.standing = Standing::kRestored;
  if (!holds_newest && On(Guard::kLineageAncestor)) return verdict;
  const auto entry = std::ranges::find(hello.lineage, newest, &model::Incarnation::inc);
  if (entry != hello.lineage.end()) {
    const auto index = static_cast<std::size_t>(entry - hello.lineage.begin());
    // One that was told that it was set back shows that it knows, unless a crash took it: then it
    // must hear it again.
    if (Promised(known.received) > Kept(hello, index)) return verdict;
    if (known.received[At(Stream::kState)] > entry->limit) return verdict;
    // The one that continues this opening has heard of it: this is an image from before.
    const bool pending = known.setback.floor != 0;
    if (On(Guard::kUnheardSetback) && !pending && Unheard(known.setback, hello)) return verdict;
  }
  verdict.standing = Standing::kContinues;
  return verdict;
}

}  // namespace edgetwin::sync
