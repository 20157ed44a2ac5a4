// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The serial ports that a machine has.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::serial {

inline constexpr std::size_t kFoundPortsMax = 256;

struct FoundPort {
  std::string device;  // Its name that stays the same: by its adapter's id, if it has one.
  std::string node;    // "/dev/ttyUSB0".
  std::string what;    // The adapter's maker and product; else its kernel driver's name.
};

// By the kernel's tree and /dev below `root`; ports that have no hardware are left out, names in
// order.
std::vector<FoundPort> FindPorts(const std::filesystem::path& root);

// The same as a scan's answer: `config` is what follows the device's line. The key `root` is known.
std::vector<driver::Found> ScanPorts(ConfigReader& options, const std::string& kind,
                                     const std::string& what, const std::string& config);

}  // namespace edgetwin::serial
