// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/offline_report.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr double kWeekSamples = 100 * 7 * 86'400.0;  // Of 100 properties at 1 Hz.
constexpr double kBytesASampleAim = 150e6 / kWeekSamples;
constexpr double kLatencyAim = 2;
// Of memory with a backlog beside a tenth of it: the same but for noise.
constexpr double kMemoryAim = 1.1;

double Number(const json& object, const char* name) {
  return object[name].get<double>();
}

double Ratio(double value, double to) {
  return to == 0 ? 0 : value / to;
}

void AddAim(json& aims, const std::string& what, double value, double aim) {
  aims.push_back({{"what", what}, {"value", value}, {"aim", aim}, {"reached", value <= aim}});
}

void PrintRun(const char* name, const json& run) {
  std::printf(
      "%-18s first live %7.0f ms (%6.0f after CONNECT)   live p50 %8.0f us  p99 %8.0f us  "
      "max %8.0f us  n %.0f\n",
      name, Number(run, "first_live_ms"), Number(run, "first_live_after_connect_ms"),
      Number(run["latency"], "p50_us"), Number(run["latency"], "p99_us"),
      Number(run["latency"], "max_us"), Number(run["latency"], "count"));
  for (const char* who : {"agent", "cloud"}) {
    const json& cost = run[who];
    std::printf(
        "  %-16s peak PSS %8.0f KB  RSS %8.0f KB   CPU %7.2f s   written %8.2f MB   in "
        "%.1f s\n",
        who, Number(cost["peak"], "pss_kb"), Number(cost["peak"], "rss_kb"), Number(cost, "cpu_s"),
        Number(cost, "write_bytes") / 1e6, Number(cost, "seconds"));
  }
}

}  // namespace

void JudgeOffline(json& report) {
  const json& backlog = report["backlog"];
  const json& alone = report["alone"];
  json& online = report["online"];
  const json& raw = report["raw"];
  const double samples = std::max(Number(online["compared"], "samples"), 1.0);
  const double seconds = Number(online, "delivered_after_connect_s");
  const double up = Number(online["mqtt"], "history_up");
  const double down = Number(online["mqtt"], "history_down");
  online["samples_a_second"] = Ratio(samples, seconds);
  online["bytes_a_second"] = Ratio(up, seconds);
  // Live samples are history, too: each that arrived is counted.
  const double arrived = std::max(Number(online["audit"], "cloud_taken"), samples);
  online["mqtt"]["up_a_sample"] = up / arrived;
  online["mqtt"]["down_a_sample"] = down / arrived;
  const double raw_rate =
      Ratio(Number(raw, "message_bytes") * Number(raw, "messages"), Number(raw, "seconds"));
  report["raw"]["bytes_a_second"] = raw_rate;
  const auto ratio = [&](const char* outer, const char* inner) {
    return Ratio(Number(online[outer], inner), Number(alone[outer], inner));
  };
  const auto peak = [&](const char* who, const char* beside) {
    return Ratio(Number(online[who]["peak"], "pss_kb"),
                 Number(report[beside][who]["peak"], "pss_kb"));
  };
  const double alone_flash =
      Ratio(Number(alone["agent"], "write_bytes"), Number(alone["agent"], "seconds"));
  const double delivery_flash =
      Number(online["agent"], "write_bytes") - alone_flash * Number(online["agent"], "seconds");
  online["flash_a_sample"] = std::max(delivery_flash, 0.0) / samples;
  report["ratios"] = {{"first_live_to_alone",
                       Ratio(Number(online, "first_live_ms"), Number(alone, "first_live_ms"))},
                      {"first_live_to_backlog_first",
                       Ratio(Number(online, "first_live_ms"), Number(online, "delivered_s") * 1e3)},
                      {"delivery_rate_to_raw", Ratio(Number(online, "bytes_a_second"), raw_rate)},
                      {"live_p50_to_alone", ratio("latency", "p50_us")},
                      {"live_p99_to_alone", ratio("latency", "p99_us")},
                      {"agent_pss_to_alone", peak("agent", "alone")},
                      {"agent_pss_to_tenth", peak("agent", "tenth")},
                      {"cloud_pss_to_alone", peak("cloud", "alone")},
                      {"cloud_pss_to_tenth", peak("cloud", "tenth")}};
  const json& ratios = report["ratios"];
  json aims = json::array();
  AddAim(aims, "bytes of flash a sample (150 MB the week)", Number(backlog, "bytes_a_sample"),
         kBytesASampleAim);
  AddAim(aims, "samples that are not what was made (properties)",
         Number(online["compared"], "properties_wrong"), 0);
  AddAim(aims, "live p50 beside without a backlog", Number(ratios, "live_p50_to_alone"),
         kLatencyAim);
  AddAim(aims, "live p99 beside without a backlog", Number(ratios, "live_p99_to_alone"),
         kLatencyAim);
  AddAim(aims, "agent's peak PSS beside a tenth of it", Number(ratios, "agent_pss_to_tenth"),
         kMemoryAim);
  // They are about that week: less fills no cache and has few live values beside it.
  report["aims"] = Number(backlog, "samples") < kWeekSamples ? json::array() : std::move(aims);
}

