// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/conformance.h"

#include <gtest/gtest.h>

#include "drivers/modbus/modbus_driver.h"
#include "tests/plant/running_plant.h"

namespace edgetwin::driver {
namespace {

// The plant's second unit, a pump.
class PumpBench final : public testing::Bench {
 public:
  std::string options() const override {
    return "endpoint = \"tcp://127.0.0.1:" + std::to_string(port_) + R"("
period = "20ms"
timeout = "200ms"
breaker_max = "200ms"
[[unit]]
id = 2
thing = "pump"
[[unit.register]]
name = "setpoint"
kind = "holding"
address = 0
writable = true
[[unit.register]]
name = "speed"
kind = "input"
address = 0
)";
  }
  std::vector<std::string> mistakes() const override {
    return {"timeout = \"soon\"", "period = \"-1s\""};
  }
  std::vector<std::string> paths() const override { return {"pump/setpoint", "pump/speed"}; }
  bool Unplug() override {
    plant_.reset();
    return true;
  }
  void Replug() override { plant_ = std::make_unique<tests::RunningPlant>(port_); }
  bool Hang() override {
    (*plant_)->SetFault(2, tests::Fault::kSilent);
    return true;
  }
  void Resume() override {
    if (plant_) (*plant_)->SetFault(2, tests::Fault::kNone);
  }
  std::optional<Writing> writing() const override {
    return Writing{"pump/setpoint", model::Value(std::int64_t{1'200}),
                   model::Value(std::int64_t{3'001})};
  }

 private:
  std::unique_ptr<tests::RunningPlant> plant_ = std::make_unique<tests::RunningPlant>();
  const std::uint16_t port_ = (*plant_)->port();
};

EDGETWIN_DRIVER_CONFORMS(ModbusConformance, ModbusKind, PumpBench);

}  // namespace
}  // namespace edgetwin::driver
