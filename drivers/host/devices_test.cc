// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The limit that every collection of devices has (cores, filesystems, block devices, interfaces,
// sensors), by itself and through the driver.

#include "drivers/host/devices.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "drivers/host/host_driver.h"
#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::host {
namespace {

constexpr int kMany = 1'100;

LimitReport Named(const std::vector<LimitReport>& limits, std::string_view name) {
  for (const LimitReport& limit : limits) {
    if (limit.name == name) return limit;
  }
  ADD_FAILURE() << "no limit is named " << name;
  return {};
}

TEST(DevicesTest, NamesPastTheLimitAreLeftOutAndCounted) {
  Devices<int> devices;
  int made = 0;
  for (int i = 0; i < kMany; ++i) {
    devices.See("d" + std::to_string(i), [&](std::string_view) { return ++made; });
  }
  const LimitReport report = devices.Report("devices");
  EXPECT_EQ(report.max, 1'024u);
  EXPECT_EQ(report.used, 1'024u);
  EXPECT_EQ(report.hits, static_cast<std::uint64_t>(kMany) - 1'024);
  EXPECT_EQ(made, 1'024);
}

TEST(DevicesTest, WhatIsGoneMakesRoom) {
  Devices<int> devices;
  for (int i = 0; i < kMany; ++i) {
    devices.See("d" + std::to_string(i), [](std::string_view) { return 0; });
  }
  devices.Sweep([](int) {});
  int gone = 0;
  devices.Sweep([&](int) { ++gone; });
  EXPECT_EQ(gone, 1'024);
  EXPECT_NE(devices.See("late", [](std::string_view) { return 0; }), nullptr);
}

TEST(DevicesTest, TheDriverReportsTheFirstOnesOfTooManyInterfacesAndCores) {
  std::string root = (std::filesystem::path(::testing::TempDir()) / "edgetwin-XXXXXX").string();
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  std::filesystem::create_directories(root + "/proc/net");
  std::ofstream net(root + "/proc/net/dev");
  net << "Inter-|   Receive | Transmit\n face |bytes packets errs drop fifo frame compressed "
         "multicast|bytes packets errs drop fifo colls carrier compressed\n";
  std::ofstream stat(root + "/proc/stat");
  stat << "cpu  1 2 3 4 5 6 7 8 0 0\n";
  for (int i = 0; i < kMany; ++i) {
    net << "eth" << i << ": 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n";
    stat << "cpu" << i << " 1 2 3 4 5 6 7 8 0 0\n";
  }
  net.close();
  stat.close();
  const Result<ConfigNode> node =
      driver::testing::ParseOptions("collect = [\"net\", \"cpu\"]\nroot = \"" + root + "\"\n");
  ASSERT_TRUE(node) << node.error().text;
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.host", problems);
  HostDriver driver;
  ASSERT_TRUE(driver.Init(config)) << problems.ToString();
  ManualClock clock;
  driver::testing::ManualLoop loop(clock);
  driver::testing::RecordingSink sink(clock);
  ASSERT_TRUE(driver.Start(loop, sink));
  loop.Run(std::chrono::seconds(3));
  for (const char* name : {"interfaces", "cpu_cores"}) {
    const LimitReport report = Named(driver.limits(), name);
    EXPECT_EQ(report.used, report.max) << name;
    EXPECT_GT(report.hits, 0u) << name;
  }
  driver.Stop();
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace edgetwin::host
