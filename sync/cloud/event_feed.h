// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What changes in the fleet, to those who watch.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/cloud/fleet.h"
#include "twin/http/http_server.h"

namespace edgetwin::cloud {

// A twin is state, not a log: an event names the rows that changed and shows them as they stand
// when it is sent. Each "change" has an id; whoever comes back with the last one it saw gets what
// changed since, or, when that is no longer remembered, "reset": read the twin again. README.md
// lists the events. Loop thread only.
class EventFeed final : public FleetEvents {
 public:
  // `instance` tells this process's ids from an earlier one's.
  EventFeed(std::uint64_t instance, std::size_t remembered_max)
      : instance_(instance), remembered_limit_(remembered_max) {}

  // `fleet` must outlive the feed's last Subscribe.
  void SetFleet(const Fleet* fleet) { fleet_ = fleet; }

  // `device` empty: all. `last_id` empty: from now on.
  void Subscribe(std::shared_ptr<http::EventStream> stream, std::string device,
                 std::string_view last_id);
  // Ends every stream.
  void Close() { subscribers_.clear(); }

  // --- FleetEvents ---
  void OnChanges(const std::string& device, const LiveTwin& twin,
                 const std::vector<sync::CloudOutput::Change>& changes) override;
  void OnDurable(const std::string& device, const LiveTwin& twin) override;
  void OnConnected(const std::string& device, bool connected) override;
  void OnNotice(const std::string& device, const std::string& kind,
                const std::string& text) override;
  void OnEvents(const std::string& device, const LiveTwin& twin,
                const std::vector<model::Event>& events) override;
  void OnLink(bool up, const std::string& why) override;

  std::size_t subscribers() const { return subscribers_.size(); }
  // "changes_remembered": hits are forgotten ones.
  LimitReport limit() const { return remembered_limit_.Report("changes_remembered"); }

 private:
  struct Remembered {
    std::uint64_t n = 0;
    std::string device;
    std::vector<sync::CloudOutput::Change> changes;
  };
  struct Subscriber {
    std::shared_ptr<http::EventStream> stream;
    std::string device;
  };

  void Send(const std::string& device, std::string_view event, const std::string& data,
            std::string_view id);
  bool Watched(const std::string& device) const;
  std::string Id(std::uint64_t n) const;
  bool Resume(http::EventStream& stream, const std::string& device, std::string_view last_id) const;

  const std::uint64_t instance_;
  const Fleet* fleet_ = nullptr;
  Limit remembered_limit_;  // In changed rows.
  std::size_t remembered_rows_ = 0;
  std::deque<Remembered> remembered_;
  std::uint64_t last_ = 0;
  std::uint64_t last_subscriber_ = 0;
  std::string link_;  // As last logged.
  std::map<std::uint64_t, Subscriber> subscribers_;
};

}  // namespace edgetwin::cloud
