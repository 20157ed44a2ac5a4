// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What `edgetwin config check` says of whole configurations, with the drivers that there are.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/config/agent_config.h"
#include "agent/runtime/driver_kinds.h"

namespace edgetwin::runtime {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kProfiles = fs::path(EDGETWIN_SOURCE_DIR) / "drivers/modbus/profiles";

class DriverCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) /
                 ("driver_check_" + std::string(test->name()) + std::to_string(getpid()));
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string Problems(const std::string& drivers) {
    std::ofstream(directory_ / "main.toml") << "[device]\nid = \"x\"\n" << drivers;
    ConfigProblems problems;
    config::LoadAgentConfig(directory_ / "main.toml", DriverKinds().names(), problems,
                            MakeDriverCheck());
    return problems.ToString();
  }

  fs::path directory_;
};

std::string Meters(const std::string& name, const std::string& device,
                   const std::string& more = "") {
  return "[drivers." + name + "]\nkind = \"modbus\"\ndevice = \"" + device + "\"\n" + more +
         "[[drivers." + name + ".unit]]\nid = 1\n[[drivers." + name +
         ".unit.register]]\nname = \"x\"\nkind = \"input\"\naddress = 0\n";
}

TEST_F(DriverCheckTest, APortThatTwoInstancesNameIsRefusedWithBothNames) {
  EXPECT_EQ(Problems(Meters("a", "/dev/ttyS0") + Meters("b", "/dev/ttyS1")), "");
  EXPECT_THAT(Problems(Meters("a", "/dev/ttyS0") + Meters("b", "/dev/../dev/ttyS0")),
              HasSubstr(":12: drivers.b: uses /dev/ttyS0, and so does drivers.a; "
                        "only one of them can"));
  EXPECT_EQ(Problems(Meters("a", "/dev/ttyS0", "enabled = false\n") + Meters("b", "/dev/ttyS0")),
            "");
}

TEST_F(DriverCheckTest, EveryProfileThatIsShippedIsTaken) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(kProfiles)) {
    ++count;
    EXPECT_EQ(Problems("[drivers.m]\nkind = \"modbus\"\nendpoint = \"tcp://h\"\n"
                       "[[drivers.m.unit]]\nid = 1\nprofile = \"" +
                       entry.path().string() + "\"\n"),
              "")
        << entry.path();
  }
  EXPECT_GE(count, 3u);
}

TEST_F(DriverCheckTest, AShippedProfileCanBeChangedWhereItIsUsed) {
  const std::string unit =
      "[drivers.m]\nkind = \"modbus\"\nendpoint = \"tcp://h\"\n"
      "[[drivers.m.unit]]\nid = 1\nprofile = \"" +
      (kProfiles / "eastron-sdm120.toml").string() + "\"\nexcept = [\"*_demand*\"]\n";
  EXPECT_EQ(Problems(unit + "[[drivers.m.unit.register]]\nname = \"power\"\ndeadband = 5\n"), "");
  EXPECT_THAT(Problems(unit + "[[drivers.m.unit.register]]\nname = \"power\"\naddress = 1\n"),
              HasSubstr("main.toml:12: drivers.m.unit[0].register[2].address: 'power' (input 1 "
                        "float32) overlaps 'voltage'"));
}

}  // namespace
}  // namespace edgetwin::runtime
