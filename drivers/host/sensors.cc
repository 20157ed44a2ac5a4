// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/sensors.h"

#include <map>
#include <string_view>
#include <utility>

#include "drivers/sdk/sysfs/files.h"
#include "drivers/sdk/sysfs/text.h"
#include "twin/model/path.h"

namespace edgetwin::host {
namespace {

struct Chip {
  std::string folder;
  std::string name;
  std::string device;
};

std::vector<Chip> FindChips(const std::string& root) {
  std::vector<Chip> chips;
  std::map<std::string, int> names;
  for (const std::uint64_t number : sysfs::Numbers(root + "/sys/class/hwmon", "hwmon", "")) {
    Chip chip;
    chip.folder = root + "/sys/class/hwmon/hwmon" + std::to_string(number);
    chip.name = sysfs::TextOr(chip.folder + "/name", "");
    chip.device = sysfs::LinkName(chip.folder + "/device");
    if (chip.name.empty() || chip.name == "w1_slave_temp") continue;
    if (chip.device.starts_with("thermal_zone")) continue;
    ++names[chip.name];
    chips.push_back(std::move(chip));
  }
  for (Chip& chip : chips) {
    if (names[chip.name] > 1 && !chip.device.empty()) chip.name += "_" + chip.device;
  }
  return chips;
}

void AddChip(const Chip& chip, std::vector<Sensor>& sensors) {
  const std::vector<std::uint64_t> numbers = sysfs::Numbers(chip.folder, "temp", "_input");
  for (const std::uint64_t number : numbers) {
    const std::string base = chip.folder + "/temp" + std::to_string(number);
    // The number of a sensor within its chip is the chip's own, and stays.
    const std::string otherwise = numbers.size() == 1 ? "" : "temp" + std::to_string(number);
    const std::string label = sysfs::TextOr(base + "_label", otherwise);
    Sensor sensor;
    sensor.name = label.empty() ? chip.name : chip.name + "_" + label;
    sensor.input = base + "_input";
    if (sysfs::Exists(base + "_fault")) sensor.fault = base + "_fault";
    sensors.push_back(std::move(sensor));
  }
}

}  // namespace

std::vector<Sensor> FindSensors(const std::string& root) {
  std::vector<Sensor> sensors;
  const std::string thermal = root + "/sys/class/thermal";
  for (const std::uint64_t number : sysfs::Numbers(thermal, "thermal_zone", "")) {
    const std::string zone = thermal + "/thermal_zone" + std::to_string(number);
    const std::string type = sysfs::TextOr(zone + "/type", "");
    if (!type.empty()) sensors.push_back({type, zone + "/temp", ""});
  }
  for (const Chip& chip : FindChips(root)) AddChip(chip, sensors);
  std::map<std::string, int> seen;
  for (Sensor& sensor : sensors) {
    sensor.name = model::ToSegment(sensor.name);
    const int count = ++seen[sensor.name];
    if (count > 1) sensor.name += "_" + std::to_string(count);
  }
  return sensors;
}

}  // namespace edgetwin::host
