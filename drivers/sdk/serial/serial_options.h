// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How a serial port is set, and the options that say so. The README of each driver that has one
// names them.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "drivers/sdk/driver.h"

namespace edgetwin::serial {

enum class Parity : std::uint8_t { kNone, kEven, kOdd };

// The port itself switches its RS-485 transceiver, by RTS (the kernel's serial-rs485).
struct Rs485 {
  bool rts_high_on_send = true;               // RTS while sending; else it is low then.
  std::chrono::milliseconds delay_before{0};  // From RTS to the first bit; 0 to 100ms.
  std::chrono::milliseconds delay_after{0};   // From the last bit to RTS; 0 to 100ms.
  friend bool operator==(const Rs485&, const Rs485&) = default;
};

struct PortOptions {
  std::string device;  // Absolute: "/dev/serial/by-id/…".
  int baud = 9'600;
  Parity parity = Parity::kNone;
  int data_bits = 8;  // 7 or 8.
  int stop_bits = 1;  // 1 or 2.
  std::optional<Rs485> rs485;

  // How long one character is on the line, start bit included.
  std::chrono::microseconds CharacterTime() const;
  std::string ToString() const;  // "/dev/ttyUSB0 9600 8N1".
};

// The keys `device` (required), `baud`, `parity`, `data_bits`, `stop_bits`, and those of RS-485;
// `options` holds the defaults. Every problem goes to `config.problems()`.
void ReadPortOptions(ConfigReader& config, PortOptions& options);

// For a driver that can do without a port: a problem for each of these keys that is there all the
// same.
void RefusePortOptions(ConfigReader& config, const std::string& why);

}  // namespace edgetwin::serial
