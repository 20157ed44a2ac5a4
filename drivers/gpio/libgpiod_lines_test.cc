// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What libgpiod itself says where there is no such chip. gpio_kernel_test.cc has what needs one.

#include "drivers/gpio/libgpiod_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::gpio {
namespace {

TEST(LibgpiodLinesTest, AChipThatIsNotThereIsUnavailable) {
  LineSpec spec;
  spec.chip = "edgetwin-no-such-chip";
  spec.offset = 3;
  LibgpiodLines lines;
  const auto line = lines.Request(spec);
  EXPECT_EQ(driver::testing::CodeOf(line), ErrorCode::kUnavailable);
  EXPECT_THAT(line.error().text, ::testing::HasSubstr("edgetwin-no-such-chip"));
}

TEST(LibgpiodLinesTest, ALineThatNoChipHasIsUnavailable) {
  LineSpec spec;
  spec.name = "edgetwin-no-such-line";
  LibgpiodLines lines;
  const auto line = lines.Request(spec);
  EXPECT_EQ(driver::testing::CodeOf(line), ErrorCode::kUnavailable);
  EXPECT_EQ(line.error().text, "there is no edgetwin-no-such-line");
}

TEST(LibgpiodLinesTest, AMachineWithoutChipsHasNoneToList) {
  const auto chips = ListChips();
  ASSERT_TRUE(chips) << chips.error().text;
  for (const ChipInfo& chip : *chips) EXPECT_NE(chip.name, "");
}

TEST(LibgpiodLinesTest, AChipIsToldByWhatStaysWithItsFreeLines) {
  const driver::Found found =
      ToFound({"gpiochip0", "pinctrl-bcm2711", 58, 6, {"GPIO17", "GPIO27"}});
  EXPECT_EQ(found.device, "pinctrl-bcm2711");
  EXPECT_EQ(found.what, "gpiochip0, 58 lines, 6 in use; free: GPIO17 GPIO27");
  EXPECT_EQ(found.config,
            "[drivers.gpio]\nchip = \"pinctrl-bcm2711\"\n\n"
            "[[drivers.gpio.line]]\nname = \"first\"\nline = \"GPIO17\"\n");
}

TEST(LibgpiodLinesTest, LinesWithoutNamesAreToldByTheirNumber) {
  const driver::Found found = ToFound({"gpiochip1", "", 8, 0, {}});
  EXPECT_EQ(found.device, "gpiochip1");
  EXPECT_THAT(found.config, ::testing::HasSubstr("offset = 0\n"));
}

}  // namespace
}  // namespace edgetwin::gpio
