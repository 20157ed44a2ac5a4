// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/event_feed.h"

#include <charconv>
#include <cstdio>
#include <utility>

#include "sync/cloud/json_text.h"
#include "sync/cloud/twin_json.h"
#include "twin/base/log.h"

namespace edgetwin::cloud {
namespace {

std::string ChangesJson(const std::string& device, const LiveTwin& twin,
                        const std::vector<sync::CloudOutput::Change>& changes) {
  JsonArray rows;
  for (const sync::CloudOutput::Change& change : changes) rows.Raw(ChangeDocument(twin, change));
  return JsonObject().Text("twin", device).Raw("changes", rows.Take()).Take();
}

}  // namespace

std::string EventFeed::Id(std::uint64_t n) const {
  char text[64];
  std::snprintf(text, sizeof text, "%016llx-%llu", static_cast<unsigned long long>(instance_),
                static_cast<unsigned long long>(n));
  return text;
}

bool EventFeed::Watched(const std::string& device) const {
  for (const auto& [key, subscriber] : subscribers_) {
    if (subscriber.device.empty() || subscriber.device == device) return true;
  }
  return false;
}

void EventFeed::Send(const std::string& device, std::string_view event, const std::string& data,
                     std::string_view id) {
  std::erase_if(subscribers_, [&](const auto& entry) {
    const Subscriber& subscriber = entry.second;
    if (!subscriber.device.empty() && subscriber.device != device) return false;
    return !subscriber.stream->Send(event, data, id);
  });
}

void EventFeed::OnChanges(const std::string& device, const LiveTwin& twin,
                          const std::vector<sync::CloudOutput::Change>& changes) {
  remembered_.push_back({++last_, device, changes});
  remembered_rows_ += changes.size();
  while (!remembered_limit_.Fits(remembered_rows_)) {
    remembered_limit_.Hit();
    remembered_rows_ -= remembered_.front().changes.size();
    remembered_.pop_front();
  }
  remembered_limit_.Use(remembered_rows_);
  if (Watched(device)) Send(device, "change", ChangesJson(device, twin, changes), Id(last_));
}

void EventFeed::OnDurable(const std::string& device, const LiveTwin& twin) {
  if (!Watched(device)) return;
  Send(device, "durable",
       JsonObject().Text("twin", device).Raw("revision", RevisionDocument(twin, true)).Take(), {});
}

void EventFeed::OnConnected(const std::string& device, bool connected) {
  // A fleet that comes back after an outage would fill the journal; the feed and the list show it.
  Log(LogLevel::kDebug, connected ? "device connected" : "device disconnected",
      {{"device", device}});
  if (!Watched(device)) return;
  Send(device, "connection", JsonObject().Text("twin", device).Bool("connected", connected).Take(),
       {});
}

void EventFeed::OnNotice(const std::string& device, const std::string& kind,
                         const std::string& text) {
  Log(LogLevel::kWarning, text, {{"device", device}, {"event", kind}});
  if (!Watched(device)) return;
  Send(device, "notice",
       JsonObject().Text("twin", device).Text("kind", kind).Text("text", text).Take(), {});
}

void EventFeed::OnEvents(const std::string& device, const LiveTwin& twin,
                         const std::vector<model::Event>& events) {
  if (!Watched(device)) return;
  for (const model::Event& event : events) {
    Send(device, "event", EventDocument(device, twin.twin, event), {});
  }
}

void EventFeed::OnLink(bool up, const std::string& why) {
  std::string state = up ? "connected to the broker" : "no broker: " + why;
  // Failing for the same reason again and again is one event.
  if (std::exchange(link_, state) == state) return;
  Log(up ? LogLevel::kNotice : LogLevel::kWarning, state);
}

// False when what changed since `last_id` can't be told.
bool EventFeed::Resume(http::EventStream& stream, const std::string& device,
                       std::string_view last_id) const {
  const std::size_t dash = last_id.find('-');
  if (dash == std::string_view::npos) return false;
  std::uint64_t n = 0;
  const char* end = last_id.data() + last_id.size();
  const auto [stop, error] = std::from_chars(last_id.data() + dash + 1, end, n);
  if (error != std::errc() || stop != end || last_id != Id(n) || n > last_) return false;
  const std::uint64_t oldest = remembered_.empty() ? last_ + 1 : remembered_.front().n;
  if (n + 1 < oldest) return false;
  for (const Remembered& entry : remembered_) {
    if (entry.n <= n || (!device.empty() && entry.device != device)) continue;
    const LiveTwin* twin = fleet_ == nullptr ? nullptr : fleet_->Loaded(entry.device);
    if (twin == nullptr) return false;
    if (!stream.Send("change", ChangesJson(entry.device, *twin, entry.changes), Id(entry.n))) {
      return true;
    }
  }
  return true;
}

void EventFeed::Subscribe(std::shared_ptr<http::EventStream> stream, std::string device,
                          std::string_view last_id) {
  if (last_id.empty()) {
    stream->Send("ready", "{}", Id(last_));
  } else if (!Resume(*stream, device, last_id)) {
    stream->Send("reset", R"({"reason":"what changed since that id is not remembered"})",
                 Id(last_));
  }
  if (!stream->open()) return;
  const std::uint64_t key = ++last_subscriber_;
  stream->OnClose([this, key] { subscribers_.erase(key); });
  subscribers_.emplace(key, Subscriber{std::move(stream), std::move(device)});
}

}  // namespace edgetwin::cloud
