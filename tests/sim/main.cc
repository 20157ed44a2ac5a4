// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-sim: the protocol with both real stores in a simulated world.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/sim/exhaustive.h"
#include "tests/sim/isolation.h"
#include "tests/sim/longform.h"
#include "tests/sim/report.h"
#include "tests/sim/seeds.h"
#include "tests/sim/tally.h"
#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

struct Arguments {
  std::string seeds;
  std::uint64_t replay = 0;
  std::uint64_t shrink = 0;
  std::string exhaustive;
  std::string point;
  std::string long_form;
  std::string tally;
  double minutes = 60;
  std::string mutations;
  std::uint64_t mutation_seeds = 200;
  std::uint64_t every = 1;
  std::size_t jobs = 0;
  std::string without_guard;
  bool profiles = false;
  bool json = false;
  Choice choice;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The commit that reproduces a seed; EDGETWIN_COMMIT is the build's.
std::string How(std::uint64_t seed, const std::string& profile) {
  return "edgetwin-sim --replay " + std::to_string(seed) + " --profile " + profile + "  (commit " +
         EDGETWIN_COMMIT + ")";
}

std::string Invariant(int number) {
  if (number == 0) return "died";
  return "I" + std::to_string(number) + " (" + std::string(InvariantName(number)) + ")";
}

void TellSeedFailure(const Summary::Failure& failure) {
  std::cerr << "seed " << failure.seed << " " << failure.profile << ": "
            << Invariant(failure.invariant) << ": " << failure.text << "\n  "
            << How(failure.seed, failure.profile) << std::endl;
}

void TellFailure(const CrashReport::Failure& failure) {
  std::cerr << failure.scenario << " seed " << failure.seed << ", " << failure.point.text() << ": "
            << Invariant(failure.invariant) << ": " << failure.text
            << "\n  edgetwin-sim --exhaustive " << failure.scenario << " --seeds " << failure.seed
            << " --point " << failure.point.text() << "  (commit " << EDGETWIN_COMMIT << ")"
            << std::endl;
}

// "A..B", or "A" alone. False, with a word about it, when it is neither.
bool ParseSeeds(const std::string& text, std::uint64_t& first, std::uint64_t& last) {
  const std::size_t dots = text.find("..");
  const auto number = [](std::string_view digits, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::string_view whole = text;
  const bool good = number(whole.substr(0, dots), first) &&
                    number(dots == std::string::npos ? whole : whole.substr(dots + 2), last) &&
                    first <= last;
  if (!good) std::cerr << "--seeds wants A..B, not '" << text << "'\n";
  return good;
}

int RunSeedsOf(const Arguments& arguments) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (!ParseSeeds(arguments.seeds, first, last)) return 2;
  const auto start = std::chrono::steady_clock::now();
  const Summary summary = RunSeeds(first, last, arguments.choice, arguments.jobs, TellSeedFailure);
  const double wall_s = SecondsSince(start);
  std::cout << (arguments.json ? ToJson(summary, wall_s, CpuSeconds()) + "\n"
                               : ToText(summary, wall_s, CpuSeconds()));
  return summary.violations == 0 ? 0 : 1;
}

int TellViolations(const WorldResult& result) {
  for (const Violation& violation : result.violations) {
    std::cout << "violation at " << violation.at.time_since_epoch().count() / 1'000
              << " ms: " << Invariant(violation.invariant) << ": " << violation.text << '\n';
  }
  std::cout << result.violations_n << " violations\n";
  return result.violations_n == 0 ? 0 : 1;
}

int Replay(const Arguments& arguments) {
  auto options = MakeOptions(arguments.replay, arguments.choice);
  options->trace = &std::cout;
  return TellViolations(RunWorld(*options));
}

int ShrinkSeed(const Arguments& arguments) {
  const auto least = Shrink(arguments.shrink, arguments.choice, arguments.jobs, std::cerr);
  if (!least) {
    std::cerr << "seed " << arguments.shrink << " does not fail\n";
    return 2;
  }
  std::cout << "edgetwin-sim --replay " << arguments.shrink << " --profile " << least->profile;
  for (const std::string& name : least->without) std::cout << " --without " << name;
  if (least->happenings_max != ~std::uint64_t{0}) {
    std::cout << " --happenings " << least->happenings_max;
  }
  if (least->hours > 0) std::cout << " --hours " << least->hours;
  if (least->devices > 0) std::cout << " --devices " << least->devices;
  std::cout << '\n';
  return 1;
}

// One crash point, told.
int ExhaustPoint(const Arguments& arguments, const CrashChoice& choice) {
  const auto point = CrashPoint::Parse(arguments.point);
  if (!point || choice.scenario.empty()) {
    std::cerr << "--point wants MACHINE:CALL:VARIANT, as a failure names it, and a scenario; not '"
              << arguments.point << "'\n";
    return 2;
  }
  const auto result = ReplayCrash(choice.scenario, choice.first_seed, *point, std::cout);
  if (!result) {
    std::cerr << "scenario '" << choice.scenario << "' has no such call with seed "
              << choice.first_seed << "\n";
    return 2;
  }
  return TellViolations(*result);
}

int Exhaust(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  CrashChoice choice;
  if (arguments.exhaustive != "all") choice.scenario = arguments.exhaustive;
  choice.every = arguments.every;
  choice.at_once = arguments.jobs;
  if (!arguments.seeds.empty() &&
      !ParseSeeds(arguments.seeds, choice.first_seed, choice.last_seed)) {
    return 2;
  }
  if (std::ranges::find(Scenarios(), choice.scenario, &Scenario::name) == Scenarios().end() &&
      !choice.scenario.empty()) {
    std::cerr << "there is no scenario '" << choice.scenario << "'; there are";
    for (const Scenario& each : Scenarios()) std::cerr << ' ' << each.name;
    std::cerr << '\n';
    return 2;
  }
  if (!arguments.point.empty()) return ExhaustPoint(arguments, choice);
  const CrashReport report = RunExhaustive(choice, TellFailure);
  const double wall_s = SecondsSince(start);
  std::cout << (arguments.json ? ToJson(report, wall_s, CpuSeconds()) + "\n"
                               : ToText(report, wall_s, CpuSeconds()));
  return report.violations == 0 ? 0 : 1;
}

int RunLongForm(const Arguments& arguments) {
  LongOptions options;
  options.ledger = arguments.long_form;
  options.length = std::chrono::seconds(static_cast<std::int64_t>(arguments.minutes * 60));
  options.at_once = arguments.jobs;
  options.commit = EDGETWIN_COMMIT;
  const Status done = RunLong(options, std::cerr);
  if (!done) std::cerr << done.error().text << '\n';
  return done ? 0 : 2;
}

int TellTally(const Arguments& arguments) {
  const auto tally = ReadTally(arguments.tally);
  if (!tally) {
    std::cerr << tally.error().text << '\n';
    return 2;
  }
  std::cout << (arguments.json ? ToJson(*tally) + "\n" : ToText(*tally));
  return tally->violations() == 0 ? 0 : 1;
}

int Mutate(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const std::string only = arguments.mutations == "all" ? "" : arguments.mutations;
  if (!only.empty() && !FindGuard(only)) {
    std::cerr << "there is no guard '" << only << "'\n";
    return 2;
  }
  const auto reports =
      RunMutations(only, arguments.mutation_seeds, arguments.jobs,
                   [](const MutationReport& report) { std::cerr << ToText(report) << std::flush; });
  const double wall_s = SecondsSince(start);
  std::cout << (arguments.json ? ToJson(reports, wall_s) + "\n" : ToText(reports, wall_s));
  for (const MutationReport& report : reports) {
    if (report.missed()) return 1;
  }
  return 0;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("edgetwin-sim: engines and stores of both sides in a simulated world");
  const auto* seeds =
      app.add_option("--seeds", arguments.seeds, "A..B: run these worlds; of --exhaustive, else 1");
  const auto* replay = app.add_option("--replay", arguments.replay, "Tell all of one seed's world");
  const auto* shrink = app.add_option("--shrink", arguments.shrink, "Make a failing seed small");
  const auto* exhaustive = app.add_option("--exhaustive", arguments.exhaustive,
                                          "Crash at every write and sync of a scenario, or of all")
                               ->expected(0, 1)
                               ->default_str("all");
  const auto* mutations = app.add_option("--mutations", arguments.mutations,
                                         "Switch each guard off, or one, and see who notices")
                              ->expected(0, 1)
                              ->default_str("all");
  const auto* long_form = app.add_option("--long", arguments.long_form,
                                         "The long form, into this ledger: see tests/sim/long");
  const auto* tally = app.add_option("--tally", arguments.tally, "What a ledger of --long sums to");
  app.add_flag("--profiles", arguments.profiles, "Their names");
  app.add_option("--minutes", arguments.minutes, "Of --long; it ends with a batch")
      ->check(CLI::PositiveNumber);
  app.add_option("--profile", arguments.choice.profile, "What goes wrong; else all by turns");
  app.add_option("--devices", arguments.choice.devices, "How many; else as the profile has it");
  app.add_option("--hours", arguments.choice.hours, "Of each world; else ten minutes");
  app.add_option("--without", arguments.choice.without, "Kinds that do not happen");
  app.add_option("--happenings", arguments.choice.happenings_max, "Nothing more after so many");
  app.add_option("--point", arguments.point,
                 "One crash of --exhaustive SCENARIO --seeds SEED, told: MACHINE:CALL:VARIANT");
  app.add_option("--every", arguments.every, "Of the crash points of --exhaustive, one in so many")
      ->check(CLI::PositiveNumber);
  app.add_option("--without-guard", arguments.without_guard, "Of --seeds and --replay: one is off");
  app.add_flag("--story", arguments.choice.story_only, "Of an accident, and nothing after it");
  app.add_option("--mutation-seeds", arguments.mutation_seeds, "Of each guard, at most");
  app.add_option("--jobs", arguments.jobs, "Worlds at once; else one a processor");
  app.add_flag("--json", arguments.json, "For programs");
  CLI11_PARSE(app, argc, argv);
  if (arguments.jobs == 0) arguments.jobs = std::max(1u, std::thread::hardware_concurrency());
  if (const auto options = MakeOptions(1, arguments.choice); !options) {
    std::cerr << options.error().text << '\n';
    return 2;
  }
  if (!arguments.without_guard.empty()) {
    const std::optional<Guard> guard = FindGuard(arguments.without_guard);
    if (!guard) {
      std::cerr << "there is no guard '" << arguments.without_guard << "'\n";
      return 2;
    }
    guards_off[static_cast<std::size_t>(*guard)] = true;
  }
  ConfigureSqlite();
  if (exhaustive->count() != 0) {
    if (arguments.exhaustive.empty()) arguments.exhaustive = "all";
    return Exhaust(arguments);
  }
  if (arguments.profiles) {
    for (const Profile& profile : Profiles()) std::cout << profile.name << '\n';
    return 0;
  }
  if (long_form->count() != 0) return RunLongForm(arguments);
  if (tally->count() != 0) return TellTally(arguments);
  if (seeds->count() != 0) return RunSeedsOf(arguments);
  if (replay->count() != 0) return Replay(arguments);
  if (shrink->count() != 0) return ShrinkSeed(arguments);
  if (mutations->count() != 0) {
    if (arguments.mutations.empty()) arguments.mutations = "all";
    return Mutate(arguments);
  }
  std::cerr << app.help();
  return 2;
}

}  // namespace
}  // namespace edgetwin::sim

int main(int argc, char** argv) {
  return edgetwin::sim::Main(argc, argv);
}
