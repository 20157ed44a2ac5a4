// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Forty driver instances of one agent, fourteen of which have a device that hangs, flaps, lies or
// is slow: how far the others' periods slip, beside the same run with all of them well.

#include "tests/storm/storm.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "drivers/sdk/time_text.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;
using tests::Fault;
using tests::StormInstance;

constexpr double kPatienceS = 120;

struct Weather {
  std::string trouble;  // Why there are no figures.
  std::vector<double> slips_ms;
  std::uint64_t samples = 0;   // Of those that are always well and polled …
  std::uint64_t expected = 0;  // … and how many periods passed.
  std::uint64_t errors = 0;    // Of theirs.
  Cost begin, end;
};

class Run {
 public:
  explicit Run(bool faults) : storm_(BinDir(), faults), site_(Options(storm_), false) {}
  Weather For(double seconds);

 private:
  static tests::SiteOptions Options(const tests::Storm& storm) {
    tests::SiteOptions options;
    options.bin = BinDir();
    options.plant = false;
    options.drivers = storm.drivers();
    return options;
  }
  json Device(const std::string& what) const {
    json answer = json::parse(site_.twins().AskDevice(what).body, nullptr, false);
    return answer.is_object() ? answer : json::object();
  }
  std::map<std::string, json> Drivers() const {
    std::map<std::string, json> drivers;
    const json answer = Device("/v1/drivers");
    for (const json& instance : answer.value("drivers", json::array())) {
      drivers[instance["name"]] = instance;
    }
    return drivers;
  }
  bool Steady() const;
  void Add(const StormInstance& instance, const std::vector<double>& times_ms,
           Weather& weather) const;

  tests::Storm storm_;
  tests::Site site_;
};

bool IsWatched(const StormInstance& instance) {
  return instance.fault == Fault::kNone && instance.period.count() > 0;
}

bool Run::Steady() const {
  const auto drivers = Drivers();
  for (const StormInstance& instance : storm_.instances()) {
    const auto found = drivers.find(instance.name);
    if (found == drivers.end()) return false;
    if (IsWatched(instance) && found->second["polls"].get<std::uint64_t>() < 10) return false;
  }
  return true;
}

Weather Run::For(double seconds) {
  Weather weather;
  if (!site_.StartCloud() || !site_.StartAgent() || !site_.WaitForTwin(kPatienceS)) {
    weather.trouble = site_.trouble();
    return weather;
  }
  if (!tests::Until([this] { return Steady(); }, kPatienceS)) {
    weather.trouble = "not every instance was polled\n" + site_.Log("edgetwind");
    return weather;
  }
  const auto now_ms = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  weather.begin = Measure(site_.agent()->pid());
  const std::int64_t from = now_ms();
  const double end_us = NowUs() + seconds * 1e6;
  while (NowUs() < end_us) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    storm_.Flap();
  }
  weather.end = Measure(site_.agent()->pid());
  const std::int64_t to = now_ms();
  const auto drivers = Drivers();
  for (const StormInstance& instance : storm_.instances()) {
    if (!IsWatched(instance)) continue;
    for (const auto& [code, count] : drivers.at(instance.name)["errors"].items()) {
      weather.errors += count.get<std::uint64_t>();
    }
    const json history = Device("/v1/history?path=" + instance.path +
                                "&from=" + std::to_string(from) + "&to=" + std::to_string(to));
    if (history.value("truncated", true)) {
      weather.trouble = instance.path + ": more samples than the API tells at once";
      return weather;
    }
    std::vector<double> times_ms;
    for (const json& sample : history["samples"]) {
      const auto time =
          driver::ParseTime(sample["time"].get<std::string>(), driver::TimeFormat::kIso);
      if (time) times_ms.push_back(static_cast<double>(time->time_since_epoch().count()));
    }
    Add(instance, times_ms, weather);
  }
  return weather;
}

void Run::Add(const StormInstance& instance, const std::vector<double>& times_ms,
              Weather& weather) const {
  const double period = static_cast<double>(instance.period.count());
  for (std::size_t i = 1; i < times_ms.size(); ++i) {
    weather.slips_ms.push_back(std::fabs(times_ms[i] - times_ms[i - 1] - period));
  }
  weather.samples += times_ms.size();
  if (times_ms.size() > 1) {
    weather.expected +=
        static_cast<std::uint64_t>(std::lround((times_ms.back() - times_ms.front()) / period)) + 1;
  }
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

json ToJson(const Weather& weather) {
  return {{"samples", weather.samples},
          {"periods", weather.expected},
          {"errors_of_the_well", weather.errors},
          {"slip_mean_ms", Mean(weather.slips_ms)},
          {"slip_p50_ms", Percentile(weather.slips_ms, 50)},
          {"slip_p99_ms", Percentile(weather.slips_ms, 99)},
          {"slip_max_ms", Percentile(weather.slips_ms, 100)},
          {"pss_kb", {weather.begin.pss_kb, weather.end.pss_kb}},
          {"private_dirty_kb", {weather.begin.private_dirty_kb, weather.end.private_dirty_kb}}};
}

void Print(const char* label, const Weather& weather) {
  std::printf("%-30s %6llu of %6llu   %6.2f %6.2f %6.2f %7.2f   %5.2f to %5.2f\n", label,
              static_cast<unsigned long long>(weather.samples),
              static_cast<unsigned long long>(weather.expected), Mean(weather.slips_ms),
              Percentile(weather.slips_ms, 50), Percentile(weather.slips_ms, 99),
              Percentile(weather.slips_ms, 100), weather.begin.private_dirty_kb / 1024,
              weather.end.private_dirty_kb / 1024);
}

}  // namespace

int RunStorm(const StormOptions& options) {
  const Weather calm = Run(false).For(options.seconds);
  const Weather storm = Run(true).For(options.seconds);
  for (const Weather* weather : {&calm, &storm}) {
    if (weather->trouble.empty()) continue;
    std::fprintf(stderr, "%s\n", weather->trouble.c_str());
    return 1;
  }
  const bool complete = calm.samples >= calm.expected && storm.samples >= storm.expected;
  if (options.json) {
    const json report = {
        {"seconds", options.seconds}, {"calm", ToJson(calm)}, {"storm", ToJson(storm)}};
    std::printf("%s\n", report.dump(2).c_str());
    return complete ? 0 : 1;
  }
  std::printf(
      "21 instances that are polled and well, of 40, for %g s each\n\n%-30s %16s   %s   %s\n",
      options.seconds, "", "samples, periods", "slip ms: mean, p50, p99, max", "private MB");
  Print("all forty well", calm);
  Print("fourteen in trouble", storm);
  std::printf("mean slip %.2f x, p99 %.2f x\n", Mean(storm.slips_ms) / Mean(calm.slips_ms),
              Percentile(storm.slips_ms, 99) / Percentile(calm.slips_ms, 99));
  return complete ? 0 : 1;
}

}  // namespace edgetwin::bench
