// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/runtime/agent.h"
#include "sync/link/mqtt_link.h"
#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/bench/synthetic_driver.h"
#include "tests/support/broker.h"
#include "tests/support/child.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"
#include "twin/base/log.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

// libmosquitto's own publish → receive at QoS 0 over the same broker.
std::vector<double> RawLatencies(int port, int samples) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    double received = 0;
    bool ready = false;
  } shared;
  mosquitto* receiver = mosquitto_new("raw-receiver", true, &shared);
  mosquitto_subscribe_callback_set(receiver, [](mosquitto*, void* data, int, int, const int*) {
    auto* to = static_cast<Shared*>(data);
    std::lock_guard lock(to->mutex);
    to->ready = true;
    to->changed.notify_all();
  });
  mosquitto_message_callback_set(receiver, [](mosquitto*, void* data, const mosquitto_message*) {
    auto* to = static_cast<Shared*>(data);
    std::lock_guard lock(to->mutex);
    to->received = NowUs();
    to->changed.notify_all();
  });
  mosquitto_connect(receiver, "127.0.0.1", port, 60);
  mosquitto_subscribe(receiver, nullptr, "raw/latency", 0);
  mosquitto_loop_start(receiver);
  mosquitto* sender = mosquitto_new("raw-sender", true, nullptr);
  mosquitto_connect(sender, "127.0.0.1", port, 60);
  mosquitto_loop_start(sender);
  std::unique_lock lock(shared.mutex);
  shared.changed.wait(lock, [&] { return shared.ready; });
  std::vector<double> latencies;
  const char payload[24] = {};
  for (int i = 0; i < samples; ++i) {
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    lock.lock();
    shared.received = 0;
    const double sent = NowUs();
    mosquitto_publish(sender, nullptr, "raw/latency", sizeof payload, payload, 0, false);
    if (shared.changed.wait_for(lock, std::chrono::seconds(2),
                                [&] { return shared.received > 0; })) {
      latencies.push_back(shared.received - sent);
    }
  }
  lock.unlock();
  for (mosquitto* client : {sender, receiver}) {
    mosquitto_disconnect(client);
    mosquitto_loop_stop(client, true);
    mosquitto_destroy(client);
  }
  return latencies;
}

// One row, one commit, WAL and FULL, on the same filesystem.
std::vector<double> CommitLatencies(const std::string& file, int samples) {
  sqlite3* db = nullptr;
  sqlite3_open(file.c_str(), &db);
  sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a, b)",
               nullptr, nullptr, nullptr);
  std::vector<double> latencies;
  for (int i = 0; i < samples; ++i) {
    const double begin = NowUs();
    sqlite3_exec(db, "INSERT INTO t VALUES(1, 2.5)", nullptr, nullptr, nullptr);
    latencies.push_back(NowUs() - begin);
  }
  sqlite3_close(db);
  return latencies;
}

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

void Write(int fd, const std::string& text) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    std::fprintf(stderr, "the cloud's API did not take a request\n");
  }
}

class LatencyRun {
 public:
  LatencyRun(const LatencyOptions& options, const std::string& broker, std::uint16_t api_port,
             const std::string& store)
      : options_(options), api_port_(api_port), loop_(clock_) {
    config::AgentConfig config;
    config.device.id = "bench-gw-0001";
    config.store.directory = store;
    config.cloud.enabled = true;
    config.cloud.brokers = {*sync::ParseBrokerUrl(broker)};
    config::DriverInstanceConfig instance;
    instance.name = instance.kind = "synthetic";
    instance.node.value = ConfigNode::Table{};
    config.drivers.push_back(std::move(instance));
    SyntheticOptions synthetic;
    synthetic.properties = 10;
    synthetic.hz = 0;
    synthetic.written = [this](model::PropertyId, const model::Value& value) {
      if (value.AsNumber() == wanted_) written_.push_back(NowUs() - wanted_at_);
    };
    started_at_ = NowUs();
    auto agent = runtime::Agent::Open(loop_, std::move(config),
                                      runtime::DriverKinds({SyntheticDriver::Kind(synthetic)}));
    if (agent) agent_ = std::move(*agent);
  }

