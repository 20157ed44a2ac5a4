// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-demo: the whole product on this machine, both twins side by side, live. ./run-demo
// builds and starts it.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/support/site.h"

namespace edgetwin::demo {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

volatile sig_atomic_t g_stop = 0;

struct Options {
  double seconds = 0;  // 0: until Ctrl-C.
  bool json = false;
};

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What is shown of the host's many properties; the plant's are all shown.
bool Shown(const std::string& path) {
  for (const char* prefix : {"tank/", "pump/", "valve/", "meter/"}) {
    if (path.starts_with(prefix)) return true;
  }
  return path == "host/cpu/total_percent" || path == "host/memory/available_bytes" ||
         path == "host/load/1m" || path == "host/system/uptime_s" || path == "host/load/one" ||
         path == "host/memory/used_percent";
}

std::string Cell(const json& value) {
  if (value.is_null()) return "-";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  return text.size() > 14 ? text.substr(0, 14) : text;
}

class Demo {
 public:
  Demo(Options options, tests::Site& site) : options_(options), site_(site), begin_(Clock::now()) {}

  int Run() {
    const bool screen = !options_.json && isatty(STDOUT_FILENO);
    auto next_desire = Clock::now() + std::chrono::seconds(2);
    auto next_show = Clock::now();
    while (!g_stop && (options_.seconds <= 0 || Since(begin_) < options_.seconds - 1)) {
      if (const std::string fallen = site_.Fallen(); !fallen.empty()) return Fail(fallen);
      if (Clock::now() >= next_desire) {
        if (!Desire()) return Fail(trouble_);
        next_desire = Clock::now() + std::chrono::seconds(8);
      }
      if (!options_.json && Clock::now() >= next_show) {
        Show(screen);
        next_show = Clock::now() + std::chrono::milliseconds(screen ? 500 : 2'000);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (round_trips_ms_.empty() && !Desire()) return Fail(trouble_);
    return Finish();
  }

 private:
  int Fail(const std::string& why) {
    std::fprintf(stderr, "\nthe demo failed: %s\n", why.c_str());
    return 1;
  }

  // A desired value set at the cloud's API, written over Modbus, and reported back to the cloud.
  bool Desire() {
    const double wanted = 20 + 10.0 * static_cast<double>(desires_++ % 7) + 0.5;
    char patch[80];
    std::snprintf(patch, sizeof patch, R"({"valve":{"position_setpoint":%.1f}})", wanted);
    const auto begin = Clock::now();
    const tests::HttpAnswer answer = site_.twins().Desire(patch);
    if (answer.status < 200 || answer.status > 202) {
      trouble_ = "the cloud refused a desired value: " + answer.body;
      return false;
    }
    while (Since(begin) < 5) {
      const json twin = json::parse(
          site_.twins().AskCloud("/properties/valve/position_setpoint").body, nullptr, false);
      if (twin.is_object() && twin.contains("status") && twin["status"].is_object() &&
          twin["status"].value("state", "") == "applied" && twin.contains("reported") &&
          twin["reported"]["value"] == json(wanted)) {
        round_trips_ms_.push_back(Since(begin) * 1e3);
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    trouble_ = "a desired value did not come back within 5 s: " +
               site_.twins().AskCloud("/properties/valve/position_setpoint").body;
    return false;
  }

  void Show(bool screen) {
    const json device = site_.twins().DeviceSnapshot();
    const json cloud = site_.twins().CloudSnapshot();
    const json status = json::parse(site_.twins().AskDevice("/v1/status").body, nullptr, false);
    if (!device.is_object() || !cloud.is_object() || !status.is_object()) return;
    std::map<std::string, std::pair<json, json>> reported;
    for (const json& row : device["rows"]) {
      if (row["side"] == "reported") reported[row["path"]].first = row["value"];
    }
    for (const json& row : cloud["rows"]) {
      if (row["side"] == "reported") reported[row["path"]].second = row["value"];
    }
    if (screen) std::printf("\033[H\033[J");
    const json& sync = status["sync"];
    std::printf("edgetwin demo, %.0f s   %zu properties\n", Since(begin_), reported.size());
    std::printf(
        "revision %llu   acknowledged %llu   backlog %s rows   round trip %s ms   sync %s\n",
        At(device, "heads"), At(device, "acknowledged"), status["backlog_rows"].dump().c_str(),
        sync.contains("round_trip_ms") ? sync["round_trip_ms"].dump().c_str() : "-",
        sync.value("state", "?").c_str());
    std::printf("\n%-34s %16s %16s\n", "property", "on the device", "in the cloud");
    for (const auto& [path, values] : reported) {
      if (!Shown(path)) continue;
      std::printf("%-34s %16s %16s\n", path.c_str(), Cell(values.first).c_str(),
                  Cell(values.second).c_str());
    }
    if (!round_trips_ms_.empty()) {
      std::printf(
          "\nvalve/position_setpoint: set in the cloud, written over Modbus and reported back in "
          "%.0f ms\n",
          round_trips_ms_.back());
    }
    std::printf(
        "\nTry, in another terminal:\n  %s/edgetwin --socket %s status\n  curl %s/v1/twins\n",
        bin().c_str(), site_.socket().c_str(), site_.cloud_url().c_str());
    if (screen) std::printf("\nCtrl-C ends it.\n");
    std::fflush(stdout);
  }

  static std::string bin() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  }

  static unsigned long long At(const json& document, const char* part) {
    return document.contains(part) ? document[part].value("state", 0ull) : 0ull;
  }

  int Finish() {
    const tests::Comparison comparison = site_.twins().CompareUntilEqual(10);
    const json device = site_.twins().DeviceSnapshot();
    const json status = json::parse(site_.twins().AskDevice("/v1/status").body, nullptr, false);
    const json drivers = json::parse(site_.twins().AskDevice("/v1/drivers").body, nullptr, false);
    std::uint64_t samples = 0;
    for (const json& driver : drivers.value("drivers", json::array())) {
      samples += driver.value("samples", std::uint64_t{0});
    }
    std::size_t properties = 0;
    for (const json& row : device.value("rows", json::array())) {
      if (row["side"] == "reported") ++properties;
    }
    json summary;
    summary["seconds"] = Since(begin_);
    summary["properties"] = properties;
    summary["samples"] = samples;
    summary["revision"] = At(device, "heads");
    summary["acked_revision"] = At(device, "acknowledged");
    summary["rows_compared"] = comparison.rows;
    summary["compared_at_revision"] = comparison.revision;
    summary["twins_equal"] = comparison.equal();
    summary["desired_roundtrip_ms"] =
        round_trips_ms_.empty() ? json() : json(round_trips_ms_.front());
    summary["desired_roundtrips"] = round_trips_ms_.size();
    if (status.is_object() && status["sync"].contains("round_trip_ms")) {
      summary["round_trip_ms"] = status["sync"]["round_trip_ms"];
    }
    const bool ok = comparison.equal() && samples > 0 && properties > 0 &&
                    At(device, "acknowledged") > 0 && !round_trips_ms_.empty();
    if (options_.json) {
      std::printf("%s\n", summary.dump().c_str());
    } else {
      std::printf(
          "\n%zu properties, %llu samples, %zu rows compared at revision %llu: the twins are %s\n",
          properties, static_cast<unsigned long long>(samples), comparison.rows,
          static_cast<unsigned long long>(comparison.revision),
          comparison.equal() ? "equal, value by value and dot by dot" : "NOT equal");
    }
    if (!comparison.equal()) {
      std::fprintf(stderr, "%s\n", comparison.trouble.c_str());
      for (const std::string& difference : comparison.differences) {
        std::fprintf(stderr, "%s\n", difference.c_str());
      }
      if (!comparison.same_watermark) std::fprintf(stderr, "no moment of equal watermarks\n");
    }
    return ok ? 0 : 1;
  }

  const Options options_;
  tests::Site& site_;
  const Clock::time_point begin_;
  int desires_ = 0;
  std::vector<double> round_trips_ms_;
  std::string trouble_;
};

}  // namespace
}  // namespace edgetwin::demo

int main(int argc, char** argv) {
  using namespace edgetwin::demo;  // NOLINT: a main of one screen
  Options options;
  CLI::App app("edgetwin-demo: a broker, the cloud twin, a plant on Modbus and the agent, live");
  app.add_option("--seconds", options.seconds, "End by itself after this long");
  app.add_flag("--json", options.json, "Show nothing but one summary object at the end");
  CLI11_PARSE(app, argc, argv);
  signal(SIGINT, [](int) { g_stop = 1; });
  signal(SIGTERM, [](int) { g_stop = 1; });
  edgetwin::tests::SiteOptions site_options;
  site_options.bin = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  site_options.drivers = "[drivers.host]\nperiod = \"1s\"\n";
  edgetwin::tests::Site site(std::move(site_options));
  if (!site.trouble().empty()) {
    std::fprintf(stderr, "the demo failed: %s\n", site.trouble().c_str());
    return 1;
  }
  return Demo(options, site).Run();
}
