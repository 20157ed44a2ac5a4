// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is wrong right now, in sentences for the person in front of the device.

#pragma once

#include <string>
#include <vector>

#include "agent/api/json.h"
#include "agent/api/view.h"

namespace edgetwin::api {

// kNotice is worth knowing and no fault: an override in force. The others make the device degraded.
enum class Severity { kError, kWarning, kNotice };
std::string_view ToString(Severity severity);

struct Problem {
  Severity severity = Severity::kError;
  std::string code;  // For programs: "link_down", "driver_failed", ….
  std::string text;
};

// Worst first.
std::vector<Problem> FindProblems(const View& view);
Json ProblemsJson(const std::vector<Problem>& problems);
bool Degraded(const std::vector<Problem>& problems);

}  // namespace edgetwin::api
