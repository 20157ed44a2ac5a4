// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/api_server.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "agent/api/access.h"
#include "agent/api/alarms.h"
#include "agent/api/carry.h"
#include "agent/api/changes.h"
#include "agent/api/drivers.h"
#include "agent/api/events.h"
#include "agent/api/history.h"
#include "agent/api/metrics.h"
#include "agent/api/problems.h"
#include "agent/api/properties.h"
#include "agent/api/snapshot.h"
#include "agent/api/status.h"
#include "agent/api/sync_status.h"
#include "agent/api/watch.h"
#include "agent/api/why.h"
#include "twin/base/clock.h"
#include "twin/base/config_node.h"
#include "twin/http/http_server.h"

namespace edgetwin::api {
namespace {

using http::Request;
using http::Response;

// Longer than any path; a pattern is matched against every property.
constexpr std::size_t kPatternBytesMax = model::kPathBytesMax;
constexpr std::size_t kBodyBytesMax = 64 << 10;

bool Changes(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

Status CheckQuery(const Request& request, const std::vector<std::string>& known) {
  for (const auto& [key, value] : request.query) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = Nearest(key, known);
    return Invalid("there is no parameter '" + key + "'" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  return {};
}

Result<std::string> ReadPattern(const Request& request) {
  const auto found = request.query.find("pattern");
  if (found == request.query.end()) return std::string();
  if (found->second.size() > kPatternBytesMax) {
    return Invalid("a pattern has at most " + std::to_string(kPatternBytesMax) + " bytes");
  }
  return found->second;
}

Result<std::uint64_t> ReadNumber(const Request& request, const std::string& key, std::uint64_t min,
                                 std::uint64_t max, std::uint64_t otherwise) {
  const auto found = request.query.find(key);
  if (found == request.query.end()) return otherwise;
  const std::string& text = found->second;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > max) {
    return Invalid(key + " must be " + std::to_string(min) + " to " + std::to_string(max) +
                   ", not '" + text + "'");
  }
  return number;
}

Result<PropertyQuery> ReadQuery(const Request& request) {
  if (const Status ok = CheckQuery(request, {"pattern", "quality", "limit", "after"}); !ok) {
    return ok.error();
  }
  PropertyQuery query;
  auto pattern = ReadPattern(request);
  if (!pattern) return pattern.error();
  query.pattern = *std::move(pattern);
  if (const auto found = request.query.find("after"); found != request.query.end()) {
    query.after = found->second;
  }
  if (const auto found = request.query.find("quality"); found != request.query.end()) {
    query.quality = ParseQuality(found->second);
    if (!query.quality) {
      return Invalid("a quality is good, uncertain, bad or stale, not '" + found->second + "'");
    }
  }
  const auto limit = ReadNumber(request, "limit", 1, kPageMax, kPageDefault);
  if (!limit) return limit.error();
  query.limit = static_cast<std::size_t>(*limit);
  return query;
}

Result<EventQuery> ReadEventQuery(const Request& request) {
  if (const Status ok = CheckQuery(request, {"after", "limit"}); !ok) return ok.error();
  const auto after = ReadNumber(request, "after", 0, std::numeric_limits<std::int64_t>::max(), 0);
  if (!after) return after.error();
  const auto limit = ReadNumber(request, "limit", 1, kEventsMax, kEventsDefault);
  if (!limit) return limit.error();
  return EventQuery{*after, static_cast<std::size_t>(*limit)};
}

Json ReloadJson(const ReloadReport& report) {
  Json problems = Json::array();
  for (std::size_t at = 0; at < report.problems.size();) {
    const std::size_t end = std::min(report.problems.find('\n', at), report.problems.size());
    if (end > at) problems.push_back(report.problems.substr(at, end - at));
    at = end + 1;
  }
  return {{"applied", report.applied},
          {"problems", std::move(problems)},
          {"needs_restart", report.kept}};
}

}  // namespace

struct ApiServer::Impl {
  Impl(EventLoop& loop_in, runtime::Agent& agent_in, Reload reload_in)
      : loop(loop_in),
        agent(agent_in),
        reload(std::move(reload_in)),
        sync_since(agent_in.started()),
        server(loop_in, Options()),
        watch(loop_in, [this] { return Now(); }) {
    agent.SetObserver([this] { Observe(); });
    server.SetGuard([](const Request& request) { return Guard(request); });
    RouteReads();
    RouteHistory();
    RouteCarry();
    RouteChanges();
  }
  ~Impl() { agent.SetObserver({}); }

  static http::ServerOptions Options() {
    http::ServerOptions options;
    options.body_bytes_max = kBodyBytesMax;
    return options;
  }

  static std::optional<Response> Guard(const Request& request) {
    if (!Changes(request)) return {};
    const Status may = MayChange(PeerOf(request), geteuid(), LocalGroup(kOperatorGroup));
    if (may) return {};
    return http::Problem(may.error());
  }

