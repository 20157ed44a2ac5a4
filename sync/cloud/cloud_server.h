// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud twin as one process: store, link, sessions and API on one loop.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sync/cloud/fleet.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/event_loop.h"
#include "twin/base/result.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

struct CloudServerOptions {
  std::string store_folder;  // Made when it is missing; holds cloud.db and history.db.
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: a free one.
  std::string token;          // Empty: none; needs a loopback address.
  // A random number below the argument: incarnations, tokens of epochs, jitter.
  std::function<std::uint64_t(std::uint64_t below)> random;
  sync::MqttOptions mqtt;  // Without brokers: no link; client_id and random are set here.
  // What this process is at stands there, in a folder in memory: see sync::CrashMarks. Empty: what
  // ends it is not known to the next one.
  std::string crash_file;
  FleetOptions fleet;  // session.random, session.history and marks are set here.
  // Of history.db; the oldest samples of all devices go first. 0: no limit.
  std::uint64_t history_bytes_max = std::uint64_t{16} << 30;
  std::chrono::milliseconds history_age_max{0};  // Older samples go; 0: none for their age.
  http::ServerOptions http;
  std::size_t changes_remembered_max =
      10'000;  // Changed rows, for clients that resume their events.
};

class CloudServer {
 public:
  // Opens the store, listens, and begins to connect. kPermission: an address beyond loopback
  // without a token.
  static Result<std::unique_ptr<CloudServer>> Start(EventLoop& loop, CloudServerOptions options);
  ~CloudServer();

  std::uint16_t port() const;
  // Takes no more, commits what came, then runs `done`: with an error when something could not be
  // stored.
  void Stop(std::function<void(Status)> done);

  Fleet& fleet();

 private:
  struct Impl;
  explicit CloudServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::cloud
