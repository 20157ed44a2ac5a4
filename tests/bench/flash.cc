// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Bytes written to flash a sample. Every agent is a process of its own, in real time and all at the
// same time: what one writes doesn't depend on the others.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/bench.h"
#include "tests/bench/flash_folder.h"
#include "tests/bench/flash_report.h"
#include "tests/bench/measure.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"
#include "twin/history/gather/recorder.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

constexpr double kUnscaledSeconds = 660;  // Of a run in which each of the agent's windows ends.

// Of properties of which nothing is said.
const std::chrono::duration<double> kHistoryWindow =
    history::RecorderOptions().window[static_cast<std::size_t>(history::Priority::kNormal)];

// The agent's defaults, or as much less as makes each of them end within the run.
struct Windows {
  double commit_s, history_s, checkpoint_s, warmup_s;
};

Windows WindowsFor(double seconds) {
  return {.commit_s = std::min(2.0, seconds / 4),
          .history_s = std::min(kHistoryWindow.count(), seconds / 4),
          .checkpoint_s = seconds >= kUnscaledSeconds ? 600 : seconds / 2,
          .warmup_s = std::clamp(seconds / 10, 2.0, 10.0)};
}

std::string Text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

// A worker, and what it printed.
class Worker {
 public:
  Worker(const FlashOptions& options, std::vector<std::string> args) {
    tests::ChildOptions child;
    child.args = {BinDir() + "/edgetwin-bench"};
    child.args.insert(child.args.end(), args.begin(), args.end());
    child.args.insert(child.args.end(), {"--store", folder_.path().string()});
    if (!options.data.empty()) child.args.insert(child.args.end(), {"--data", options.data});
    child.output_file = folder_.File("out");
    child_ = std::make_unique<tests::Child>(std::move(child));
  }
  bool running() { return child_->running(); }

  // Null, and said, when it failed.
  json Wait() {
    const auto exit = child_->Wait(std::chrono::minutes(10));
    std::string text = tests::ReadFile(folder_.File("out"));
    if (text.ends_with('\n')) text.pop_back();
    json out = json::parse(text.substr(text.rfind('\n') + 1), nullptr, false);
    if (exit == 0 && out.is_object()) return out;
    std::fprintf(stderr, "edgetwin-bench: a worker failed: %s\n", text.c_str());
    return nullptr;
  }

 private:
  tests::TempDir folder_;
  std::unique_ptr<tests::Child> child_;
};

double Number(const json& object, const char* name) {
  return object[name].get<double>();
}

// `after` less `before`, cause by cause.
json Less(const json& after, const json& before) {
  json less;
  for (const auto& [cause, bytes] : after.items()) {
    less[cause] = bytes.get<std::uint64_t>() - before[cause].get<std::uint64_t>();
  }
  return less;
}

std::uint64_t Sum(const json& by_cause) {
  std::uint64_t sum = 0;
  for (const auto& item : by_cause.items()) sum += item.value().get<std::uint64_t>();
  return sum;
}

// What the samples cost until all of them lie where they stay: the run, and the clean stop after
// it. The start is apart.
json Figures(const json& out) {
  const double samples = Number(out, "samples");
  json figures;
  figures["samples"] = samples;
  const auto add = [&](const char* name, const json& before, const json& after) {
    for (const char* layer : {"kernel", "vfs"}) {
      figures[layer][name] = Number(after, layer) - Number(before, layer);
    }
  };
  add("run", out["begin"], out["end"]);
  add("stop", out["end"], out["closed"]);
  add("total", out["begin"], out["closed"]);
  for (const char* layer : {"kernel", "vfs"}) {
    figures[layer]["start"] = Number(out["begin"], layer);
    figures[layer]["a_sample"] = Number(figures[layer], "total") / samples;
    figures[layer]["a_sample_in_the_run"] = Number(figures[layer], "run") / samples;
  }
  return figures;
}

