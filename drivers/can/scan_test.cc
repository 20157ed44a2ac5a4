// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace edgetwin::can {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

class ScanTest : public ::testing::Test {
 protected:
  ScanTest() { node_.value = ConfigNode::Table{{"root", ConfigNode{root_.string(), {}}}}; }
  ~ScanTest() override { fs::remove_all(root_); }

  void Interface(const std::string& name, const std::string& type, const std::string& flags) {
    const fs::path folder = root_ / "sys/class/net" / name;
    fs::create_directories(folder);
    std::ofstream(folder / "type") << type << "\n";
    std::ofstream(folder / "flags") << flags << "\n";
  }
  std::vector<driver::Found> Scan() {
    ConfigProblems problems;
    ConfigReader options(node_, "", problems);
    auto found = ScanInterfaces(options, [](const std::string&) { return true; });
    options.Finish();
    EXPECT_TRUE(problems.empty()) << problems.ToString();
    return std::move(found).value_or(std::vector<driver::Found>());
  }

  const fs::path root_ =
      fs::path(::testing::TempDir()) / ("can_scan_test_" + std::to_string(getpid()));
  ConfigNode node_;
};

TEST_F(ScanTest, ListsCanInterfacesAndWhetherTheyAreUp) {
  Interface("can0", "280", "0x40080");
  Interface("eth0", "1", "0x1003");
  Interface("vcan0", "280", "0x400c1");
  fs::create_directories(root_ / "sys/bus/spi/drivers/mcp251x");
  fs::create_directories(root_ / "sys/class/net/can0/device");
  fs::create_directory_symlink("../../../../bus/spi/drivers/mcp251x",
                               root_ / "sys/class/net/can0/device/driver");
  const auto found = Scan();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].device, "can0");
  EXPECT_EQ(found[0].what, "mcp251x, down: ip link set can0 up type can bitrate …");
  EXPECT_EQ(found[0].config,
            "[drivers.can0]\nkind = \"can\"\ninterface = \"can0\"\n"
            "dbc = \"/etc/edgetwin/can0.dbc\"\n");
  EXPECT_EQ(found[1].device, "vcan0");
  EXPECT_EQ(found[1].what, "virtual, up");
}

TEST_F(ScanTest, ListsNoMoreThanItsLimit) {
  for (std::size_t i = 0; i <= kFoundInterfacesMax; ++i) {
    Interface("can" + std::to_string(i), "280", "0x1");
  }
  EXPECT_EQ(Scan().size(), kFoundInterfacesMax);
}

TEST_F(ScanTest, AMachineWithoutANetworkHasNone) {
  EXPECT_THAT(Scan(), IsEmpty());
}

}  // namespace
}  // namespace edgetwin::can
