// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Each folder of testcases is one claim: what `edgetwin check` has to say about its edgetwind.toml
// and conf.d stands in its file `expected`: "error: " and "warning: " lines, or "ok".
//
// EDGETWIN_UPDATE_GOLDEN=1 writes the files; read the difference.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config/agent_config.h"

namespace edgetwin::config {
namespace {

namespace fs = std::filesystem;

fs::path Cases() {
  return fs::path(EDGETWIN_SOURCE_DIR) / "agent/config/testcases";
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(Cases()))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string WithoutDirectory(std::string text, const std::string& directory) {
  for (std::size_t at; (at = text.find(directory)) != text.npos;) text.erase(at, directory.size());
  return text;
}

// Stands for a driver that takes two keys, and units with registers.
bool CheckDriver(const DriverInstanceConfig& instance, ConfigReader& reader) {
  if (instance.kind != "modbus") return true;
  reader.Require("host");
  reader.String("host", {});
  reader.Int("port", 502, 1, 65535);
  for (ConfigReader& unit : reader.Tables("unit")) {
    unit.Int("id", 1, 0, 255);
    for (ConfigReader& table : unit.Tables("register")) {
      table.Require("name");
      table.String("name", {});
      table.Require("address");
      table.Int("address", 0, 0, 65535);
      table.Finish();
    }
    unit.Finish();
  }
  return true;
}

std::string Said(const fs::path& directory) {
  ConfigProblems problems;
  const std::optional<AgentConfig> config = LoadAgentConfig(
      directory / "edgetwind.toml", {"host", "modbus", "replay"}, problems, CheckDriver);
  EXPECT_EQ(config.has_value(), problems.empty());
  std::string text;
  for (const ConfigProblem& problem : problems.list())
    text += "error: " + problem.ToString() + "\n";
  if (!config) return text;
  for (const ConfigProblem& one : config->warnings) text += "warning: " + one.ToString() + "\n";
  return text + "ok\n";
}

class ConfigGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(ConfigGoldenTest, SaysWhatIsExpected) {
  const fs::path directory = Cases() / GetParam();
  const std::string said = WithoutDirectory(Said(directory), directory.string() + "/");
  if (std::getenv("EDGETWIN_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(directory / "expected") << said;
  }
  std::ifstream file(directory / "expected");
  ASSERT_TRUE(file) << directory << " has no file named expected";
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(said, expected.str());
}

INSTANTIATE_TEST_SUITE_P(Cases, ConfigGoldenTest, testing::ValuesIn(CaseNames()),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace edgetwin::config
