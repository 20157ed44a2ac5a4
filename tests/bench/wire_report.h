// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The tables of `edgetwin-bench wire`.

#pragma once

#include <nlohmann/json.hpp>

namespace edgetwin::bench {

// Adds published figures and aims, and whether they are reached, to what was measured.
void AddYardsticks(nlohmann::json& report);
void PrintWire(const nlohmann::json& report);

}  // namespace edgetwin::bench
