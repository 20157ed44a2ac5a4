// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Coming online after a long time without a link: the device has a week of samples, and people want
// to see what is now.

#include <mosquitto.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/backlog.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/bench/offline_report.h"
#include "tests/bench/offline_site.h"
#include "tests/bench/raw_delivery.h"
#include "tests/support/temp_dir.h"
#include "twin/base/log.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr double kFirstLiveMaxUs = 60e6;
// What follows the first value at once is still about coming online.
constexpr double kSettlingUs = 2e6;
constexpr int kRawMessages = 300;

json Say(const std::string& what) {
  std::fprintf(stderr, "edgetwin-bench: %s\n", what.c_str());
  return nullptr;
}

json CostJson(const Cost& after, const Cost& before, double seconds) {
  return {{"cpu_s", (after.cpu_us - before.cpu_us) / 1e6},
          {"write_bytes", after.write_bytes - before.write_bytes},
          {"seconds", seconds}};
}

json PeakJson(const Peak& peak) {
  return {{"pss_kb", peak.pss_kb}, {"rss_kb", peak.hwm_kb}};
}

json LatencyJson(const std::vector<double>& latencies) {
  return {{"p50_us", Percentile(latencies, 50)},
          {"p99_us", Percentile(latencies, 99)},
          {"max_us", Percentile(latencies, 100)},
          {"count", latencies.size()}};
}

bool Wait(OfflineSite& site) {
  site.Look();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return site.running();
}

// From the start of the agent on. Null, and said, when it failed.
json ComeOnline(OfflineSite& site) {
  if (!site.StartAgent()) return Say(site.trouble());
  while (!site.first_live_us() || !site.connected_us()) {
    if (!Wait(site)) return Say(site.trouble());
    if (NowUs() > site.started_us() + kFirstLiveMaxUs) return Say("nothing live arrived");
  }
  const double live = *site.first_live_us();
  return {{"first_live_ms", (live - site.started_us()) / 1e3},
          {"first_live_after_connect_ms", (live - *site.connected_us()) / 1e3}};
}

// `until` says when it is over; false when it never came to that.
bool Watch(OfflineSite& site, const std::function<bool()>& until, json& figures) {
  const Cost agent = site.AgentCost(), cloud = site.CloudCost();
  const double begin = NowUs();
  bool settled = false;
  bool alive = true;
  while (alive && !until()) {
    alive = Wait(site);
    if (settled || NowUs() < *site.first_live_us() + kSettlingUs) continue;
    settled = true;
    site.TakeLatencies();
  }
  site.Look();
  const double seconds = (NowUs() - begin) / 1e6;
  figures["latency"] = LatencyJson(site.TakeLatencies());
  figures["seconds"] = seconds;
  figures["rounds"] = site.rounds();
  if (!alive) return false;
  figures["agent"] = CostJson(site.AgentCost(), agent, seconds);
  figures["cloud"] = CostJson(site.CloudCost(), cloud, seconds);
  figures["agent"]["peak"] = PeakJson(site.agent_peak());
  figures["cloud"]["peak"] = PeakJson(site.cloud_peak());
  const OfflineTraffic& traffic = site.traffic();
  figures["mqtt"] = {
      {"history_up", traffic.history_up},         {"history_down", traffic.history_down},
      {"history_frames", traffic.history_frames}, {"other_up", traffic.other_up},
      {"other_down", traffic.other_down},         {"counted", site.counted()}};
  return true;
}

json RunAlone(const OfflineOptions& options, std::uint64_t bytes_max, double seconds) {
  const tests::TempDir store;
  OfflineSite site(store.path().string(), static_cast<std::size_t>(options.properties), bytes_max);
  json figures = ComeOnline(site);
  if (figures.is_null()) return figures;
  const double end = NowUs() + seconds * 1e6;
  if (!Watch(
          site, [end] { return NowUs() >= end; }, figures))
    return Say(site.trouble());
  if (!site.StopAgent() || !site.StopCloud()) return Say(site.trouble());
  return figures;
}

