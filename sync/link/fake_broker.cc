// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/link/fake_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace edgetwin::sync {
namespace {

std::string Varint(std::size_t value) {
  std::string text;
  do {
    const unsigned more = value >= 128 ? 0x80 : 0;
    text.push_back(static_cast<char>(value % 128 + more));
    value /= 128;
  } while (value > 0);
  return text;
}

std::string Packet(int type, const std::string& body) {
  return std::string(1, static_cast<char>(type)) + Varint(body.size()) + body;
}

// Cuts the first whole packet off `bytes`; false when there is none.
bool TakePacket(std::string& bytes, unsigned char& type, std::string& body) {
  std::size_t length = 0;
  std::size_t at = 1;
  for (unsigned shift = 0;; shift += 7, ++at) {
    if (at >= bytes.size()) return false;
    const auto byte = static_cast<unsigned char>(bytes[at]);
    length |= static_cast<std::size_t>(byte & 127U) << shift;
    if (byte < 128) break;
  }
  ++at;
  if (bytes.size() < at + length) return false;
  type = static_cast<unsigned char>(bytes[0]);
  body = bytes.substr(at, length);
  bytes.erase(0, at + length);
  return true;
}

void SendAll(int fd, const std::string& bytes) {
  if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("the fake broker's answer does not fit the socket");
  }
}

}  // namespace

FakeBroker::FakeBroker(Loop& loop, Behaviour behaviour)
    : loop_(loop), behaviour_(std::move(behaviour)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Small, so that a client that isn't read from notices soon.
  const int buffer = 8 << 10;
  setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 8) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the fake broker can't listen");
  }
  port_ = ntohs(address.sin_port);
  accepting_ = loop_.Watch(listener_, Loop::kReadable, [this](unsigned) { OnAccept(); });
}

FakeBroker::~FakeBroker() {
  loop_.Cancel(accepting_);
  close(listener_);
  while (!connections_.empty()) Close(connections_.begin()->first);
}

std::string FakeBroker::Accept(int protocol) {
  return Packet(0x20, protocol == 5 ? std::string(3, '\0') : std::string(2, '\0'));
}

std::string FakeBroker::Publish(const std::string& topic, const std::string& payload, int protocol,
                                bool retain) {
  std::string body;
  body.push_back(static_cast<char>(topic.size() / 256));
  body.push_back(static_cast<char>(topic.size() % 256));
  body += topic;
  if (protocol == 5) body.push_back('\0');
  return Packet(retain ? 0x31 : 0x30, body + payload);
}

void FakeBroker::OnAccept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  connections_[fd].watch =
      loop_.Watch(fd, Loop::kReadable, [this, fd](unsigned) { OnReadable(fd); });
}

void FakeBroker::ReadOn() {
  for (auto& [fd, connection] : connections_) {
    if (connection.watch != Loop::Id::kNone) continue;
    connection.watch =
        loop_.Watch(fd, Loop::kReadable, [this, fd = fd](unsigned) { OnReadable(fd); });
  }
}

void FakeBroker::OnReadable(int fd) {
  Connection& connection = connections_[fd];
  char bytes[16 << 10];
  const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  if (got <= 0) return Close(fd);
  connection.received.append(bytes, static_cast<std::size_t>(got));
  unsigned char type = 0;
  std::string body;
  while (TakePacket(connection.received, type, body)) {
    if (!OnPacket(fd, connection, type, body)) return;
  }
}

bool FakeBroker::OnPacket(int fd, Connection& connection, unsigned char type,
                          const std::string& body) {
  switch (type & 0xF0) {
    case 0x10: {
      connection.protocol = body.at(6);  // After the string "MQTT".
      protocols_.push_back(connection.protocol);
      const std::string answer = behaviour_.connack(connection.protocol);
      if (answer.empty()) {
        Close(fd);
        return false;
      }
      SendAll(fd, answer);
      return true;
    }
    case 0x80: return OnSubscribe(fd, connection, body);
    case 0x30: ++published_; return true;
    case 0xE0: ++disconnects_; return true;
    default: return true;
  }
}

bool FakeBroker::OnSubscribe(int fd, Connection& connection, const std::string& body) {
  std::string answer = body.substr(0, 2);
  std::size_t at = 2;
  if (connection.protocol == 5) {
    answer.push_back('\0');
    at += 1 + static_cast<std::size_t>(body.at(2));
  }
  while (at + 2 < body.size()) {
    at += 3 + static_cast<std::size_t>(static_cast<unsigned char>(body.at(at))) * 256 +
          static_cast<unsigned char>(body.at(at + 1));
    answer.push_back(static_cast<char>(behaviour_.granted));
  }
  SendAll(fd, behaviour_.before_suback + Packet(0x90, answer) + behaviour_.after_suback);
  if (behaviour_.closes_after_suback) {
    Close(fd);
    return false;
  }
  if (behaviour_.floods_after_suback) {
    connection.flood = loop_.Watch(fd, Loop::kWritable, [fd](unsigned) {
      const std::string bytes(16 << 10, 'x');
      [[maybe_unused]] const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    });
  }
  if (!behaviour_.reads_after_suback) {
    loop_.Cancel(connection.watch);
    connection.watch = Loop::Id::kNone;
  }
  return true;
}

void FakeBroker::Close(int fd) {
  loop_.Cancel(connections_[fd].watch);
  loop_.Cancel(connections_[fd].flood);
  connections_.erase(fd);
  close(fd);
}

}  // namespace edgetwin::sync
