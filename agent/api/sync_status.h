// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The state of the sync with the cloud, in one document.

#pragma once

#include <string>

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

// {"device","daemon","state","since","reason","advice","epoch","streams":[…],"owed",…}. `reason`:
// why it is not live, or what else is wrong; `advice`: what to do about it; both null when all is
// well. While the daemon is down, what only a running one knows is null. `device`: its id.
Json SyncStatusJson(const View& view, const std::string& device);

}  // namespace edgetwin::api
