// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/seeds.h"

#include <algorithm>
#include <utility>

#include "tests/sim/accidents.h"
#include "tests/sim/isolation.h"

namespace edgetwin::sim {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr double kUsPerDay = 86'400e6;
constexpr microseconds kCountedLength = std::chrono::minutes(10);
constexpr std::uint64_t kCountedFaults = 20;

void Add(WorldResult& sum, const WorldResult& result) {
  for (std::size_t i = 0; i < kHappenings; ++i) sum.happened[i] += result.happened[i];
  for (std::size_t i = 0; i <= kInvariants; ++i) sum.checks[i] += result.checks[i];
  sum.violations_n += result.violations_n;
  sum.faults += result.faults;
  sum.idle_steps += result.idle_steps;
  NetworkCounts& network = sum.network;
  network.sent += result.network.sent;
  network.sent_bytes += result.network.sent_bytes;
  network.delivered += result.network.delivered;
  network.lost += result.network.lost;
  network.repeated += result.network.repeated;
  network.overtaken += result.network.overtaken;
  network.wills += result.network.wills;
  Disk::Counts& disks = sum.disks;
  for (std::size_t i = 0; i < kDiskCalls; ++i) disks.calls[i] += result.disks.calls[i];
  disks.bytes_written += result.disks.bytes_written;
  disks.io_errors += result.disks.io_errors;
  disks.full += result.disks.full;
  disks.power_losses += result.disks.power_losses;
  disks.unsynced.kept += result.disks.unsynced.kept;
  disks.unsynced.lost += result.disks.unsynced.lost;
  disks.unsynced.torn += result.disks.unsynced.torn;
}

std::size_t Index(Happening happening) {
  return static_cast<std::size_t>(happening);
}

// What wall clocks may not change: values, and what became of what was wanted.
void CompareWithoutJumps(const WorldOptions& options, WorldResult& result) {
  WorldOptions steady = options;
  steady.left_out.set(Index(Happening::kWallJump));
  // As many of the others.
  const WorldResult other = World(steady).Run();
  std::string differs;
  if (other.values.size() != result.values.size()) {
    differs = std::to_string(other.values.size()) + " rows without jumps, " +
              std::to_string(result.values.size()) + " with them";
  }
  for (const auto& [key, value] : other.values) {
    const auto found = result.values.find(key);
    ++result.checks[13];
    if (!differs.empty() || (found != result.values.end() && found->second == value)) continue;
    differs = key + " is " + (found == result.values.end() ? "nothing" : found->second) +
              ", and without jumps " + value;
  }
  if (differs.empty()) return;
  ++result.violations_n;
  result.violations.push_back({13, MonoTime(result.simulated), differs});
}

}  // namespace

bool Counts(const WorldResult& result) {
  return result.simulated * static_cast<int>(result.devices) >= kCountedLength &&
         result.faults >= kCountedFaults;
}

