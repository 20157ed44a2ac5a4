// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/status.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

#include "agent/api/problems.h"
#include "agent/api/properties.h"

namespace edgetwin::api {
namespace {

using model::PropertyId;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

Json Text(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json MillisOrNull(std::optional<std::chrono::microseconds> duration) {
  if (!duration) return nullptr;
  return static_cast<double>(duration->count()) / 1'000;
}

Json EpochJson(const model::Epoch& epoch) {
  return {{"counter", epoch.counter}, {"token", Hex(epoch.token)}};
}

Json SyncJson(const View& view) {
  const sync::EdgeStatus status = view.agent->engine().status();
  const bool cloud = view.agent->config().cloud.enabled;
  return {{"state", cloud ? ToString(status.state) : "disabled"},
          {"since", view.sync_since ? TimeJson(view.ToWall(*view.sync_since)) : Json(nullptr)},
          {"trouble", Text(status.trouble)},
          {"head", status.head},
          {"revision", status.state_head},
          {"acknowledged", cloud ? Json(status.state_acked) : Json(nullptr)},
          {"on_flash", status.state_durable},
          {"control", status.control_head},
          {"control_acknowledged", cloud ? Json(status.control_acked) : Json(nullptr)},
          {"control_on_flash", status.control_durable},
          {"cloud_control", status.cloud_control},
          {"reserved", status.seq_limit},
          {"frames_under_way", status.frames_under_way},
          {"frames_resent", status.frames_resent},
          {"frames_refused", view.agent->frames_refused()},
          {"sessions", status.sessions},
          {"timeouts", status.timeouts},
          {"nacks", status.nacks},
          {"returned_rows", status.returned_rows},
          {"round_trip_ms", MillisOrNull(status.round_trip)},
          {"epoch", EpochJson(status.epoch)},
          {"desired_unfinished", status.control_unfinished}};
}

std::uint64_t Backlog(const View& view) {
  std::uint64_t rows = 0;
  view.twin->ForEachAfter(model::Stream::kState,
                          view.agent->engine().sender().acked(model::Stream::kState),
                          [&rows](PropertyId, model::Side, const model::Row&) {
                            ++rows;
                            return true;
                          });
  return rows;
}

Json LinkJson(const View& view) {
  const std::optional<sync::LinkStats> link = view.agent->link_stats();
  if (!link) return nullptr;
  return {{"up", link->up},
          {"broker", Text(link->broker)},
          {"last_error", Text(link->last_error)},
          {"next_try_ms", link->up ? Json(nullptr) : Json(link->next_try.count())},
          {"connects", link->connects},
          {"failures", link->failures},
          {"frames_sent", link->frames_sent},
          {"frames_received", link->frames_received},
          {"bytes_sent", link->bytes_sent},
          {"bytes_received", link->bytes_received},
          {"oversized_dropped", link->oversized_dropped}};
}

Json StoreJson(const View& view) {
  const store::TwinStoreStats stats = view.agent->store_stats();
  return {{"directory", view.agent->config().store.directory},
          {"file_bytes", stats.file_bytes},
          {"commits", stats.commits},
          {"failed_commits", stats.failed_commits},
          {"checkpoints", stats.checkpoints},
          {"tail_records", stats.tail_records},
          {"error", Text(view.agent->engine().status().commit_error)},
          {"quarantined", Text(view.agent->quarantined())}};
}

// What of it has gone to the cloud, since the start.
Json BackfillJson(const View& view) {
  const sync::BackfillStatus status = view.agent->engine().backfill();
  return {{"taken_by_cloud", status.takes},
          {"caught_up", status.caught_up},
          {"frames", status.frames},
          {"frames_resent", status.frames_resent},
          {"bytes", status.bytes},
          {"blocks", status.blocks},
          {"samples", status.samples},
          {"losses", status.losses},
          {"blocks_held", status.blocks_held},
          {"blocks_withheld", status.blocks_withheld},
          {"blocks_refused", status.blocks_refused},
          {"walks", status.walks},
          {"error", Text(status.trouble)}};
}

Json HistoryStatusJson(const View& view) {
  if (view.agent->history() == nullptr) return nullptr;
  const runtime::HistoryStatus& status = view.agent->history()->status();
  return {{"file", status.file},
          {"file_bytes", status.store.file_bytes},
          {"bytes_max", view.agent->config().history.bytes_max},
          {"blocks", status.store.blocks},
          {"commits", status.store.commits},
          {"failed_commits", status.store.failed_commits},
          {"lost", status.store.lost},
          {"dropped", status.dropped},
          {"error", Text(status.trouble)},
          {"quarantined", Text(status.quarantined)},
          {"backfill", BackfillJson(view)}};
}

Json WrittenJson(const store::WrittenBytes& written) {
  Json json = Json::object();
  for (std::size_t i = 0; i < store::kWriteCauses; ++i) {
    json[std::string(ToString(static_cast<store::WriteCause>(i)))] = written[i];
  }
  return json;
}

// What the kernel wrote for this process, on flash or not: whole pages, journals not included.
Json KernelWrittenJson() {
  std::ifstream file("/proc/self/io");
  std::string line;
  while (std::getline(file, line)) {
    constexpr std::string_view kKey = "write_bytes: ";
    if (line.starts_with(kKey)) return std::strtoull(line.c_str() + kKey.size(), nullptr, 10);
  }
  return nullptr;
}

Json FlashJson(const View& view) {
  const runtime::FlashReport flash = view.agent->flash();
  const std::uint64_t max = flash.use.day_bytes_max;
  return {{"today_bytes", flash.use.today_bytes},
          {"year_bytes", flash.use.year_bytes ? Json(*flash.use.year_bytes) : Json(nullptr)},
          {"day_bytes_max", max == 0 ? Json(nullptr) : Json(max)},
          {"stretch", flash.use.stretch},
          {"stretched", flash.use.stretched},
          {"store", WrittenJson(flash.twin)},
          {"history", WrittenJson(flash.history)},
          {"kernel_bytes", KernelWrittenJson()}};
}

Json CrashesJson(const View& view) {
  return {{"watched", view.agent->crashes_watched()},
          {"last_run_ended_in", view.agent->crashed_in()},
          {"quarantined", view.agent->crashers_total()}};
}

Json DriverSummaryJson(const View& view) {
  std::map<std::string, std::uint64_t> count{
      {"running", 0}, {"waiting", 0}, {"failed", 0}, {"stopped", 0}};
  Json troubled = Json::array();
  for (const runtime::InstanceStatus& instance : view.agent->supervisor().status()) {
    ++count[instance.state];
    const bool parts_ok =
        std::all_of(instance.parts.begin(), instance.parts.end(),
                    [](const driver::PartStatus& part) { return part.state == "ok"; });
    if (instance.state != "running" || !parts_ok) troubled.push_back(instance.name);
  }
  Json json = Json::object();
  for (const char* state : {"running", "waiting", "failed", "stopped"}) json[state] = count[state];
  json["troubled"] = std::move(troubled);
  return json;
}

Json CountsJson(const View& view) {
  std::uint64_t properties = 0;
  std::uint64_t overrides = 0;
  std::uint64_t desired = 0;
  std::map<model::Quality, std::uint64_t> quality;
  view.twin->ForEachProperty([&](PropertyId id) {
    if (OverrideOf(view, id) != nullptr) ++overrides;
    const model::Row* wanted = view.twin->row(id, model::Side::kDesired);
    if (wanted != nullptr && !wanted->value.none()) ++desired;
    if (!view.twin->defined(id)) return;
    ++properties;
    ++quality[QualityOf(view, id)];
  });
  return {{"total", properties},
          {"good", quality[model::Quality::kGood]},
          {"uncertain", quality[model::Quality::kUncertain]},
          {"bad", quality[model::Quality::kBad]},
          {"stale", quality[model::Quality::kStale]},
          {"desired", desired},
          {"overrides", overrides}};
}

// Kilobytes of one line of smaps_rollup ("Rss:   5120 kB"), as bytes.
Json MemoryJson() {
  std::ifstream file("/proc/self/smaps_rollup");
  Json json{{"rss_bytes", nullptr}, {"pss_bytes", nullptr}};
  std::string line;
  while (std::getline(file, line)) {
    for (const auto& [key, name] : {std::pair{"Rss:", "rss_bytes"}, {"Pss:", "pss_bytes"}}) {
      if (line.starts_with(key)) json[name] = std::strtoull(line.c_str() + 4, nullptr, 10) * 1'024;
    }
  }
  return json;
}

}  // namespace

Json StatusJson(const View& view, const std::vector<LimitReport>& api_limits) {
  const std::vector<Problem> problems = FindProblems(view);
  const config::AgentConfig& config = view.agent->config();
  Json json;
  json["device"] = {{"id", config.device.id}, {"description", Text(config.device.description)}};
  json["daemon"] = "running";
  json["version"] = EDGETWIN_VERSION;
  json["health"] = Degraded(problems) ? "degraded" : "ok";
  json["problems"] = ProblemsJson(problems);
  json["time"] = TimeJson(view.wall);
  json["clock_trusted"] = view.wall_trusted;
  json["uptime_ms"] = duration_cast<milliseconds>(view.now - view.agent->started()).count();
  json["sync"] = SyncJson(view);
  json["backlog_rows"] = config.cloud.enabled ? Json(Backlog(view)) : Json(nullptr);
  json["link"] = LinkJson(view);
  json["store"] = StoreJson(view);
  json["history"] = HistoryStatusJson(view);
  json["flash"] = FlashJson(view);
  json["crashes"] = CrashesJson(view);
  json["drivers"] = DriverSummaryJson(view);
  json["properties"] = CountsJson(view);
  json["memory"] = MemoryJson();
  json["limits"] = Json::array();
  for (const LimitReport& limit : view.agent->limits()) json["limits"].push_back(LimitJson(limit));
  for (const LimitReport& limit : api_limits) {
    Json entry = LimitJson(limit);
    entry["name"] = "api." + limit.name;
    json["limits"].push_back(std::move(entry));
  }
  return json;
}

Json StoredStatusJson(const View& view, const std::string& device, const std::string& description,
                      const StoredFacts& facts) {
  std::vector<Problem> problems = {
      {Severity::kError, "daemon_down",
       "The daemon is not running: nothing is polled or sent, values are as " + facts.store +
           " has them"}};
  Json json;
  json["device"] = {{"id", Text(device)}, {"description", Text(description)}};
  json["daemon"] = "down";
  json["version"] = EDGETWIN_VERSION;
  json["health"] = "degraded";
  json["problems"] = ProblemsJson(problems);
  json["time"] = TimeJson(view.wall);
  json["clock_trusted"] = view.wall_trusted;
  json["uptime_ms"] = nullptr;
  json["sync"] = {{"state", "down"},
                  {"head", view.twin->head()},
                  {"revision", view.twin->stream_head(model::Stream::kState)},
                  {"acknowledged", nullptr},
                  {"on_flash", view.twin->stream_head(model::Stream::kState)},
                  {"control", view.twin->stream_head(model::Stream::kControl)},
                  {"cloud_control", facts.cloud_control},
                  {"epoch", EpochJson(facts.epoch)}};
  json["backlog_rows"] = nullptr;
  json["link"] = nullptr;
  json["store"] = {{"file", facts.store}};
  json["history"] = nullptr;
  json["flash"] = nullptr;
  json["drivers"] = nullptr;
  json["properties"] = CountsJson(view);
  json["memory"] = nullptr;
  json["limits"] = Json::array();
  return json;
}

}  // namespace edgetwin::api
