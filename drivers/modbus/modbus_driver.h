// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reads and writes Modbus devices over TCP and on serial lines; README.md describes its options.

#pragma once

#include "drivers/sdk/driver.h"

namespace edgetwin::driver {

DriverKind ModbusKind();

}  // namespace edgetwin::driver
