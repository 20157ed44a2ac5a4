// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/thermal/thermal_driver.h"

#include <utility>

#include "drivers/sdk/sysfs/filter.h"
#include "drivers/thermal/thermal_channels.h"

namespace edgetwin::thermal {
namespace {

using model::ValueType;
using sysfs::ChannelKind;

constexpr ChannelKind kTemperature{ValueType::kDouble, "Cel", 1, 0.5, "Temperature"};
constexpr ChannelKind kTrip{ValueType::kDouble, "Cel", 1, 0, "Where the kernel begins to act"};
constexpr ChannelKind kState{ValueType::kInt, "1", 0, 0, "How hard it cools, 0 being not at all"};
constexpr ChannelKind kStateMax{ValueType::kInt, "1", 0, 0, "How hard it can cool"};

class ThermalDriver final : public driver::DiscoveringDriver {
 protected:
  void Configure(ConfigReader& config) override {
    thing_ = driver::ReadThing(config);
    rules_.Read(config);
    root_ = sysfs::ReadRoot(config);
    zones_ = sysfs::ReadFilter(config, "zones");
    // One for each core, of which all say the same.
    cooling_ = sysfs::ReadFilter(config, "cooling", {"Processor*"});
    trip_points_ = config.Bool("trip_points", false);
  }

  driver::FoundBuses Scan() override {
    driver::FoundBuses found;
    const std::string folder = root_ + "/sys/class/thermal";
    if (const auto listed = sysfs::ListFolder(folder); !listed) {
      found.status = listed.error();
      return found;
    }
    sysfs::DeviceList devices(thing_, rules_, devices_limit());
    for (const std::uint64_t number : sysfs::Numbers(folder, "thermal_zone", "")) {
      AddZone(folder + "/thermal_zone" + std::to_string(number), devices);
    }
    for (const std::uint64_t number : sysfs::Numbers(folder, "cooling_device", "")) {
      AddCooling(folder + "/cooling_device" + std::to_string(number), devices);
    }
    found.status = devices.status();
    found.buses = std::move(devices).Finish("thermal", period());
    return found;
  }

 private:
  // Begins the device that a folder stands for, if it is wanted.
  static bool Begin(const std::string& folder, const sysfs::NameFilter& filter,
                    sysfs::DeviceList& devices) {
    const std::string type = sysfs::TextOr(folder + "/type", "");
    if (type.empty()) return false;
    const std::string name = sysfs::NameAt(type, sysfs::DeviceName(folder + "/device"));
    return filter.Passes(name, type) && devices.Begin(name);
  }

  void AddZone(const std::string& folder, sysfs::DeviceList& devices) const {
    if (!Begin(folder, zones_, devices)) return;
    const std::string temp = folder + "/temp";
    devices.Add("temperature", kTemperature, temp,
                [temp, mode = folder + "/mode"] { return MakeZoneChannel(temp, mode); });
    if (!trip_points_) return;
    for (const std::uint64_t number : sysfs::Numbers(folder, "trip_point_", "_temp")) {
      const std::string point = "trip_point_" + std::to_string(number);
      const std::string type = sysfs::TextOr(folder + "/" + point + "_type", "unknown");
      const std::string file = folder + "/" + point + "_temp";
      devices.Add("trip_" + std::to_string(number) + "_" + type, kTrip, file,
                  [file] { return MakeTripChannel(file); });
    }
  }

  void AddCooling(const std::string& folder, sysfs::DeviceList& devices) const {
    if (!Begin(folder, cooling_, devices)) return;
    const std::string state = folder + "/cur_state";
    const std::string max = folder + "/max_state";
    devices.Add("state", kState, state, [state] { return MakeStateChannel(state); });
    devices.Add("state_max", kStateMax, max, [max] { return MakeStateChannel(max); });
  }

  std::string thing_;
  driver::PolicyRules rules_;
  std::string root_;
  sysfs::NameFilter zones_;
  sysfs::NameFilter cooling_;
  bool trip_points_ = false;
};

}  // namespace

driver::DriverKind ThermalKind() {
  return {"thermal", "Thermal zones and cooling devices of the kernel",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<ThermalDriver>(); },
          true};
}

}  // namespace edgetwin::thermal
