// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The agent's local HTTP/JSON API on its Unix socket: what the CLI asks.
//
//   GET    /v1/status               the agent in one document, with what is wrong, worst first
//   GET    /v1/properties           ?pattern=&quality=&limit=&after=
//   GET    /v1/properties/{path}    one of them in full
//   GET    /v1/why/{path}           one value explained from end to end
//   PUT    /v1/override/{path}      {"value":…,"for_ms":…,"who":…}
//   DELETE /v1/override/{path}
//   GET    /v1/sync                 the sync with the cloud in full
//   GET    /v1/events               ?after=&limit=; the device's event log
//   GET    /v1/alarms
//   GET    /v1/history              ?path=&from=&to=&max_points=; samples, or min, mean and max
//   GET    /v1/history/gaps         ?path=; the account of samples that are gone
//   GET    /v1/history/audit        produced = stored + in memory + lost, for each path
//   GET    /v1/history/export       ?after=&since_last=&pattern=&from=&to=; records of a file that
//                                   carries what the cloud doesn't have; `after`: a part's end
//   POST   /v1/history/exported     ?commit=; what since_last begins after
//   POST   /v1/history/receipt      the cloud has what that receipt is for
//   POST   /v1/acknowledge/{path}   {"who":…}: somebody has seen the property's alarms
//   POST   /v1/backup               the store as a database file
//   GET    /v1/drivers
//   POST   /v1/reload               reads the configuration again
//   GET    /v1/watch                ?pattern=; server-sent events
//   GET    /v1/snapshot             every row and dot that is shared with the cloud
//   GET    /metrics                 for Prometheus
//   GET    /healthz
//
// Whoever may connect may read; access.h says who may change something. Errors are RFC 9457 problem
// documents.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/runtime/agent.h"
#include "twin/base/event_loop.h"
#include "twin/base/result.h"

namespace edgetwin::api {

// What a reload did: problems (then nothing changed), or what only a restart can change.
struct ReloadReport {
  bool applied = false;
  std::string problems;           // One a line, as ConfigProblems says them.
  std::vector<std::string> kept;  // Tables that stay as they were until a restart.
};

class ApiServer {
 public:
  using Reload = std::function<ReloadReport()>;

  // Listens on the socket that the agent's configuration names, and for /metrics and /healthz on
  // its TCP port, if any. `agent` must outlive it; its
  // observer is the server's until then. kConflict when somebody listens there already, kPermission
  // or kUnavailable when a socket can't be made.
  static Result<std::unique_ptr<ApiServer>> Listen(EventLoop& loop, runtime::Agent& agent,
                                                   Reload reload);
  ~ApiServer();

  std::vector<LimitReport> limits() const;

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::api
