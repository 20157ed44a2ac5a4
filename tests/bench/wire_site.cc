// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/wire_site.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "sync/link/mqtt_link.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/support/http_client.h"
#include "tests/support/port.h"

namespace edgetwin::bench {
namespace {

// Longer than the shortest RTO (1.5 s) and the pause between two acks (1 s).
constexpr double kQuietUs = 1.8e6;

}  // namespace

WireSite::WireSite(bool full_precision)
    : device_tap_(broker_.port()),
      cloud_tap_(broker_.port()),
      api_port_(tests::FreePort()),
      loop_(clock_) {
  tests::ChildOptions cloud;
  cloud.args = {BinDir() + "/edgetwin-cloud",
                "--broker",
                cloud_tap_.url(),
                "--store",
                cloud_folder_.path().string(),
                "--listen",
                "127.0.0.1:" + std::to_string(api_port_)};
  cloud.output_file = cloud_folder_.File("cloud.log");
  cloud_ = std::make_unique<tests::Child>(cloud);
  if (!tests::WaitForPort(api_port_, std::chrono::seconds(10))) {
    Fail("edgetwin-cloud did not start:\n" + tests::ReadFile(cloud.output_file));
    return;
  }
  config::AgentConfig config;
  config.device.id = kDevice;
  config.store.directory = store_.path().string();
  config.cloud.enabled = true;
  config.cloud.brokers = {*sync::ParseBrokerUrl(device_tap_.url())};
  config::DriverInstanceConfig instance;
  instance.name = instance.kind = "synthetic";
  instance.node.value = ConfigNode::Table{};
  config.drivers.push_back(std::move(instance));
  SyntheticOptions synthetic;
  synthetic.properties = kProperties;
  synthetic.hz = 0;
  synthetic.full_precision = full_precision;
  synthetic.writable = true;
  synthetic.written = [this](model::PropertyId id, const model::Value& value) {
    const auto& ids = SyntheticDriver::instance()->ids();
    const auto at = static_cast<std::size_t>(std::ranges::find(ids, id) - ids.begin());
    written_.push_back({at, value.AsNumber().value_or(0), 0});
  };
  auto agent = runtime::Agent::Open(loop_, std::move(config),
                                    runtime::DriverKinds({SyntheticDriver::Kind(synthetic)}));
  if (!agent) {
    Fail(agent.error().text);
    return;
  }
  agent_ = std::move(*agent);
  agent_->Start();
  if (!Until([this] { return status().state == sync::SyncState::kLive; }, 20)) {
    Fail("the agent and the cloud did not find each other");
  }
}

WireSite::~WireSite() {
  if (agent_) agent_->Stop([](const Status&) {});
}

bool WireSite::Fail(std::string what) {
  if (trouble_.empty()) trouble_ = std::move(what);
  return false;
}

std::int64_t WireSite::wall_ms() const {
  return clock_.UntrustedWall().time_since_epoch().count();
}

void WireSite::Report(const std::vector<WireValue>& values) {
  SyntheticDriver& driver = *SyntheticDriver::instance();
  for (const WireValue& value : values) {
    model::Sample sample;
    sample.value = model::Value(value.value);
    sample.time = WallTime(std::chrono::milliseconds(value.time_ms));
    driver.Report(driver.ids()[value.property], std::move(sample));
  }
}

bool WireSite::Want(const std::vector<WireValue>& values, int decimals) {
  std::string members;
  for (const WireValue& value : values) {
    char text[64];
    const int digits = decimals >= 0 ? decimals : 17;
    std::snprintf(text, sizeof text, decimals >= 0 ? "\"p%05zu\":%.*f" : "\"p%05zu\":%.*g",
                  value.property, digits, value.value);
    members += (members.empty() ? "" : ",") + std::string(text);
  }
  tests::HttpRequest request;
  request.method = "PATCH";
  request.url =
      "http://127.0.0.1:" + std::to_string(api_port_) + "/v1/twins/" + kDevice + "/desired";
  request.body = "{\"plant\":{" + members + "}}";
  request.headers = {"Content-Type: application/merge-patch+json"};
  const tests::HttpAnswer answer = tests::Ask(request);
  if (answer.status / 100 == 2) return true;
  return Fail("the cloud answered " + std::to_string(answer.status) + ": " + answer.body);
}

std::vector<WireValue> WireSite::TakeWritten() {
  return std::exchange(written_, {});
}

bool WireSite::Until(const std::function<bool()>& done, double seconds) {
  const double end = NowUs() + seconds * 1e6;
  while (!done()) {
    if (NowUs() >= end) return false;
    loop_.RunFor(std::chrono::milliseconds(1));
  }
  return true;
}

void WireSite::RunFor(double us) {
  Until([] { return false; }, us / 1e6);
}

bool WireSite::Reconnect(const std::vector<WireValue>& meanwhile) {
  const std::uint64_t before = status().sessions;
  device_tap_.Cut();
  if (!Until([&] { return status().state == sync::SyncState::kOffline; }, 20)) {
    return Fail("the agent did not notice that its connection was cut");
  }
  Report(meanwhile);
  const bool again = Until(
      [&] { return status().sessions > before && status().state == sync::SyncState::kLive; }, 20);
  return again ? Quiet() : Fail("the agent did not come back after its connection was cut");
}

bool WireSite::Quiet() {
  const double begin = NowUs();
  const bool quiet = Until(
      [&] {
        const sync::EdgeStatus now = status();
        const double last = std::max({begin, device_tap_.last_us(), cloud_tap_.last_us()});
        return now.state_acked == now.state_head && now.control_acked == now.control_head &&
               now.events_acked == now.events_head && NowUs() - last > kQuietUs;
      },
      20);
  if (!quiet) return Fail("not everything was acknowledged within 20 s");
  if (device_tap_.lost() || cloud_tap_.lost()) return Fail("a tap lost track of the packets");
  return true;
}

}  // namespace edgetwin::bench
