// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The HTTP API of what the cloud holds of the past. README.md describes it.

#pragma once

#include <memory>

#include "sync/cloud/fleet.h"
#include "sync/cloud/history/cloud_history_worker.h"
#include "twin/base/loop.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

// Loop thread only. Everything it was given must outlive it, and it must outlive the server's
// routes.
class HistoryApi {
 public:
  HistoryApi(Loop& loop, Fleet& fleet, CloudHistoryWorker& history)
      : loop_(loop), fleet_(fleet), history_(history) {}

  void AddRoutes(http::Server& server);

 private:
  using Responder = std::shared_ptr<http::Responder>;

  void Get(const http::Request& request, const Responder& responder);
  void Gaps(const http::Request& request, const Responder& responder);
  void Audit(const http::Request& request, const Responder& responder);
  // `work` makes a document on the history's thread, if there is anything of the device.
  void Answer(const http::Request& request, const Responder& responder,
              std::function<Result<std::string>(CloudHistory&)> work);

  Loop& loop_;
  Fleet& fleet_;
  CloudHistoryWorker& history_;
};

}  // namespace edgetwin::cloud