Result<WorldOptions> MakeOptions(std::uint64_t seed, const Choice& choice) {
  WorldOptions options;
  options.seed = seed;
  const Profile* profile = &Profiles()[seed % Profiles().size()];
  const Accident* accident = FindAccident(choice.profile);
  if (accident != nullptr) {
    profile = FindProfile("accidents");
  } else if (!choice.profile.empty()) {
    profile = FindProfile(choice.profile);
  }
  if (profile == nullptr) {
    std::string known;
    for (const Profile& each : Profiles()) known += " " + std::string(each.name);
    for (const Accident& each : Accidents()) known += " " + std::string(each.name);
    return Invalid("there is no profile '" + choice.profile + "'; there are" + known);
  }
  options.profile = *profile;
  if (accident == nullptr && profile->name == "accidents") {
    accident = &Accidents()[seed / Profiles().size() % Accidents().size()];
    if (!choice.profile.empty()) accident = &Accidents()[seed % Accidents().size()];
  }
  if (accident != nullptr) {
    options.accident = accident;
    options.profile.properties = accident->properties;
  }
  options.devices = choice.devices == 0 ? profile->devices : choice.devices;
  if (choice.hours > 0) {
    options.length = microseconds(static_cast<std::int64_t>(choice.hours * 3'600e6));
  }
  options.happenings_max = choice.happenings_max;
  for (const std::string& name : choice.without) {
    bool found = name == "network";
    if (found) options.profile.link = {};
    for (std::size_t i = 0; i < kHappenings; ++i) {
      if (ToString(static_cast<Happening>(i)) != name) continue;
      options.left_out.set(i);
      found = true;
    }
    if (!found) return Invalid("nothing that happens is called '" + name + "'");
  }
  if (!choice.without.empty() || choice.happenings_max != ~std::uint64_t{0}) {
    options.faults_min = 0;
  }
  if (choice.story_only && accident != nullptr) {
    options.faults_min = 0;
    options.length = microseconds(0);
  }
  return options;
}

WorldResult RunWorld(const WorldOptions& options) {
  WorldResult result = World(options).Run();
  const bool jumps = result.happened[Index(Happening::kWallJump)] != 0;
  // Where an end by the clock was asked for, jumps are to change what becomes of it.
  const bool ends = result.happened[Index(Happening::kDesiredUntil)] != 0 ||
                    result.happened[Index(Happening::kOverride)] != 0;
  if (jumps && !ends && result.violations_n == 0) CompareWithoutJumps(options, result);
  return result;
}

Summary RunSeeds(std::uint64_t first, std::uint64_t last, const Choice& choice, std::size_t at_once,
                 const std::function<void(const Summary::Failure&)>& failed) {
  Summary summary;
  summary.by_profile.resize(Profiles().size());
  Isolated isolated(at_once);
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto options = MakeOptions(seed, choice);
    if (!options) continue;  // The caller has tried one.
    const std::string profile(options->profile.name);
    isolated.Run([&options] { return RunWorld(*options); },
                 [&summary, &failed, seed, profile](const Isolated::Outcome& outcome) {
                   ++summary.seeds;
                   for (std::size_t i = 0; i < Profiles().size(); ++i) {
                     if (Profiles()[i].name == profile) ++summary.by_profile[i].first;
                   }
                   const WorldResult& result = outcome.result;
                   summary.seeds_counted += Counts(result) ? 1 : 0;
                   Add(summary.sum, result);
                   summary.device_days +=
                       static_cast<double>(result.simulated.count()) * result.devices / kUsPerDay;
                   summary.settling_max = std::max(summary.settling_max, result.settling);
                   summary.violations += result.violations_n;
                   Summary::Failure failure{seed, profile, 0, outcome.died};
                   if (outcome.died.empty() && result.violations.empty()) return;
                   if (outcome.died.empty()) {
                     failure.invariant = result.violations.front().invariant;
                     failure.text = result.violations.front().text;
                   } else {
                     ++summary.violations;
                   }
                   summary.failures.push_back(failure);
                   failed(failure);
                 });
  }
  isolated.Wait();
  return summary;
}

namespace {

// What a choice fails, 0 for a death; nothing when it doesn't.
std::optional<int> Fails(std::uint64_t seed, const Choice& choice) {
  const auto options = MakeOptions(seed, choice);
  if (!options) return {};
  std::optional<int> fails;
  Isolated isolated(1);
  isolated.Run([&options] { return RunWorld(*options); },
               [&fails](const Isolated::Outcome& outcome) {
                 if (!outcome.died.empty()) {
                   fails = 0;
                 } else if (!outcome.result.violations.empty()) {
                   fails = outcome.result.violations.front().invariant;
                 }
               });
  isolated.Wait();
  return fails;
}

}  // namespace

std::optional<Choice> Shrink(std::uint64_t seed, const Choice& choice, std::size_t,
                             std::ostream& told) {
  const auto whole = MakeOptions(seed, choice);
  const std::optional<int> fails = whole ? Fails(seed, choice) : std::nullopt;
  if (!fails) return {};
  Choice least = choice;
  least.profile = std::string(whole->profile.name);
  const auto still = [&](const Choice& smaller) { return Fails(seed, smaller) == fails; };
  const auto attempt = [&](Choice smaller, const std::string& what) {
    const bool fewer = still(smaller);
    told << (fewer ? "without " : "needs ") << what << '\n';
    if (fewer) least = std::move(smaller);
  };
  Choice perfect = least;
  perfect.without.push_back("network");
  attempt(std::move(perfect), "network");
  for (std::size_t i = 0; i < kHappenings; ++i) {
    if (whole->profile.every_s[i] == 0) continue;
    Choice smaller = least;
    const std::string name(ToString(static_cast<Happening>(i)));
    smaller.without.push_back(name);
    attempt(std::move(smaller), name);
  }
  // The fewest happenings, by halving: failing is not quite monotone in their number, so the result
  // is a minimum nearby.
  std::uint64_t low = 0;
  std::uint64_t high = 1'000;
  Choice all = least;
  all.happenings_max = high;
  if (still(all)) {
    while (low < high) {
      const std::uint64_t middle = (low + high) / 2;
      Choice fewer = least;
      fewer.happenings_max = middle;
      if (still(fewer)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    Choice fewest = least;
    fewest.happenings_max = high;
    if (still(fewest)) least = fewest;
    told << "after " << least.happenings_max << " happenings\n";
  }
  for (double hours = 1.0 / 6; hours > 0.01; hours *= 0.7) {
    Choice shorter = least;
    shorter.hours = hours;
    if (!still(shorter)) break;
    least = shorter;
  }
  return least;
}

}  // namespace edgetwin::sim
