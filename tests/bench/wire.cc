// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What one message costs on the wire with all that it causes: the bytes of every MQTT packet
// between the agent and a real broker.

#include <mosquitto.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/bench/bench.h"
#include "tests/bench/measure.h"
#include "tests/bench/wire_explain.h"
#include "tests/bench/wire_peers.h"
#include "tests/bench/wire_report.h"
#include "tests/bench/wire_site.h"
#include "twin/base/log.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

// Of an IPv4 and a TCP header with time stamps, as Linux sends them.
constexpr double kTcpHeaderBytes = 20 + 20 + 12;
// A little above the pause between two state frames, so that no message waits for the next one.
constexpr double kFlowPeriodUs = 210'000;

// What passed one link.
struct Count {
  std::size_t up = 0, down = 0;  // Bytes of MQTT, keepalives apart.
  int packets_up = 0, packets_down = 0;
  std::size_t keepalive = 0;
  std::size_t headers = 0;  // Of PUBLISH packets: all but the payload. Part of up and down.
  std::size_t all() const { return up + down; }
};

Count CountPackets(const std::vector<MqttPacket>& packets) {
  Count count;
  for (const MqttPacket& packet : packets) {
    if (packet.type == PacketType::kPingreq || packet.type == PacketType::kPingresp) {
      count.keepalive += packet.bytes;
      continue;
    }
    (packet.up ? count.up : count.down) += packet.bytes;
    ++(packet.up ? count.packets_up : count.packets_down);
    count.headers += packet.header_bytes;
  }
  return count;
}

class WireRun {
 public:
  WireRun(const WireOptions& options, bool full_precision)
      : options_(options),
        full_precision_(full_precision),
        random_(options.seed),
        site_(full_precision),
        values_(WireSite::kProperties) {
    std::uniform_real_distribution<double> start(-60, 60);
    for (double& value : values_) value = Rounded(start(random_));
  }

  json Run() {
    json report = {
        {"values", full_precision_ ? "doubles, a time stamp each" : "two decimals, one time stamp"},
        {"decimals", decimals()},
        {"rows", json::array()}};
    if (!Begin(report)) return report;
    for (const std::uint32_t changed : options_.changed) {
      json row = {{"changed", changed}};
      if (!Isolated(changed, row) || !Flow(changed, row)) return report;
      Peers(changed, row);
      report["rows"].push_back(std::move(row));
    }
    for (json& row : report["rows"]) {
      const std::size_t changed = row["changed"];
      const bool well =
          Desired(changed, false, row["desired"]) && Desired(changed, true, row["desired_polled"]);
      if (!well) break;
    }
    return report;
  }
  const std::string& trouble() const { return trouble_.empty() ? site_.trouble() : trouble_; }

 private:
  int decimals() const { return full_precision_ ? -1 : 2; }
  double Rounded(double value) const {
    return full_precision_ ? value : std::nearbyint(value * 100) / 100;
  }

  // `changed` properties anywhere among all of them, each moved by less than 0.64.
  std::vector<WireValue> Move(std::size_t changed) {
    std::vector<std::size_t> properties(WireSite::kProperties);
    for (std::size_t i = 0; i < properties.size(); ++i) properties[i] = i;
    std::ranges::shuffle(properties, random_);
    properties.resize(changed);
    std::ranges::sort(properties);
    std::uniform_real_distribution<double> step(0.01, 0.63);
    std::uniform_int_distribution<std::int64_t> apart(1, 9);
    std::vector<WireValue> moved;
    std::int64_t time = site_.wall_ms();
    for (const std::size_t property : properties) {
      double& value = values_[property];
      value = Rounded(value + (value > 0 ? -step(random_) : step(random_)));
      if (full_precision_) time += apart(random_);
      moved.push_back({property, value, time});
    }
    return moved;
  }

  // First contact, which no message pays for, and another connection, which is what most messages
  // are sent in. The check of the digest that each begins with follows at most once in 5 min while
  // anything changes.
  bool Begin(json& report) {
    if (!site_.trouble().empty()) return false;
    std::vector<WireValue> all;
    for (std::size_t i = 0; i < values_.size(); ++i)
      all.push_back({i, values_[i], site_.wall_ms()});
    site_.Report(all);
    if (!site_.Quiet()) return false;
    std::size_t digest = 0;
    Count count;
    const std::vector<MqttPacket> packets = site_.device_tap().Take();
    for (const MqttPacket& packet : packets) {
      const bool shown =
          packet.up && HasField(packet.payload, "digest") && !HasField(packet.payload, "side");
      const bool verified = !packet.up && HasField(packet.payload, "ack_verified");
      if (shown || verified) digest += packet.bytes;
    }
    count = CountPackets(packets);
    report["begin"] = {{"up", count.up}, {"down", count.down}, {"digest", digest}};
    if (!site_.Reconnect()) return false;
    count = CountPackets(site_.device_tap().Take());
    report["reconnect"] = {{"up", count.up}, {"down", count.down}};
    if (!site_.Reconnect(Move(1))) return false;
    report["reconnect_changed"] = UntilTheFirstValue(site_.device_tap().Take());
    site_.cloud_tap().Take();
    return true;
  }

  // What another connection costs when a value changed meanwhile, and how often the device had to
  // wait for the cloud, from its Hello on, before that value left.
  json UntilTheFirstValue(const std::vector<MqttPacket>& packets) {
    const Count count = CountPackets(packets);
    const auto publish = [](const MqttPacket& packet, bool up) {
      return packet.type == PacketType::kPublish && packet.up == up;
    };
    bool greeted = false;
    std::size_t waits = 0;
    for (const MqttPacket& packet : packets) {
      greeted = greeted || (publish(packet, true) && HasField(packet.payload, "hello"));
      if (greeted && publish(packet, false)) ++waits;
      if (greeted && publish(packet, true) && HasField(packet.payload, "numbers")) break;
    }
    return {{"up", count.up}, {"down", count.down}, {"waits", waits}};
  }

