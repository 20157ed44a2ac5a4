// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What an instance of the replay driver is told.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/time_text.h"
#include "twin/base/config_node.h"
#include "twin/model/property.h"

namespace edgetwin::replay {

// A column by its heading, or by its number from 1.
struct ColumnRef {
  std::string name;
  std::size_t number = 0;  // 0: by name.
  std::string ToString() const;
};

struct ColumnOptions {
  ColumnRef column;
  model::PropertyDef def;  // Its path is complete.
};

struct ReplayOptions {
  std::string file;
  char separator = ',';
  bool header = true;
  ColumnRef time_column{"", 1};
  driver::TimeFormat time_format = driver::TimeFormat::kAuto;
  std::vector<ColumnOptions> columns;  // Empty: every column but the time's.
  std::string thing;
  double speed = 1;  // Infinite for "max".
  bool loop = false;
  bool recorded_time = false;  // Else samples carry the time at which they are played.
  bool missing_is_bad = false;
  std::vector<std::string> missing_cells;
};

// Problems go to `config`.
ReplayOptions ReadReplayOptions(ConfigReader& config);

}  // namespace edgetwin::replay
