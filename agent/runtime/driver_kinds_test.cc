// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/driver_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace edgetwin::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

const fs::path kModules = fs::path(EDGETWIN_BIN_DIR) / "../lib/edgetwin/drivers";
const fs::path kFaulty = fs::path(EDGETWIN_BIN_DIR) / "../lib/edgetwin/faulty";

std::string Refused(const DriverKinds& kinds, std::string_view name, ErrorCode code) {
  const auto kind = kinds.Find(name);
  if (kind) return "it was taken";
  EXPECT_EQ(kind.error().code, code) << kind.error().text;
  return kind.error().text;
}

TEST(DriverKindsTest, AModuleIsFoundBesideTheProgramAndItsDriverReadsItsOptions) {
  const DriverKinds kinds;
  EXPECT_TRUE(fs::equivalent(kinds.ModuleOf("modbus"), kModules / "modbus.so"));
  const auto kind = kinds.Find("modbus");
  ASSERT_TRUE(kind) << kind.error().text;
  EXPECT_EQ(kind->name, "modbus");
  ConfigNode options;
  options.value = ConfigNode::Table{{"hots", ConfigNode{std::string("10.0.0.7"), {}}}};
  ConfigProblems problems;
  ConfigReader reader(options, "drivers.pump", problems);
  EXPECT_FALSE(kind->make()->Init(reader));
  reader.Finish();
  // What passes between the two is theirs both: here, a list that the module has filled.
  EXPECT_THAT(problems.ToString(), HasSubstr("drivers.pump.hots"));
}

TEST(DriverKindsTest, WhatIsBuiltInNeedsNoModule) {
  const DriverKinds kinds(BuiltInKinds(), {"/nonexistent"});
  EXPECT_TRUE(kinds.Find("host"));
  EXPECT_EQ(kinds.ModuleOf("host"), "");
  EXPECT_THAT(kinds.names(), Contains("host"));
}

// A file of that name beside the program's own kind changes nothing.
TEST(DriverKindsTest, AModuleDoesNotTakeTheNameOfWhatIsBuiltIn) {
  const tests::TempDir folder;
  std::ofstream(folder.path() / "host.so") << "anything";
  const DriverKinds kinds(BuiltInKinds(), {folder.path()});
  EXPECT_TRUE(kinds.Find("host"));
}

TEST(DriverKindsTest, AModuleThatIsNotInstalledIsNamedWithItsPackage) {
  const DriverKinds kinds(BuiltInKinds(), {"/nonexistent"});
  EXPECT_THAT(kinds.names(), Contains("modbus"));
  EXPECT_THAT(Refused(kinds, "modbus", ErrorCode::kNotFound), HasSubstr("edgetwin-driver-modbus"));
  EXPECT_EQ(Refused(kinds, "zebra", ErrorCode::kNotFound), "there is no driver of kind 'zebra'");
}

TEST(DriverKindsTest, AModuleOfAnotherSdkIsRefusedWithBothVersions) {
  const DriverKinds kinds({}, {kFaulty});
  const std::string why = Refused(kinds, "other_sdk", ErrorCode::kUnsupported);
  EXPECT_THAT(why, HasSubstr("other_sdk.so was built for edgetwin 0.0.9 with driver SDK an older"));
  EXPECT_THAT(why, HasSubstr("this is edgetwin " EDGETWIN_VERSION));
}

TEST(DriverKindsTest, WhatIsNoModuleIsRefused) {
  const tests::TempDir folder;
  std::ofstream(folder.path() / "text.so") << "this is no library";
  const DriverKinds kinds({}, {kFaulty, folder.path()});
  EXPECT_THAT(Refused(kinds, "no_symbol", ErrorCode::kUnsupported),
              HasSubstr("it has no edgetwin_driver_module_1"));
  EXPECT_THAT(Refused(kinds, "other_name", ErrorCode::kUnsupported),
              HasSubstr("has a driver of kind 'nothing', not 'other_name'"));
  EXPECT_THAT(Refused(kinds, "text", ErrorCode::kUnsupported), HasSubstr("text.so"));
  EXPECT_THAT(kinds.names(), Contains("text"));
}

TEST(DriverKindsTest, WhatAnybodyMayWriteIsNotOpened) {
  const tests::TempDir folder;
  fs::copy(kModules / "modbus.so", folder.path());
  const DriverKinds kinds({}, {folder.path()});
  ASSERT_TRUE(kinds.Find("modbus"));
  fs::permissions(folder.path() / "modbus.so", fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(Refused(kinds, "modbus", ErrorCode::kUnsupported),
              HasSubstr("can be written by anybody"));
}

TEST(DriverKindsTest, ANameLeadsToNoOtherFolder) {
  const DriverKinds kinds({}, {kFaulty});
  EXPECT_EQ(Refused(kinds, "../drivers/modbus", ErrorCode::kNotFound),
            "there is no driver of kind '../drivers/modbus'");
}

TEST(DriverKindsTest, ADriverThatIsMissingIsOneProblemNotOneForEachKey) {
  const config::DriverCheck check = MakeDriverCheck(DriverKinds(BuiltInKinds(), {"/nonexistent"}));
  config::DriverInstanceConfig pump;
  pump.name = "pump";
  pump.kind = "modbus";
  pump.node.value = ConfigNode::Table{{"host", ConfigNode{std::string("10.0.0.7"), {}}}};
  ConfigProblems problems;
  ConfigReader reader(pump.node, "drivers.pump", problems);
  EXPECT_FALSE(check(pump, reader));
  ASSERT_EQ(problems.count(), 1U);
  EXPECT_THAT(problems.ToString(), HasSubstr("drivers.pump.kind"));
  EXPECT_THAT(problems.ToString(), HasSubstr("edgetwin-driver-modbus"));
}

// After an update the agent must start all the same.
TEST(DriverKindsTest, ABadModuleIsNoProblemWhereItIsToFailAlone) {
  const config::DriverCheck check =
      MakeDriverCheck(DriverKinds({}, {kFaulty}), BadModule::kFailsItsInstances);
  config::DriverInstanceConfig meter;
  meter.name = "meter";
  meter.kind = "other_sdk";
  meter.node.value = ConfigNode::Table{};
  ConfigProblems problems;
  ConfigReader reader(meter.node, "drivers.meter", problems);
  EXPECT_FALSE(check(meter, reader));
  EXPECT_TRUE(problems.empty()) << problems.ToString();
}

}  // namespace
}  // namespace edgetwin::runtime
