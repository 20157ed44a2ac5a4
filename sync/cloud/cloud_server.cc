// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cloud_server.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sync/cloud/api.h"
#include "sync/cloud/api_guard.h"
#include "sync/cloud/device_api.h"
#include "sync/cloud/event_feed.h"
#include "sync/cloud/history_api.h"
#include "sync/cloud/import_api.h"
#include "sync/cloud/metrics.h"
#include "twin/base/log.h"

namespace edgetwin::cloud {
namespace {

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    std::filesystem::create_directories(folder, error);
    if (error == std::errc::permission_denied) {
      return MakeError(ErrorCode::kPermission, folder + ": " + error.message());
    }
    if (error) return Invalid(folder + ": " + error.message());
    // Values and wishes are nobody else's business.
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  return {};
}

// Null when they can't be had: that is no reason not to serve.
std::unique_ptr<sync::CrashMarks> OpenMarks(const std::string& file) {
  if (file.empty()) return nullptr;
  auto marks = sync::CrashMarks::Open(file);
  if (!marks) {
    Log(LogLevel::kWarning, "what ends this service will not be told apart: " + marks.error().text);
    return nullptr;
  }
  for (const sync::CrashItem& item : (*marks)->found()) {
    const bool again = (*marks)->Quarantined(item);
    Log(again ? LogLevel::kError : LogLevel::kWarning,
        "the last run ended while " +
            std::string(item.kind == sync::CrashItem::Kind::kFrame ? "handling a device's frame"
                                                                   : "taking up a device's row") +
            (again ? ", twice in a row: it is quarantined" : ""));
  }
  return *std::move(marks);
}

}  // namespace

struct CloudServer::Impl {
  Impl(EventLoop& loop_in, std::unique_ptr<CloudStore> store_in,
       std::unique_ptr<CloudHistory> history_in, std::vector<TwinSummary> twins, std::uint64_t inc,
       std::unique_ptr<sync::CrashMarks> marks_in, CloudServerOptions& options)
      : loop(loop_in),
        store(std::move(store_in)),
        history(std::move(history_in)),
        marks(std::move(marks_in)),
        feed(inc, options.changes_remembered_max),
        fleet(loop, *store, std::move(twins), feed, options.fleet),
        api(loop, fleet, feed, {.metrics = [this] { return Metrics(); }}),
        devices(loop, fleet, {.random = options.random}),
        history_worker(loop, *history, {.age_max = options.history_age_max}),
        past(loop, fleet, history_worker),
        imports(fleet, history_worker),
        guard(options.token),
        server(loop, options.http) {
    feed.SetFleet(&fleet);
    fleet.SetHistory(&history_worker);
    api.AddRoutes(server);
    devices.AddRoutes(server);
    past.AddRoutes(server);
    imports.AddRoutes(server);
    server.SetGuard([this](const http::Request& request) { return guard.Check(request); });
  }

  ~Impl() {
    if (link) link->Close();
  }

  std::string Metrics() const {
    std::vector<LimitReport> limits = fleet.limits();
    limits.push_back(feed.limit());
    for (LimitReport& limit : history_worker.limits()) limits.push_back(std::move(limit));
    for (LimitReport& limit : server.limits()) limits.push_back(std::move(limit));
    if (link) {
      for (LimitReport& limit : link->limits()) limits.push_back(std::move(limit));
    }
    return MetricsText(fleet.stats(), store->stats(), history->stats(),
                       link ? link->stats() : sync::LinkStats{}, limits);
  }

  EventLoop& loop;
  std::unique_ptr<CloudStore> store;
  std::unique_ptr<CloudHistory> history;
  std::unique_ptr<sync::CrashMarks> marks;  // Null: nothing is watched.
  EventFeed feed;
  Fleet fleet;
  std::unique_ptr<sync::Link> link;
  Api api;
  DeviceApi devices;
  CloudHistoryWorker history_worker;  // After whoever its callbacks use.
  HistoryApi past;
  ImportApi imports;
  ApiGuard guard;
  http::Server server;  // Last: its handlers use the rest.
  std::uint16_t port = 0;
};

CloudServer::CloudServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CloudServer::~CloudServer() = default;
std::uint16_t CloudServer::port() const {
  return impl_->port;
}
Fleet& CloudServer::fleet() {
  return impl_->fleet;
}

Result<std::unique_ptr<CloudServer>> CloudServer::Start(EventLoop& loop,
                                                        CloudServerOptions options) {
  if (options.token.empty() && !IsLoopback(options.address)) {
    return MakeError(ErrorCode::kPermission,
                     "to listen on " + options.address +
                         ", which others can reach, a token file is needed: whoever may talk to "
                         "this API moves pumps");
  }
  if (Status made = MakeFolder(options.store_folder); !made) return made.error();
  std::uint64_t inc = 0;  // Which stands for none.
  while (inc == 0) inc = options.random(~std::uint64_t{0});
  auto store = CloudStore::Open({.path = options.store_folder + "/cloud.db",
                                 .inc = inc,
                                 .opened = loop.clock().UntrustedWall(),
                                 .twins_max = options.fleet.twins_max});
  if (!store) return store.error();
  auto twins = (*store)->ListTwins();
  if (!twins) return twins.error();

  auto history = CloudHistory::Open({.path = options.store_folder + "/history.db",
                                     .inc = inc,
                                     .bytes_max = options.history_bytes_max});
  if (!history) return history.error();

  options.fleet.session.random = options.random;
  options.fleet.session.history = true;
  auto marks = OpenMarks(options.crash_file);
  options.fleet.marks = marks.get();
  auto impl = std::make_unique<Impl>(loop, *std::move(store), *std::move(history),
                                     *std::move(twins), inc, std::move(marks), options);
  const auto port = impl->server.ListenTcp(options.address, options.port);
  if (!port) return port.error();
  impl->port = *port;
  if (!options.mqtt.brokers.empty()) {
    char id[40];
    std::snprintf(id, sizeof id, "edgetwin-cloud-%016llx", static_cast<unsigned long long>(inc));
    options.mqtt.client_id = id;
    options.mqtt.random = options.random;
    impl->link = sync::MakeMqttLink(loop, std::move(options.mqtt));
    impl->fleet.SetLink(impl->link.get());
    if (Status opened = impl->link->Open(impl->fleet); !opened) return opened.error();
  }
  return std::unique_ptr<CloudServer>(new CloudServer(std::move(impl)));
}

void CloudServer::Stop(std::function<void(Status)> done) {
  impl_->server.StopListening();
  impl_->feed.Close();
  impl_->fleet.Drain([this, done = std::move(done)] {
    const std::string error = impl_->fleet.stats().commit_error;
    done(error.empty() ? Status() : Status(Unavailable(error)));
  });
}

}  // namespace edgetwin::cloud
