// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/serial/find_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace edgetwin::serial {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

// What the kernel shows of an adapter by FTDI, a port of the board, and three that are none.
class FindPortsTest : public ::testing::Test {
 protected:
  FindPortsTest() {
    fs::create_directories(root());
    Write("sys/devices/usb1/1-1/product", "USB-RS485 Cable");
    Write("sys/devices/usb1/1-1/manufacturer", "FTDI");
    Port("ttyUSB0", "sys/devices/usb1/1-1/1-1:1.0/ttyUSB0", "");
    Port("ttyS0", "sys/devices/pnp0/00:05", "4");
    Port("ttyS1", "sys/devices/platform/serial8250", "0");
    fs::create_directories(root() / "sys/class/tty/tty1");
    fs::create_directories(root() / "sys/bus/pnp/drivers/serial");
    fs::create_directory_symlink("../../../bus/pnp/drivers/serial",
                                 root() / "sys/devices/pnp0/00:05/driver");
    fs::create_directories(root() / "dev/serial/by-id");
    fs::create_symlink("../../ttyUSB0",
                       root() / "dev/serial/by-id/usb-FTDI_USB-RS485_Cable_FT1-if00-port0");
  }

  ~FindPortsTest() override { fs::remove_all(root_); }

  const fs::path& root() const { return root_; }
  void Write(const std::string& file, const std::string& text) {
    fs::create_directories((root() / file).parent_path());
    std::ofstream(root() / file) << text << "\n";
  }
  void Port(const std::string& name, const std::string& device, const std::string& type) {
    fs::create_directories(root() / device);
    fs::create_directories(root() / "sys/class/tty" / name);
    fs::create_directory_symlink(root() / device, root() / "sys/class/tty" / name / "device");
    if (!type.empty()) Write("sys/class/tty/" + name + "/type", type);
  }

  const fs::path root_ =
      fs::path(::testing::TempDir()) / ("find_ports_test_" + std::to_string(getpid()));
};

TEST_F(FindPortsTest, NamesPortsByWhatStaysAndSaysWhatTheyAre) {
  const std::vector<FoundPort> ports = FindPorts(root());
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0].device, "/dev/ttyS0");
  EXPECT_EQ(ports[0].what, "serial");
  EXPECT_EQ(ports[1].device, "/dev/serial/by-id/usb-FTDI_USB-RS485_Cable_FT1-if00-port0");
  EXPECT_EQ(ports[1].node, "/dev/ttyUSB0");
  EXPECT_EQ(ports[1].what, "FTDI USB-RS485 Cable");
}

TEST_F(FindPortsTest, TheNameOfAnAdapterIsLookedForAFewFoldersUp) {
  Write("sys/devices/hub/product", "Hub");
  Port("ttyX0", "sys/devices/hub/1/2/3/4/5", "");
  Port("ttyX1", "sys/devices/hub/1/2/3/4/5/6", "");
  const std::vector<FoundPort> ports = FindPorts(root());
  ASSERT_EQ(ports.size(), 4u);
  EXPECT_EQ(ports[2].what, "Hub");
  EXPECT_EQ(ports[3].what, "");
}

TEST_F(FindPortsTest, AMachineWithoutAnyHasNone) {
  EXPECT_THAT(FindPorts(root() / "nothing"), IsEmpty());
}

TEST_F(FindPortsTest, ListsNoMoreThanItsLimit) {
  for (std::size_t i = 0; i < kFoundPortsMax; ++i) {
    Port("ttyX" + std::to_string(i), "sys/devices/x" + std::to_string(i), "");
  }
  EXPECT_EQ(FindPorts(root()).size(), kFoundPortsMax);
}

TEST_F(FindPortsTest, AScanGivesAConfigurationForEach) {
  ConfigNode node;
  node.value = ConfigNode::Table{{"root", ConfigNode{root().string(), {}}}};
  ConfigProblems problems;
  ConfigReader options(node, "", problems);
  const auto found = ScanPorts(options, "position", "perhaps a receiver", "kind = \"nmea\"\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].what, "serial; perhaps a receiver");
  EXPECT_EQ(found[1].what, "ttyUSB0: FTDI USB-RS485 Cable; perhaps a receiver");
  EXPECT_EQ(found[0].config, "[drivers.position]\ndevice = \"/dev/ttyS0\"\nkind = \"nmea\"\n");
  options.Finish();
  EXPECT_TRUE(problems.empty());
}

}  // namespace
}  // namespace edgetwin::serial
