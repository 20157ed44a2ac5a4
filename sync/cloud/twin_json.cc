// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/twin_json.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "sync/cloud/json_text.h"

namespace edgetwin::cloud {
namespace {

using model::PropertyId;
using model::Row;
using model::Side;
using model::Stream;

constexpr Side kSidesShown[] = {Side::kReported, Side::kDesired, Side::kStatus, Side::kOverride};

std::string DotJson(const model::Dot& dot) {
  return JsonObject().Raw("inc", JsonHex(dot.inc)).Number("seq", dot.seq).Take();
}

bool Durable(const LiveTwin& live, Side side, const Row& row) {
  return side == Side::kDesired ? live.session.Durable(row.dot.seq)
                                : live.session.PeerDurable(side, row.dot.seq);
}

void AddControl(JsonObject& object, Side side, const model::ControlInfo& info) {
  if (side == Side::kStatus) {
    object.Text("state", ToString(info.state));
    object.Raw("refers_to", DotJson(info.refers_to));
    if (!info.note.empty()) object.Text("reason", info.note);
  } else if (!info.note.empty()) {
    object.Text("who", info.note);
  }
  if (info.until != WallTime{}) {
    object.Raw(side == Side::kDesired ? "valid_until" : "until", JsonTime(info.until));
  }
}

void AddRow(JsonObject& object, const LiveTwin& live, Side side, const Row& row) {
  object.Raw("value", model::ToJson(row.value));
  if (side == Side::kReported) object.Text("quality", ToString(row.quality));
  object.Raw("time", JsonTime(row.time));
  if (row.unsynced) object.Bool("unsynced", true);
  if (side != Side::kReported) AddControl(object, side, row.info());
  object.Raw("dot", DotJson(row.dot));
  object.Bool("durable", Durable(live, side, row));
}

std::string RowJson(const LiveTwin& live, Side side, const Row& row) {
  JsonObject object;
  AddRow(object, live, side, row);
  return object.Take();
}

// A withdrawn wish and an ended override are kept as rows without a value.
bool IsWithdrawn(Side side, const Row& row) {
  return (side == Side::kDesired || side == Side::kOverride) && row.value.none();
}

std::vector<PropertyId> ByPath(const model::Twin& twin) {
  std::vector<PropertyId> ids;
  twin.ForEachProperty([&](PropertyId id) { ids.push_back(id); });
  std::sort(ids.begin(), ids.end(),
            [&](PropertyId a, PropertyId b) { return twin.def(a).path < twin.def(b).path; });
  return ids;
}

// A property that was forgotten, or whose only wish was refused, has nothing to show.
bool IsEmpty(const model::Twin& twin, PropertyId id) {
  if (twin.defined(id)) return false;
  return std::all_of(std::begin(kSidesShown), std::end(kSidesShown), [&](Side side) {
    const Row* row = twin.row(id, side);
    return row == nullptr || IsWithdrawn(side, *row);
  });
}

std::string WatermarksJson(const sync::Watermarks& watermark) {
  JsonObject object;
  object.Number("control", watermark[static_cast<std::size_t>(Stream::kControl)]);
  object.Number("state", watermark[static_cast<std::size_t>(Stream::kState)]);
  return object.Take();
}

std::string LineageJson(const model::Lineage& lineage) {
  JsonArray array;
  for (const model::Incarnation& entry : lineage) {
    JsonObject object;
    object.Raw("inc", JsonHex(entry.inc)).Number("first_seq", entry.first_seq);
    array.Raw(object.Number("limit", entry.limit).Take());
  }
  return array.Take();
}

}  // namespace

std::string RevisionDocument(const LiveTwin& live, bool durable) {
  const sync::CloudStatus status = live.session.status();
  JsonObject object;
  object.Number("reported", durable ? status.state_durable : status.state);
  object.Number("control", durable ? status.control_durable : status.control);
  object.Number("desired", durable ? status.desired_durable : status.desired_head);
  return object.Take();
}

std::string PropertyDocument(const LiveTwin& live, PropertyId id) {
  const model::PropertyDef& def = live.twin.def(id);
  JsonObject object;
  if (live.twin.defined(id)) {
    object.Text("type", ToString(def.type));
    if (!def.unit.empty()) object.Text("unit", def.unit);
    if (def.decimals) object.Number("decimals", static_cast<std::uint64_t>(*def.decimals));
    object.Bool("writable", def.writable);
    if (def.min) object.Raw("min", model::ToJson(model::Value(*def.min)));
    if (def.max) object.Raw("max", model::ToJson(model::Value(*def.max)));
    if (!def.description.empty()) object.Text("description", def.description);
  } else {
    object.Bool("unknown_to_device", true);
  }
  for (const Side side : kSidesShown) {
    const Row* row = live.twin.row(id, side);
    if (row == nullptr || IsWithdrawn(side, *row)) continue;
    object.Raw(ToString(side), RowJson(live, side, *row));
  }
  return object.Take();
}

std::string TwinDocument(std::string_view device, const LiveTwin& live, const PathFilter& passes) {
  JsonObject properties;
  for (const PropertyId id : ByPath(live.twin)) {
    const std::string& path = live.twin.def(id).path.text();
    if (IsEmpty(live.twin, id) || !passes(path)) continue;
    properties.Raw(path, PropertyDocument(live, id));
  }
  const sync::CloudStatus status = live.session.status();
  JsonObject object;
  object.Text("id", device).Bool("connected", status.connected);
  if (!status.software.empty()) object.Text("software", status.software);
  if (!status.trouble.empty()) object.Text("trouble", status.trouble);
  object.Number("epoch", status.epoch.counter);
  object.Raw("revision", RevisionDocument(live, false));
  object.Raw("properties", properties.Take());
  return object.Take();
}

std::string DesiredDocument(const LiveTwin& live) {
  JsonObject object;
  for (const PropertyId id : ByPath(live.twin)) {
    const Row* row = live.twin.row(id, Side::kDesired);
    if (row == nullptr || row->value.none()) continue;
    object.Raw(live.twin.def(id).path.text(), model::ToJson(row->value));
  }
  return object.Take();
}

std::string StatusOf(const LiveTwin& live, PropertyId id) {
  const Row* desired = live.twin.row(id, Side::kDesired);
  const Row* status = live.twin.row(id, Side::kStatus);
  if (desired == nullptr && status == nullptr) return {};
  const bool spoken =
      desired != nullptr && status != nullptr && status->info().refers_to == desired->dot;
  JsonObject object;
  if (desired != nullptr && !desired->value.none()) {
    object.Text("state", ToString(spoken ? status->info().state : model::DesiredState::kPending));
  } else {
    object.Text("state", "none");
  }
  if (desired != nullptr) {
    object.Raw("desired", RowJson(live, Side::kDesired, *desired));
    object.Bool("delivered", desired->dot.seq <= live.session.status().desired_acked);
  }
  // The device's last word, though it may be about an earlier wish: refers_to says which.
  if (status != nullptr) object.Raw("status", RowJson(live, Side::kStatus, *status));
  if (const Row* superseded = live.session.superseded(id)) {
    object.Raw("superseded", RowJson(live, Side::kDesired, *superseded));
  }
  const Row* local = live.twin.row(id, Side::kOverride);
  if (local != nullptr && !local->value.none()) {
    object.Raw("override", RowJson(live, Side::kOverride, *local));
  }
  return object.Take();
}

std::string StatusDocument(const LiveTwin& live, const PathFilter& passes) {
  JsonObject object;
  for (const PropertyId id : ByPath(live.twin)) {
    const std::string& path = live.twin.def(id).path.text();
    if (!passes(path)) continue;
    if (const std::string status = StatusOf(live, id); !status.empty()) object.Raw(path, status);
  }
  return object.Take();
}

std::string SnapshotDocument(std::string_view device, const LiveTwin& live) {
  JsonArray rows;
  for (const PropertyId id : ByPath(live.twin)) {
    for (const Side side : kSidesShown) {
      if (live.twin.row(id, side) != nullptr) rows.Raw(ChangeDocument(live, {id, side}));
    }
  }
  const sync::CloudStatus status = live.session.status();
  sync::Watermarks durable{};
  durable[static_cast<std::size_t>(Stream::kControl)] = status.control_durable;
  durable[static_cast<std::size_t>(Stream::kState)] = status.state_durable;
  JsonObject epoch;
  epoch.Number("counter", status.epoch.counter).Raw("token", JsonHex(status.epoch.token));
  JsonObject object;
  object.Text("id", device).Raw("epoch", epoch.Take());
  object.Raw("watermarks", WatermarksJson(live.session.watermark()));
  object.Raw("durable", WatermarksJson(durable));
  object.Number("head", status.head).Raw("lineage", LineageJson(live.twin.lineage()));
  object.Number("dictionary", live.twin.dictionary_size());
  object.Raw("dictionary_chain", JsonHex(live.twin.chain(live.twin.dictionary_size())));
  return object.Raw("rows", rows.Take()).Take();
}

std::string ChangeDocument(const LiveTwin& live, const sync::CloudOutput::Change& change) {
  JsonObject object;
  object.Text("path", live.twin.def(change.id).path.text()).Text("side", ToString(change.side));
  const Row* row = live.twin.row(change.id, change.side);
  if (row == nullptr) {
    object.Bool("gone", true);
  } else {
    AddRow(object, live, change.side, *row);
  }
  return object.Take();
}

std::string SummaryDocument(const Fleet::Listed& twin) {
  const TwinSummary& summary = twin.summary;
  JsonObject revision;
  revision.Number("reported", summary.state).Number("control", summary.control);
  revision.Number("desired", summary.head);
  JsonObject object;
  object.Text("id", summary.device).Bool("connected", twin.connected);
  object.Raw("registered", JsonTime(summary.registered));
  object.Raw("last_seen", JsonTime(summary.seen));
  object.Number("epoch", summary.epoch).Number("properties", summary.properties);
  return object.Raw("revision", revision.Take()).Take();
}

std::string DesiredTag(const LiveTwin& live) {
  const std::uint64_t head = live.twin.stream_head(Stream::kControl);
  model::Dot dot;
  if (head > 0) {
    live.twin.ForEachAfter(Stream::kControl, head - 1, [&](PropertyId, Side, const Row& row) {
      dot = row.dot;
      return false;
    });
  }
  char text[64];
  std::snprintf(text, sizeof text, "\"%016llx-%llu\"", static_cast<unsigned long long>(dot.inc),
                static_cast<unsigned long long>(dot.seq));
  return text;
}

std::string BodyTag(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  char text[64];
  std::snprintf(text, sizeof text, "\"%016llx%016llx\"",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string EventDocument(std::string_view device, const model::Twin& twin,
                          const model::Event& event) {
  JsonObject object;
  object.Text("twin", device).Number("seq", event.dot.seq).Raw("inc", JsonHex(event.dot.inc));
  object.Raw("time", JsonTime(event.time));
  if (event.unsynced) object.Bool("unsynced", true);
  object.Text("severity", ToString(event.severity)).Text("kind", event.kind);
  // What the store says is not believed blindly: a property that the twin lacks has no path.
  if (model::Index(event.id) < twin.size()) object.Text("path", twin.def(event.id).path.text());
  if (!event.value.none()) object.Raw("value", model::ToJson(event.value));
  if (!event.text.empty()) object.Text("text", event.text);
  if (event.command != 0) object.Raw("command", JsonHex(event.command));
  return object.Take();
}

std::string CommandDocument(const LiveTwin& live, const model::Command& command) {
  JsonObject object;
  object.Raw("id", JsonHex(command.id)).Text("name", command.name);
  if (!command.path.empty()) object.Text("path", command.path);
  if (!command.value.none()) object.Raw("value", model::ToJson(command.value));
  object.Text("state", ToString(command.state));
  if (!command.result.empty()) object.Text("result", command.result);
  if (!command.who.empty()) object.Text("who", command.who);
  if (command.expires != WallTime{}) object.Raw("expires", JsonTime(command.expires));
  object.Number("epoch", command.epoch);
  object.Bool("durable", live.session.Durable(command.dot.seq));
  object.Bool("delivered", command.dot.seq <= live.session.status().desired_acked);
  return object.Take();
}

}  // namespace edgetwin::cloud
