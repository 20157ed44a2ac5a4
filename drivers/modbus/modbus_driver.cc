// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/modbus_driver.h"

#include <utility>

#include "drivers/modbus/modbus_bus.h"
#include "drivers/modbus/modbus_config.h"
#include "drivers/modbus/scan.h"
#include "drivers/sdk/blocking_driver.h"

namespace edgetwin::driver {
namespace {

class ModbusDriver final : public BlockingDriver {
 public:
  bool Init(ConfigReader& config) override {
    const std::size_t problems = config.problems().list().size();
    config_ = ReadModbusConfig(config);
    if (config.problems().list().size() != problems) return false;
    Configure(OptionsOf(config_));
    return true;
  }

  std::string exclusive() const override {
    return config_.serial ? config_.serial->device : std::string();
  }

 protected:
  std::unique_ptr<BlockingBus> MakeBus() override { return std::make_unique<ModbusBus>(config_); }

 private:
  static BusOptions OptionsOf(const ModbusConfig& config) {
    BusOptions options;
    options.name = config.instance;
    options.operation_deadline = OperationTime(config);
    options.write_deadline = OperationTime(config) * 2;  // The write, and reading it back.
    options.breaker_failures_max = config.breaker_failures;
    options.breaker_max = config.breaker_max;
    for (const ModbusUnit& unit : config.units) {
      for (const ModbusRegister& reg : unit.registers) {
        options.properties.push_back({options.parts.size(), reg.def});
      }
      options.parts.push_back({unit.name, unit.period});
    }
    return options;
  }

  ModbusConfig config_;
};

}  // namespace

DriverKind ModbusKind() {
  return {"modbus", "Modbus devices, over TCP and on serial lines (RTU)",
          []() -> std::unique_ptr<Driver> { return std::make_unique<ModbusDriver>(); }, false,
          ScanModbus};
}

}  // namespace edgetwin::driver
