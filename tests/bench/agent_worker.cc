// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/runtime/agent.h"
#include "sync/link/mqtt_link.h"
#include "tests/bench/bench.h"
#include "tests/bench/flash_account.h"
#include "tests/bench/series_workload.h"
#include "tests/bench/synthetic_driver.h"
#include "twin/base/log.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

config::AgentConfig MakeConfig(const AgentWorkerOptions& options) {
  config::AgentConfig config;
  config.device.id = options.device;
  config.store.directory = options.store;
  config.store.commit_window = Milliseconds(options.commit_window_s);
  config.store.checkpoint_interval = Milliseconds(options.checkpoint_s);
  config.history.enabled = options.history;
  config.cloud.enabled = !options.broker.empty();
  if (config.cloud.enabled) config.cloud.brokers = {*sync::ParseBrokerUrl(options.broker)};
  config::DriverInstanceConfig instance;
  instance.name = instance.kind = "synthetic";
  instance.node.value = ConfigNode::Table{};
  config.drivers.push_back(std::move(instance));
  return config;
}

json Flash(const FlashAccount& account, const runtime::Agent& agent) {
  json flash = account.Now();
  const runtime::FlashReport report = agent.flash();
  flash["twin"] = ByCause(report.twin);
  flash["history"] = ByCause(report.history);
  return flash;
}

// Flash, and how often it was written to.
json Counts(const FlashAccount& account, const runtime::Agent& agent) {
  json counts = Flash(account, agent);
  const store::TwinStoreStats store = agent.store_stats();
  counts["commits"] = store.commits;
  counts["checkpoints"] = store.checkpoints;
  runtime::HistoryStatus history;
  if (agent.history() != nullptr) history = agent.history()->status();
  counts["history_commits"] = history.store.commits;
  counts["history_blocks"] = history.store.blocks;
  counts["not_stored"] = history.dropped;
  return counts;
}

}  // namespace

int RunAgentWorker(const AgentWorkerOptions& options) {
  InitLog("bench", LogLevel::kError);
  const FlashAccount account;
  SystemClock clock;
  EventLoop loop(clock);
  SyntheticOptions synthetic;
  synthetic.properties = static_cast<std::size_t>(options.properties);
  synthetic.hz = options.hz;
  synthetic.full_precision = options.full_precision;
  if (!options.data.empty()) {
    Result<Workload> workload = MakeWorkload(options.data, synthetic.properties);
    if (!workload) {
      std::fprintf(stderr, "edgetwin-bench: %s\n", workload.error().text.c_str());
      return 1;
    }
    synthetic.workload = std::make_shared<const Workload>(std::move(*workload));
  }
  auto agent = runtime::Agent::Open(loop, MakeConfig(options),
                                    runtime::DriverKinds({SyntheticDriver::Kind(synthetic)}));
  if (!agent) {
    std::fprintf(stderr, "%s\n", agent.error().text.c_str());
    return 1;
  }
  if (runtime::History* history = (*agent)->history()) {
    std::array<std::chrono::milliseconds, history::kPriorities> windows{};
    windows.fill(Milliseconds(options.history_window_s));
    history->SetWindows(windows);
  }
  (*agent)->Start();
  loop.After(Milliseconds(options.seconds), [&loop] { loop.Stop(); });
  json out;
  // First contact (the dictionary) is not what a value costs in the long run.
  sync::LinkStats before;
  std::uint64_t samples_before = 0;
  loop.After(Milliseconds(options.warmup_s), [&] {
    before = (*agent)->link_stats().value_or(sync::LinkStats{});
    samples_before = SyntheticDriver::instance()->samples();
    out["begin"] = Counts(account, **agent);
  });
  loop.Run();
  const sync::LinkStats link = (*agent)->link_stats().value_or(sync::LinkStats{});
  const sync::EdgeStatus status = (*agent)->engine().status();
  out["mqtt_sent"] = link.bytes_sent - before.bytes_sent;
  out["mqtt_received"] = link.bytes_received - before.bytes_received;
  out["samples"] = SyntheticDriver::instance()->samples() - samples_before;
  out["frames"] = link.frames_sent;
  out["acked"] = status.state_acked;
  out["head"] = status.state_head;
  out["end"] = Counts(account, **agent);
  int exit = 0;
  (*agent)->Stop([&](const Status& stopped) {
    exit = stopped ? 0 : 1;
    out["stopped"] = Flash(account, **agent);
  });
  agent->reset();
  out["closed"] = account.Now();  // The stores have been folded into their files.
  std::printf("%s\n", out.dump().c_str());
  return exit;
}

}  // namespace edgetwin::bench
