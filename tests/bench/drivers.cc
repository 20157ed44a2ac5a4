// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What each kind of driver costs: CPU a sample beside the least that reads the same device, and the
// daemon's memory with it.

#include <sys/resource.h>

#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "agent/config/agent_config.h"
#include "agent/runtime/driver_kinds.h"
#include "tests/bench/bare_reads.h"
#include "tests/bench/bench.h"
#include "tests/bench/driver_cost.h"
#include "tests/bench/measure.h"
#include "tests/storm/storm.h"
#include "tests/support/child.h"
#include "tests/support/http_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;
using tests::Storm;
using tests::StormInstance;

constexpr std::chrono::milliseconds kPeriod{100};
constexpr double kPatienceS = 60;

CpuCost DriverCost(const runtime::DriverKinds& kinds, const StormInstance& instance,
                   double seconds) {
  CpuCost cost;
  tests::TempDir folder;
  ConfigProblems problems;
  // A recording is played as fast as it goes, as it is read beside it.
  const std::string fast = instance.kind == "replay" ? "speed = \"max\"\nloop = true\n" : "";
  const auto config = config::LoadAgentConfig(folder.Write("bench.toml", instance.toml + fast),
                                              kinds.names(), problems);
  const auto kind = kinds.Find(instance.kind);
  if (!config || !kind) {
    cost.trouble = kind ? problems.ToString() : kind.error().text;
    return cost;
  }
  const auto driver = kind->make();
  ConfigReader reader = config::ReaderFor(config->drivers[0], problems);
  if (!driver->Init(reader)) {
    cost.trouble = problems.ToString();
    return cost;
  }
  return CostOf(*driver, seconds);
}

// What is asked is asked once a period, as by the driver.
CpuCost BareCost(const StormInstance& instance, double seconds) {
  CpuCost cost;
  const auto read = MakeBareRead(instance);
  if (read == nullptr || !read->Next()) {
    cost.trouble = "the bare read gives nothing";
    return cost;
  }
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  const double until = NowUs() + seconds * 1e6;
  const double begin = CpuUs();
  while (NowUs() < until) {
    if (!read->Next()) {
      cost.trouble = "a bare read failed";
      return cost;
    }
    ++cost.samples;
    if (instance.period.count() == 0 || instance.kind == "nmea") continue;
    next.tv_nsec += std::chrono::nanoseconds(instance.period).count();
    next.tv_sec += next.tv_nsec / 1'000'000'000;
    next.tv_nsec %= 1'000'000'000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
  cost.us = (CpuUs() - begin) / static_cast<double>(cost.samples);
  return cost;
}

struct Memory {
  double pss_kb = 0;
  double private_dirty_kb = 0;
  std::string trouble;
};

// Of a daemon with these instances and no cloud.
Memory DaemonMemory(const std::string& drivers, std::size_t instances) {
  tests::TempDir folder;
  std::filesystem::create_directory(folder.path() / "store");
  const std::string socket = folder.File("socket");
  const std::string config = folder.Write(
      "edgetwin.toml", "[device]\nid = \"bench\"\n[store]\ndirectory = \"" + folder.File("store") +
                           "\"\n[api]\nsocket = \"" + socket + "\"\n" + drivers);
  tests::ChildOptions options;
  options.args = {BinDir() + "/edgetwind", "--config", config};
  options.output_file = folder.File("log");
  tests::Child daemon(std::move(options));
  const auto all_go = [&] {
    tests::HttpRequest request;
    request.url = "http://localhost/v1/drivers";
    request.unix_socket = socket;
    const json list = json::parse(tests::Ask(request).body, nullptr, false);
    if (!list.is_object() || list["drivers"].size() < instances) return false;
    for (const json& instance : list["drivers"]) {
      if (instance["samples"].get<std::uint64_t>() < 20) return false;
    }
    return true;
  };
  Memory memory;
  if (!tests::Until(all_go, kPatienceS)) {
    memory.trouble = "not every instance was polled\n" + tests::ReadFile(folder.File("log"));
    return memory;
  }
  const Cost cost = Measure(daemon.pid());
  memory.pss_kb = cost.pss_kb;
  memory.private_dirty_kb = cost.private_dirty_kb;
  return memory;
}

// Of the kinds whose devices most machines lack; edgetwin-bus-bench has what it says.
json BusCosts(double seconds) {
  const std::string command = BinDir() + "/edgetwin-bus-bench --seconds " + std::to_string(seconds);
  std::FILE* const out = popen(command.c_str(), "r");
  std::string text;
  char part[4096];
  while (out != nullptr) {
    const std::size_t got = std::fread(part, 1, sizeof part, out);
    if (got == 0) break;
    text.append(part, got);
  }
  if (out != nullptr) pclose(out);
  json costs = json::parse(text, nullptr, false);
  if (!costs.is_object()) costs = {{"can", {{"trouble", command + " said nothing"}}}};
  return costs;
}

// Of each kind one that is well.
std::vector<StormInstance> OneOfEach(const Storm& storm) {
  std::vector<StormInstance> chosen;
  std::set<std::string> kinds;
  for (const StormInstance& instance : storm.instances()) {
    if (kinds.insert(instance.kind).second) chosen.push_back(instance);
  }
  return chosen;
}

}  // namespace

