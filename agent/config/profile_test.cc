// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/config/agent_config.h"
#include "agent/config/toml_loader.h"

namespace edgetwin::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr const char* kMeter = R"(kind = "modbus"
description = "A meter"
max_registers = 60
[[register]]
name = "voltage"
address = 0
unit = "V"
[[register]]
name = "current"
address = 6
unit = "A"
[[register]]
name = "power"
address = 12
)";

ConfigNode Parsed(std::string_view text, const std::string& file) {
  ConfigProblems problems;
  std::optional<ConfigNode> node = ParseToml(text, file, problems);
  EXPECT_EQ(problems.ToString(), "");
  return node.value_or(ConfigNode{ConfigNode::Table{}, {}});
}

// "name:address" of each register, in order.
std::vector<std::string> Registers(const ConfigNode& table) {
  std::vector<std::string> all;
  const ConfigNode* registers = table.Find("register");
  if (registers == nullptr || registers->array() == nullptr) return all;
  for (const ConfigNode& one : *registers->array()) {
    const auto* address = one.Find("address");
    all.push_back(
        std::get<std::string>(one.Find("name")->value) + ":" +
        (address ? std::to_string(std::get<std::int64_t>(address->value)) : std::string("-")));
  }
  return all;
}

class ProfileTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) /
                 ("profile_" + std::string(test->name()) + std::to_string(getpid()));
    fs::create_directories(directory_ / "profiles");
  }
  void TearDown() override { fs::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
  }
  ConfigNode Apply(const std::string& text) {
    problems_ = ConfigProblems();
    ConfigNode table = Parsed(text, "own.toml");
    applied_ =
        ApplyProfile(table, Parsed(kMeter, "meter.toml"), "drivers.m.unit[0]", "meter", problems_);
    return table;
  }
  // What the configuration's instance `m` became.
  ConfigNode Load(const std::string& text) {
    Write("main.toml", "[device]\nid = \"x\"\n" + text);
    problems_ = ConfigProblems();
    const auto config =
        LoadAgentConfig(directory_ / "main.toml", {"modbus", "exec", "m"}, problems_);
    files_ = config ? config->files : std::vector<std::string>();
    return config && !config->drivers.empty() ? config->drivers.front().node
                                              : ConfigNode{ConfigNode::Table{}, {}};
  }

  fs::path directory_;
  ConfigProblems problems_;
  bool applied_ = false;
  std::vector<std::string> files_;
};

TEST_F(ProfileTest, ATableGetsWhatItsProfileSaysAndItself) {
  const ConfigNode table = Apply("id = 3\nprofile = \"meter\"\n");
  EXPECT_TRUE(applied_);
  EXPECT_EQ(problems_.ToString(), "");
  EXPECT_THAT(Registers(table), ElementsAre("voltage:0", "current:6", "power:12"));
  EXPECT_EQ(std::get<std::int64_t>(table.Find("max_registers")->value), 60);
  EXPECT_EQ(std::get<std::int64_t>(table.Find("id")->value), 3);
  for (const char* key : {"profile", "kind", "description"}) EXPECT_EQ(table.Find(key), nullptr);
}

TEST_F(ProfileTest, EachKeyKeepsTheFileAndLineWhereItStands) {
  const ConfigNode table =
      Apply("id = 3\nprofile = \"meter\"\n[[register]]\nname = \"current\"\nunit = \"mA\"\n");
  const ConfigNode& current = table.Find("register")->array()->at(1);
  EXPECT_EQ(current.source.file, "meter.toml");
  EXPECT_EQ(current.Find("address")->source.file, "meter.toml");
  EXPECT_EQ(current.Find("address")->source.line, 10);
  EXPECT_EQ(current.Find("unit")->source.file, "own.toml");
  EXPECT_EQ(current.Find("unit")->source.line, 5);
}

TEST_F(ProfileTest, WhatATableSaysItselfGoesOverItsProfile) {
  const ConfigNode table = Apply(
      "max_registers = 20\n[[register]]\nname = \"current\"\naddress = 8\n"
      "[[register]]\nname = \"extra\"\naddress = 99\n");
  EXPECT_EQ(std::get<std::int64_t>(table.Find("max_registers")->value), 20);
  EXPECT_THAT(Registers(table), ElementsAre("voltage:0", "current:8", "power:12", "extra:99"));
  const ConfigNode& current = table.Find("register")->array()->at(1);
  EXPECT_EQ(std::get<std::string>(current.Find("unit")->value), "A");
}

TEST_F(ProfileTest, PatternsChooseAndWhatIsSaidItselfIsTaken) {
  EXPECT_THAT(Registers(Apply("only = [\"volt*\", \"power\"]\n")),
              ElementsAre("voltage:0", "power:12"));
  EXPECT_THAT(Registers(Apply("except = [\"*o*\"]\n")), ElementsAre("current:6"));
  EXPECT_THAT(Registers(Apply("only = [\"*o*\"]\nexcept = [\"power\"]\n")),
              ElementsAre("voltage:0"));
  EXPECT_THAT(Registers(Apply("only = [\"power\"]\n[[register]]\nname = \"current\"\nx = 1\n")),
              ElementsAre("current:6", "power:12"));
}

