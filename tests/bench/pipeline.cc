// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

// One process measured over the same stretch of its life.
struct Run {
  double cpu_us_per_value = 0;
  double pss_mb = 0;
  double private_dirty_mb = 0;
  double mqtt_bytes_per_value = 0;
  double flash_bytes_per_value = 0;
};

void Sleep(double seconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
}

std::string Text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

Run RunOne(const PipelineOptions& options, std::vector<std::string> args) {
  tests::TempDir folder;
  tests::ChildOptions child_options;
  // Longer than what is measured, so that both ends of it are in the steady state.
  args.insert(args.end(),
              {"--seconds", Text(options.warmup_s + options.seconds + 1), "--properties",
               std::to_string(options.properties), "--hz", Text(options.hz), "--store",
               folder.path().string(), "--warmup", Text(options.warmup_s)});
  if (options.full_precision) args.push_back("--full-precision");
  child_options.args = std::move(args);
  child_options.output_file = folder.File("out");
  tests::Child child(child_options);
  Sleep(options.warmup_s);
  const Cost before = Measure(child.pid());
  Sleep(options.seconds);
  const Cost after = Measure(child.pid());
  child.Wait(std::chrono::seconds(30));
  const json out = json::parse(tests::ReadFile(folder.File("out")), nullptr, false);
  const double values = options.properties * options.hz * options.seconds;
  Run run;
  run.cpu_us_per_value = (after.cpu_us - before.cpu_us) / values;
  run.pss_mb = after.pss_kb / 1024;
  run.private_dirty_mb = after.private_dirty_kb / 1024;
  run.flash_bytes_per_value = (after.write_bytes - before.write_bytes) / values;
  if (out.is_object()) {
    const double bytes = out.value("mqtt_bytes", 0.0) + out.value("mqtt_sent", 0.0) +
                         out.value("mqtt_received", 0.0);
    run.mqtt_bytes_per_value =
        bytes / std::max(1.0, out.value("samples", out.value("values", 1.0)));
  }
  return run;
}

json Summary(const std::vector<Run>& runs) {
  json summary;
  const auto add = [&](const char* name, double Run::*field) {
    std::vector<double> values;
    for (const Run& run : runs) values.push_back(run.*field);
    summary[name] = {{"median", Median(values)},
                     {"min", Percentile(values, 0)},
                     {"max", Percentile(values, 100)}};
  };
  add("cpu_us_per_value", &Run::cpu_us_per_value);
  add("pss_mb", &Run::pss_mb);
  add("private_dirty_mb", &Run::private_dirty_mb);
  add("mqtt_bytes_per_value", &Run::mqtt_bytes_per_value);
  add("flash_bytes_per_value", &Run::flash_bytes_per_value);
  return summary;
}

}  // namespace

int RunPipeline(const PipelineOptions& options) {
  tests::TestBroker broker;
  tests::TempDir cloud_folder;
  tests::ChildOptions cloud_options;
  cloud_options.args = {BinDir() + "/edgetwin-cloud", "--broker", broker.url(), "--store",
                        cloud_folder.path().string(), "--listen", "127.0.0.1:0"};
  cloud_options.output_file = cloud_folder.File("log");
  tests::Child cloud(cloud_options);
  const std::string self = BinDir() + "/edgetwin-bench";
  std::vector<Run> floor, online, offline, no_history;
  // In turn, so that a busy minute of the machine doesn't fall on one of them alone.
  for (int i = 0; i < options.runs; ++i) {
    if (!options.json) std::fprintf(stderr, "run %d of %d …\n", i + 1, options.runs);
    floor.push_back(
        RunOne(options, {self, "worker-floor", "--port", std::to_string(broker.port())}));
    online.push_back(RunOne(options, {self, "worker-agent", "--broker", broker.url()}));
    offline.push_back(RunOne(options, {self, "worker-agent"}));
    no_history.push_back(
        RunOne(options, {self, "worker-agent", "--broker", broker.url(), "--no-history"}));
  }
  json report;
  report["properties"] = options.properties;
  report["hz"] = options.hz;
  report["seconds"] = options.seconds;
  report["runs"] = options.runs;
  report["full_precision"] = options.full_precision;
  report["floor"] = Summary(floor);
  report["online"] = Summary(online);
  report["offline"] = Summary(offline);
  report["online_no_history"] = Summary(no_history);
  json& ratio = report["ratio_to_floor"];
  for (const char* name : {"cpu_us_per_value", "pss_mb", "private_dirty_mb", "mqtt_bytes_per_value",
                           "flash_bytes_per_value"}) {
    const double base = report["floor"][name]["median"];
    for (const char* way : {"online", "offline", "online_no_history"}) {
      ratio[way][name] = base > 0 ? report[way][name]["median"].get<double>() / base : 0;
    }
  }
  report["doubt"] = Doubt(report["floor"]["cpu_us_per_value"]["median"],
                          report["floor"]["mqtt_bytes_per_value"]["median"]);
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
    return 0;
  }
  std::printf("%d properties at %g Hz, %s, %g s, median of %d runs (min to max)\n\n",
              options.properties, options.hz,
              options.full_precision ? "full-precision doubles" : "values of two decimals",
              options.seconds, options.runs);
  std::printf("%-24s %22s %22s %9s %22s %9s %22s %9s\n", "", "floor", "edgetwin, online", "x floor",
              "edgetwin, offline", "x floor", "online, no history", "x floor");
  for (const auto& [name, label] : std::vector<std::pair<std::string, std::string>>{
           {"cpu_us_per_value", "CPU us per value"},
           {"pss_mb", "PSS MB"},
           {"private_dirty_mb", "Private_Dirty MB"},
           {"mqtt_bytes_per_value", "MQTT bytes per value"},
           {"flash_bytes_per_value", "flash bytes per value"}}) {
    std::printf("%-24s", label.c_str());
    for (const char* way : {"floor", "online", "offline", "online_no_history"}) {
      const json& figure = report[way][name];
      std::printf(" %8.2f (%.2f to %.2f)", figure["median"].get<double>(),
                  figure["min"].get<double>(), figure["max"].get<double>());
      if (std::string(way) != "floor") std::printf(" %8.2fx", ratio[way][name].get<double>());
    }
    std::printf("\n");
  }
  if (options.seconds < 60) {
    std::printf("\nThe history commits once a minute: in most runs of %g s not at all.\n",
                options.seconds);
  }
  const std::string doubt = report["doubt"];
  if (!doubt.empty()) std::printf("\n%s\n", doubt.c_str());
  return 0;
}

}  // namespace edgetwin::bench
