// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/mqtt_tap.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

constexpr std::size_t kPacketsMax = 100'000;  // Kept between two calls of Take.
constexpr std::size_t kConnectionsMax = 16;
constexpr std::size_t kPacketBytesMax = 1 << 20;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// As the clients and brokers do it: a packet is not held back for the next one.
void NoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::uint64_t Segments(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return std::uint64_t{info.tcpi_segs_in} + info.tcpi_segs_out;
}

bool WriteAll(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// A variable byte integer of MQTT at `at`, which moves behind it. False: more bytes are needed.
bool ReadVarint(const std::string& bytes, std::size_t& at, std::size_t& value) {
  value = 0;
  for (int shift = 0; shift < 28; shift += 7) {
    if (at >= bytes.size()) return false;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  value = kPacketBytesMax + 1;  // No MQTT.
  return true;
}

std::size_t ReadUint16(const std::string& bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

}  // namespace

MqttTap::MqttTap(std::uint16_t broker_port) : broker_port_(broker_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (listener_ < 0 ||
      bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, kConnectionsMax) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      pipe(wake_) != 0) {
    throw std::runtime_error(std::string("no tap: ") + std::strerror(errno));
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

MqttTap::~MqttTap() {
  close(wake_[1]);
  thread_.join();
  close(wake_[0]);
  close(listener_);
  for (const Connection& connection : connections_) {
    close(connection.client);
    close(connection.broker);
  }
}

std::vector<MqttPacket> MqttTap::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(packets_, {});
}

TcpTraffic MqttTap::tcp() const {
  return {segments_};
}

void MqttTap::Run() {
  for (;;) {
    std::vector<pollfd> ready = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& connection : connections_) {
      ready.push_back({connection.client, POLLIN, 0});
      ready.push_back({connection.broker, POLLIN, 0});
    }
    // A segment without data wakes nobody: those are counted a moment later.
    if (poll(ready.data(), ready.size(), 50) < 0 && errno != EINTR) return;
    if (ready[0].revents != 0) return;
    std::uint64_t open = 0;
    const bool cut = cut_.exchange(false);
    for (std::size_t i = connections_.size(); i-- > 0;) {
      Connection& connection = connections_[i];
      const bool alive = !cut && (ready[2 + 2 * i].revents == 0 || Pass(connection, true)) &&
                         (ready[3 + 2 * i].revents == 0 || Pass(connection, false));
      const std::uint64_t segments = Segments(connection.client);
      if (alive) {
        open += segments;
        continue;
      }
      segments_closed_ += segments;
      close(connection.client);
      close(connection.broker);
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    segments_ = segments_closed_ + open;
    if (ready[1].revents != 0) Accept();
  }
}

void MqttTap::Accept() {
  Connection connection;
  connection.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection.client < 0) return;
  connection.broker = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(broker_port_);
  if (connections_.size() >= kConnectionsMax ||
      connect(connection.broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0) {
    close(connection.client);
    close(connection.broker);
    return;
  }
  NoDelay(connection.client);
  NoDelay(connection.broker);
  connections_.push_back(std::move(connection));
}

bool MqttTap::Pass(Connection& connection, bool up) {
  char buffer[16'384];
  const ssize_t n = read(up ? connection.client : connection.broker, buffer, sizeof buffer);
  if (n <= 0) return false;
  Stream& stream = up ? connection.up : connection.down;
  stream.bytes.append(buffer, static_cast<std::size_t>(n));
  // Noted before it goes on: who sees its effect finds it counted.
  Parse(connection, stream, up);
  return WriteAll(up ? connection.broker : connection.client, buffer, static_cast<std::size_t>(n));
}

void MqttTap::Parse(Connection& connection, Stream& stream, bool up) {
  for (;;) {
    std::size_t at = 1;
    std::size_t remaining = 0;
    if (!ReadVarint(stream.bytes, at, remaining)) return;
    if (remaining > kPacketBytesMax) {
      lost_ = true;
      return stream.bytes.clear();
    }
    if (stream.bytes.size() < at + remaining) return;
    const std::string packet = stream.bytes.substr(0, at + remaining);
    stream.bytes.erase(0, at + remaining);
    MqttPacket noted;
    noted.type = static_cast<PacketType>(static_cast<unsigned char>(packet[0]) >> 4);
    noted.up = up;
    noted.bytes = packet.size();
    noted.at_us = NowUs();
    if (noted.type == PacketType::kConnect && remaining >= 7) {
      const bool version5 = packet[at + 6] == 5;  // After the name "MQTT" and its length.
      connection.up.version5 = connection.down.version5 = version5;
    }
    if (noted.type == PacketType::kPublish && remaining >= 2) {
      const std::size_t topic_bytes = ReadUint16(packet, at);
      at += 2;
      if (at + topic_bytes > packet.size()) {
        lost_ = true;
        return stream.bytes.clear();
      }
      noted.topic = packet.substr(at, topic_bytes);
      at += topic_bytes;
      const int qos = packet[0] >> 1 & 3;
      if (qos > 0) at += 2;
      std::size_t properties = 0;
      if (connection.up.version5 && ReadVarint(packet, at, properties)) at += properties;
      noted.header_bytes = std::min(at, packet.size());
      noted.payload = packet.substr(noted.header_bytes);
    }
    Note(std::move(noted));
  }
}

void MqttTap::Note(MqttPacket packet) {
  if (packet.type != PacketType::kPingreq && packet.type != PacketType::kPingresp) {
    last_us_ = packet.at_us;
  }
  std::lock_guard lock(mutex_);
  if (packets_.size() >= kPacketsMax) {
    lost_ = true;
    return;
  }
  packets_.push_back(std::move(packet));
}

}  // namespace edgetwin::bench