// All but what is compared once both have stopped. Goes on for `at_least_s`.
json Deliver(OfflineSite& site, const OfflineOptions& options, double at_least_s) {
  json figures = ComeOnline(site);
  if (figures.is_null()) return figures;
  json backfill;
  double delivered_us = 0;
  double asked_us = 0;
  const double at_least_us = NowUs() + at_least_s * 1e6;
  const double at_most_us = NowUs() + options.deliver_s_max * 1e6;
  const auto over = [&] {
    const double now = NowUs();
    if (now < asked_us + 250e3) return false;
    asked_us = now;
    const json status = site.Device("/v1/status");
    if (!status.is_object() || !status["history"].is_object()) return now > at_most_us;
    backfill = status["history"]["backfill"];
    if (!backfill["caught_up"].get<bool>()) return now > at_most_us;
    if (delivered_us == 0) delivered_us = now;
    return now >= at_least_us;
  };
  if (!Watch(site, over, figures)) return Say(site.trouble());
  if (delivered_us == 0) return Say("the backlog was not delivered in time: " + backfill.dump());
  figures["delivered_s"] = (delivered_us - site.started_us()) / 1e6;
  figures["delivered_after_connect_s"] = (delivered_us - *site.connected_us()) / 1e6;
  figures["backfill"] = backfill;
  figures["written"] = site.Device("/v1/status").value("flash", json());
  const json device = site.Device("/v1/history/audit");
  const json cloud =
      site.Cloud(std::string("/v1/twins/") + OfflineSite::kDevice + "/history/audit");
  if (!device.is_object() || !cloud.is_object()) return Say("no audit can be had");
  figures["audit"] = {{"device_adds_up", device["adds_up"]}, {"cloud_adds_up", cloud["adds_up"]}};
  for (const json& path : cloud["paths"]) {
    for (const char* key : {"taken", "stored", "evicted", "lost_at_device"}) {
      json& sum = figures["audit"][std::string("cloud_") + key];
      sum = (sum.is_null() ? 0 : sum.get<std::uint64_t>()) + path[key].get<std::uint64_t>();
    }
  }
  return figures;
}

// A tenth of it, for as long: what takes memory is to be the same.
json RunTenth(const OfflineOptions& options, BacklogOptions backlog, std::uint64_t bytes_max,
              double seconds) {
  backlog.seconds = std::max<std::int64_t>(backlog.seconds / 10, 1);
  const tests::TempDir store;
  const std::string folder = store.path().string();
  const Result<Backlog> made =
      MakeBacklog(backlog, folder, bytes_max, SystemClock().UntrustedWall());
  if (!made) return Say(made.error().text);
  OfflineSite site(folder, made->sums.size(), bytes_max);
  json figures = Deliver(site, options, seconds);
  if (figures.is_null() || !site.StopAgent() || !site.StopCloud()) return Say(site.trouble());
  return figures;
}

json BacklogJson(const BacklogOptions& options, const Backlog& made) {
  const auto samples = static_cast<double>(made.samples);
  return {{"properties", options.properties},
          {"seconds", options.seconds},
          {"samples", made.samples},
          {"evicted", made.evicted},
          {"dropped", made.dropped},
          {"file_bytes", made.file_bytes},
          {"block_bytes", made.block_bytes},
          {"blocks", made.blocks},
          {"commits", made.commits},
          {"bytes_a_sample", static_cast<double>(made.file_bytes) / samples},
          {"made_s", made.made_s},
          {"encode_s", made.encode_s},
          {"values", options.data.empty() ? "made series" : "real series"},
          {"jitter_ms_max", options.jitter_ms_max},
          {"window_s", options.window_s == 0 ? json() : json(options.window_s)},
          {"decimals", options.decimals ? json(*options.decimals) : json()}};
}

