// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/exhaustive.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "tests/sim/isolation.h"

namespace edgetwin::sim {
namespace {

constexpr std::string_view kAgain = "+again";
constexpr std::size_t kVariantsPerCall = 2;
// Copies live for milliseconds: so many more than asked for wait, so that no processor does.
constexpr std::size_t kCopiesWaiting = 2;
constexpr std::uint64_t kAgainPpm = 200'000;

struct Variant {
  std::string_view name;
  PowerLoss how;
};
constexpr std::array kVariants = {
    Variant{"lose", PowerLoss::kLoseAll},       Variant{"keep", PowerLoss::kKeepAll},
    Variant{"torn_last", PowerLoss::kTornLast}, Variant{"tear", PowerLoss::kTear},
    Variant{"subset", PowerLoss::kSubset},      Variant{"reorder", PowerLoss::kReorder}};

// Of kVariants, how many differ from those before them.
std::size_t Differing(const DiskState& disk) {
  std::size_t changes_max = 0;  // Of one file.
  for (const auto& [id, file] : disk.files)
    changes_max = std::max(changes_max, file.unsynced.size());
  if (changes_max > 1) return kVariants.size();
  if (changes_max == 1) return 3;
  return disk.names_unsynced.empty() ? 1 : 2;
}

// What a crash does to the world: called in the copy, at the call.
void Arm(World& world, Machine& machine, const CrashPoint& point) {
  const std::string_view name = point.variant;
  const bool again = name.ends_with(kAgain);
  const std::string_view first = again ? name.substr(0, name.size() - kAgain.size()) : name;
  const auto variant = std::ranges::find(kVariants, first, &Variant::name);
  if (variant != kVariants.end()) world.SetPowerLoss(variant->how);
  // In its recovery, or shortly after.
  if (again) machine.StopInCall(1 + point.call % 9);
}

std::string NameOf(const Device& device) {
  return device.number() == 0 ? "device" : "device" + std::to_string(device.number());
}

// A scenario as a seed tells it.
class Story {
 public:
  Story(const Scenario& scenario, std::uint64_t seed, std::ostream* trace)
      : scenario_(scenario), teller_(seed, scenario.name), world_([&] {
          WorldOptions options = teller_.Options();
          options.trace = trace;
          return options;
        }()) {}

  // `probed`: at each call of a disk in the part that matters.
  using Probed =
      std::function<DiskAnswer(const std::string& name, Machine& machine, std::uint64_t)>;
  void Run(const Probed& probed) {
    const auto watch = [&probed](const std::string& name, Machine& machine) {
      machine.SetProbe([&probed, name, &machine](DiskCall, std::string_view, std::uint64_t number) {
        return probed(name, machine, number);
      });
    };
    scenario_.prepare(world_, teller_);
    for (std::size_t i = 0; i < world_.machines(); ++i) {
      watch(NameOf(world_.device(i)), world_.device(i).machine());
    }
    watch("cloud", world_.cloud().machine());
    world_.SetMachineAdded([&watch](Device& device) { watch(NameOf(device), device.machine()); });
    scenario_.play(world_, teller_);
    world_.SetMachineAdded({});
    for (std::size_t i = 0; i < world_.machines(); ++i) world_.device(i).machine().SetProbe({});
    world_.cloud().machine().SetProbe({});
    world_.Calm();
    if (world_.Settle()) world_.CheckAtRest();
  }

  World& world() { return world_; }

 private:
  const Scenario& scenario_;
  Teller teller_;
  World world_;
};

// One scenario of one seed, with its crashes.
class Crashes {
 public:
  Crashes(const Scenario& scenario, std::uint64_t seed, const CrashChoice& choice,
          Isolated& isolated, CrashReport& report,
          const std::function<void(const CrashReport::Failure&)>& failed)
      : scenario_(scenario.name),
        seed_(seed),
        every_(choice.every),
        isolated_(isolated),
        report_(report),
        failed_(failed),
        chance_(Random(seed).Fork(77)),
        story_(scenario, seed, nullptr) {}

  void Run() {
    story_.Run([this](const std::string& name, Machine& machine, std::uint64_t number) {
      return copy_ ? DiskAnswer::kOk : Probed(name, machine, number);
    });
    if (copy_) isolated_.Finish(story_.world().result());
    Isolated::Outcome whole;
    whole.result = story_.world().result();
    Judge(whole, {"none", 0, "none"});
  }

 private:
  CrashReport::Part& part() { return report_.parts[scenario_]; }

