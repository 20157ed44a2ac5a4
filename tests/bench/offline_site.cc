// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/offline_site.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

#include "tests/bench/backlog.h"
#include "tests/bench/bench.h"
#include "tests/bench/wire_explain.h"
#include "tests/support/http_client.h"
#include "tests/support/port.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

double StatusKb(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (in >> word) {
    if (word != name) continue;
    double kb = 0;
    in >> kb;
    return kb;
  }
  return 0;
}

void Raise(Peak& peak, pid_t pid) {
  peak.pss_kb = std::max(peak.pss_kb, Measure(pid).pss_kb);
  peak.hwm_kb = std::max(peak.hwm_kb, StatusKb(pid, "VmHWM:"));
}

// The round is an int, the others have two decimals.
std::string Config(const std::string& folder, std::uint64_t bytes_max, const std::string& broker,
                   const std::string& socket, const std::string& endpoint, std::size_t properties) {
  std::string toml = "[device]\nid = \"" + std::string(OfflineSite::kDevice) +
                     "\"\n\n[store]\ndirectory = \"" + folder +
                     "\"\n\n[history]\nbytes_max = " + std::to_string(bytes_max) +
                     "\n\n[cloud]\nbrokers = [\"" + broker + "\"]\n\n[api]\nsocket = \"" + socket +
                     "\"\n\n[drivers.plant]\nkind = \"modbus\"\nendpoint = \"" + endpoint +
                     "\"\nperiod = \"1s\"\n\n[[drivers.plant.unit]]\nid = 1\nthing = \"plant\"\n"
                     "register = [\n";
  for (std::size_t i = 0; i < properties; ++i) {
    const std::string path = BacklogSource::PathOf(i);
    toml += "  { name = \"" + path.substr(path.find('/') + 1) +
            "\", kind = \"input\", address = " + std::to_string(i) +
            (i == 0 ? " },\n" : ", scale = 0.01 },\n");
  }
  return toml + "]\n";
}

}  // namespace

OfflineSite::OfflineSite(std::string folder, std::size_t properties, std::uint64_t bytes_max)
    : folder_(std::move(folder)),
      properties_(properties),
      bytes_max_(bytes_max),
      tap_(broker_.port()),
      api_port_(tests::FreePort()) {
  tests::ChildOptions cloud;
  cloud.args = {BinDir() + "/edgetwin-cloud",
                "--broker",
                broker_.url(),
                "--store",
                cloud_folder(),
                "--listen",
                "127.0.0.1:" + std::to_string(api_port_)};
  cloud.output_file = files_.File("edgetwin-cloud.log");
  cloud_ = std::make_unique<tests::Child>(std::move(cloud));
  if (!tests::WaitForPort(api_port_, std::chrono::seconds(10))) {
    Fail("edgetwin-cloud did not start");
    return;
  }
  watcher_ = std::thread([this] { Watch(); });
}

OfflineSite::~OfflineSite() {
  stopping_ = true;
  if (watcher_.joinable()) watcher_.join();
}

