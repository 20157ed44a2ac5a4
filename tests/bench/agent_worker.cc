// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdio>

#include "agent/runtime/agent.h"
#include "sync/link/mqtt_link.h"
#include "tests/bench/bench.h"
#include "tests/bench/synthetic_driver.h"
#include "twin/base/log.h"

namespace edgetwin::bench {

int RunAgentWorker(const AgentWorkerOptions& options) {
  InitLog("bench", LogLevel::kError);
  SystemClock clock;
  EventLoop loop(clock);
  config::AgentConfig config;
  config.device.id = "bench-gw-0001";
  config.store.directory = options.store;
  config.cloud.enabled = !options.broker.empty();
  if (config.cloud.enabled) config.cloud.brokers = {*sync::ParseBrokerUrl(options.broker)};
  config::DriverInstanceConfig instance;
  instance.name = instance.kind = "synthetic";
  instance.node.value = ConfigNode::Table{};
  config.drivers.push_back(std::move(instance));
  SyntheticOptions synthetic;
  synthetic.properties = static_cast<std::size_t>(options.properties);
  synthetic.hz = options.hz;
  synthetic.full_precision = options.full_precision;
  auto agent = runtime::Agent::Open(loop, std::move(config), {SyntheticDriver::Kind(synthetic)});
  if (!agent) {
    std::fprintf(stderr, "%s\n", agent.error().text.c_str());
    return 1;
  }
  (*agent)->Start();
  const auto time = std::chrono::microseconds(static_cast<std::int64_t>(options.seconds * 1e6));
  loop.After(time, [&loop] { loop.Stop(); });
  // First contact (the dictionary) is not what a value costs in the long run.
  sync::LinkStats before;
  std::uint64_t samples_before = 0;
  const auto warm = std::chrono::microseconds(static_cast<std::int64_t>(options.warmup_s * 1e6));
  loop.After(warm, [&] {
    before = (*agent)->link_stats().value_or(sync::LinkStats{});
    samples_before = SyntheticDriver::instance()->samples();
  });
  loop.Run();
  const auto link = (*agent)->link_stats();
  const sync::EdgeStatus status = (*agent)->engine().status();
  const store::TwinStoreStats store = (*agent)->store_stats();
  std::printf(
      "{\"mqtt_sent\":%llu,\"mqtt_received\":%llu,\"values\":%llu,\"frames\":%llu,"
      "\"acked\":%llu,\"head\":%llu,\"commits\":%llu}\n",
      static_cast<unsigned long long>(link ? link->bytes_sent - before.bytes_sent : 0),
      static_cast<unsigned long long>(link ? link->bytes_received - before.bytes_received : 0),
      static_cast<unsigned long long>(SyntheticDriver::instance()->samples() - samples_before),
      static_cast<unsigned long long>(link ? link->frames_sent : 0),
      static_cast<unsigned long long>(status.state_acked),
      static_cast<unsigned long long>(status.state_head),
      static_cast<unsigned long long>(store.commits));
  int exit = 0;
  (*agent)->Stop([&exit](const Status& stopped) { exit = stopped ? 0 : 1; });
  return exit;
}

}  // namespace edgetwin::bench
