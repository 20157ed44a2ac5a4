// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hardware monitoring chips, from /sys/class/hwmon.

#pragma once

#include "drivers/sdk/driver.h"

namespace edgetwin::hwmon {

driver::DriverKind HwmonKind();

}  // namespace edgetwin::hwmon
