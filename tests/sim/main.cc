// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-sim: the protocol with both real stores in a simulated world.

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/report.h"
#include "tests/sim/seeds.h"
#include "tests/sim/vfs.h"

namespace edgetwin::sim {
namespace {

struct Arguments {
  std::string seeds;
  std::uint64_t replay = 0;
  std::uint64_t shrink = 0;
  std::string exhaustive;
  std::string mutations;
  std::uint64_t mutation_seeds = 200;
  std::uint64_t every = 1;
  std::uint64_t seed = 1;
  std::size_t jobs = 0;
  std::string without_guard;
  bool json = false;
  Choice choice;
};

double CpuSeconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }
  }
  return sum;
}

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

int RunSeedsOf(const Arguments& arguments) {
  const std::size_t dots = arguments.seeds.find("..");
  const std::string first_text = arguments.seeds.substr(0, dots);
  const std::string last_text =
      dots == std::string::npos ? first_text : arguments.seeds.substr(dots + 2);
  const auto number = [](const std::string& text, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (!number(first_text, first) || !number(last_text, last) || last < first) {
    std::cerr << "--seeds wants A..B, not '" << arguments.seeds << "'\n";
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  const Summary summary =
      RunSeeds(first, last, arguments.choice, arguments.jobs, [](const Summary::Failure& failure) {
        std::cerr << "seed " << failure.seed << " " << failure.profile << ": "
                  << Invariant(failure.invariant) << ": " << failure.text << "\n  "
                  << How(failure.seed, failure.profile) << std::endl;
      });
  const double wall_s = SecondsSince(start);
  std::cout << (arguments.json ? ToJson(summary, wall_s, CpuSeconds()) + "\n"
                               : ToText(summary, wall_s, CpuSeconds()));
  return summary.violations == 0 ? 0 : 1;
}

int Replay(const Arguments& arguments) {
  auto options = MakeOptions(arguments.replay, arguments.choice);
  options->trace = &std::cout;
  const WorldResult result = RunWorld(*options);
  for (const Violation& violation : result.violations) {
    std::cout << "violation at " << violation.at.time_since_epoch().count() / 1'000
              << " ms: " << Invariant(violation.invariant) << ": " << violation.text << '\n';
  }
  std::cout << result.violations_n << " violations\n";
  return result.violations_n == 0 ? 0 : 1;
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

int Exhaust(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const std::string scenario = arguments.exhaustive == "all" ? "" : arguments.exhaustive;
  const CrashReport report = RunExhaustive(
      scenario, arguments.seed, arguments.every, arguments.jobs,
      [](const CrashReport::Failure& failure) {
        std::cerr << failure.scenario << " seed " << failure.seed << ", " << failure.machine
                  << " call " << failure.call << " " << failure.variant << ": "
                  << Invariant(failure.invariant) << ": " << failure.text << "  (commit "
                  << EDGETWIN_COMMIT << ")" << std::endl;
      });
  if (report.parts.empty()) {
    std::cerr << "there is no scenario '" << scenario << "'; there are";
    for (const Scenario& each : Scenarios()) std::cerr << ' ' << each.name;
    std::cerr << '\n';
    return 2;
  }
  const double wall_s = SecondsSince(start);
  std::cout << (arguments.json ? ToJson(report, wall_s) + "\n" : ToText(report, wall_s));
  return report.violations == 0 ? 0 : 1;
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
  const auto* seeds = app.add_option("--seeds", arguments.seeds, "A..B: run these worlds");
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
  app.add_option("--profile", arguments.choice.profile, "What goes wrong; else all by turns");
  app.add_option("--devices", arguments.choice.devices, "How many; else as the profile has it");
  app.add_option("--hours", arguments.choice.hours, "Of each world; else ten minutes");
  app.add_option("--without", arguments.choice.without, "Kinds that do not happen");
  app.add_option("--happenings", arguments.choice.happenings_max, "Nothing more after so many");
  app.add_option("--seed", arguments.seed, "Of --exhaustive");
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
  if (seeds->count() != 0) return RunSeedsOf(arguments);
  if (replay->count() != 0) return Replay(arguments);
  if (shrink->count() != 0) return ShrinkSeed(arguments);
  if (exhaustive->count() != 0) {
    if (arguments.exhaustive.empty()) arguments.exhaustive = "all";
    return Exhaust(arguments);
  }
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
