// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/past.h"

#include <functional>
#include <utility>

#include "twin/history/block.h"

namespace edgetwin::sim {
namespace {

std::uint64_t ContentOf(const model::Sample& sample) {
  return std::hash<std::string>()(
      model::ToJson(sample.value) + " " + std::to_string(sample.time.time_since_epoch().count()) +
      " " + std::string(ToString(sample.quality)) + (sample.unsynced ? " unsynced" : ""));
}

// What the machine's ledger covers, by path.
using Covered = std::map<std::string, sync::OrdinalSet>;

Covered CoveredBy(history::HistoryStore& store) {
  Covered covered;
  const auto losses = store.Losses();
  if (!losses) return covered;
  for (const history::Loss& loss : *losses) {
    // What was evicted because the cloud has it must be there.
    if (loss.reason == history::LossReason::kDelivered) continue;
    covered[store.paths().at(loss.path - 1).path].Add(loss.first, loss.last);
  }
  return covered;
}

}  // namespace

void Past::Committed(std::size_t machine, std::uint64_t inc, const std::string& path,
                     const history::BlockRecord& block, bool surely) {
  const auto decoded = history::DecodeBlock(block.bytes);
  if (!decoded) return;
  std::uint64_t ordinal = decoded->first_ordinal;
  for (const model::Sample& sample : decoded->samples) {
    Sample& known = samples_[{path, ordinal++, inc}];
    known.content = ContentOf(sample);
    if (surely) known.machines.insert(machine);
  }
}

// By content: the same ordinals may have been given in several openings.
void Past::Kept(std::size_t machine, const std::string& path, const history::BlockRecord& block) {
  const auto decoded = history::DecodeBlock(block.bytes);
  if (!decoded) return;
  std::uint64_t ordinal = decoded->first_ordinal;
  for (const model::Sample& sample : decoded->samples) {
    const std::uint64_t content = ContentOf(sample);
    for (auto at = samples_.lower_bound({path, ordinal, 0});
         at != samples_.end() && std::get<0>(at->first) == path &&
         std::get<1>(at->first) == ordinal;
         ++at) {
      if (at->second.content == content) at->second.machines.insert(machine);
    }
    ++ordinal;
  }
}

void Past::Forget(std::size_t machine) {
  for (auto& [name, sample] : samples_) sample.machines.erase(machine);
}

void Past::Check(std::size_t machine, history::HistoryStore& store, cloud::CloudHistory& cloud,
                 const std::string& device, Invariants& invariants) const {
  std::set<Name> there;
  const auto audit = cloud.Audit(device);
  invariants.Expect(11, audit.has_value(), [&] { return "no audit: " + audit.error().text; });
  if (!audit) return;
  for (const cloud::HistoryHolding& holding : *audit) {
    invariants.Expect(11, holding.AddsUp(), [&] {
      return device + ": the cloud has taken " + std::to_string(holding.taken) + " samples of " +
             holding.path + ", and has " + std::to_string(holding.stored);
    });
    const auto take = [&](const history::BlockRecord& block, std::uint64_t inc) {
      const auto decoded = history::DecodeBlock(block.bytes);
      if (!decoded) return false;
      std::uint64_t ordinal = decoded->first_ordinal;
      for (const model::Sample& sample : decoded->samples) {
        const Name name(holding.path, ordinal++, inc);
        const auto known = samples_.find(name);
        const std::string what =
            device + ": sample " + std::to_string(std::get<1>(name)) + " of " + holding.path;
        invariants.Expect(11, there.insert(name).second, what + " is in the cloud twice");
        const bool right = known != samples_.end() && known->second.content == ContentOf(sample);
        invariants.Expect(11, right, what + " in the cloud was never sampled so");
      }
      return true;
    };
    const Status read =
        cloud.ReadBlocks(device, holding.path, WallTime::min(), WallTime::max(), take);
    invariants.Expect(11, read.has_value(), [&] { return "no blocks: " + read.error().text; });
  }
  const Covered covered = CoveredBy(store);
  for (const auto& [name, sample] : samples_) {
    const auto& [path, ordinal, inc] = name;
    if (!sample.machines.contains(machine) || not_shared_.contains(path)) continue;
    const auto losses = covered.find(path);
    const bool accounted = losses != covered.end() && losses->second.Contains(ordinal, ordinal);
    invariants.Expect(11, there.contains(name) || accounted, [&, &at = path, number = ordinal] {
      return device + ": sample " + std::to_string(number) + " of " + at +
             " is neither in the cloud nor in the ledger";
    });
  }
  const auto own = store.Audit();
  for (std::size_t i = 0; own && i < own->size(); ++i) {
    invariants.Expect(11, (*own)[i].AddsUp(), [&] {
      return device + ": the device's audit of " + (*own)[i].path.path + " does not add up";
    });
  }
}

}  // namespace edgetwin::sim
