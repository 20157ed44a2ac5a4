// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What `edgetwin-bench flash` has measured, judged and printed.

#pragma once

#include <nlohmann/json.hpp>

namespace edgetwin::bench {

// Adds ratios to the peers, the years that an eMMC lasts, and the aims, to what was measured.
void JudgeFlash(nlohmann::json& report);

void PrintFlash(const nlohmann::json& report);

}  // namespace edgetwin::bench
