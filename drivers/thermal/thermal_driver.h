// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Thermal zones and cooling devices, from /sys/class/thermal.

#pragma once

#include "drivers/sdk/driver.h"

namespace edgetwin::thermal {

driver::DriverKind ThermalKind();

}  // namespace edgetwin::thermal
