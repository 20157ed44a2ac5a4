// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/metrics.h"

#include <string_view>

namespace edgetwin::cloud {
namespace {

void Add(std::string& text, std::string_view name, std::string_view type, std::string_view help,
         std::uint64_t value) {
  const std::string full = "edgetwin_cloud_" + std::string(name);
  text += "# HELP " + full + " ";
  text += help;
  text += "\n# TYPE " + full + " ";
  text += type;
  text += "\n" + full + " " + std::to_string(value) + "\n";
}

void AddLimits(std::string& text, std::string_view name, std::string_view type,
               const std::vector<LimitReport>& limits, std::uint64_t LimitReport::*field) {
  const std::string full = "edgetwin_cloud_limit_" + std::string(name);
  text += "# TYPE " + full + " ";
  text += type;
  text += "\n";
  for (const LimitReport& limit : limits) {
    text += full + "{name=\"" + limit.name + "\"} " + std::to_string(limit.*field) + "\n";
  }
}

}  // namespace

std::string MetricsText(const FleetStats& fleet, const CloudStoreStats& store,
                        const CloudHistoryStats& history, const sync::LinkStats& link,
                        const std::vector<LimitReport>& limits) {
  std::string text;
  Add(text, "twins", "gauge", "Twins known.", fleet.twins);
  Add(text, "twins_loaded", "gauge", "Of these in memory.", fleet.loaded);
  Add(text, "twins_connected", "gauge", "Of these in a session.", fleet.connected);
  Add(text, "frames_received_total", "counter", "Frames from devices.", fleet.frames_received);
  Add(text, "frames_sent_total", "counter", "Frames to devices.", fleet.frames_sent);
  Add(text, "frames_unsent_total", "counter", "Frames the link had no room for.",
      fleet.frames_unsent);
  Add(text, "frames_bad_total", "counter", "Frames that can't be read.", fleet.frames_bad);
  Add(text, "frames_quarantined_total", "counter",
      "Frames passed over, as one like them ended this service twice.", fleet.frames_quarantined);
  Add(text, "frames_dropped_total", "counter", "Frames there was no room for.",
      fleet.frames_dropped);
  Add(text, "commits_total", "counter", "Transactions committed.", store.commits);
  Add(text, "commits_failed_total", "counter", "Transactions that failed.", store.failed_commits);
  Add(text, "rows_committed_total", "counter", "Rows in these commits.", store.rows);
  Add(text, "events_stored_total", "counter", "Events of devices that were stored.", store.events);
  Add(text, "events_dropped_total", "counter", "Stored events that made room for newer ones.",
      store.events_dropped);
  Add(text, "history_blocks_total", "counter", "Blocks of history that were taken.",
      history.blocks);
  Add(text, "history_samples_total", "counter", "Samples in these.", history.samples);
  Add(text, "history_repeated_total", "counter", "Blocks that came again.", history.repeated);
  Add(text, "history_refused_total", "counter", "Blocks that can't be taken.", history.refused);
  Add(text, "history_evicted_total", "counter", "Samples that made room, or were too old.",
      history.evicted);
  Add(text, "history_bytes", "gauge", "Of the file of history.", history.bytes);
  Add(text, "broker_up", "gauge", "Whether the broker is connected.", link.up ? 1 : 0);
  Add(text, "broker_connects_total", "counter", "Connections made to it.", link.connects);
  Add(text, "broker_bytes_received_total", "counter", "MQTT bytes of frames received.",
      link.bytes_received);
  Add(text, "broker_bytes_sent_total", "counter", "MQTT bytes of frames sent.", link.bytes_sent);
  AddLimits(text, "max", "gauge", limits, &LimitReport::max);
  AddLimits(text, "used", "gauge", limits, &LimitReport::used);
  AddLimits(text, "peak", "gauge", limits, &LimitReport::peak);
  AddLimits(text, "hits_total", "counter", limits, &LimitReport::hits);
  return text;
}

}  // namespace edgetwin::cloud