  View Now() const {
    View view;
    view.twin = &agent.twin();
    view.agent = &agent;
    view.now = loop.Now();
    const auto wall = loop.clock().Wall();
    view.wall_trusted = wall.has_value();
    view.own_clock = SystemClock().Wall().has_value();
    view.wall = wall ? *wall : loop.clock().UntrustedWall();
    view.sync_since = sync_since;
    return view;
  }

  void Observe() {
    const sync::SyncState state = agent.engine().status().state;
    if (std::exchange(sync_state, state) != state) sync_since = loop.Now();
    watch.Changed();
  }

  using Document = std::function<Result<Json>(const View&, const Request&)>;
  void Get(std::string pattern, Document document) {
    server.Route("GET", std::move(pattern),
                 [this, document = std::move(document)](const Request& request, auto responder) {
                   const Result<Json> json = document(Now(), request);
                   responder->Send(json ? JsonResponse(*json) : http::Problem(json.error()));
                 });
  }
  void GetProperty(std::string pattern, Json (*document)(const View&, model::PropertyId)) {
    Get(std::move(pattern), [document](const View& view, const Request& request) -> Result<Json> {
      const auto id = FindProperty(*view.twin, request.parts[0]);
      if (!id) return id.error();
      return document(view, *id);
    });
  }

  // What is served over TCP, too, where that is wanted.
  void RouteMachines(http::Server& to) {
    to.Route("GET", "/healthz", [this](const Request&, auto responder) {
      const bool degraded = Degraded(FindProblems(Now()));
      responder->Send(JsonResponse({{"status", degraded ? "degraded" : "ok"}}));
    });
    to.Route("GET", "/metrics", [this](const Request&, auto responder) {
      Response response;
      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
      response.body = MetricsText(Now());
      responder->Send(std::move(response));
    });
  }

  Status ListenForMachines(const std::string& address, std::uint16_t port) {
    machines.emplace(loop, Options());
    RouteMachines(*machines);
    const auto listening = machines->ListenTcp(address, port);
    return listening ? Status() : listening.error();
  }

  void RouteReads() {
    Get("/v1/status", [this](const View& view, const Request&) -> Result<Json> {
      return StatusJson(view, server.limits());
    });
    Get("/v1/properties", [](const View& view, const Request& request) -> Result<Json> {
      const auto query = ReadQuery(request);
      if (!query) return query.error();
      return PropertiesJson(view, *query);
    });
    GetProperty("/v1/properties/{*}", PropertyDetailJson);
    GetProperty("/v1/why/{*}", WhyJson);
    Get("/v1/sync", [this](const View& view, const Request&) -> Result<Json> {
      return SyncStatusJson(view, agent.config().device.id);
    });
    Get("/v1/events", [](const View& view, const Request& request) -> Result<Json> {
      const auto query = ReadEventQuery(request);
      if (!query) return query.error();
      return EventsJson(view, *query);
    });
    Get("/v1/alarms",
        [](const View& view, const Request&) -> Result<Json> { return AlarmsJson(view); });
    Get("/v1/drivers",
        [](const View& view, const Request&) -> Result<Json> { return DriversJson(view); });
    Get("/v1/snapshot",
        [](const View& view, const Request&) -> Result<Json> { return SnapshotJson(view); });
    RouteMachines(server);
    server.Route("GET", "/v1/watch", [this](const Request& request, auto responder) {
      const Status known = CheckQuery(request, {"pattern"});
      auto pattern = ReadPattern(request);
      if (!known) return responder->Send(http::Problem(known.error()));
      if (!pattern) return responder->Send(http::Problem(pattern.error()));
      if (auto stream = responder->Stream()) watch.Add(*std::move(pattern), std::move(stream));
    });
  }

  // Answers when the history's thread has; 404 while there is no history.
  template <class Answer>
  void GetHistory(std::string pattern, std::vector<std::string> parameters, Answer answer) {
    server.Route(
        "GET", std::move(pattern),
        [this, parameters = std::move(parameters), answer](const Request& request, auto responder) {
          Status begun = CheckQuery(request, parameters);
          if (begun && agent.history() == nullptr) {
            begun = NotFound("the history is switched off: [history] enabled");
          }
          const auto send = [responder,
                             still = std::weak_ptr<void>(alive)](const Result<Json>& json) {
            if (still.expired()) return;
            responder->Send(json ? JsonResponse(*json) : http::Problem(json.error()));
          };
          if (begun) begun = answer(*agent.history(), request, send);
          if (!begun) responder->Send(http::Problem(begun.error()));
        });
  }

