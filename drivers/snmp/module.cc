// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/module.h"

#include "drivers/snmp/snmp_driver.h"

EDGETWIN_DRIVER_MODULE(edgetwin::snmp_driver::SnmpKind)
