// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The operator's part of the HTTP API: who speaks for a device, what it told of, what it was asked
// for. README.md describes it.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sync/cloud/fleet.h"
#include "twin/base/loop.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

struct DeviceApiOptions {
  std::size_t page_max = 1'000;
  // How long an answer waits for its commit.
  std::chrono::milliseconds commit_wait_max{10'000};
  // A random number below the argument, for ids of commands.
  std::function<std::uint64_t(std::uint64_t below)> random;
};

// Loop thread only. Everything it was given must outlive it, and it must outlive the server's
// routes.
class DeviceApi {
 public:
  DeviceApi(Loop& loop, Fleet& fleet, DeviceApiOptions options)
      : loop_(loop), fleet_(fleet), options_(std::move(options)) {}

  void AddRoutes(http::Server& server);

 private:
  using Responder = std::shared_ptr<http::Responder>;

  void List(const http::Request& request, const Responder& responder);
  void Get(const http::Request& request, const Responder& responder);
  void Admit(const http::Request& request, const Responder& responder);
  void Withdraw(const http::Request& request, const Responder& responder);
  void Decommission(const http::Request& request, const Responder& responder);
  void ListEvents(const http::Request& request, const Responder& responder);
  void ListCommands(const http::Request& request, const Responder& responder);
  void GetCommand(const http::Request& request, const Responder& responder);
  void GiveCommand(const http::Request& request, const Responder& responder);
  void Give(const http::Request& request, const LiveTwin& live, const Responder& responder);

  // Calls `change` with what is to run when it is durable, and answers then: with what `answer`
  // makes, or with what went wrong.
  using Done = std::function<void(Status)>;
  void WhenDurable(const Responder& responder, const std::function<void(Done)>& change,
                   std::function<http::Response()> answer);
  // One of the fleet's decisions about who speaks for `device`; answered with its document.
  using Decision = void (Fleet::*)(std::string_view device, Done done);
  void Decide(const std::string& device, const Responder& responder, Decision decision);
  std::string Document(const std::string& device) const;

  Loop& loop_;
  Fleet& fleet_;
  const DeviceApiOptions options_;
};

}  // namespace edgetwin::cloud
