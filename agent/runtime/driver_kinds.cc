// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <memory>

#include "agent/runtime/agent.h"
#include "drivers/exec/exec_driver.h"
#include "drivers/host/host_driver.h"
#include "drivers/hwmon/hwmon_driver.h"
#include "drivers/iio/iio_driver.h"
#include "drivers/modbus/modbus_driver.h"
#include "drivers/nmea/nmea_driver.h"
#include "drivers/replay/replay_driver.h"
#include "drivers/thermal/thermal_driver.h"
#include "drivers/w1/w1_driver.h"

namespace edgetwin::runtime {

std::vector<driver::DriverKind> DriverKinds() {
  return {exec::ExecKind(),     host::HostKind(),       hwmon::HwmonKind(),
          iio::IioKind(),       driver::ModbusKind(),   nmea::NmeaKind(),
          replay::ReplayKind(), thermal::ThermalKind(), w1::W1Kind()};
}

std::vector<std::string> DriverKindNames() {
  std::vector<std::string> names;
  for (const driver::DriverKind& kind : DriverKinds()) names.push_back(kind.name);
  return names;
}

config::DriverCheck MakeDriverCheck() {
  // By what Driver::exclusive says, of the instances checked so far.
  std::map<std::string, std::string> holders;
  return [holders](const config::DriverInstanceConfig& instance, ConfigReader& reader) mutable {
    for (const driver::DriverKind& kind : DriverKinds()) {
      if (kind.name != instance.kind) continue;
      const std::unique_ptr<driver::Driver> driver = kind.make();
      if (!driver->Init(reader) || !instance.enabled || driver->exclusive().empty()) continue;
      const auto [holder, added] = holders.emplace(driver->exclusive(), reader.prefix());
      if (!added) {
        reader.Problem({}, "uses " + holder->first + ", and so does " + holder->second +
                               "; only one of them can");
      }
    }
  };
}

}  // namespace edgetwin::runtime
