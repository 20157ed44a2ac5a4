// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/hwmon/hwmon_driver.h"

#include <utility>

#include "drivers/hwmon/chips.h"
#include "drivers/sdk/sysfs/filter.h"

namespace edgetwin::hwmon {
namespace {

class HwmonDriver final : public driver::DiscoveringDriver {
 protected:
  void Configure(ConfigReader& config) override {
    thing_ = driver::ReadThing(config);
    rules_.Read(config);
    root_ = sysfs::ReadRoot(config);
    chips_ = sysfs::ReadFilter(config, "chips");
    sensors_ = sysfs::ReadFilter(config, "sensors");
    alarms_ = config.Bool("alarms", true);
    thermal_zones_ = config.Bool("thermal_zones", false);
  }

  driver::FoundBuses Scan() override {
    driver::FoundBuses found;
    const Result<std::vector<Chip>> chips = FindChips(root_, thermal_zones_);
    if (!chips) {
      found.status = chips.error();
      return found;
    }
    sysfs::DeviceList devices(thing_, rules_, devices_limit());
    for (const Chip& chip : *chips) {
      if (chips_.Passes(chip.name, chip.driver)) AddChip(chip, devices);
    }
    found.status = devices.status();
    found.buses = std::move(devices).Finish("hwmon", period());
    return found;
  }

 private:
  void AddChip(const Chip& chip, sysfs::DeviceList& devices) const {
    if (!devices.Begin(chip.name, sysfs::WireName(chip.folder))) return;
    for (const Sensor& sensor : FindSensors(chip.folder, alarms_)) {
      const std::string name = model::ToSegment(sensor.name);
      if (!sensors_.Passes(model::ToSegment(chip.name) + "/" + name, name)) continue;
      devices.Add(name, sensor.kind, sensor.files.front(),
                  [sensor] { return MakeSensorChannel(sensor); });
    }
  }

  std::string thing_;
  driver::PolicyRules rules_;
  std::string root_;
  sysfs::NameFilter chips_;
  sysfs::NameFilter sensors_;
  bool alarms_ = true;
  bool thermal_zones_ = false;
};

}  // namespace

driver::DriverKind HwmonKind() {
  return {"hwmon", "Hardware monitoring chips: voltages, temperatures, fans, currents, power",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<HwmonDriver>(); },
          true};
}

}  // namespace edgetwin::hwmon
