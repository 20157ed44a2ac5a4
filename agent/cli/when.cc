// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/when.h"

#include "agent/api/json.h"
#include "twin/base/config_node.h"

namespace edgetwin::cli {

Outcome<WallTime> ReadWhen(const std::string& text, WallTime now) {
  if (const auto ago = ParseDuration(text)) return now - *ago;
  if (const auto time = api::ParseTime(Json(text))) return *time;
  return Fail(Exit::kUsage, "'" + text +
                                "' is no time: write how long ago, as 30m, 2h or 7d, or the time "
                                "as 2026-09-21T12:00:00.000Z");
}

}  // namespace edgetwin::cli