bool OfflineSite::Fail(const std::string& what) {
  if (!trouble_.empty()) return false;
  trouble_ = what;
  for (const char* log : {"edgetwin-cloud.log", "edgetwind.log"}) {
    const std::string text = tests::ReadFile(files_.File(log));
    trouble_ += "\n" + text.substr(text.size() - std::min<std::size_t>(text.size(), 2'000));
  }
  return false;
}

bool OfflineSite::StartAgent() {
  if (!trouble_.empty()) return false;
  const std::string config = files_.Write(
      "edgetwin.toml", Config(folder_, bytes_max_, tap_.url(), files_.File("edgetwind.sock"),
                              registers_.endpoint(), properties_));
  tests::ChildOptions agent;
  agent.args = {BinDir() + "/edgetwind", "--config", config};
  agent.output_file = files_.File("edgetwind.log");
  started_us_ = NowUs();
  agent_ = std::make_unique<tests::Child>(std::move(agent));
  return true;
}

bool OfflineSite::running() {
  if (!cloud_->running()) return Fail("edgetwin-cloud ended by itself");
  if (agent_ && !agent_->running()) return Fail("edgetwind ended by itself");
  return true;
}

void OfflineSite::Look() {
  for (const MqttPacket& packet : tap_.Take()) {
    if (packet.type == PacketType::kConnect && packet.up && !connected_us_) {
      connected_us_ = packet.at_us;
    }
    const bool history = packet.type == PacketType::kPublish && HasField(packet.payload, "history");
    const bool answer =
        packet.type == PacketType::kPublish && HasField(packet.payload, "history_ack");
    if (history) ++traffic_.history_frames;
    if (history || answer) {
      (packet.up ? traffic_.history_up : traffic_.history_down) += packet.bytes;
    } else {
      (packet.up ? traffic_.other_up : traffic_.other_down) += packet.bytes;
    }
  }
  if (agent_) Raise(agent_peak_, agent_->pid());
  if (cloud_) Raise(cloud_peak_, cloud_->pid());
}

std::optional<double> OfflineSite::first_live_us() const {
  std::lock_guard lock(mutex_);
  return first_live_us_;
}

std::vector<double> OfflineSite::TakeLatencies() {
  std::lock_guard lock(mutex_);
  return std::exchange(latencies_, {});
}

json OfflineSite::Device(const std::string& target) const {
  tests::HttpRequest request;
  request.url = "http://localhost" + target;
  request.unix_socket = files_.File("edgetwind.sock");
  request.timeout_ms = 120'000;
  return json::parse(tests::Ask(request).body, nullptr, false);
}

json OfflineSite::Cloud(const std::string& target) const {
  tests::HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(api_port_) + target;
  request.timeout_ms = 120'000;
  return json::parse(tests::Ask(request).body, nullptr, false);
}

bool OfflineSite::Stop(std::unique_ptr<tests::Child>& child) {
  child->Kill(SIGTERM);
  const bool stopped = child->Wait(std::chrono::minutes(1)) == 0;
  child.reset();
  return stopped;
}

bool OfflineSite::StopAgent() {
  return Stop(agent_) || Fail("edgetwind did not stop well");
}

bool OfflineSite::StopCloud() {
  stopping_ = true;
  return Stop(cloud_) || Fail("edgetwin-cloud did not stop well");
}

// The cloud's events, all of them.
void OfflineSite::Watch() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(api_port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  constexpr std::string_view kRequest = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(kRequest.size())) {
    ReadEvents(fd);
  }
  close(fd);
}

void OfflineSite::ReadEvents(int fd) {
  std::string text;
  char buffer[65'536];
  while (!stopping_) {
    pollfd ready = {fd, POLLIN, 0};
    if (poll(&ready, 1, 50) <= 0) continue;
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) return;
    text.append(buffer, static_cast<std::size_t>(n));
    TakeEvents(text);
  }
}

// An event is there once the empty line behind it is.
void OfflineSite::TakeEvents(std::string& text) {
  const double now = NowUs();
  const std::string path = "\"" + BacklogSource::PathOf(0) + "\"";
  constexpr std::string_view kValue = "\"value\":";
  for (std::size_t end = 0; (end = text.find("\n\n")) != text.npos; text.erase(0, end + 2)) {
    const std::string_view event = std::string_view(text).substr(0, end);
    const std::size_t named = event.find(path);
    if (named == event.npos) continue;
    const std::size_t value = event.find(kValue, named);
    if (value == event.npos) continue;
    std::uint16_t round = 0;
    const char* begin = event.data() + value + kValue.size();
    if (std::from_chars(begin, event.data() + event.size(), round).ec != std::errc()) continue;
    const std::optional<double> answered = registers_.AnsweredUs(round);
    if (!answered) continue;
    std::lock_guard lock(mutex_);
    if (!first_live_us_) first_live_us_ = now;
    latencies_.push_back(now - *answered);
  }
}

}  // namespace edgetwin::bench
