// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A TCP proxy in front of a broker that takes what passes apart into MQTT packets, so that bytes
// are counted as they are on the wire and not as somebody computes them.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace edgetwin::bench {

enum class PacketType : std::uint8_t {
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kSubscribe = 8,
  kSuback = 9,
  kPingreq = 12,
  kPingresp = 13,
  kDisconnect = 14,
};

struct MqttPacket {
  PacketType type = PacketType::kPublish;
  bool up = false;        // From the client to the broker.
  std::size_t bytes = 0;  // All of it, the fixed header included.
  // Of a PUBLISH: what is in front of the payload, and that.
  std::size_t header_bytes = 0;
  std::string topic;  // Empty where an alias stands for it.
  std::string payload;
  double at_us = 0;  // On the monotonic clock.
};

// What TCP carried between the clients and the tap, both ways, packets without data included.
struct TcpTraffic {
  std::uint64_t segments = 0;
};

class MqttTap {
 public:
  // Listens on a loopback port of its own, for clients of the broker on `broker_port`. Throws
  // std::runtime_error when it can't.
  explicit MqttTap(std::uint16_t broker_port);
  ~MqttTap();
  MqttTap(const MqttTap&) = delete;
  MqttTap& operator=(const MqttTap&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }

  // Closes all connections, soon.
  void Cut() { cut_ = true; }
  // The packets that passed since the last call, in order. THREAD-SAFE, like all of this.
  std::vector<MqttPacket> Take();
  // When the last packet passed, keepalives apart; on the monotonic clock.
  double last_us() const { return last_us_; }
  TcpTraffic tcp() const;
  // Bytes that were no MQTT, or packets beyond what is kept: then the counts are wrong.
  bool lost() const { return lost_; }

 private:
  struct Stream {  // One direction of a connection.
    std::string bytes;
    bool version5 = false;
  };
  struct Connection {
    int client = -1;
    int broker = -1;
    Stream up, down;
    std::uint64_t segments = 0;
  };

  void Run();
  void Accept();
  bool Pass(Connection& connection, bool up);
  void Parse(Connection& connection, Stream& stream, bool up);
  void Note(MqttPacket packet);

  const std::uint16_t broker_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Connection> connections_;  // The thread's.
  mutable std::mutex mutex_;
  std::vector<MqttPacket> packets_;
  std::uint64_t segments_closed_ = 0;
  std::atomic<std::uint64_t> segments_{0};
  std::atomic<double> last_us_{0};
  std::atomic<bool> lost_{false};
  std::atomic<bool> cut_{false};
  std::thread thread_;
};

}  // namespace edgetwin::bench
