// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What happened on the device, as the API shows it.

#pragma once

#include <cstddef>
#include <cstdint>

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

inline constexpr std::size_t kEventsDefault = 100;
inline constexpr std::size_t kEventsMax = 5'000;

struct EventQuery {
  std::uint64_t after = 0;  // Only those with a higher revision.
  std::size_t limit = kEventsDefault;
};
// {"events":[…],"total":N}: the newest `limit` of those after `after`, oldest first; `total` counts
// all of these. "told" says where each is: "acknowledged" by the cloud, "sent", "waiting",
// "local_only", "no_cloud", or null while the daemon is down and the store doesn't know.
Json EventsJson(const View& view, const EventQuery& query);

}  // namespace edgetwin::api
