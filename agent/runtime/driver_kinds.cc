// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/agent.h"
#include "drivers/can/can_driver.h"
#include "drivers/exec/exec_driver.h"
#include "drivers/host/host_driver.h"
#include "drivers/hwmon/hwmon_driver.h"
#include "drivers/iio/iio_driver.h"
#include "drivers/modbus/modbus_driver.h"
#include "drivers/replay/replay_driver.h"
#include "drivers/thermal/thermal_driver.h"
#include "drivers/w1/w1_driver.h"

namespace edgetwin::runtime {

std::vector<driver::DriverKind> DriverKinds() {
  return {can::CanKind(),       exec::ExecKind(),       host::HostKind(),
          hwmon::HwmonKind(),   iio::IioKind(),         driver::ModbusKind(),
          replay::ReplayKind(), thermal::ThermalKind(), w1::W1Kind()};
}

std::vector<std::string> DriverKindNames() {
  std::vector<std::string> names;
  for (const driver::DriverKind& kind : DriverKinds()) names.push_back(kind.name);
  return names;
}

config::DriverCheck MakeDriverCheck() {
  return [](const config::DriverInstanceConfig& instance, ConfigReader& reader) {
    for (const driver::DriverKind& kind : DriverKinds()) {
      if (kind.name == instance.kind) kind.make()->Init(reader);
    }
  };
}

}  // namespace edgetwin::runtime
