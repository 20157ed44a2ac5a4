// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The HTTP API that takes what a file carried here. README.md describes it.

#pragma once

#include <memory>
#include <string>

#include "sync/carry/carry.h"
#include "sync/cloud/fleet.h"
#include "sync/cloud/history/cloud_history_worker.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

// A carried file's beginning and some of its parts, as far as they are sound.
struct ImportBody {
  sync::CarryHead head;
  std::vector<sync::CarryPart> parts;
  std::string damage;  // What is wrong after them; empty: nothing.
};
// kInvalid when not even the head is sound. That the end is missing is no damage: a file comes in
// pieces.
Result<ImportBody> ReadImport(const std::string& body);

// Loop thread only. Everything it was given must outlive it, and it must outlive the server's
// routes.
class ImportApi {
 public:
  ImportApi(Fleet& fleet, CloudHistoryWorker& history) : fleet_(fleet), history_(history) {}

  void AddRoutes(http::Server& server);

 private:
  using Responder = std::shared_ptr<http::Responder>;
  struct Import;

  void Post(const http::Request& request, const Responder& responder);
  // Puts the next part, or answers when there is none any more.
  void GoOn(const std::shared_ptr<Import>& import);
  void Answer(const std::shared_ptr<Import>& import);

  Fleet& fleet_;
  CloudHistoryWorker& history_;
};

}  // namespace edgetwin::cloud
