// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The agent's state for Prometheus.

#pragma once

#include <string>

#include "agent/api/view.h"

namespace edgetwin::api {

// The text format, version 0.0.4. A few numbers of the whole; none a property.
std::string MetricsText(const View& view);

}  // namespace edgetwin::api
