// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who is on a Modbus bus.

#pragma once

#include <string>
#include <vector>

#include "drivers/modbus/modbus_client.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::driver {

// A unit that answered.
struct FoundUnit {
  int id = 0;
  std::string what;  // "answers holding, input; refuses coil, discrete".
};

// Reads the first holding register of each unit, and of those that answer, be it by an exception,
// the first of the other tables; `request_time` each. Ends early, with what it has, when `go_on`
// says so. Fails when the bus can't be reached, and when none answers, with the last one's reason.
Result<std::vector<FoundUnit>> AskUnits(ModbusClient& client, int first, int last,
                                        std::chrono::milliseconds request_time, const GoOn& go_on);

// driver::Scan. With `endpoint` or `device` (and what belongs to it), the bus's `units` are asked,
// "1-247"; without, the serial ports are listed that may have one.
Result<std::vector<Found>> ScanModbus(ConfigReader& options, const GoOn& go_on);

}  // namespace edgetwin::driver
