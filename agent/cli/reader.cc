// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/reader.h"

#include <limits>
#include <utility>

#include "agent/api/alarms.h"
#include "agent/api/events.h"
#include "agent/api/properties.h"
#include "agent/api/status.h"
#include "agent/api/sync_status.h"
#include "agent/api/why.h"
#include "twin/base/clock.h"
#include "twin/store/twin_store.h"

namespace edgetwin::cli {
namespace {

constexpr std::size_t kEverything = std::numeric_limits<std::size_t>::max();

// Whatever a store holds may be looked at.
model::TwinLimits NoLimits() {
  model::TwinLimits limits;
  limits.properties_max = limits.unknown_paths_max = std::numeric_limits<std::uint64_t>::max();
  return limits;
}

}  // namespace

struct Reader::Stored {
  model::Stored held;  // Beside the twin.
  model::Twin twin{model::Role::kDevice, NoLimits()};
  api::StoredFacts facts;
  api::View view;
};

Reader::Reader(const Client& client, Places places, bool store_only,
               std::function<void(const std::string&)> say)
    : client_(client), places_(std::move(places)), store_only_(store_only), say_(std::move(say)) {}

Outcome<Json> Reader::Ask(const std::string& target, const FromStore& from_store) {
  if (store_only_ || stored()) return AskStore(from_store, "");
  auto answer = client_.Get(target);
  if (answer || !answer.error().down) return answer;
  return AskStore(from_store, answer.error().text);
}

Outcome<Json> Reader::AskStore(const FromStore& from_store, const std::string& why) {
  if (!stored()) {
    if (auto opened = OpenStore(why); !opened) return tl::unexpected(std::move(opened.error()));
  }
  return from_store(*stored_);
}

Outcome<void> Reader::OpenStore(const std::string& why) {
  const std::string file = places_.store + "/twin.db";
  auto held = store::TwinStore::Inspect(file);
  if (!held) {
    const std::string both = why.empty() ? "" : why + "; nor can its store be read: ";
    // Without a store nothing can be asked at all.
    const bool none = held.error().code == ErrorCode::kNotFound;
    return Fail(none ? Exit::kUnreachable : ExitOf(held.error()), both + held.error().text);
  }
  if (!why.empty()) say_(why + "; showing what its store holds");
  auto stored = std::make_shared<Stored>();
  stored->facts.store = file;
  stored->facts.cloud_control =
      held->peer_watermark[static_cast<std::size_t>(model::Stream::kControl)];
  stored->facts.epoch = held->epoch;
  stored->twin.Load(*held);
  stored->held = *std::move(held);
  stored->view.stored = &stored->held;
  const SystemClock clock;
  stored->view.twin = &stored->twin;
  stored->view.now = clock.Now();
  stored->view.wall = clock.UntrustedWall();
  stored->view.wall_trusted = clock.Wall().has_value();
  stored_ = std::move(stored);
  return {};
}

Outcome<Json> Reader::Status() {
  return Ask("/v1/status", [this](const Stored& stored) -> Outcome<Json> {
    return api::StoredStatusJson(stored.view, places_.device, places_.description, stored.facts);
  });
}

Outcome<Json> Reader::Sync() {
  return Ask("/v1/sync", [this](const Stored& stored) -> Outcome<Json> {
    return api::SyncStatusJson(stored.view, places_.device);
  });
}

Outcome<Json> Reader::Events(std::uint64_t after, std::size_t limit) {
  const std::string target =
      "/v1/events?after=" + std::to_string(after) + "&limit=" + std::to_string(limit);
  return Ask(target, [after, limit](const Stored& stored) -> Outcome<Json> {
    return api::EventsJson(stored.view, {after, limit});
  });
}

Outcome<Json> Reader::Alarms() {
  return Ask("/v1/alarms",
             [](const Stored& stored) -> Outcome<Json> { return api::AlarmsJson(stored.view); });
}

Outcome<Json> Reader::Properties(const std::string& pattern) {
  const auto from_store = [&pattern](const Stored& stored) -> Outcome<Json> {
    api::PropertyQuery query;
    query.pattern = pattern;
    query.limit = kEverything;
    return api::PropertiesJson(stored.view, query);
  };
  const std::string target = "/v1/properties?limit=5000&pattern=" + Escaped(pattern, true);
  auto all = Ask(target, from_store);
  if (!all) return all;
  while ((*all)["next"].is_string()) {
    const std::string after = (*all)["next"].get<std::string>();
    auto page = client_.Get(target + "&after=" + Escaped(after, true));
    if (!page) return page;
    for (Json& property : (*page)["properties"])
      (*all)["properties"].push_back(std::move(property));
    (*all)["next"] = (*page)["next"];
  }
  all->erase("next");
  return all;
}

namespace {

Outcome<Json> OfOne(const api::View& view, const std::string& path,
                    Json (*document)(const api::View&, model::PropertyId)) {
  const auto id = api::FindProperty(*view.twin, path);
  if (!id) return Fail(Exit::kNotFound, id.error().text);
  return document(view, *id);
}

}  // namespace

Outcome<Json> Reader::Property(const std::string& path) {
  return Ask("/v1/properties/" + Escaped(path), [&path](const Stored& stored) {
    return OfOne(stored.view, path, api::PropertyDetailJson);
  });
}

Outcome<Json> Reader::Why(const std::string& path) {
  return Ask("/v1/why/" + Escaped(path),
             [&path](const Stored& stored) { return OfOne(stored.view, path, api::WhyJson); });
}

}  // namespace edgetwin::cli