TEST_F(ProfileTest, OnlyAnInstanceAndTheTablesOfItsArraysNameProfiles) {
  Write("profiles/meter.toml", kMeter);
  const ConfigNode unit = Load(
      "[drivers.m]\nkind = \"modbus\"\n[[drivers.m.unit]]\nid = 1\n"
      "profile = \"meter\"\n[drivers.m.options]\nprofile = \"mine\"\n");
  EXPECT_EQ(problems_.ToString(), "");
  EXPECT_THAT(Registers(unit.Find("unit")->array()->front()),
              ElementsAre("voltage:0", "current:6", "power:12"));
  EXPECT_NE(unit.Find("options")->Find("profile"), nullptr);
  EXPECT_THAT(files_, ElementsAre(EndsWith("main.toml"), EndsWith("profiles/meter.toml")));
  EXPECT_THAT(Registers(Load("[drivers.m]\nkind = \"modbus\"\nprofile = \"meter\"\n")),
              ElementsAre("voltage:0", "current:6", "power:12"));
}

TEST_F(ProfileTest, TheFirstPlaceThatHasTheNameWins) {
  Write("profiles/meter.toml", kMeter);
  fs::create_directories(directory_ / "more");
  Write("more/meter.toml", "kind = \"modbus\"\ndescription = \"Another\"\n");
  Write("more/second.toml", kMeter);
  const auto expanded = [&](const std::string& name) {
    ConfigNode drivers =
        Parsed("[m]\nkind = \"modbus\"\nprofile = \"" + name + "\"\n", "main.toml");
    problems_ = ConfigProblems();
    const ProfilePlaces places{directory_, {directory_ / "profiles", directory_ / "more"}};
    ExpandProfiles(drivers, places, problems_);
    EXPECT_EQ(problems_.ToString(), "");
    return Registers(*drivers.Find("m")).size();
  };
  EXPECT_EQ(expanded("meter"), 3u);
  EXPECT_EQ(expanded("second"), 3u);
  EXPECT_EQ(expanded("./more/meter.toml"), 0u);
}

TEST_F(ProfileTest, ADriverDoesNotComplainOfWhatAMissingProfileWouldHaveSaid) {
  Write("main.toml", "[device]\nid = \"x\"\n[drivers.m]\nkind = \"modbus\"\nprofile = \"none\"\n");
  bool checked = false;
  EXPECT_FALSE(LoadAgentConfig(directory_ / "main.toml", {"modbus"}, problems_,
                               [&](const auto&, ConfigReader&) { return checked = true; }));
  EXPECT_FALSE(checked);
  EXPECT_EQ(problems_.count(), 1u);
}

TEST_F(ProfileTest, ANameIsNoWayOutOfThePlaces) {
  for (const char* name : {"..", ".hidden", "", "a b"}) {
    Load("[drivers.m]\nprofile = \"" + std::string(name) + "\"\n");
    EXPECT_THAT(problems_.ToString(), HasSubstr("is neither a profile's name nor a path")) << name;
  }
}

TEST_F(ProfileTest, ThereAreOnlySoManyProfiles) {
  std::string text;
  for (std::size_t i = 0; i <= kProfilesMax; ++i) {
    const std::string name = "p" + std::to_string(i);
    Write("profiles/" + name + ".toml", "kind = \"modbus\"\ndescription = \"\"\n");
    text += "[drivers.i" + std::to_string(i) + "]\nkind = \"modbus\"\nprofile = \"" + name + "\"\n";
  }
  Load(text);
  EXPECT_EQ(problems_.count(), 1u);
  EXPECT_THAT(problems_.ToString(), HasSubstr("is one profile more than 64"));
}

TEST_F(ProfileTest, ProfilesBecomeOnlySoManyTables) {
  constexpr std::size_t kRegisters = 10'000;
  std::string profile = "kind = \"modbus\"\ndescription = \"\"\n";
  for (std::size_t i = 0; i < kRegisters; ++i) profile += "[[register]]\na = 1\n";
  Write("profiles/large.toml", profile);
  std::string text = "[drivers.m]\nkind = \"modbus\"\n";
  for (std::size_t i = 0; i <= kProfileTablesMax / kRegisters; ++i) {
    text += "[[drivers.m.unit]]\nprofile = \"large\"\n";
  }
  Load(text);
  EXPECT_EQ(problems_.count(), 1u);
  EXPECT_THAT(problems_.ToString(), HasSubstr("more than 200000 tables"));
}

}  // namespace
}  // namespace edgetwin::config
