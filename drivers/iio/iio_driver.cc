// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/iio_driver.h"

#include <utility>

#include "drivers/iio/devices.h"
#include "drivers/sdk/sysfs/filter.h"

namespace edgetwin::iio {
namespace {

class IioDriver final : public driver::DiscoveringDriver {
 protected:
  void Configure(ConfigReader& config) override {
    thing_ = driver::ReadThing(config);
    rules_.Read(config);
    root_ = sysfs::ReadRoot(config);
    devices_ = sysfs::ReadFilter(config, "devices");
    channels_ = sysfs::ReadFilter(config, "channels");
  }

  driver::FoundBuses Scan() override {
    driver::FoundBuses found;
    const Result<std::vector<Device>> devices = FindDevices(root_);
    if (!devices) {
      found.status = devices.error();
      return found;
    }
    sysfs::DeviceList list(thing_, rules_, devices_limit());
    for (const Device& device : *devices) {
      if (devices_.Passes(device.name, device.chip)) AddDevice(device, list);
    }
    found.status = list.status();
    found.buses = std::move(list).Finish("iio", period());
    return found;
  }

 private:
  void AddDevice(const Device& device, sysfs::DeviceList& list) const {
    if (!list.Begin(device.name, sysfs::WireName(device.folder))) return;
    for (const Input& input : FindInputs(device.folder)) {
      const std::string name = model::ToSegment(input.name);
      if (!channels_.Passes(model::ToSegment(device.name) + "/" + name, name)) continue;
      list.Add(name, input.kind, input.file, [input] { return MakeInputChannel(input); });
    }
  }

  std::string thing_;
  driver::PolicyRules rules_;
  std::string root_;
  sysfs::NameFilter devices_;
  sysfs::NameFilter channels_;
};

}  // namespace

driver::DriverKind IioKind() {
  return {"iio", "Industrial I/O: converters and sensors",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<IioDriver>(); }, true};
}

}  // namespace edgetwin::iio
