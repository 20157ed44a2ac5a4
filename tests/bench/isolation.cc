// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One Modbus unit of four is dead: how far do the periods of the other three slip, beside the same
// run with all four alive?

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/config/agent_config.h"
#include "drivers/modbus/modbus_driver.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/support/child.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"
#include "twin/base/event_loop.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr double kPeriodMs = 100;

// Notes when each unit's samples come.
class TimingSink final : public driver::SampleSink {
 public:
  Result<model::PropertyId> Define(model::PropertyDef def) override {
    paths_.push_back(def.path.text());
    return model::PropertyId{static_cast<std::uint32_t>(paths_.size() - 1)};
  }
  void Report(model::PropertyId id, model::Value, model::Quality quality) override {
    if (quality == model::Quality::kGood) at_[paths_[Index(id)]].push_back(NowUs() / 1e3);
  }
  void ReportAt(model::PropertyId id, model::Sample sample) override {
    Report(id, sample.value, sample.quality);
  }
  void ReportBad(model::PropertyId) override {}
  void Remove(model::PropertyId) override {}
  void Polled(std::string_view, std::chrono::microseconds, const Status&) override {}

  // How far each interval of the first three units is off the period, in milliseconds.
  std::vector<double> Slips() const {
    std::vector<double> slips;
    for (const auto& [path, times] : at_) {
      if (path.starts_with("unit4/")) continue;
      for (std::size_t i = 2; i < times.size(); ++i) {
        slips.push_back(std::fabs(times[i] - times[i - 1] - kPeriodMs));
      }
    }
    return slips;
  }
  std::size_t samples() const {
    std::size_t count = 0;
    for (const auto& [path, times] : at_) count += path.starts_with("unit4/") ? 0 : times.size();
    return count;
  }

 private:
  std::vector<std::string> paths_;
  std::map<std::string, std::vector<double>> at_;
};

struct Isolation {
  std::vector<double> slips;
  std::size_t samples = 0;
};

Isolation RunWith(const std::vector<std::string>& fault, double seconds) {
  tests::TempDir folder;
  const std::string port = std::to_string(tests::FreePort());
  tests::ChildOptions plant_options;
  plant_options.args = {BinDir() + "/edgetwin-plant", "--port", port};
  plant_options.args.insert(plant_options.args.end(), fault.begin(), fault.end());
  tests::Child plant(plant_options);
  tests::WaitForPort(static_cast<std::uint16_t>(std::stoi(port)), std::chrono::seconds(5));
  std::string toml = "[drivers.m]\nkind = \"modbus\"\nendpoint = \"tcp://127.0.0.1:" + port +
                     "\"\nperiod = \"100ms\"\ntimeout = \"50ms\"\n";
  for (int unit = 1; unit <= 4; ++unit) {
    toml += "[[drivers.m.unit]]\nid = " + std::to_string(unit) + "\nthing = \"unit" +
            std::to_string(unit) +
            "\"\nregister = [ { name = \"a\", kind = \"input\", address = 0 } ]\n";
  }
  ConfigProblems problems;
  const auto config =
      config::LoadAgentConfig(folder.Write("bench.toml", toml), {"modbus"}, problems);
  if (!config) {
    std::fprintf(stderr, "%s", problems.ToString().c_str());
    return {};
  }
  SystemClock clock;
  EventLoop loop(clock);
  TimingSink sink;
  const auto modbus = driver::ModbusKind().make();
  ConfigReader reader = config::ReaderFor(config->drivers[0], problems);
  if (!modbus->Init(reader) || !modbus->Start(loop, sink)) return {};
  loop.RunFor(std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
  modbus->Stop();
  return {sink.Slips(), sink.samples()};
}

}  // namespace

int RunIsolation(const IsolationOptions& options) {
  const Isolation alive = RunWith({}, options.seconds);
  const Isolation silent = RunWith({"--fault", "4=silent"}, options.seconds);
  const Isolation unplugged = RunWith({"--fault", "4=gateway_target"}, options.seconds);
  json report;
  report["period_ms"] = kPeriodMs;
  report["seconds"] = options.seconds;
  const auto add = [&report](const char* name, const Isolation& run) {
    report[name] = {{"samples", run.samples},
                    {"slip_p50_ms", Percentile(run.slips, 50)},
                    {"slip_p99_ms", Percentile(run.slips, 99)}};
  };
  add("all_alive", alive);
  add("one_silent", silent);
  add("one_unplugged", unplugged);
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
    return 0;
  }
  std::printf("three healthy Modbus units of four, polled every %g ms for %g s\n\n", kPeriodMs,
              options.seconds);
  const auto row = [&alive](const char* label, const Isolation& run) {
    std::printf("%-34s %5zu samples (%.2f x)   slip p50 %6.2f ms   p99 %6.2f ms\n", label,
                run.samples, static_cast<double>(run.samples) / static_cast<double>(alive.samples),
                Percentile(run.slips, 50), Percentile(run.slips, 99));
  };
  row("all four alive", alive);
  row("the fourth accepts, never answers", silent);
  row("the fourth unplugged (exception 11)", unplugged);
  return 0;
}

}  // namespace edgetwin::bench