  bool Run() {
    if (!agent_) return false;
    agent_->Start();
    Until([this] { return agent_->engine().status().state_acked > 0; }, 10'000);
    events_ = Connect(api_port_);
    requests_ = Connect(api_port_);
    if (events_ < 0 || requests_ < 0) return false;
    loop_.Watch(events_, Loop::kReadable, [this](unsigned) { OnEvents(); });
    loop_.Watch(requests_, Loop::kReadable, [this](unsigned) { Drain(requests_); });
    Write(events_, "GET /v1/events?twin=bench-gw-0001 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Until([] { return false; }, 500);
    for (int i = 0; i < options_.samples; ++i) {
      poked_ = 1'000 + i;
      seen_ = durable_seen_ = false;
      poked_at_ = NowUs();
      SyntheticDriver::instance()->Poke(poked_);
      if (!Until([this] { return seen_; }, 3'000)) ++lost_;
      Until([] { return false; }, 220);  // Past the pause between two frames.
    }
    for (int i = 0; i < options_.samples; ++i) {
      wanted_ = 5'000 + i;
      const std::size_t before = written_.size();
      const std::string body = "{\"plant\":{\"poked\":" + std::to_string(5'000 + i) + "}}";
      wanted_at_ = NowUs();
      Write(requests_,
            "PATCH /v1/twins/bench-gw-0001/desired HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/merge-patch+json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
      if (!Until([&] { return written_.size() > before; }, 3'000)) ++lost_;
      Until([] { return false; }, 100);
    }
    round_trip_ = agent_->engine().status().round_trip.value_or(std::chrono::microseconds(0));
    agent_->Stop([](const Status&) {});
    close(events_);
    close(requests_);
    return true;
  }

  const std::vector<double>& visible() const { return visible_; }
  const std::vector<double>& written() const { return written_; }
  int lost() const { return lost_; }

 private:
  bool Until(const std::function<bool()>& done, int at_most_ms) {
    const double end = NowUs() + at_most_ms * 1e3;
    while (!done()) {
      if (NowUs() >= end) return false;
      loop_.RunFor(std::chrono::milliseconds(1));
    }
    return true;
  }

  void OnEvents() {
    char buffer[16'384];
    ssize_t n = 0;
    while ((n = read(events_, buffer, sizeof buffer)) > 0) {
      text_.append(buffer, static_cast<std::size_t>(n));
    }
    const double now = NowUs();
    const std::string sign = "\"value\":" + std::to_string(static_cast<int>(poked_));
    if (!seen_ && text_.find(sign) != text_.npos) {
      seen_ = true;
      visible_.push_back(now - poked_at_);
      loop_.Stop();
    }
    if (text_.size() > 1 << 16) text_.erase(0, text_.size() - (1 << 12));
  }

  static void Drain(int fd) {
    char buffer[16'384];
    while (read(fd, buffer, sizeof buffer) > 0) {
    }
  }

  const LatencyOptions options_;
  const std::uint16_t api_port_;
  SystemClock clock_;
  EventLoop loop_;
  std::unique_ptr<runtime::Agent> agent_;
  int events_ = -1;
  int requests_ = -1;
  std::string text_;
  double started_at_ = 0;
  double poked_ = 0;
  double poked_at_ = 0;
  bool seen_ = false;
  bool durable_seen_ = false;
  double wanted_ = 0;
  double wanted_at_ = 0;
  int lost_ = 0;
  std::chrono::microseconds round_trip_{0};
  std::vector<double> visible_;
  std::vector<double> written_;
};

json Percentiles(const std::vector<double>& latencies) {
  return {{"p50_us", Percentile(latencies, 50)},
          {"p99_us", Percentile(latencies, 99)},
          {"count", latencies.size()}};
}

}  // namespace

int RunLatency(const LatencyOptions& options) {
  InitLog("bench", LogLevel::kError);
  mosquitto_lib_init();
  tests::TestBroker broker;
  tests::TempDir folder;
  tests::ChildOptions cloud_options;
  const std::uint16_t port = tests::FreePort();
  cloud_options.args = {BinDir() + "/edgetwin-cloud",
                        "--broker",
                        broker.url(),
                        "--store",
                        folder.path().string(),
                        "--listen",
                        "127.0.0.1:" + std::to_string(port)};
  cloud_options.output_file = folder.File("cloud.log");
  tests::Child cloud(cloud_options);
  if (!tests::WaitForPort(port, std::chrono::seconds(10))) {
    std::fprintf(stderr, "edgetwin-cloud did not start:\n%s",
                 tests::ReadFile(folder.File("cloud.log")).c_str());
    return 1;
  }
  const std::vector<double> raw = RawLatencies(broker.port(), std::max(options.samples, 100));
  const std::vector<double> commit = CommitLatencies(folder.File("one.db"), options.samples);
  tests::TempDir store;
  LatencyRun run(options, broker.url(), port, store.path().string());
  if (!run.Run()) {
    std::fprintf(stderr, "the agent or the cloud's API did not start\n");
    return 1;
  }
  json report;
  report["raw"] = Percentiles(raw);
  report["commit"] = Percentiles(commit);
  report["sample_to_visible"] = Percentiles(run.visible());
  report["desired_to_write"] = Percentiles(run.written());
  report["lost"] = run.lost();
  const double raw50 = Percentile(raw, 50), raw99 = Percentile(raw, 99);
  const double commit50 = Percentile(commit, 50);
  report["visible_p50_per_raw_p50"] = Percentile(run.visible(), 50) / raw50;
  report["visible_p99_per_raw_p99"] = Percentile(run.visible(), 99) / raw99;
  const double yardstick = 3 * raw50 + 2 * commit50;
  report["write_p50_per_3_raw_and_2_commits"] = Percentile(run.written(), 50) / yardstick;
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
    return run.lost() == 0 ? 0 : 1;
  }
  const auto row = [](const char* label, const std::vector<double>& latencies) {
    std::printf("%-44s p50 %8.0f us   p99 %8.0f us   n %zu\n", label, Percentile(latencies, 50),
                Percentile(latencies, 99), latencies.size());
  };
  row("libmosquitto, publish to receive, QoS 0", raw);
  row("SQLite, one row a commit, WAL and FULL", commit);
  row("sample to visible in the cloud's API", run.visible());
  row("desired set in the API to driver's write", run.written());
  std::printf(
      "\nvisible: p50 %.2f x raw p50, p99 %.2f x raw p99 (aim 3)\n"
      "write:   p50 %.2f x (3 raw + 2 commits) (aim 1)\nlost: %d\n",
      report["visible_p50_per_raw_p50"].get<double>(),
      report["visible_p99_per_raw_p99"].get<double>(),
      report["write_p50_per_3_raw_and_2_commits"].get<double>(), run.lost());
  return run.lost() == 0 ? 0 : 1;
}

}  // namespace edgetwin::bench
