// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The CAN interfaces that a machine has.

#pragma once

#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::can {

inline constexpr std::size_t kFoundInterfacesMax = 64;

// driver::Scan: by the kernel's tree below the key `root`. Nothing is opened.
Result<std::vector<driver::Found>> ScanInterfaces(ConfigReader& options, const driver::GoOn& go_on);

}  // namespace edgetwin::can
