// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Summaries as JSON and for people.

#pragma once

#include <string>

#include "tests/sim/exhaustive.h"
#include "tests/sim/mutations.h"
#include "tests/sim/seeds.h"

namespace edgetwin::sim {

std::string ToJson(const Summary& summary, double wall_s, double cpu_s);
std::string ToText(const Summary& summary, double wall_s, double cpu_s);
std::string ToJson(const CrashReport& report, double wall_s, double cpu_s);
std::string ToText(const CrashReport& report, double wall_s, double cpu_s);
std::string ToJson(const std::vector<MutationReport>& reports, double wall_s);
std::string ToText(const MutationReport& report);
// How many; each has been told by then.
std::string ToText(const std::vector<MutationReport>& reports, double wall_s);

}  // namespace edgetwin::sim
