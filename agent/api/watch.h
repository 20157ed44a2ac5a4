// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Live changes for those who watch, as server-sent events.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/api/view.h"
#include "twin/base/event_loop.h"
#include "twin/http/http_server.h"

namespace edgetwin::api {

// SINGLE-THREADED, on the loop. Looks at the twin at most every `pass_interval`, and only while
// somebody watches: many changes of one row within it are one event.
class WatchHub {
 public:
  WatchHub(EventLoop& loop, std::function<View()> view);
  ~WatchHub();

  // Sends an event "ready", then one named after the side ("reported", "desired", "status",
  // "override") for each change of a property that `pattern` matches; its data is PropertyJson's
  // document.
  void Add(std::string pattern, std::shared_ptr<http::EventStream> stream);
  // The twin may have changed.
  void Changed();

  static constexpr std::chrono::milliseconds pass_interval{100};

 private:
  struct Watcher {
    std::string pattern;
    std::shared_ptr<http::EventStream> stream;
  };
  struct Change {
    model::PropertyId id;
    model::Side side;
  };

  void Pass();
  std::vector<Change> Collect();
  void CollectDesired(const model::Twin& twin, std::vector<Change>& changes);
  void Begin();

  EventLoop& loop_;
  const std::function<View()> view_;
  std::vector<Watcher> watchers_;
  // Seen so far.
  std::uint64_t state_ = 0;
  std::uint64_t control_ = 0;
  std::uint64_t local_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> desired_;
  Loop::Id timer_ = Loop::Id::kNone;
  MonoTime last_pass_{};
};

}  // namespace edgetwin::api