void PrintOffline(const json& report) {
  const json &backlog = report["backlog"], &online = report["online"], &mqtt = online["mqtt"];
  const json &raw = report["raw"], &ratios = report["ratios"];
  std::printf(
      "%.0f samples: %.0f properties at 1 Hz for %.2f h, %s, offset, phase and a jitter of 0 to "
      "%.0f ms each.\n\nflash: %.1f MB, %.3f bytes a sample (blocks %.3f), %.0f blocks in %.0f "
      "commits; made in %.1f s, %.1f of them encoding; evicted %.0f, dropped %.0f\n\n",
      Number(backlog, "samples"), Number(backlog, "properties"), Number(backlog, "seconds") / 3'600,
      backlog["values"].get<std::string>().c_str(), Number(backlog, "jitter_ms_max"),
      Number(backlog, "file_bytes") / 1e6, Number(backlog, "bytes_a_sample"),
      Ratio(Number(backlog, "block_bytes"), Number(backlog, "samples")), Number(backlog, "blocks"),
      Number(backlog, "commits"), Number(backlog, "made_s"), Number(backlog, "encode_s"),
      Number(backlog, "evicted"), Number(backlog, "dropped"));
  PrintRun("without a backlog", report["alone"]);
  PrintRun("with it", online);
  PrintRun("with a tenth of it", report["tenth"]);
  std::printf(
      "\ndelivered in %.2f s after CONNECT (%.2f s after the start: where the backlog goes first, "
      "nothing live is seen before; %.0f times as long)\n%.0f samples/s, %.2f MB/s in %.0f frames "
      "of %.1f KB; libmosquitto and a row a message in SQLite, one at a time: %.2f MB/s (ours %.2f "
      "of it)\n",
      Number(online, "delivered_after_connect_s"), Number(online, "delivered_s"),
      Ratio(1, Number(ratios, "first_live_to_backlog_first")), Number(online, "samples_a_second"),
      Number(online, "bytes_a_second") / 1e6, Number(mqtt, "history_frames"),
      Number(raw, "message_bytes") / 1e3, Number(raw, "bytes_a_second") / 1e6,
      Number(ratios, "delivery_rate_to_raw"));
  std::printf(
      "MQTT a sample: %.3f bytes up, %.4f down; flash for the delivery: %.4f bytes a "
      "sample\n\ncompared with %s: %.0f samples, sum %s; audits add up: device %s, cloud "
      "%s\n\n",
      Number(mqtt, "up_a_sample"), Number(mqtt, "down_a_sample"), Number(online, "flash_a_sample"),
      online["compared"]["with"].get<std::string>().c_str(), Number(online["compared"], "samples"),
      online["compared"]["sum"].get<std::string>().c_str(),
      online["audit"]["device_adds_up"] == true ? "yes" : "NO",
      online["audit"]["cloud_adds_up"] == true ? "yes" : "NO");
  std::printf("Aims%s\n", report["aims"].empty()
                              ? ": not judged, which are about a week of 100 properties"
                              : "");
  for (const json& aim : report["aims"]) {
    std::printf("%-50s %8.3f  aim <= %-6.3g %s\n", aim["what"].get<std::string>().c_str(),
                Number(aim, "value"), Number(aim, "aim"),
                aim["reached"].get<bool>() ? "reached" : "NOT REACHED");
  }
}

}  // namespace edgetwin::bench
