// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/bus_state.h"

#include <gtest/gtest.h>
#include <linux/can/error.h>

namespace edgetwin::can {
namespace {

canfd_frame ErrorFrame(std::uint32_t what, std::uint8_t controller = 0) {
  canfd_frame frame{};
  frame.can_id = CAN_ERR_FLAG | what;
  frame.len = CAN_ERR_DLC;
  frame.data[1] = controller;
  return frame;
}

TEST(BusStateTest, FollowsTheControllerThroughItsStates) {
  BusHealth health;
  EXPECT_EQ(Trouble(health), "");
  TakeErrorFrame(ErrorFrame(CAN_ERR_CRTL, CAN_ERR_CRTL_TX_WARNING), health);
  EXPECT_EQ(health.state, BusState::kWarning);
  EXPECT_EQ(Trouble(health), "");
  canfd_frame passive = ErrorFrame(CAN_ERR_CRTL | 0x200, CAN_ERR_CRTL_TX_PASSIVE);
  passive.data[6] = 128;
  TakeErrorFrame(passive, health);
  EXPECT_EQ(Trouble(health), "error passive (128 transmit errors, 0 receive errors)");
  TakeErrorFrame(ErrorFrame(CAN_ERR_BUSOFF), health);
  EXPECT_EQ(Trouble(health), "bus-off");
  TakeErrorFrame(ErrorFrame(CAN_ERR_RESTARTED), health);
  EXPECT_EQ(Trouble(health), "");
  TakeErrorFrame(ErrorFrame(CAN_ERR_CRTL, CAN_ERR_CRTL_RX_PASSIVE), health);
  TakeErrorFrame(ErrorFrame(CAN_ERR_CRTL, CAN_ERR_CRTL_ACTIVE), health);
  EXPECT_EQ(Trouble(health), "");
}

TEST(BusStateTest, CountsWhatTheControllerLost) {
  BusHealth health;
  TakeErrorFrame(ErrorFrame(CAN_ERR_CRTL, CAN_ERR_CRTL_RX_OVERFLOW), health);
  EXPECT_EQ(health.overflows, 1u);
  EXPECT_EQ(health.state, BusState::kActive);
}

TEST(BusStateTest, OtherFramesSayNothing) {
  BusHealth health;
  canfd_frame data{};
  data.can_id = CAN_ERR_BUSOFF;  // Without CAN_ERR_FLAG: a data frame of the id 0x40.
  data.len = 8;
  TakeErrorFrame(data, health);
  canfd_frame cut = ErrorFrame(CAN_ERR_BUSOFF);
  cut.len = 1;
  TakeErrorFrame(cut, health);
  EXPECT_EQ(health.state, BusState::kActive);
}

}  // namespace
}  // namespace edgetwin::can
