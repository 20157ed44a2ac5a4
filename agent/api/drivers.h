// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Driver instances as the API shows them.

#pragma once

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

// {"name","kind","state","last_error","polls","parts":[…],…}
Json InstanceJson(const runtime::InstanceStatus& instance);
// {"drivers":[{"name","kind","state","last_error","polls","parts":[…],…}]}
Json DriversJson(const View& view);

}  // namespace edgetwin::api
