// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A fake MQTT server for what a real broker can't be made to do: refuse a protocol version, refuse
// a subscription, stop reading, send nonsense. It knows just enough of MQTT to get a client into
// that state.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "twin/base/loop.h"

namespace edgetwin::sync {

class FakeBroker {
 public:
  struct Behaviour {
    // The CONNACK for a client of this protocol level; empty: closes the connection.
    std::function<std::string(int protocol)> connack = &FakeBroker::Accept;
    int granted = 0;              // In SUBACK, for each topic.
    std::string before_suback{};  // Sent as it is.
    std::string after_suback{};
    bool reads_after_suback = true;
    bool closes_after_suback = false;
    bool floods_after_suback = false;  // Sends as much as is taken, for ever.
  };

  FakeBroker(Loop& loop, Behaviour behaviour);
  ~FakeBroker();
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
  // The protocol levels of all CONNECTs, in order.
  const std::vector<int>& protocols() const { return protocols_; }
  // Takes up reading again where it was left.
  void ReadOn();
  // PUBLISH packets read so far.
  int published() const { return published_; }
  int disconnects() const { return disconnects_; }

  static std::string Accept(int protocol);
  static std::string Publish(const std::string& topic, const std::string& payload, int protocol,
                             bool retain = false);

 private:
  struct Connection {
    Loop::Id watch = Loop::Id::kNone;
    Loop::Id flood = Loop::Id::kNone;
    std::string received;
    int protocol = 0;
  };
  void OnAccept();
  void OnReadable(int fd);
  // False: the connection was closed.
  bool OnPacket(int fd, Connection& connection, unsigned char type, const std::string& body);
  bool OnSubscribe(int fd, Connection& connection, const std::string& body);
  void Close(int fd);

  Loop& loop_;
  const Behaviour behaviour_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  Loop::Id accepting_ = Loop::Id::kNone;
  std::map<int, Connection> connections_;
  std::vector<int> protocols_;
  int published_ = 0;
  int disconnects_ = 0;
};

}  // namespace edgetwin::sync