// More of an agent's.
json AgentFigures(const json& out) {
  json figures = Figures(out);
  const json &begin = out["begin"], &end = out["end"], &stopped = out["stopped"];
  for (const char* store : {"twin", "history"}) {
    figures["by_cause"][store] = {{"run", Less(end[store], begin[store])},
                                  {"total", Less(stopped[store], begin[store])}};
  }
  // Once the meters by cause are gone: the twin's WAL into its database.
  figures["by_cause"]["closing"] = Number(out["closed"], "vfs") - Number(stopped, "vfs");
  figures["adds_up"] =
      Sum(stopped["twin"]) + Sum(stopped["history"]) == stopped["vfs"].get<std::uint64_t>();
  for (const char* count : {"commits", "checkpoints", "history_commits", "history_blocks"}) {
    figures[count] = Number(end, count) - Number(begin, count);
  }
  figures["not_stored"] = end["not_stored"];
  figures["acked"] = out["acked"];
  figures["head"] = out["head"];
  return figures;
}

std::vector<std::string> AgentArgs(const std::string& device, double hz, int properties,
                                   const Windows& windows, double seconds,
                                   const std::string& broker) {
  return {"worker-agent",
          "--device",
          device,
          "--broker",
          broker,
          "--hz",
          Text(hz),
          "--properties",
          std::to_string(properties),
          "--warmup",
          Text(windows.warmup_s),
          "--seconds",
          Text(windows.warmup_s + seconds),
          "--commit-window",
          Text(windows.commit_s),
          "--history-window",
          Text(windows.history_s),
          "--checkpoint",
          Text(windows.checkpoint_s)};
}

// One at a time: `samples` rows in transactions of `rows`.
json RunRows(const FlashOptions& options, int rate, double samples, double rows) {
  Worker worker(options, {"worker-rows", "--properties", std::to_string(rate), "--samples",
                          Text(std::floor(samples)), "--transaction-rows",
                          Text(std::max(1.0, std::floor(rows)))});
  const json out = worker.Wait();
  if (out.is_null()) return nullptr;
  json figures = Figures(out);
  figures["transaction_rows"] = std::max(1.0, std::floor(rows));
  return figures;
}

void Wait(const FlashOptions& options, double until_us, std::vector<Worker*> workers) {
  const double begin = NowUs();
  double said = begin;
  // Also ends when a worker does, which then says why.
  while (NowUs() < until_us && std::ranges::all_of(workers, &Worker::running)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (NowUs() - said < 30e6) continue;
    said = NowUs();
    std::fprintf(stderr, "%.0f s of %g s left\n", (until_us - said) / 1e6, options.seconds);
  }
}

// What must have happened for the figures to say anything; empty when it did.
std::string Missing(const json& row) {
  const json &online = row["online"], &offline = row["offline"];
  if (Number(online, "acked") == 0) return "the cloud acknowledged nothing";
  if (Number(offline, "acked") != 0) return "a cloud acknowledged something without a broker";
  for (const json* way : {&online, &offline}) {
    if (Number(*way, "history_commits") == 0) return "the history committed nothing";
    // Online, once a checkpoint interval.
    if (Number(*way, "commits") == 0) return "the twin committed nothing";
    if (Number(*way, "not_stored") != 0) return "samples were not stored";
    if (!(*way)["adds_up"].get<bool>()) return "causes don't add up to what was written";
  }
  return {};
}

struct Agents {
  int rate;
  std::unique_ptr<Worker> online, offline;
};

}  // namespace

