// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the kernel says of a 1-wire temperature sensor: its Documentation/w1/slaves/w1_therm.rst.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::w1 {

// One kind of sensor, by the first byte of its id.
struct Family {
  std::string_view code;  // "28".
  std::string_view name;  // "DS18B20".
  std::int32_t min = 0;   // What it can measure, in thousandths of a degree Celsius.
  std::int32_t max = 0;
};

// Of an id as the kernel writes it, "28-0316a2795aff"; nothing for what is no id, and for ids of
// other things than temperature sensors.
std::optional<Family> FamilyOf(std::string_view id);

// What a sensor holds from being powered until it has measured.
inline constexpr std::int32_t kPowerOn = 85'000;

// Thousandths of a degree from the two lines of a `w1_slave` file:
//   72 01 4b 46 7f ff 0e 10 57 : crc=57 YES
//   72 01 4b 46 7f ff 0e 10 57 t=23125
// kCorrupt: the CRC is wrong, or every byte is 0, which has a good CRC and is what a bus that is
// shorted to ground reads. kInvalid: it is no such text.
Result<std::int32_t> ParseSlaveText(std::string_view text);

// Thousandths of a degree from a `temperature` file. kUnavailable: it is empty, as while the sensor
// measures. kInvalid: it is no number.
Result<std::int32_t> ParseTemperatureText(std::string_view text);

// kInvalid when the family can't measure that: -127 and 127.94 are what broken wires read.
Status CheckRange(const Family& family, std::int32_t thousandths);

}  // namespace edgetwin::w1