  void RouteHistory() {
    GetHistory("/v1/history", {"path", "from", "to", "max_points"},
               [this](runtime::History& history, const Request& request, auto send) -> Status {
                 const auto query = ReadHistoryQuery(request, Now().wall);
                 if (!query) return query.error();
                 return history.Read(query->path, query->range, [query = *query, send](auto read) {
                   if (!read) return send(read.error());
                   send(HistoryJson(query, **read));
                 });
               });
    GetHistory("/v1/history/gaps", {"path"},
               [](runtime::History& history, const Request& request, auto send) -> Status {
                 const auto path = request.query.find("path");
                 return history.Gaps(path == request.query.end() ? "" : path->second,
                                     [send](auto gaps) {
                                       if (!gaps) return send(gaps.error());
                                       send(GapsJson(*gaps));
                                     });
               });
    GetHistory("/v1/history/audit", {},
               [](runtime::History& history, const Request&, auto send) -> Status {
                 return history.Audit([send](auto audit) {
                   if (!audit) return send(audit.error());
                   send(AuditJson(*audit));
                 });
               });
  }

  void RouteCarry() {
    server.Route("GET", "/v1/history/export", [this](const Request& request, auto responder) {
      const Status known = CheckQuery(request, {"after", "since_last", "pattern", "from", "to"});
      if (!known) return responder->Send(http::Problem(known.error()));
      AnswerExport(agent, request, Now().wall, std::move(responder), alive);
    });
    server.Route("POST", "/v1/history/exported", [this](const Request& request, auto responder) {
      AnswerExported(agent, request, std::move(responder), alive);
    });
    server.Route("POST", "/v1/history/receipt", [this](const Request& request, auto responder) {
      AnswerReceipt(agent, request, std::move(responder), alive);
    });
  }

  void RouteChanges() {
    server.Route("PUT", "/v1/override/{*}", [this](const Request& request, auto responder) {
      const auto id = FindProperty(agent.twin(), request.parts[0]);
      if (!id) return responder->Send(http::Problem(id.error()));
      auto override =
          ParseOverride(request.body, agent.twin().def(*id), LocalUser(*request.peer_uid));
      if (!override) return responder->Send(http::Problem(override.error()));
      AnswerOverride(loop, agent, *id, *std::move(override), std::move(responder), alive);
    });
    server.Route("DELETE", "/v1/override/{*}", [this](const Request& request, auto responder) {
      const auto id = FindProperty(agent.twin(), request.parts[0]);
      if (!id) return responder->Send(http::Problem(id.error()));
      const Status released = agent.Release(*id);
      if (!released) return responder->Send(http::Problem(released.error()));
      responder->Send(JsonResponse({{"path", request.parts[0]}, {"released", true}}));
    });
    server.Route("POST", "/v1/acknowledge/{*}", [this](const Request& request, auto responder) {
      const auto id = FindProperty(agent.twin(), request.parts[0]);
      if (!id) return responder->Send(http::Problem(id.error()));
      const auto who = ParseAcknowledge(request.body, LocalUser(*request.peer_uid));
      if (!who) return responder->Send(http::Problem(who.error()));
      const Status done = agent.AcknowledgeAlarm(*id, *who);
      if (!done) return responder->Send(http::Problem(done.error()));
      responder->Send(JsonResponse(
          {{"path", agent.twin().def(*id).path.text()}, {"acknowledged", true}, {"who", *who}}));
    });
    server.Route("POST", "/v1/backup", [this](const Request&, auto responder) {
      const Status begun =
          agent.Backup([responder, still = std::weak_ptr<void>(alive)](Result<std::string> image) {
            if (still.expired()) return;
            if (!image) return responder->Send(http::Problem(image.error()));
            Response response;
            response.content_type = "application/vnd.sqlite3";
            response.body = *std::move(image);
            responder->Send(std::move(response));
          });
      if (!begun) responder->Send(http::Problem(begun.error()));
    });
    server.Route("POST", "/v1/reload", [this](const Request&, auto responder) {
      const ReloadReport report = reload();
      responder->Send(JsonResponse(ReloadJson(report), report.applied ? 200 : 422));
    });
  }

  EventLoop& loop;
  runtime::Agent& agent;
  const Reload reload;
  sync::SyncState sync_state = sync::SyncState::kOffline;
  MonoTime sync_since;
  std::shared_ptr<void> alive = std::make_shared<bool>(true);
  http::Server server;
  std::optional<http::Server> machines;  // With [api] metrics.
  WatchHub watch;
};

Result<std::unique_ptr<ApiServer>> ApiServer::Listen(EventLoop& loop, runtime::Agent& agent,
                                                     Reload reload) {
  auto impl = std::make_unique<Impl>(loop, agent, std::move(reload));
  const config::ApiConfig& config = agent.config().api;
  if (const Status listening = impl->server.ListenUnix(config.socket, config.mode); !listening) {
    return listening.error();
  }
  if (config.metrics_port != 0) {
    const Status machines = impl->ListenForMachines(config.metrics_address, config.metrics_port);
    if (!machines) return machines.error();
  }
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

std::vector<LimitReport> ApiServer::limits() const {
  std::vector<LimitReport> limits = impl_->server.limits();
  if (impl_->machines) {
    for (LimitReport& limit : impl_->machines->limits()) {
      limit.name = "metrics." + limit.name;
      limits.push_back(std::move(limit));
    }
  }
  return limits;
}

}  // namespace edgetwin::api