int RunFlash(const FlashOptions& options) {
  namespace fs = std::filesystem;
  if (!options.folder.empty()) setenv("TMPDIR", options.folder.c_str(), 1);
  std::error_code ignored;
  const std::string folder =
      options.folder.empty() ? fs::temp_directory_path(ignored).string() : options.folder;
  const Result<std::string> file_system = FileSystemOf(folder);
  if (!file_system) {
    std::fprintf(stderr, "edgetwin-bench: %s\n", file_system.error().text.c_str());
    return 1;
  }
  const Windows windows = WindowsFor(options.seconds);
  tests::TestBroker broker;
  tests::TempDir cloud_folder;
  tests::ChildOptions cloud_options;
  cloud_options.args = {BinDir() + "/edgetwin-cloud", "--broker", broker.url(), "--store",
                        cloud_folder.path().string(), "--listen", "127.0.0.1:0"};
  cloud_options.output_file = cloud_folder.File("log");
  tests::Child cloud(cloud_options);
  // A gateway that is configured for a broker, and nobody answers.
  const std::string nobody = "mqtt://127.0.0.1:" + std::to_string(tests::FreePort());

  std::vector<Agents> agents;
  std::vector<Worker*> all;
  const auto start = [&](const std::string& device, double hz, int properties,
                         const Windows& of_agent, const std::string& url) {
    auto worker = std::make_unique<Worker>(
        options, AgentArgs(device, hz, properties, of_agent, options.seconds, url));
    all.push_back(worker.get());
    return worker;
  };
  for (const int rate : options.rates) {
    const std::string name = "bench-gw-" + std::to_string(rate);
    agents.push_back({rate, start(name + "-on", 1, rate, windows, broker.url()),
                      start(name + "-off", 1, rate, windows, nobody)});
  }
  // The one checkpoint after first contact is not what a day consists of: it falls into the warmup.
  Windows early = windows;
  early.commit_s = early.history_s = early.checkpoint_s = windows.warmup_s / 8;
  const auto idle = start("bench-gw-idle", 0, 100, early, broker.url());
  const double end_us = NowUs() + (windows.warmup_s + options.seconds) * 1e6;

  json report;
  report["folder"] = folder;
  report["file_system"] = *file_system;
  report["seconds"] = options.seconds;
  report["values"] = options.data.empty() ? "random walks of two decimals" : "real series";
  report["data"] = options.data;
  report["windows"] = {{"commit_s", windows.commit_s},
                       {"history_s", windows.history_s},
                       {"checkpoint_s", windows.checkpoint_s},
                       {"scaled", options.seconds < kUnscaledSeconds}};
  // Enough for several checkpoints of its WAL; a row costs the same at any rate.
  constexpr double kOneRowSamples = 10'000;
  std::fprintf(stderr, "The agents run for %g s; meanwhile rows in SQLite …\n",
               windows.warmup_s + options.seconds);
  std::vector<json> peers;
  for (const int rate : options.rates) {
    const double samples = rate * options.seconds;
    const json one = RunRows(options, rate, std::min(samples, kOneRowSamples), 1);
    const json commit = RunRows(options, rate, samples, rate * windows.commit_s);
    const json history = RunRows(options, rate, samples, rate * windows.history_s);
    if (one.is_null() || commit.is_null() || history.is_null()) return 1;
    peers.push_back({{"one_row", one}, {"grouped_commit", commit}, {"grouped_history", history}});
  }
  Wait(options, end_us, all);

  std::string missing;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    const json online = agents[i].online->Wait(), offline = agents[i].offline->Wait();
    if (online.is_null() || offline.is_null()) return 1;
    json row = {{"rate", agents[i].rate},
                {"online", AgentFigures(online)},
                {"offline", AgentFigures(offline)},
                {"peers", peers[i]}};
    if (missing.empty()) missing = Missing(row);
    report["rates"].push_back(std::move(row));
  }
  const json idle_out = idle->Wait();
  if (idle_out.is_null()) return 1;
  const double idle_bytes = Number(idle_out["end"], "kernel") - Number(idle_out["begin"], "kernel");
  report["idle"] = {{"kernel", idle_bytes},
                    {"kernel_a_day", idle_bytes * 86'400 / options.seconds},
                    {"acked", idle_out["acked"]}};
  JudgeFlash(report);
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    PrintFlash(report);
  }
  if (missing.empty()) return 0;
  std::fprintf(stderr, "edgetwin-bench: not a measurement: %s\n", missing.c_str());
  return 1;
}

}  // namespace edgetwin::bench
