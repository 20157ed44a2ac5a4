// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The HTTP API of the cloud's twins. README.md describes it.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sync/cloud/event_feed.h"
#include "sync/cloud/fleet.h"
#include "twin/base/loop.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

struct ApiOptions {
  std::size_t page_twins_max = 1'000;
  // How long an answer waits for its commit.
  std::chrono::milliseconds commit_wait_max{10'000};
  std::function<std::string()> metrics;  // The text of GET /metrics.
};

// Loop thread only. Everything it was given must outlive it, and it must outlive the server's
// routes.
class Api {
 public:
  Api(Loop& loop, Fleet& fleet, EventFeed& feed, ApiOptions options)
      : loop_(loop), fleet_(fleet), feed_(feed), options_(std::move(options)) {}

  void AddRoutes(http::Server& server);

 private:
  using Responder = std::shared_ptr<http::Responder>;

  void ListTwins(const http::Request& request, http::Responder& responder) const;
  void GetTwin(const http::Request& request, const Responder& responder);
  void GetProperties(const http::Request& request, const Responder& responder);
  void GetDesired(const http::Request& request, const Responder& responder);
  void GetStatus(const http::Request& request, const Responder& responder);
  void GetPropertyStatus(const http::Request& request, const Responder& responder);
  void GetSnapshot(const http::Request& request, const Responder& responder);
  void PatchDesired(const http::Request& request, const Responder& responder);
  void ApplyPatch(const http::Request& request, LiveTwin& live, const Responder& responder);
  void AnswerWhenDurable(const std::string& device, LiveTwin& live, std::vector<Fleet::Wish> wishes,
                         const std::string& who, const Responder& responder);
  void Watch(const http::Request& request, const std::string& device, const Responder& responder);

  Loop& loop_;
  Fleet& fleet_;
  EventFeed& feed_;
  const ApiOptions options_;
};

}  // namespace edgetwin::cloud
