// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What edgetwin-cloud counts, in Prometheus' text format 0.0.4.

#pragma once

#include <string>
#include <vector>

#include "sync/cloud/cloud_store.h"
#include "sync/cloud/fleet.h"
#include "sync/cloud/history/cloud_history.h"
#include "sync/link/link.h"
#include "twin/base/limit.h"

namespace edgetwin::cloud {

std::string MetricsText(const FleetStats& fleet, const CloudStoreStats& store,
                        const CloudHistoryStats& history, const sync::LinkStats& link,
                        const std::vector<LimitReport>& limits);

}  // namespace edgetwin::cloud
