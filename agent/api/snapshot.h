// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Every row and dot of what device and cloud share: to be compared with the cloud's snapshot, whose
// rows have the same keys.

#pragma once

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

// {"id", "epoch": {"counter","token"}, "heads": {"control","state"}, "watermarks": {"control"},
//  "acknowledged": {"control","state"}, "lineage": [{"inc","first_seq","limit"}, ...],
//  "dictionary": N, "dictionary_chain": HEX, "rows": [...]}
// The watermarks are of the cloud's streams that we hold; rows are sorted by path, then side
// (reported, desired, status, override). Nothing of local-only properties.
Json SnapshotJson(const View& view);

}  // namespace edgetwin::api
