// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/snapshot.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/properties.h"

namespace edgetwin::api {
namespace {

using model::PropertyId;
using model::Row;

// The keys of the cloud's API; sync/cloud/README.md.
Json RowJson(const View& view, PropertyId id, model::Side side, const Row& row) {
  const model::ControlInfo& info = row.info();
  Json json;
  json["path"] = view.twin->def(id).path.text();
  json["side"] = ToString(side);
  json["value"] = ValueJson(row.value);
  if (side == model::Side::kReported) json["quality"] = ToString(row.quality);
  json["time"] = TimeJson(row.time);
  if (row.unsynced) json["unsynced"] = true;
  if (side == model::Side::kStatus) {
    json["state"] = ToString(info.state);
    json["refers_to"] = DotJson(info.refers_to);
    if (!info.note.empty()) json["reason"] = info.note;
  } else if (!info.note.empty()) {
    json["who"] = info.note;
  }
  if (info.until != WallTime{}) {
    json[side == model::Side::kDesired ? "valid_until" : "until"] = TimeJson(info.until);
  }
  json["dot"] = DotJson(row.dot);
  json["durable"] = OnFlash(view, id, side);
  return json;
}

Json LineageJson(const model::Lineage& lineage) {
  Json list = Json::array();
  for (const model::Incarnation& entry : lineage) {
    list.push_back(
        {{"inc", Hex(entry.inc)}, {"first_seq", entry.first_seq}, {"limit", entry.limit}});
  }
  return list;
}

}  // namespace

Json SnapshotJson(const View& view) {
  const model::Twin& twin = *view.twin;
  std::vector<PropertyId> shared;
  twin.ForEachProperty([&](PropertyId id) {
    if (!twin.def(id).local_only) shared.push_back(id);
  });
  std::sort(shared.begin(), shared.end(),
            [&](PropertyId a, PropertyId b) { return twin.def(a).path < twin.def(b).path; });
  Json rows = Json::array();
  for (const PropertyId id : shared) {
    for (const model::Side side : model::kEverySide) {
      const Row* row = twin.row(id, side);
      if (row != nullptr) rows.push_back(RowJson(view, id, side, *row));
    }
  }
  const sync::EdgeStatus status = view.agent->engine().status();
  const model::Pid entries = twin.dictionary_size();
  return {{"id", view.agent->config().device.id},
          {"epoch", {{"counter", status.epoch.counter}, {"token", Hex(status.epoch.token)}}},
          {"heads", {{"control", status.control_head}, {"state", status.state_head}}},
          {"watermarks", {{"control", status.cloud_control}}},
          {"acknowledged", {{"control", status.control_acked}, {"state", status.state_acked}}},
          {"lineage", LineageJson(twin.lineage())},
          {"dictionary", entries},
          {"dictionary_chain", Hex(twin.chain(entries))},
          {"rows", std::move(rows)}};
}

}  // namespace edgetwin::api
