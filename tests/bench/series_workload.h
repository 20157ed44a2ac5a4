// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A workload whose values were measured somewhere.

#pragma once

#include <cstddef>
#include <string>

#include "tests/bench/workload.h"
#include "twin/base/result.h"

namespace edgetwin::bench {

inline constexpr std::size_t kWorkloadRounds = 1'024;

// The series in `folder` in turn, each property from another place of its series on. Without a
// folder: random walks of two decimals. Errors as of ReadSeries.
Result<Workload> MakeWorkload(const std::string& folder, std::size_t properties);

}  // namespace edgetwin::bench
