// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include "drivers/sdk/driver.h"

namespace pressure {

// How long tasks had to wait for processors, memory and disks: /proc/pressure.
edgetwin::driver::DriverKind PressureKind();

}  // namespace pressure
