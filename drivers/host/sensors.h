// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which temperature sensors the machine has, and how they are called.

#pragma once

#include <string>
#include <vector>

namespace edgetwin::host {

// One file with a temperature in thousandths of a degree Celsius.
struct Sensor {
  std::string name;  // One segment of a path, the same whatever numbers the kernel gives this time.
  std::string input;  // The file.
  std::string fault;  // Its fault flag's file; empty when it has none.
};

// Looks through root/sys/class/thermal and root/sys/class/hwmon. Names come from the zone's type,
// or the chip's name and the sensor's label; of two equal chips each has its device's name added,
// and what is equal still is numbered in the kernel's order. Zones that hwmon shows a second time
// are listed once, and 1-wire sensors, which take most of a second to read, not at all.
std::vector<Sensor> FindSensors(const std::string& root);

}  // namespace edgetwin::host
