// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/sync_status.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using model::Stream;
using sync::SyncState;

Json Text(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

struct Judgement {
  std::string reason;
  std::string advice;
};

Judgement OfOffline(const std::optional<sync::LinkStats>& link) {
  if (!link) return {"there is no link to a broker", "look at the log of edgetwind"};
  std::string reason = "there is no connection to a broker";
  if (!link->last_error.empty()) reason += ": " + link->last_error;
  if (link->next_try.count() > 0) reason += "; next try in " + Span(link->next_try);
  return {std::move(reason),
          "nothing is lost meanwhile; the reason says what to look at: name, route, certificate, "
          "password, access rules"};
}

Judgement OfHello(const sync::EdgeStatus& status) {
  if (status.foreign_welcomes > 0) {
    return {status.trouble.empty() ? "another cloud than the one last synced with answers"
                                   : status.trouble,
            "see that only one cloud serves this device on this broker; if that one is new on "
            "purpose, it is followed by itself after a while"};
  }
  return {status.trouble.empty() ? "the broker is reached, but no cloud answers"
                                 : "the broker is reached, but: " + status.trouble,
          "is the cloud running, on this broker, with access to this device's topics?"};
}

Judgement OfLive(const sync::EdgeStatus& status) {
  if (status.quarantined > 0) {
    return {Count(status.quarantined, "entry", "entries") +
                " that the cloud refuses are set aside; everything else goes on",
            "'edgetwin events' says which; the cloud's log says why"};
  }
  if (status.orphans > 0) {
    return {"the cloud lost " + Count(status.orphans, "desired value", "desired values") +
                " that this device holds; they are being given back",
            "wait; if it stays so, ask the cloud's operator whether its database was restored"};
  }
  return {status.trouble, status.trouble.empty() ? "" : "it goes on by itself; see the log"};
}

Judgement Judge(const View& view, const sync::EdgeStatus& status) {
  switch (status.state) {
    case SyncState::kOffline: return OfOffline(view.agent->link_stats());
    case SyncState::kHello: return OfHello(status);
    case SyncState::kLive: return OfLive(status);
    case SyncState::kFenced: break;
  }
  return {status.trouble,
          "two stores claim this device id, a clone or an old copy among them. Decide which device "
          "is the right one. If this one: the cloud's operator lets it in, see 'edgetwin-cloud "
          "devices'. If not: stop it, or give it its own [device] id and 'edgetwin factory-reset'"};
}

Json StreamJson(Stream stream, std::uint64_t head, Json acknowledged, std::uint64_t on_flash) {
  return {{"name", ToString(stream)},
          {"head", head},
          {"acknowledged", std::move(acknowledged)},
          {"on_flash", on_flash}};
}

std::uint64_t RowsAfter(const View& view, Stream stream, std::uint64_t seq) {
  std::uint64_t rows = 0;
  view.twin->ForEachAfter(stream, seq, [&rows](model::PropertyId, model::Side, const model::Row&) {
    ++rows;
    return true;
  });
  return rows;
}

template <class Events>
std::uint64_t EventsAfter(const View& view, const Events& events, std::uint64_t seq) {
  return static_cast<std::uint64_t>(
      std::count_if(events.begin(), events.end(), [&](const model::Event& event) {
        const bool local = event.id != model::kNoProperty && view.twin->def(event.id).local_only;
        return event.dot.seq > seq && !local;
      }));
}

Json EpochJson(const model::Epoch& epoch) {
  return {{"counter", epoch.counter}, {"token", Hex(epoch.token)}};
}

Json InterestJson(const model::Interest& interest, std::uint32_t held) {
  return {{"version", interest.version}, {"held", held}, {"patterns", interest.patterns}};
}

void AddPlace(Json& json, const model::Twin& twin) {
  const model::Lineage& lineage = twin.lineage();
  json["incarnation"] = lineage.empty() ? Json(nullptr) : Json(Hex(lineage.back().inc));
  json["openings"] = lineage.size();
  json["dictionary"] = twin.dictionary_size();
}

Json Running(const View& view, const std::string& device) {
  const sync::EdgeStatus status = view.agent->engine().status();
  const bool cloud = view.agent->config().cloud.enabled;
  Judgement judgement;
  if (cloud) judgement = Judge(view, status);
  Json json;
  json["device"] = device;
  json["daemon"] = "running";
  json["state"] = cloud ? ToString(status.state) : "disabled";
  json["since"] = view.sync_since ? TimeJson(view.ToWall(*view.sync_since)) : Json(nullptr);
  json["reason"] = Text(judgement.reason);
  json["advice"] = Text(judgement.advice);
  const auto link = view.agent->link_stats();
  json["broker"] = link ? Text(link->broker) : Json(nullptr);
  json["epoch"] = EpochJson(status.epoch);
  AddPlace(json, *view.twin);
  json["streams"] = {
      StreamJson(Stream::kControl, status.control_head, status.control_acked,
                 status.control_durable),
      StreamJson(Stream::kState, status.state_head, status.state_acked, status.state_durable)};
  std::uint64_t on_flash = 0;
  const auto& events = view.agent->engine().events().all();
  for (const model::Event& event : events) {
    if (view.agent->engine().OnFlash(Stream::kEvents, event.dot.seq)) on_flash = event.dot.seq;
  }
  json["streams"].push_back(
      StreamJson(Stream::kEvents, status.events_head, status.events_acked, on_flash));
  json["cloud_control"] = status.cloud_control;
  json["owed"] = {{"rows", RowsAfter(view, Stream::kState, status.state_acked)},
                  {"promises", RowsAfter(view, Stream::kControl, status.control_acked)},
                  {"events", EventsAfter(view, events, status.events_acked)}};
  json["events_lost"] = status.events_lost;
  json["round_trip_ms"] = status.round_trip
                              ? Json(static_cast<double>(status.round_trip->count()) / 1'000)
                              : Json(nullptr);
  json["frame_bytes_max"] = status.frame_bytes;
  json["sessions"] = status.sessions;
  json["frames_under_way"] = status.frames_under_way;
  json["frames_resent"] = status.frames_resent;
  json["frames_refused"] = view.agent->frames_refused();
  json["timeouts"] = status.timeouts;
  json["nacks"] = status.nacks;
  json["digests"] = status.digests;
  json["digests_unequal"] = status.digests_unequal;
  json["heals"] = status.heals;
  json["heal_failures"] = status.heal_failures;
  json["healed_rows"] = status.healed_rows;
  json["snapshots"] = status.snapshots;
  json["returned_rows"] = status.returned_rows;
  json["set_back_to"] = status.seq_floor == 0 ? Json(nullptr) : Json(status.seq_floor);
  json["quarantined"] = status.quarantined;
  json["entries_refused"] = status.entries_refused;
  json["crash_quarantined"] = view.agent->crashers_total();
  json["orphans"] = status.orphans;
  json["foreign_welcomes"] = status.foreign_welcomes;
  json["interest"] = InterestJson(status.interest, status.interest_held);
  json["clock"] = {{"trusted", view.wall_trusted},
                   {"source", view.own_clock      ? Json("system")
                              : view.wall_trusted ? Json("cloud")
                                                  : Json(nullptr)}};
  return json;
}

Json Stopped(const View& view, const std::string& device) {
  const model::Stored& stored = *view.stored;
  const model::Twin& twin = *view.twin;
  const std::uint64_t events_head = stored.events.empty() ? 0 : stored.events.back().dot.seq;
  const auto stream = [&](Stream which) {
    return StreamJson(which, twin.stream_head(which), nullptr, twin.stream_head(which));
  };
  Json json;
  json["device"] = Text(device);
  json["daemon"] = "down";
  json["state"] = "down";
  json["since"] = nullptr;
  json["reason"] = "the daemon is not running";
  json["advice"] = "start it: systemctl start edgetwind";
  json["epoch"] = EpochJson(stored.epoch);
  AddPlace(json, twin);
  json["streams"] = {stream(Stream::kControl), stream(Stream::kState),
                     StreamJson(Stream::kEvents, std::max(events_head, stored.events_acked),
                                stored.events_acked, events_head)};
  json["cloud_control"] = stored.peer_watermark[static_cast<std::size_t>(Stream::kControl)];
  json["owed"] = {{"rows", nullptr},
                  {"promises", nullptr},
                  {"events", EventsAfter(view, stored.events, stored.events_acked)}};
  json["round_trip_ms"] = nullptr;
  json["set_back_to"] = stored.seq_floor == 0 ? Json(nullptr) : Json(stored.seq_floor);
  json["interest"] = InterestJson(stored.interest, stored.scope_held);
  json["clock"] = {{"trusted", view.wall_trusted},
                   {"source", view.wall_trusted ? Json("system") : Json(nullptr)}};
  return json;
}

}  // namespace

Json SyncStatusJson(const View& view, const std::string& device) {
  return view.agent != nullptr ? Running(view, device) : Stopped(view, device);
}

}  // namespace edgetwin::api
