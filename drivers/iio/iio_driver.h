// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Industrial I/O: converters and sensors, from /sys/bus/iio.

#pragma once

#include "drivers/sdk/driver.h"

namespace edgetwin::iio {

driver::DriverKind IioKind();

}  // namespace edgetwin::iio
