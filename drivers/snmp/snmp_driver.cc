// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/snmp_driver.h"

#include <memory>

#include "drivers/sdk/blocking_driver.h"
#include "drivers/snmp/snmp_bus.h"
#include "drivers/snmp/snmp_options.h"

namespace edgetwin::snmp_driver {
namespace {

class SnmpDriver final : public driver::BlockingDriver {
 public:
  bool Init(ConfigReader& config) override {
    const std::size_t problems = config.problems().list().size();
    options_ = ReadSnmpOptions(config);
    if (config.problems().list().size() != problems) return false;
    Configure(BusOptionsOf(options_));
    return true;
  }

 protected:
  std::unique_ptr<driver::BlockingBus> MakeBus() override {
    return std::make_unique<SnmpBus>(options_);
  }

 private:
  static driver::BusOptions BusOptionsOf(const SnmpOptions& options) {
    driver::BusOptions bus;
    bus.name = options.instance;
    bus.operation_deadline = ExchangeTime(options.agent) * 2;  // Asking for the engine comes first.
    bus.write_deadline = ExchangeTime(options.agent) * 4;  // That, what it is, the write, and back.
    bus.breaker_failures_max = options.breaker_failures;
    bus.breaker_max = options.breaker_max;
    bus.parts.push_back({"agent " + options.agent.host, options.period});
    for (const PropertyOptions& property : options.properties) {
      bus.properties.push_back({0, property.def});
    }
    return bus;
  }

  SnmpOptions options_;
};

}  // namespace

driver::DriverKind SnmpKind() {
  return {"snmp", "SNMP agents, version 2c and 3: UPSes, switches, PDUs, printers",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<SnmpDriver>(); }};
}

}  // namespace edgetwin::snmp_driver
