// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/watch.h"

#include <algorithm>
#include <utility>

#include "agent/api/properties.h"

namespace edgetwin::api {

using model::PropertyId;
using model::Row;
using model::Side;
using model::Stream;

WatchHub::WatchHub(EventLoop& loop, std::function<View()> view)
    : loop_(loop), view_(std::move(view)) {}

WatchHub::~WatchHub() {
  loop_.Cancel(timer_);
}

void WatchHub::Add(std::string pattern, std::shared_ptr<http::EventStream> stream) {
  if (watchers_.empty()) Begin();
  if (stream->Send("ready", "{}")) watchers_.push_back({std::move(pattern), std::move(stream)});
}

// From here on only what changes.
void WatchHub::Begin() {
  const model::Twin& twin = *view_().twin;
  state_ = twin.stream_head(Stream::kState);
  control_ = twin.stream_head(Stream::kControl);
  local_ = twin.local_head();
  desired_.clear();
  std::vector<Change> before;
  CollectDesired(twin, before);
}

void WatchHub::Changed() {
  if (watchers_.empty() || timer_ != Loop::Id::kNone) return;
  const MonoTime due = last_pass_ + pass_interval;
  timer_ = loop_.After(std::max(due - loop_.Now(), std::chrono::microseconds(0)), [this] {
    timer_ = Loop::Id::kNone;
    Pass();
  });
}

// The cloud's rows are in no order of ours: their seqs are compared one by one.
void WatchHub::CollectDesired(const model::Twin& twin, std::vector<Change>& changes) {
  twin.ForEachProperty([&](PropertyId id) {
    const Row* row = twin.row(id, Side::kDesired);
    if (row == nullptr) return;
    std::uint64_t& seen = desired_[Index(id)];
    if (std::exchange(seen, row->dot.seq) != row->dot.seq) changes.push_back({id, Side::kDesired});
  });
}

std::vector<WatchHub::Change> WatchHub::Collect() {
  const model::Twin& twin = *view_().twin;
  std::vector<Change> changes;
  const auto into = [&changes](std::uint64_t& head) {
    return [&changes, &head](PropertyId id, Side side, const Row& row) {
      changes.push_back({id, side});
      head = std::max(head, row.dot.seq);
      return true;
    };
  };
  twin.ForEachAfter(Stream::kState, state_, into(state_));
  twin.ForEachAfter(Stream::kControl, control_, into(control_));
  twin.ForEachLocalAfter(local_, into(local_));
  CollectDesired(twin, changes);
  return changes;
}

void WatchHub::Pass() {
  last_pass_ = loop_.Now();
  std::erase_if(watchers_, [](const Watcher& watcher) { return !watcher.stream->open(); });
  if (watchers_.empty()) return;
  const std::vector<Change> changes = Collect();
  const View view = view_();
  for (const Change& change : changes) {
    const std::string& path = view.twin->def(change.id).path.text();
    std::string data;
    for (const Watcher& watcher : watchers_) {
      if (!watcher.pattern.empty() && !model::Matches(watcher.pattern, path)) continue;
      if (data.empty()) {
        data = Dump(PropertyJson(view, change.id));
        data.pop_back();  // Its line break.
      }
      // A watcher that can't keep up is closed by the server; it is dropped in the next pass.
      (void)watcher.stream->Send(ToString(change.side), data);
    }
  }
}

}  // namespace edgetwin::api