// What the cloud has of the backlog, beside what was made; or, where that had no room, beside what
// the device still had.
bool Compare(const Backlog& made, const std::optional<std::vector<SampleSum>>& kept,
             const std::vector<SampleSum>& there, json& figures) {
  const std::vector<SampleSum>& here = kept ? *kept : made.sums;
  std::uint64_t samples = 0, sum = 0, wrong = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    samples += there[i].count;
    sum ^= there[i].sum;
    wrong += here[i] == there[i] ? 0 : 1;
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(sum));
  figures["compared"] = {{"with", kept ? "what the device kept" : "what was made"},
                         {"samples", samples},
                         {"sum", text},
                         {"properties_wrong", wrong}};
  return wrong == 0;
}

}  // namespace

int RunOffline(const OfflineOptions& options) {
  InitLog("bench", LogLevel::kError);
  mosquitto_lib_init();
  if (!options.folder.empty()) setenv("TMPDIR", options.folder.c_str(), 1);
  BacklogOptions backlog;
  backlog.properties = options.properties;
  backlog.seconds = std::max<std::int64_t>(static_cast<std::int64_t>(options.hours * 3'600), 1);
  backlog.data = options.data;
  backlog.jitter_ms_max = options.jitter_ms_max;
  backlog.window_s = options.window_s;
  if (options.decimals >= 0) backlog.decimals = options.decimals;
  const auto bytes_max = static_cast<std::uint64_t>(options.mib_max * (1 << 20));
  const tests::TempDir store;
  const std::string folder = store.path().string();
  const Result<Backlog> made =
      MakeBacklog(backlog, folder, bytes_max, SystemClock().UntrustedWall());
  if (!made) {
    Say(made.error().text);
    return 1;
  }
  json report;
  report["backlog"] = BacklogJson(backlog, *made);
  std::optional<std::vector<SampleSum>> kept;
  if (made->evicted > 0) {
    auto sums = SumDevice(folder, made->sums.size(), static_cast<std::uint64_t>(backlog.seconds));
    if (!sums) {
      Say(sums.error().text);
      return 1;
    }
    kept = std::move(*sums);
  }
  std::fprintf(stderr, "%.1f MB of history; now online, without it for %g s …\n",
               static_cast<double>(made->file_bytes) / 1e6, options.alone_s);
  report["alone"] = RunAlone(options, bytes_max, options.alone_s);
  if (report["alone"].is_null()) return 1;
  std::fprintf(stderr, "… and with it …\n");
  OfflineSite site(folder, made->sums.size(), bytes_max);
  report["online"] = Deliver(site, options, 0);
  json& online = report["online"];
  if (online.is_null() || !site.StopAgent()) return 1;
  const json& mqtt = online["mqtt"];
  const auto frames = std::max<std::uint64_t>(mqtt["history_frames"].get<std::uint64_t>(), 1);
  const std::size_t frame_bytes = mqtt["history_up"].get<std::uint64_t>() / frames;
  const tests::TempDir raw_folder;
  const RawDelivery raw =
      DeliverRaw(site.broker_port(), raw_folder.File("raw.db"), frame_bytes, kRawMessages);
  report["raw"] = {
      {"message_bytes", frame_bytes}, {"messages", raw.messages}, {"seconds", raw.seconds}};
  if (!site.StopCloud()) return 1;
  const auto there = SumCloud(site.cloud_folder(), OfflineSite::kDevice, made->sums.size(),
                              static_cast<std::uint64_t>(backlog.seconds));
  if (!there) {
    Say(there.error().text);
    return 1;
  }
  std::fprintf(stderr, "… and with a tenth of it …\n");
  report["tenth"] = RunTenth(options, backlog, bytes_max, online["seconds"].get<double>());
  if (report["tenth"].is_null()) return 1;
  std::string missing;
  if (!Compare(*made, kept, *there, online)) missing = "what arrived is not what was made";
  if (online["audit"]["device_adds_up"] != true || online["audit"]["cloud_adds_up"] != true) {
    missing = "an audit doesn't add up";
  }
  if (!mqtt["counted"].get<bool>()) missing = "not every byte was counted";
  if (raw.messages != kRawMessages) missing = "the yardstick failed";
  JudgeOffline(report);
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    PrintOffline(report);
  }
  if (missing.empty()) return 0;
  Say(missing);
  return 1;
}

}  // namespace edgetwin::bench
