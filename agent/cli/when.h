// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Times as people write them.

#pragma once

#include <string>

#include "agent/cli/failure.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {

// How long ago, "30m", or when, "2026-09-21T12:00:00.000Z"; kUsage for anything else.
Outcome<WallTime> ReadWhen(const std::string& text, WallTime now);

}  // namespace edgetwin::cli
