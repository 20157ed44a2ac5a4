// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the controller's error frames tell of the bus (linux/can/error.h). Pure.

#pragma once

#include <linux/can.h>

#include <cstdint>
#include <string>

namespace edgetwin::can {

enum class BusState : std::uint8_t { kActive, kWarning, kPassive, kOff };

struct BusHealth {
  BusState state = BusState::kActive;
  std::string detail;           // "128 transmit errors", when the controller told.
  std::uint64_t overflows = 0;  // Frames that the controller itself lost.
};

// Takes an error frame in. Anything else in it is passed over.
void TakeErrorFrame(const canfd_frame& frame, BusHealth& health);

// "error passive (128 transmit errors)"; empty while all is well: warnings are no trouble yet.
std::string Trouble(const BusHealth& health);

}  // namespace edgetwin::can