  DiskAnswer Probed(const std::string& name, Machine& machine, std::uint64_t number) {
    ++part().calls;
    // Drawn for each call, so that leaving calls out changes nothing at the others.
    std::array<std::size_t, kVariants.size()> order{};
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const std::size_t differing = Differing(machine.disk().state());
    const bool plain = seed_ == 1;
    for (std::size_t i = differing; i > 1 && !plain; --i) {
      std::swap(order[i - 1], order[static_cast<std::size_t>(chance_.Below(i))]);
    }
    const bool again = !plain && chance_.Chance(kAgainPpm);
    // With each seed, other calls.
    if ((++calls_ + seed_) % every_ != 0) return DiskAnswer::kOk;
    const std::size_t tried = plain ? differing : std::min(differing, kVariantsPerCall);
    for (std::size_t i = 0; i < tried; ++i) {
      CrashPoint point{name, number, std::string(kVariants[order[i]].name)};
      if (again) point.variant += kAgain;
      copy_ = isolated_.Fork([this, point](const Isolated::Outcome& outcome) {
        ++part().crash_points;
        ++report_.crash_points;
        ++report_.variants[point.variant];
        Judge(outcome, point);
      });
      if (!copy_) continue;
      Arm(story_.world(), machine, point);
      return DiskAnswer::kCrash;
    }
    return DiskAnswer::kOk;
  }

  void Judge(const Isolated::Outcome& outcome, const CrashPoint& point) {
    for (std::size_t i = 0; i <= kInvariants; ++i) report_.checks[i] += outcome.result.checks[i];
    if (outcome.died.empty() && outcome.result.violations.empty()) return;
    ++report_.violations;
    ++part().violations;
    CrashReport::Failure failure{scenario_, seed_, point, 0, outcome.died};
    if (outcome.died.empty()) {
      failure.invariant = outcome.result.violations.front().invariant;
      failure.text = outcome.result.violations.front().text;
    }
    report_.failures.push_back(failure);
    failed_(failure);
  }

  const std::string scenario_;
  const std::uint64_t seed_;
  const std::uint64_t every_;
  Isolated& isolated_;
  CrashReport& report_;
  const std::function<void(const CrashReport::Failure&)>& failed_;
  Random chance_;
  Story story_;
  std::uint64_t calls_ = 0;
  bool copy_ = false;  // This process is one, and has had its crash.
};

}  // namespace

std::optional<CrashPoint> CrashPoint::Parse(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return {};
  CrashPoint point;
  point.machine = text.substr(0, first);
  point.variant = text.substr(second + 1);
  const std::string_view call = text.substr(first + 1, second - first - 1);
  const auto [end, error] = std::from_chars(call.data(), call.data() + call.size(), point.call);
  if (error != std::errc() || end != call.data() + call.size()) return {};
  const std::string_view name = point.variant;
  const auto known = [name](const Variant& variant) {
    return name == variant.name ||
           (name.starts_with(variant.name) && name.substr(variant.name.size()) == kAgain);
  };
  if (std::ranges::none_of(kVariants, known)) return {};
  return point;
}

std::string CrashPoint::text() const {
  return machine + ":" + std::to_string(call) + ":" + variant;
}

CrashReport RunExhaustive(const CrashChoice& choice,
                          const std::function<void(const CrashReport::Failure&)>& failed) {
  CrashReport report;
  for (std::uint64_t seed = choice.first_seed; seed <= choice.last_seed; ++seed) {
    for (const Scenario& each : Scenarios()) {
      if (!choice.scenario.empty() && each.name != choice.scenario) continue;
      Isolated isolated(choice.at_once + kCopiesWaiting);
      Crashes crashes(each, seed, choice, isolated, report, failed);
      crashes.Run();
      isolated.Wait();
    }
    ++report.seeds;
  }
  return report;
}

std::optional<WorldResult> ReplayCrash(std::string_view scenario, std::uint64_t seed,
                                       const CrashPoint& point, std::ostream& trace) {
  const auto known = std::ranges::find(Scenarios(), scenario, &Scenario::name);
  if (known == Scenarios().end()) return {};
  Story story(*known, seed, &trace);
  bool crashed = false;
  story.Run([&](const std::string& name, Machine& machine, std::uint64_t number) {
    if (crashed || name != point.machine || number != point.call) return DiskAnswer::kOk;
    crashed = true;
    Arm(story.world(), machine, point);
    return DiskAnswer::kCrash;
  });
  if (!crashed) return {};
  return story.world().result();
}

}  // namespace edgetwin::sim
