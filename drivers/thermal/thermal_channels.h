// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is read of a thermal zone and of a cooling device: the kernel's
// Documentation/driver-api/thermal/sysfs-api.rst.

#pragma once

#include <memory>
#include <string>

#include "drivers/sdk/sysfs/channel_bus.h"

namespace edgetwin::thermal {

// A temperature in thousandths of a degree. One of a zone that is switched off (`mode` says so) is
// none; so is one below absolute zero of a trip point, which is how the kernel says "none".
std::unique_ptr<sysfs::Channel> MakeZoneChannel(const std::string& temp, const std::string& mode);
std::unique_ptr<sysfs::Channel> MakeTripChannel(const std::string& temp);

// A whole number: a cooling device's state.
std::unique_ptr<sysfs::Channel> MakeStateChannel(const std::string& file);

}  // namespace edgetwin::thermal
