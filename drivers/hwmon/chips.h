// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which chips there are, and which sensors they have: the kernel's
// Documentation/hwmon/sysfs-interface.rst.

#pragma once

#include <string>
#include <vector>

#include "drivers/sdk/sysfs/channel_bus.h"

namespace edgetwin::hwmon {

struct Chip {
  std::string name;    // With its device, so that equal chips differ: "lm75_1-0048", "coretemp.0".
  std::string driver;  // What the kernel calls it: "lm75". Several chips may share it.
  std::string folder;
};

// The chips below root/sys/class/hwmon, in the kernel's order. Left out are chips without a name,
// and what other drivers read: 1-wire sensors, and zones of the thermal subsystem unless
// `thermal_zones`. kNotFound: the kernel has no hwmon.
Result<std::vector<Chip>> FindChips(const std::string& root, bool thermal_zones);

enum class Reading {
  kNumber,  // One file with a number in thousandths or millionths.
  kAlarms,  // Files with 0 or 1, of which any counts.
};

struct Sensor {
  std::string name;                // Its label, or what the files begin with: "temp1".
  std::vector<std::string> files;  // The first is shown as the source.
  std::string fault;               // Empty when it has none, as with the next.
  std::string enable;
  Reading reading = Reading::kNumber;
  double scale = 1;  // From the file's number to the kind's unit.
  double min = 0;    // Outside of these, in the kind's unit, the chip talks nonsense.
  double max = 0;
  sysfs::ChannelKind kind;
};

// The chip's sensors, by kind and number. A folder that vanished has none.
std::vector<Sensor> FindSensors(const std::string& folder, bool alarms);

std::unique_ptr<sysfs::Channel> MakeSensorChannel(const Sensor& sensor);

}  // namespace edgetwin::hwmon
