// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Configuration trees for drivers' tests, from text. Drivers know nothing of the agent's TOML
// library, so tests read the part of TOML that a driver's options need; every accepted text means
// the same to the agent.

#pragma once

#include <string>
#include <string_view>

#include "twin/base/config_node.h"
#include "twin/base/result.h"

namespace edgetwin::driver::testing {

// Understands comments, `key = value`, `[table]`, `[[array.of.tables]]`; values are basic strings
// without escapes other than \\ \" and \t, integers, floats, booleans, one-line arrays of these.
// kInvalid names the line.
Result<ConfigNode> ParseOptions(std::string_view text, std::string file = "driver.toml");

}  // namespace edgetwin::driver::testing
