// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A scan of a serial line, against libmodbus's RTU server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/modbus/scan.h"
#include "drivers/modbus/testing/rtu_server.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/pty.h"

namespace edgetwin::driver {
namespace {

using ::testing::HasSubstr;

TEST(RtuScanTest, FindsTheUnitsOfALine) {
  testing::Pty pty;
  testing::RtuServer server(pty.fd());  // Units 1 to 3.
  const Result<ConfigNode> node = testing::ParseOptions(
      "device = \"" + pty.device() + "\"\nbaud = 115200\ntimeout = \"1s\"\nunits = \"2-4\"");
  ASSERT_TRUE(node);
  ConfigProblems problems;
  ConfigReader options(*node, "", problems);
  const auto found = ScanModbus(options, [](const std::string&) { return true; });
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_TRUE(problems.empty()) << problems.ToString();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ(found->at(0).device, "unit 2");
  EXPECT_EQ(found->at(0).what, "answers holding, input, coil, discrete");
  EXPECT_THAT(found->at(0).config, HasSubstr("baud = 115200\n"));
  EXPECT_EQ(found->at(1).device, "unit 3");
}

}  // namespace
}  // namespace edgetwin::driver
