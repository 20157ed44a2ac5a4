// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A GPIO instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "drivers/gpio/lines.h"
#include "twin/base/config_node.h"
#include "twin/model/property.h"

namespace edgetwin::gpio {

inline constexpr std::size_t kLinesMax = 256;  // An instance.

enum class Mode : std::uint8_t { kInput, kCounter, kOutput };

struct GpioLine {
  Mode mode = Mode::kInput;
  LineSpec spec;
  Edges counted = Edges::kRising;  // Counters.
  std::chrono::milliseconds debounce{0};
  std::optional<bool> safe;  // Outputs: set when the driver stops.
  model::PropertyDef def;
};

struct GpioConfig {
  std::chrono::milliseconds period{1'000};
  std::chrono::milliseconds poll{100};
  std::vector<GpioLine> lines;
};

// Every problem goes to `config.problems()`.
GpioConfig ReadGpioConfig(ConfigReader& config);

}  // namespace edgetwin::gpio