  // Adds what passed since the last time to `figures`, a message of `changed` values.
  void Add(json& figures, std::size_t values, std::uint64_t segments) {
    const std::vector<MqttPacket> packets = site_.device_tap().Take();
    const Count device = CountPackets(packets);
    const Count cloud = CountPackets(site_.cloud_tap().Take());
    if (figures.is_null()) figures = json::object();
    const auto add = [&figures](const char* name, double n) {
      figures[name] = figures.value(name, 0.0) + n;
    };
    add("values", static_cast<double>(values));
    add("up", static_cast<double>(device.up));
    add("down", static_cast<double>(device.down));
    add("packets_up", device.packets_up);
    add("packets_down", device.packets_down);
    add("headers", static_cast<double>(device.headers));
    add("keepalive", static_cast<double>(device.keepalive));
    add("cloud_link", static_cast<double>(cloud.all()));
    add("tcp_headers", static_cast<double>(segments) * kTcpHeaderBytes);
    if (!figures.contains("packets")) {
      figures["packets"] = json::array();
      for (std::size_t i = 0; i < std::min<std::size_t>(packets.size(), 12); ++i) {
        figures["packets"].push_back(Explain(packets[i]));
      }
    }
    const double total = figures["up"].get<double>() + figures["down"].get<double>();
    figures["total"] = total;
    figures["each"] = total / figures["values"].get<double>();
  }

  bool Isolated(std::size_t changed, json& row) {
    for (int i = 0; i < options_.trials; ++i) {
      const std::uint64_t segments = site_.device_tap().tcp().segments;
      site_.Report(Move(changed));
      if (!site_.Quiet()) return false;
      Add(row["isolated"], changed, site_.device_tap().tcp().segments - segments);
    }
    return true;
  }

  bool Flow(std::size_t changed, json& row) {
    const std::uint64_t segments = site_.device_tap().tcp().segments;
    double next = NowUs();
    for (int i = 0; i < options_.flow_frames; ++i) {
      site_.Report(Move(changed));
      next += kFlowPeriodUs;
      site_.RunFor(std::max(0.0, next - NowUs()));
    }
    if (!site_.Quiet()) return false;
    json& flow = row["flow"];
    Add(flow, 0, site_.device_tap().tcp().segments - segments);
    // Two messages that became one frame sent fewer values: only frames are counted.
    const auto frames = flow["packets_up"].get<double>();
    flow["frames"] = frames;
    flow["frames_an_ack"] = frames / std::max(1.0, flow["packets_down"].get<double>());
    flow["values"] =
        static_cast<double>(changed) * std::min(frames, static_cast<double>(options_.flow_frames));
    flow["each"] = flow["total"].get<double>() / flow["values"].get<double>();
    return true;
  }

  // A desired value for each, until its status is durable at the cloud; with `polled`, the driver
  // also finds the new values in its next poll.
  bool Desired(std::size_t changed, bool polled, json& figures) {
    for (int i = 0; i < options_.trials; ++i) {
      const std::uint64_t segments = site_.device_tap().tcp().segments;
      site_.TakeWritten();
      if (!site_.Want(Move(changed), decimals())) return false;
      const double end = NowUs() + 10e6;
      std::vector<WireValue> written;
      while (written.size() < changed && NowUs() < end) {
        site_.RunFor(1'000);
        std::ranges::move(site_.TakeWritten(), std::back_inserter(written));
      }
      if (written.size() != changed) {
        trouble_ = "the driver was asked for " + std::to_string(written.size()) + " of " +
                   std::to_string(changed) + " desired values";
        return false;
      }
      if (polled) {
        site_.RunFor(250'000);
        const std::int64_t now = site_.wall_ms();
        for (WireValue& value : written) value.time_ms = now;
        site_.Report(written);
      }
      if (!site_.Quiet()) return false;
      Add(figures, changed, site_.device_tap().tcp().segments - segments);
    }
    return true;
  }

  void Peers(std::size_t changed, json& row) {
    MqttTap tap(site_.broker_port());
    for (const PeerMessage& message :
         PeerMessages(WireSite::kDevice, Move(changed), decimals(), !full_precision_)) {
      const std::size_t bytes = PublishThrough(tap, message);
      if (bytes == 0) trouble_ = "the broker did not take " + message.label;
      row["peers"].push_back({{"name", message.name},
                              {"label", message.label},
                              {"total", bytes},
                              {"payload", message.payload.size()},
                              {"each", static_cast<double>(bytes) / static_cast<double>(changed)}});
    }
  }

  const WireOptions options_;
  const bool full_precision_;
  std::mt19937_64 random_;
  WireSite site_;
  std::vector<double> values_;
  std::string trouble_;
};

}  // namespace

int RunWire(const WireOptions& options) {
  InitLog("bench", LogLevel::kError);
  mosquitto_lib_init();
  json report = {{"device", WireSite::kDevice},
                 {"properties", WireSite::kProperties},
                 {"trials", options.trials},
                 {"explain", options.explain},
                 {"workloads", json::array()}};
  for (const bool full_precision : {false, true}) {
    if (full_precision && options.decimals_only) break;
    WireRun run(options, full_precision);
    report["workloads"].push_back(run.Run());
    if (!run.trouble().empty()) {
      std::fprintf(stderr, "%s\n", run.trouble().c_str());
      return 1;
    }
  }
  AddYardsticks(report);
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    PrintWire(report);
  }
  return 0;
}

}  // namespace edgetwin::bench
