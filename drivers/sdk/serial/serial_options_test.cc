// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/serial/serial_options.h"

#include <gtest/gtest.h>

#include "drivers/sdk/testing/options.h"

namespace edgetwin::serial {
namespace {

struct Outcome {
  PortOptions options;
  std::string problems;
};

Outcome Read(const std::string& text) {
  const Result<ConfigNode> node = driver::testing::ParseOptions(text);
  EXPECT_TRUE(node) << node.error().text;
  ConfigProblems problems;
  ConfigReader reader(*node, "drivers.meter", problems);
  Outcome outcome;
  ReadPortOptions(reader, outcome.options);
  reader.Finish();
  outcome.problems = problems.ToString();
  return outcome;
}

TEST(SerialOptionsTest, ReadsEverythingAnOperatorMaySay) {
  const Outcome outcome = Read(R"(
device = "/dev/serial/by-id/../by-path/x"
baud = 115200
parity = "even"
data_bits = 7
stop_bits = 2
rs485 = true
rs485_rts = "low"
rs485_delay_before = "2ms"
rs485_delay_after = "3ms"
)");
  EXPECT_EQ(outcome.problems, "");
  EXPECT_EQ(outcome.options.ToString(), "/dev/serial/by-path/x 115200 7E2");
  ASSERT_TRUE(outcome.options.rs485);
  EXPECT_EQ(*outcome.options.rs485,
            (Rs485{false, std::chrono::milliseconds(2), std::chrono::milliseconds(3)}));
  EXPECT_EQ(Read("device = \"/dev/ttyS0\"\n").options.ToString(), "/dev/ttyS0 9600 8N1");
}

TEST(SerialOptionsTest, SaysWhatIsWrong) {
  EXPECT_EQ(Read("").problems, "driver.toml: drivers.meter.device: is required\n");
  EXPECT_EQ(Read(R"(
device = "ttyUSB0"
baud = 9601
parity = "evn"
data_bits = 9
stop_bits = 0
rs485_rts = "high"
)")
                .problems,
            "driver.toml:2: drivers.meter.device: 'ttyUSB0' is no device's path such as "
            "\"/dev/serial/by-id/usb-…\" or \"/dev/ttyS0\"\n"
            "driver.toml:3: drivers.meter.baud: 9601 is none of 1200, 2400, 4800, 9600, 19200, "
            "38400, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1500000, "
            "2000000, 3000000, 4000000\n"
            "driver.toml:4: drivers.meter.parity: \"evn\" is none of \"none\", \"even\", "
            "\"odd\"; did you mean \"even\"?\n"
            "driver.toml:5: drivers.meter.data_bits: must be from 7 to 8, is 9\n"
            "driver.toml:6: drivers.meter.stop_bits: must be from 1 to 2, is 0\n"
            "driver.toml:7: drivers.meter.rs485_rts: is for rs485 = true\n");
  EXPECT_EQ(Read("device = \"/dev/ttyS0\"\nrs485 = true\nrs485_delay_after = \"101ms\"\n").problems,
            "driver.toml:3: drivers.meter.rs485_delay_after: must be from 0 to 100ms, is 101ms\n");
}

TEST(SerialOptionsTest, ACharactersTimeHasItsBits) {
  PortOptions options;
  EXPECT_EQ(options.CharacterTime().count(), 1'042);
  options.parity = Parity::kEven;
  options.stop_bits = 2;
  EXPECT_EQ(options.CharacterTime().count(), 1'250);
}

}  // namespace
}  // namespace edgetwin::serial
