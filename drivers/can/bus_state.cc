// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/bus_state.h"

#include <linux/can/error.h>

namespace edgetwin::can {
namespace {

// Error counters are told by controllers that have them; linux/can/error.h of 6.0 named the flag.
constexpr std::uint32_t kCountersTold = 0x200;

std::string Counters(const canfd_frame& frame) {
  if ((frame.can_id & kCountersTold) == 0) return {};
  return std::to_string(frame.data[6]) + " transmit errors, " + std::to_string(frame.data[7]) +
         " receive errors";
}

}  // namespace

void TakeErrorFrame(const canfd_frame& frame, BusHealth& health) {
  if ((frame.can_id & CAN_ERR_FLAG) == 0 || frame.len < CAN_ERR_DLC) return;
  const BusState before = health.state;
  if ((frame.can_id & CAN_ERR_CRTL) != 0) {
    const unsigned what = frame.data[1];
    constexpr unsigned kOverflows = CAN_ERR_CRTL_RX_OVERFLOW | CAN_ERR_CRTL_TX_OVERFLOW;
    constexpr unsigned kPassive = CAN_ERR_CRTL_RX_PASSIVE | CAN_ERR_CRTL_TX_PASSIVE;
    constexpr unsigned kWarning = CAN_ERR_CRTL_RX_WARNING | CAN_ERR_CRTL_TX_WARNING;
    if ((what & kOverflows) != 0) ++health.overflows;
    if ((what & kPassive) != 0) {
      health.state = BusState::kPassive;
    } else if ((what & kWarning) != 0) {
      health.state = BusState::kWarning;
    } else if ((what & CAN_ERR_CRTL_ACTIVE) != 0) {
      health.state = BusState::kActive;
    }
  }
  if ((frame.can_id & CAN_ERR_RESTARTED) != 0) health.state = BusState::kActive;
  if ((frame.can_id & CAN_ERR_BUSOFF) != 0) health.state = BusState::kOff;
  if (health.state != before) health.detail = Counters(frame);
}

std::string Trouble(const BusHealth& health) {
  if (health.state == BusState::kActive || health.state == BusState::kWarning) return {};
  const std::string text = health.state == BusState::kOff ? "bus-off" : "error passive";
  return health.detail.empty() ? text : text + " (" + health.detail + ")";
}

}  // namespace edgetwin::can
