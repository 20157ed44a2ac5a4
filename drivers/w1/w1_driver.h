// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Temperature sensors on 1-wire buses: the DS18B20 and its family, by the kernel's interface.

#pragma once

#include <functional>
#include <memory>

#include "drivers/sdk/driver.h"
#include "drivers/w1/w1_files.h"

namespace edgetwin::w1 {

// `files` makes what each bus is read through, on the loop; tests bring their own.
std::unique_ptr<driver::Driver> MakeW1Driver(std::function<std::unique_ptr<W1Files>()> files);

driver::DriverKind W1Kind();

}  // namespace edgetwin::w1
