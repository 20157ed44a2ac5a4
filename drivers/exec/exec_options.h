// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The options of one instance; README.md explains each.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "drivers/exec/child.h"
#include "drivers/sdk/policy.h"
#include "twin/base/config_node.h"

namespace edgetwin::exec {

struct ExecOptions {
  std::string instance;
  std::string thing;
  ChildOptions child;
  std::optional<ConfigNode> options;  // The table for the program.
  driver::PolicyRules policy;

  std::optional<std::chrono::milliseconds> period;  // Absent: the program reports by itself.
  std::chrono::milliseconds silence{0};             // 0: never.
  std::chrono::milliseconds ready_within{10'000};
  std::chrono::milliseconds write_within{5'000};
  std::chrono::milliseconds stop_within{2'000};  // Before SIGTERM, and before SIGKILL.
  std::chrono::milliseconds restart_min{1'000};
  std::chrono::milliseconds restart_max{300'000};
  std::chrono::milliseconds steady_after{60'000};
  std::uint64_t properties_max = 1'000;
  std::uint64_t lines_per_second_max = 1'000;
};

// Problems go to `config`. No I/O.
ExecOptions ReadExecOptions(ConfigReader& config);

}  // namespace edgetwin::exec
