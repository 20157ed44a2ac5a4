// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What to do about a problem of GET /v1/status. docs/OPERATING.md has the same codes at length.

#pragma once

#include <string_view>

namespace edgetwin::doctor {

// Empty for a code that is not known here, as a newer daemon's.
std::string_view AdviceFor(std::string_view problem_code);

}  // namespace edgetwin::doctor
