// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a driver costs of the processor, in the process that measures it.

#pragma once

#include <cstdint>
#include <string>

#include "drivers/sdk/driver.h"

namespace edgetwin::bench {

struct CpuCost {
  double us = 0;  // A sample.
  std::uint64_t samples = 0;
  std::string trouble;  // Empty when all went well.
};

// Of this process, all threads, user and system.
double CpuUs();

// Runs `driver`, whose Init was well, on a loop of its own.
CpuCost CostOf(driver::Driver& driver, double seconds);

}  // namespace edgetwin::bench
