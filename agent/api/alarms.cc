// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/alarms.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/api/changes.h"
#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using model::AlarmKind;
using model::AlarmRecord;

std::optional<double> LimitOf(const AlarmRecord& alarm, const model::PropertyDef& def) {
  return alarm.kind == AlarmKind::kHigh ? def.alarm.high : def.alarm.low;
}

}  // namespace

std::vector<AlarmRecord> AlarmsOf(const View& view) {
  if (view.agent != nullptr) return view.agent->engine().alarms().records();
  return view.stored == nullptr ? std::vector<AlarmRecord>() : view.stored->alarms;
}

std::string_view AlarmState(const AlarmRecord& alarm) {
  if (!alarm.raised) return "cleared";
  return alarm.acknowledged ? "acknowledged" : "raised";
}

std::string AlarmText(const AlarmRecord& alarm, const model::PropertyDef& def) {
  std::string text = alarm.raised ? "is " : "was ";
  text += alarm.kind == AlarmKind::kHigh ? "above" : "below";
  const std::optional<double> limit = LimitOf(alarm, def);
  return text + (limit ? " its limit of " + Shown(model::Value(*limit), def)
                       : " a limit that is not configured any more");
}

Json AlarmJson(const View& view, const AlarmRecord& alarm) {
  const model::PropertyDef& def = view.twin->def(alarm.id);
  const std::optional<double> limit = LimitOf(alarm, def);
  return {{"path", def.path.text()},
          {"kind", ToString(alarm.kind)},
          {"state", AlarmState(alarm)},
          {"limit", limit ? Json(*limit) : Json(nullptr)},
          {"limit_shown", limit ? Json(Shown(model::Value(*limit), def)) : Json(nullptr)},
          {"value", ValueJson(alarm.value)},
          {"shown", Shown(alarm.value, def)},
          {"since", TimeJson(alarm.since)},
          {"who", alarm.who.empty() ? Json(nullptr) : Json(alarm.who)}};
}

Json AlarmsJson(const View& view) {
  std::vector<AlarmRecord> alarms = AlarmsOf(view);
  std::stable_sort(alarms.begin(), alarms.end(), [&](const AlarmRecord& a, const AlarmRecord& b) {
    return view.twin->def(a.id).path < view.twin->def(b.id).path;
  });
  Json list = Json::array();
  for (const AlarmRecord& alarm : alarms) {
    Json json = AlarmJson(view, alarm);
    const model::Row* row = view.twin->row(alarm.id, model::Side::kReported);
    const bool any = row != nullptr && !row->value.none();
    json["now"] = any ? ValueJson(row->value) : Json(nullptr);
    json["now_shown"] = any ? Json(Shown(row->value, view.twin->def(alarm.id))) : Json(nullptr);
    list.push_back(std::move(json));
  }
  return {{"alarms", std::move(list)}};
}

Result<std::string> ParseAcknowledge(std::string_view body, const std::string& user) {
  if (body.empty()) return user;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return Invalid("the body must be empty or {\"who\":\"…\"}");
  for (const auto& [key, value] : json.items()) {
    if (key != "who") return Invalid("'" + key + "' is no key here; there is only \"who\"");
  }
  return ReadWho(json, user);
}

}  // namespace edgetwin::api