int RunDrivers(const DriversOptions& options) {
  Storm storm(BinDir(), false, kPeriod);
  const runtime::DriverKinds kinds;
  json report;
  report["seconds"] = options.seconds;
  const Memory none = DaemonMemory("", 0);
  Memory all = none;
  std::string every;
  bool failed = false;
  const auto told = [&failed](const std::string& what, const std::string& trouble) {
    if (trouble.empty()) return;
    std::fprintf(stderr, "%s: %s\n", what.c_str(), trouble.c_str());
    failed = true;
  };
  if (!options.json) {
    std::printf("%-8s %10s %10s %7s   %8s %14s\n", "", "CPU us", "bare", "", "PSS MB",
                "private MB");
    std::printf("%-8s %10s %10s %7s   %8.2f %14.2f\n", "none", "", "", "", none.pss_kb / 1024,
                none.private_dirty_kb / 1024);
  }
  std::size_t count = 0;
  for (const StormInstance& instance : OneOfEach(storm)) {
    const CpuCost driver = DriverCost(kinds, instance, options.seconds);
    const CpuCost bare = BareCost(instance, options.seconds);
    const Memory memory = DaemonMemory(instance.toml, 1);
    told(instance.kind, driver.trouble);
    told(instance.kind, bare.trouble);
    told(instance.kind, memory.trouble);
    every += instance.toml;
    ++count;
    report["kinds"][instance.kind] = {{"cpu_us_per_sample", driver.us},
                                      {"samples", driver.samples},
                                      {"bare_cpu_us_per_sample", bare.us},
                                      {"bare_samples", bare.samples},
                                      {"ratio", driver.us / bare.us},
                                      {"pss_kb", memory.pss_kb},
                                      {"private_dirty_kb", memory.private_dirty_kb}};
    if (!options.json) {
      std::printf("%-8s %10.2f %10.2f %5.2f x   %8.2f %14.2f\n", instance.kind.c_str(), driver.us,
                  bare.us, driver.us / bare.us, memory.pss_kb / 1024,
                  memory.private_dirty_kb / 1024);
      std::fflush(stdout);
    }
  }
  const json buses = BusCosts(options.seconds);
  for (const auto& [kind, cost] : buses.items()) {
    told(kind, cost.value("trouble", ""));
    report["kinds"][kind] = cost;
    if (options.json || cost.contains("trouble")) continue;
    if (cost.contains("skipped")) {
      std::printf("%-8s skipped: %s\n", kind.c_str(), cost["skipped"].get<std::string>().c_str());
    } else {
      std::printf("%-8s %10.2f %10.2f %5.2f x\n", kind.c_str(),
                  cost["cpu_us_per_sample"].get<double>(),
                  cost["bare_cpu_us_per_sample"].get<double>(), cost["ratio"].get<double>());
    }
  }
  all = DaemonMemory(every, count);
  told("all", all.trouble);
  report["none"] = {{"pss_kb", none.pss_kb}, {"private_dirty_kb", none.private_dirty_kb}};
  report["all"] = {{"pss_kb", all.pss_kb}, {"private_dirty_kb", all.private_dirty_kb}};
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    std::printf("%-8s %10s %10s %7s   %8.2f %14.2f\n", "all", "", "", "", all.pss_kb / 1024,
                all.private_dirty_kb / 1024);
  }
  return failed ? 1 : 0;
}

}  // namespace edgetwin::bench
