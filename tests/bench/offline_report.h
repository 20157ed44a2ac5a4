// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What `edgetwin-bench offline` has measured, judged and printed.

#pragma once

#include <nlohmann/json.hpp>

namespace edgetwin::bench {

// Adds ratios and aims to what was measured.
void JudgeOffline(nlohmann::json& report);

void PrintOffline(const nlohmann::json& report);

}  // namespace edgetwin::bench
