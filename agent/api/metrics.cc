// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/metrics.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "agent/api/problems.h"

namespace edgetwin::api {
namespace {

// Label values in the text format escape these three.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

class Metrics {
 public:
  void Family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += "# HELP edgetwin_" + name_ + " " + std::string(help) + "\n";
    text_ += "# TYPE edgetwin_" + name_ + " " + std::string(type) + "\n";
  }
  void Sample(std::uint64_t value, const std::string& labels = {}) {
    text_ += "edgetwin_" + name_ + (labels.empty() ? "" : "{" + labels + "}") + " " +
             std::to_string(value) + "\n";
  }
  void One(std::string_view name, std::string_view type, std::string_view help,
           std::uint64_t value) {
    Family(name, type, help);
    Sample(value);
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

void Flash(Metrics& metrics, const runtime::FlashReport& flash) {
  metrics.Family("flash_written_bytes_total", "counter", "Written to flash, by store and cause.");
  for (std::size_t i = 0; i < store::kWriteCauses; ++i) {
    const std::string cause =
        ",cause=\"" + std::string(ToString(static_cast<store::WriteCause>(i))) + "\"";
    metrics.Sample(flash.twin[i], "store=\"twin\"" + cause);
    metrics.Sample(flash.history[i], "store=\"history\"" + cause);
  }
  metrics.One("flash_day_bytes", "gauge", "Of these, today (UTC).", flash.use.today_bytes);
  metrics.One("flash_day_bytes_max", "gauge", "What it may be; 0: as much as it takes.",
              flash.use.day_bytes_max);
  metrics.One("flash_stretch", "gauge", "In how many steps the history gathers longer.",
              static_cast<std::uint64_t>(flash.use.stretch));
  metrics.One("flash_stretched_total", "counter", "How often it was made to.", flash.use.stretched);
}

void History(Metrics& metrics, const runtime::HistoryStatus& history) {
  metrics.One("history_failing", "gauge", "1 while the history can't be stored.",
              history.trouble.empty() ? 0 : 1);
  metrics.One("history_quarantined", "gauge", "1 when a damaged history was put aside.",
              history.quarantined.empty() ? 0 : 1);
  metrics.One("history_bytes", "gauge", "The history's files.", history.store.file_bytes);
  metrics.One("history_commits_total", "counter", "Durable commits of the history.",
              history.store.commits);
  metrics.One("history_failed_commits_total", "counter", "Commits of the history that failed.",
              history.store.failed_commits);
  metrics.One("history_blocks_total", "counter", "Blocks written.", history.store.blocks);
  metrics.One("history_lost_samples", "gauge", "Samples in the ledger: at most so many are gone.",
              history.store.lost);
  metrics.One("history_dropped_samples_total", "counter",
              "Samples that could not be stored before memory was full.", history.dropped);
}

}  // namespace

std::string MetricsText(const View& view) {
  const runtime::Agent& agent = *view.agent;
  const sync::EdgeStatus sync = agent.engine().status();
  const store::TwinStoreStats store = agent.store_stats();
  Metrics metrics;
  metrics.Family("info", "gauge", "Constant 1.");
  metrics.Sample(
      1, "version=\"" EDGETWIN_VERSION "\",device=\"" + Escaped(agent.config().device.id) + "\"");
  metrics.One("degraded", "gauge", "1 while something is wrong.",
              Degraded(FindProblems(view)) ? 1 : 0);
  metrics.One("live", "gauge", "1 while a session with the cloud is live.",
              sync.state == sync::SyncState::kLive ? 1 : 0);
  metrics.One("revision", "gauge", "The reported rows' revision.", sync.state_head);
  metrics.One("acknowledged_revision", "gauge", "Of these, durable at the cloud.",
              sync.state_acked);
  metrics.One("frames_resent_total", "counter", "Frames sent again.", sync.frames_resent);
  metrics.One("sessions_total", "counter", "Sessions begun.", sync.sessions);
  if (const auto link = agent.link_stats()) {
    metrics.One("link_up", "gauge", "1 while connected to a broker.", link->up ? 1 : 0);
    metrics.One("link_sent_bytes_total", "counter", "MQTT bytes of frames sent.", link->bytes_sent);
    metrics.One("link_received_bytes_total", "counter", "MQTT bytes of frames received.",
                link->bytes_received);
  }
  metrics.One("commits_total", "counter", "Durable commits of the store.", store.commits);
  metrics.One("failed_commits_total", "counter", "Commits that failed.", store.failed_commits);
  metrics.One("store_bytes", "gauge", "The store's files.", store.file_bytes);
  Flash(metrics, agent.flash());
  if (agent.history() != nullptr) History(metrics, agent.history()->status());
  metrics.One("properties", "gauge", "Properties known.", view.twin->size());
  const auto instances = agent.supervisor().status();
  const auto label = [](const runtime::InstanceStatus& instance) {
    return "instance=\"" + Escaped(instance.name) + "\"";
  };
  metrics.Family("driver_running", "gauge", "1 while the instance runs.");
  for (const auto& instance : instances) {
    metrics.Sample(instance.state == "running" ? 1 : 0, label(instance));
  }
  metrics.Family("driver_samples_total", "counter", "Samples taken.");
  for (const auto& instance : instances) metrics.Sample(instance.samples, label(instance));
  metrics.Family("driver_errors_total", "counter", "Errors by their code.");
  for (const auto& instance : instances) {
    for (const auto& [code, count] : instance.errors) {
      metrics.Sample(count, label(instance) + ",code=\"" + code + "\"");
    }
  }
  metrics.Family("limit_hits_total", "counter", "How often a limit bit.");
  for (const LimitReport& limit : agent.limits()) {
    metrics.Sample(limit.hits, "limit=\"" + Escaped(limit.name) + "\"");
  }
  return metrics.Take();
}

}  // namespace edgetwin::api
