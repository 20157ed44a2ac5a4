// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/sensors.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "drivers/host/files.h"
#include "drivers/host/text.h"
#include "twin/model/path.h"

namespace edgetwin::host {
namespace {

// The number in the middle of a name ("temp12_input"), so that 2 comes before 10; nothing for other
// names.
std::optional<std::uint64_t> NumberIn(std::string_view name, std::string_view before,
                                      std::string_view after) {
  if (!name.starts_with(before) || !name.ends_with(after)) return std::nullopt;
  if (name.size() <= before.size() + after.size()) return std::nullopt;
  return ParseUnsigned(name.substr(before.size(), name.size() - before.size() - after.size()));
}

// Entries of a folder that are `before`NUMBER`after`, by number. A folder that isn't there has
// none.
std::vector<std::uint64_t> Numbers(const std::string& folder, std::string_view before,
                                   std::string_view after) {
  std::vector<std::uint64_t> numbers;
  const Result<std::vector<std::string>> names = ListFolder(folder);
  if (!names) return numbers;
  for (const std::string& name : *names) {
    if (const auto number = NumberIn(name, before, after)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string Text(const std::string& path, const std::string& otherwise) {
  const Result<std::string> text = ReadOnce(path);
  return text && !text->empty() ? *text : otherwise;
}

struct Chip {
  std::string folder;
  std::string name;
  std::string device;
};

std::vector<Chip> FindChips(const std::string& root) {
  std::vector<Chip> chips;
  std::map<std::string, int> names;
  for (const std::uint64_t number : Numbers(root + "/sys/class/hwmon", "hwmon", "")) {
    Chip chip;
    chip.folder = root + "/sys/class/hwmon/hwmon" + std::to_string(number);
    chip.name = Text(chip.folder + "/name", "");
    chip.device = LinkName(chip.folder + "/device");
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
  const std::vector<std::uint64_t> numbers = Numbers(chip.folder, "temp", "_input");
  for (const std::uint64_t number : numbers) {
    const std::string base = chip.folder + "/temp" + std::to_string(number);
    // The number of a sensor within its chip is the chip's own, and stays.
    const std::string otherwise = numbers.size() == 1 ? "" : "temp" + std::to_string(number);
    const std::string label = Text(base + "_label", otherwise);
    Sensor sensor;
    sensor.name = label.empty() ? chip.name : chip.name + "_" + label;
    sensor.input = base + "_input";
    if (Exists(base + "_fault")) sensor.fault = base + "_fault";
    sensors.push_back(std::move(sensor));
  }
}

}  // namespace

std::vector<Sensor> FindSensors(const std::string& root) {
  std::vector<Sensor> sensors;
  const std::string thermal = root + "/sys/class/thermal";
  for (const std::uint64_t number : Numbers(thermal, "thermal_zone", "")) {
    const std::string zone = thermal + "/thermal_zone" + std::to_string(number);
    const std::string type = Text(zone + "/type", "");
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
