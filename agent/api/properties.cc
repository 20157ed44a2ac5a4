// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/properties.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/api/text.h"
#include "twin/base/config_node.h"

namespace edgetwin::api {
namespace {

using model::PropertyId;
using model::Quality;
using model::Row;
using model::Side;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

template <class T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json Text(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// Worth showing: there is a value, or there was one.
bool Listed(const model::Twin& twin, PropertyId id) {
  return twin.defined(id) || std::any_of(model::kEverySide.begin(), model::kEverySide.end(),
                                         [&](Side side) { return twin.row(id, side) != nullptr; });
}

Json DesiredJson(const View& view, PropertyId id) {
  const Row* desired = view.twin->row(id, Side::kDesired);
  if (desired == nullptr || desired->value.none()) return nullptr;
  const Row* status = view.twin->row(id, Side::kStatus);
  const bool spoken = status != nullptr && status->info().refers_to == desired->dot;
  return {{"value", ValueJson(desired->value)},
          {"shown", Shown(desired->value, view.twin->def(id))},
          {"revision", desired->dot.seq},
          {"time", TimeJson(desired->time)},
          {"who", Text(desired->info().note)},
          {"until", TimeJson(desired->info().until)},
          {"state", spoken ? std::string(ToString(status->info().state)) : "pending"},
          {"reason", spoken ? Text(status->info().note) : Json(nullptr)},
          {"effective", spoken ? ValueJson(status->value) : Json(nullptr)}};
}

Json OverrideJson(const View& view, PropertyId id) {
  const Row* row = OverrideOf(view, id);
  if (row == nullptr) return nullptr;
  return {{"value", ValueJson(row->value)},
          {"shown", Shown(row->value, view.twin->def(id))},
          {"revision", row->dot.seq},
          {"time", TimeJson(row->time)},
          {"who", Text(row->info().note)},
          {"until", TimeJson(row->info().until)},
          {"left_ms", OverrideLeft(view, id).count()}};
}

}  // namespace

Quality QualityOf(const View& view, PropertyId id) {
  const Row* row = view.twin->row(id, Side::kReported);
  if (row == nullptr || view.agent == nullptr || !view.twin->confirmed(id)) return Quality::kStale;
  return row->quality;
}

std::optional<bool> Acknowledged(const View& view, PropertyId id, Side side) {
  const Row* row = view.twin->row(id, side);
  if (row == nullptr || view.agent == nullptr || view.twin->def(id).local_only) return {};
  if (!view.agent->config().cloud.enabled) return {};
  return row->dot.seq <= view.agent->engine().sender().acked(model::StreamOf(side));
}

bool OnFlash(const View& view, PropertyId id, Side side) {
  const Row* row = view.twin->row(id, side);
  if (row == nullptr) return false;
  if (view.agent == nullptr) return true;
  const sync::EdgeStatus status = view.agent->engine().status();
  if (side == Side::kDesired) return row->dot.seq <= status.cloud_control;
  if (side != Side::kReported) return row->dot.seq <= status.control_durable;
  return row->dot.seq <=
         (view.twin->def(id).local_only ? status.local_durable : status.state_durable);
}

const Row* OverrideOf(const View& view, PropertyId id) {
  const Row* row = view.twin->row(id, Side::kOverride);
  return row == nullptr || row->value.none() ? nullptr : row;
}

milliseconds OverrideLeft(const View& view, PropertyId id) {
  const Row* row = OverrideOf(view, id);
  if (row == nullptr) return milliseconds(0);
  const milliseconds left = view.agent != nullptr
                                ? view.agent->engine().control().override_left(id, view.now)
                                : row->info().until - view.wall;
  return std::max(left, milliseconds(0));
}

Json PropertyJson(const View& view, PropertyId id) {
  const model::Twin& twin = *view.twin;
  const model::PropertyDef& def = twin.def(id);
  const Row* row = twin.row(id, Side::kReported);
  const bool any = row != nullptr && !row->value.none();
  Json json;
  json["path"] = def.path.text();
  json["type"] = twin.defined(id) ? Json(ToString(def.type)) : Json(nullptr);
  json["unit"] = Text(def.unit);
  json["decimals"] = OrNull(def.decimals);
  json["value"] = any ? ValueJson(row->value) : Json(nullptr);
  json["shown"] = any ? Json(Shown(row->value, def)) : Json(nullptr);
  json["quality"] = ToString(QualityOf(view, id));
  json["time"] = any ? TimeJson(row->time) : Json(nullptr);
  json["unsynced"] = any && row->unsynced;
  json["age_ms"] = any ? Json((view.wall - row->time).count()) : Json(nullptr);
  const bool read = view.agent != nullptr && twin.confirmed(id);
  json["read_age_ms"] =
      read ? Json(duration_cast<milliseconds>(view.now - twin.last_sample(id).at).count())
           : Json(nullptr);
  json["writable"] = def.writable;
  json["local_only"] = def.local_only;
  json["instance"] = Text(def.instance);
  json["revision"] = row != nullptr ? Json(row->dot.seq) : Json(nullptr);
  json["acknowledged"] = OrNull(Acknowledged(view, id, Side::kReported));
  json["override"] = OverrideJson(view, id);
  json["desired"] = DesiredJson(view, id);
  return json;
}

Json PropertyDetailJson(const View& view, PropertyId id) {
  const model::Twin& twin = *view.twin;
  const model::PropertyDef& def = twin.def(id);
  Json json = PropertyJson(view, id);
  json["description"] = Text(def.description);
  json["source"] = Text(def.source);
  json["min"] = OrNull(def.min);
  json["max"] = OrNull(def.max);
  json["policy"] = {{"deadband", def.policy.deadband},
                    {"min_period_ms", def.policy.min_period.count()},
                    {"heartbeat_ms", def.policy.heartbeat.count()}};
  const Row* row = twin.row(id, Side::kReported);
  json["dot"] = row != nullptr ? DotJson(row->dot) : Json(nullptr);
  json["on_flash"] = OnFlash(view, id, Side::kReported);
  return json;
}

Json PropertiesJson(const View& view, const PropertyQuery& query) {
  const model::Twin& twin = *view.twin;
  std::vector<PropertyId> matching;
  twin.ForEachProperty([&](PropertyId id) {
    if (!Listed(twin, id)) return;
    if (!query.pattern.empty() && !model::Matches(query.pattern, twin.def(id).path.text())) return;
    if (query.quality && QualityOf(view, id) != *query.quality) return;
    matching.push_back(id);
  });
  const std::size_t total = matching.size();
  std::erase_if(matching, [&](PropertyId id) { return twin.def(id).path.text() <= query.after; });
  const std::size_t shown = std::min(matching.size(), query.limit);
  std::partial_sort(
      matching.begin(), matching.begin() + static_cast<std::ptrdiff_t>(shown), matching.end(),
      [&](PropertyId a, PropertyId b) { return twin.def(a).path < twin.def(b).path; });
  Json list = Json::array();
  for (std::size_t i = 0; i < shown; ++i) list.push_back(PropertyJson(view, matching[i]));
  const bool more = shown > 0 && shown < matching.size();
  return {{"properties", std::move(list)},
          {"total", total},
          {"next", more ? Json(twin.def(matching[shown - 1]).path.text()) : Json(nullptr)}};
}

std::optional<Quality> ParseQuality(std::string_view name) {
  for (const Quality quality :
       {Quality::kGood, Quality::kUncertain, Quality::kBad, Quality::kStale}) {
    if (ToString(quality) == name) return quality;
  }
  return {};
}

Result<PropertyId> FindProperty(const model::Twin& twin, std::string_view path) {
  const PropertyId id = twin.Find(path);
  if (id != model::kNoProperty) return id;
  std::string text = "there is no property '" + std::string(path) + "'";
  const std::vector<std::string> near = NearestPaths(twin, path);
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += (i == 0 ? "; did you mean '" : i + 1 == near.size() ? " or '" : ", '") + near[i] + "'";
  }
  return NotFound(text + (near.empty() ? "" : "?"));
}

std::vector<std::string> NearestPaths(const model::Twin& twin, std::string_view path,
                                      std::size_t count_max) {
  std::vector<std::string> paths;
  twin.ForEachProperty([&](PropertyId id) {
    if (Listed(twin, id)) paths.push_back(twin.def(id).path.text());
  });
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> near;
  const auto add = [&](const std::string& candidate) {
    if (near.size() < count_max && std::find(near.begin(), near.end(), candidate) == near.end()) {
      near.push_back(candidate);
    }
  };
  if (const std::string nearest = Nearest(path, paths); !nearest.empty()) add(nearest);
  if (path.empty()) return near;
  // Only a part was typed, or the right property under the wrong thing.
  for (const std::string& candidate : paths) {
    if (candidate.find(path) != std::string::npos) add(candidate);
  }
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return near;
  for (const std::string& candidate : paths) {
    if (candidate.ends_with(path.substr(slash))) add(candidate);
  }
  for (const std::string& candidate : paths) {
    if (candidate.starts_with(path.substr(0, slash + 1))) add(candidate);
  }
  return near;
}

}  // namespace edgetwin::api
