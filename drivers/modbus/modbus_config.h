// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A Modbus instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "drivers/modbus/endpoint.h"
#include "drivers/modbus/read_plan.h"
#include "drivers/modbus/register.h"
#include "drivers/sdk/driver.h"
#include "drivers/sdk/serial/serial_options.h"

namespace edgetwin::driver {

struct ModbusRegister {
  RegisterSpec spec;
  model::PropertyDef def;
};

struct ModbusUnit {
  int id = 1;
  std::string name;  // For people: "unit 3", or "unit 3 (pump)".
  std::chrono::milliseconds period{0};
  ReadLimits limits;
  bool write_multiple = false;               // FC16 and FC15 for single registers and coils too.
  std::chrono::milliseconds request_gap{0};  // Silence before it is asked.
  std::vector<ModbusRegister> registers;
};

struct ModbusConfig {
  std::string instance;  // ConfigReader::prefix().
  Endpoint endpoint;     // Unless it is a serial line.
  std::optional<serial::PortOptions> serial;
  std::chrono::milliseconds byte_timeout{200};  // As RtuOptions.
  bool echo = false;
  std::chrono::milliseconds timeout{1'000};
  int breaker_failures = 3;
  std::chrono::milliseconds breaker_max{60'000};
  std::vector<ModbusUnit> units;
};

inline constexpr std::size_t kRegistersMax = 10'000;  // An instance.

// Every problem goes to `config.problems()`.
ModbusConfig ReadModbusConfig(ConfigReader& config);
// What a scan wants to know: where the bus is, and `timeout`, 300ms by default.
ModbusConfig ReadModbusPlace(ConfigReader& config);

}  // namespace edgetwin::driver
