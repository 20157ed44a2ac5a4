// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/events.h"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using model::Event;
using model::Stream;

Json Text(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json Told(const View& view, const Event& event) {
  const std::uint64_t seq = event.dot.seq;
  if (event.id != model::kNoProperty && view.twin->def(event.id).local_only) return "local_only";
  if (view.agent == nullptr) {
    return seq <= view.stored->events_acked ? Json("acknowledged") : Json(nullptr);
  }
  if (seq <= view.agent->engine().events().acked()) return "acknowledged";
  if (!view.agent->config().cloud.enabled) return "no_cloud";
  return view.agent->engine().sender().Find(Stream::kEvents, seq) ? "sent" : "waiting";
}

Json EventJson(const View& view, const Event& event) {
  const bool of_property = event.id != model::kNoProperty;
  Json json;
  json["revision"] = event.dot.seq;
  json["time"] = TimeJson(event.time);
  json["unsynced"] = event.unsynced;
  json["severity"] = ToString(event.severity);
  json["kind"] = event.kind;
  json["path"] = of_property ? Json(view.twin->def(event.id).path.text()) : Json(nullptr);
  json["value"] = ValueJson(event.value);
  const bool any = of_property && !event.value.none();
  json["shown"] = any ? Json(Shown(event.value, view.twin->def(event.id))) : Json(nullptr);
  json["text"] = Text(event.text);
  json["command"] = event.command == 0 ? Json(nullptr) : Json(Hex(event.command));
  json["told"] = Told(view, event);
  json["on_flash"] =
      view.agent == nullptr || view.agent->engine().OnFlash(Stream::kEvents, event.dot.seq);
  return json;
}

template <class Events>
Json Listed(const View& view, const Events& events, const EventQuery& query) {
  const auto first =
      std::upper_bound(events.begin(), events.end(), query.after,
                       [](std::uint64_t seq, const Event& event) { return seq < event.dot.seq; });
  const auto total = static_cast<std::size_t>(events.end() - first);
  Json list = Json::array();
  const std::size_t shown = std::min(total, query.limit);
  for (auto event = events.end() - static_cast<std::ptrdiff_t>(shown); event != events.end();
       ++event) {
    list.push_back(EventJson(view, *event));
  }
  return {{"events", std::move(list)}, {"total", total}};
}

}  // namespace

Json EventsJson(const View& view, const EventQuery& query) {
  if (view.agent == nullptr) return Listed(view, view.stored->events, query);
  return Listed(view, view.agent->engine().events().all(), query);
}

}  // namespace edgetwin::api
