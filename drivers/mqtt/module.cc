// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/module.h"

#include "drivers/mqtt/mqtt_driver.h"

EDGETWIN_DRIVER_MODULE(edgetwin::mqtt_driver::MqttKind)
