// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Polls SNMP agents and sets their objects; README.md describes its options.

#pragma once

#include "drivers/sdk/driver.h"

namespace edgetwin::snmp_driver {

driver::DriverKind SnmpKind();

}  // namespace edgetwin::snmp_driver
