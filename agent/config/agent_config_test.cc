// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "agent/config/toml_loader.h"

namespace edgetwin::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

std::string ReadWhole(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// So that a test doesn't depend on /etc/machine-id, which build machines may lack.
const std::string kNamed = "[device]\nid = \"x\"\n";

class AgentConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) /
                 ("agent_config_" + std::string(test->name()) + std::to_string(getpid()));
    fs::create_directories(directory_);
  }
  void TearDown() override {
    fs::remove_all(directory_);
    unsetenv("CREDENTIALS_DIRECTORY");
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }
  std::optional<AgentConfig> Load(const std::string& text) {
    problems_ = ConfigProblems();
    return LoadAgentConfig(Write("main.toml", text), kinds_, problems_);
  }
  AgentConfig LoadWell(const std::string& text) {
    std::optional<AgentConfig> config = Load(text);
    EXPECT_EQ(problems_.ToString(), "");
    return config ? *config : AgentConfig();
  }

  const std::vector<std::string> kinds_ = {"host", "modbus", "replay"};
  fs::path directory_;
  ConfigProblems problems_;
};

TEST_F(AgentConfigTest, ReadsEverySection) {
  const AgentConfig config = LoadWell(R"(
    [device]
    id = "plant-7"
    description = "Boiler house"
    [store]
    directory = "/data/twin"
    commit_window = "50ms"
    checkpoint_interval = "1d"
    flash_per_day_max = "2MiB"
    [cloud]
    brokers = ["mqtts://a.example", "mqtts://[::1]:8884"]
    username = "plant"
    password_credential = "broker.password"
    key_credential = "tls.key"
    certificate_file = "device.pem"
    keepalive = "2m"
    protocol = "3.1.1"
    [sync]
    interest = ["boiler/**", "pump/*/speed"]
    [history]
    enabled = false
    directory = "/data/history"
    bytes_max = "1MiB"
    age_max = "1h"
    backfill = "oldest"
    backfill_bytes_per_hour_max = "1MiB"
    [events]
    keep_max = 0
    [api]
    socket = "/run/x.sock"
    mode = "600"
    metrics = "[::1]:9464"
    [log]
    level = "debug"
    [limits]
    properties_max = 5
    unknown_paths_max = 0
    [drivers.boiler]
    kind = "modbus"
    enabled = false
    host = "10.0.0.1"
    [properties."boiler/*"]
    deadband = 1
    history = "low"
  )");
  EXPECT_EQ(config.device, (DeviceConfig{"plant-7", "Boiler house"}));
  EXPECT_EQ(config.store, (StoreConfig{"/data/twin", 50ms, 24h, 2 << 20}));
  EXPECT_EQ(config.history,
            (HistoryConfig{false, "/data/history", 1 << 20, 1h, BackfillPolicy::kOldest, 1 << 20}));
  EXPECT_TRUE(config.cloud.enabled);
  EXPECT_THAT(config.cloud.brokers, ElementsAre(Field(&sync::BrokerUrl::host, "a.example"),
                                                Field(&sync::BrokerUrl::host, "::1")));
  EXPECT_EQ(config.cloud.brokers[1].port, 8884);
  EXPECT_EQ(config.cloud.username, "plant");
  EXPECT_EQ(config.cloud.password, (FileOrCredential{"", "broker.password"}));
  EXPECT_EQ(config.cloud.key, (FileOrCredential{"", "tls.key"}));
  EXPECT_EQ(config.cloud.certificate_file, (directory_ / "device.pem").string());
  EXPECT_EQ(config.cloud.keepalive, 2min);
  EXPECT_EQ(config.cloud.protocol, 4);
  EXPECT_THAT(config.sync.interest, ElementsAre("boiler/**", "pump/*/speed"));
  EXPECT_EQ(config.events, EventsConfig{0});
  EXPECT_EQ(config.api, (ApiConfig{"/run/x.sock", 0600, "::1", 9464}));
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.limits, (LimitsConfig{5, 0}));
  ASSERT_THAT(config.drivers, SizeIs(1));
  EXPECT_EQ(config.drivers[0].name, "boiler");
  EXPECT_EQ(config.drivers[0].kind, "modbus");
  EXPECT_FALSE(config.drivers[0].enabled);
  ASSERT_THAT(config.properties, SizeIs(1));
  EXPECT_EQ(config.properties[0].pattern, "boiler/*");
  EXPECT_EQ(HistoryPolicyOf(config.properties, "boiler/flow"), HistoryPolicy::kLow);
  EXPECT_EQ(HistoryPolicyOf(config.properties, "pump/flow"), HistoryPolicy::kNormal);
}

TEST_F(AgentConfigTest, AnEmptyFileGivesTheDefaults) {
  const AgentConfig config = LoadWell(kNamed);
  EXPECT_EQ(config.store, StoreConfig());
  EXPECT_EQ(config.history, HistoryConfig());
  EXPECT_EQ(config.cloud, CloudConfig());
  EXPECT_FALSE(config.cloud.enabled);
  EXPECT_EQ(config.sync, SyncConfig());
  EXPECT_THAT(config.sync.interest, IsEmpty());
  EXPECT_EQ(config.events, EventsConfig{256});
  EXPECT_EQ(config.api, ApiConfig());
  EXPECT_EQ(config.limits, LimitsConfig());
  EXPECT_EQ(config.log_level, LogLevel::kInfo);
  EXPECT_THAT(config.drivers, IsEmpty());
  EXPECT_THAT(config.files, ElementsAre(EndsWith("main.toml")));
}

TEST_F(AgentConfigTest, ACloudWithBrokersMayBeSwitchedOff) {
  EXPECT_FALSE(
      LoadWell(kNamed + "[cloud]\nenabled = false\nbrokers = [\"mqtt://b\"]\n").cloud.enabled);
  EXPECT_TRUE(LoadWell(kNamed + "[cloud]\nbrokers = [\"mqtt://b\"]\n").cloud.enabled);
}

TEST_F(AgentConfigTest, RelativePathsAreTakenFromTheMainFilesDirectoryAlsoInDropIns) {
  fs::create_directory(directory_ / "conf.d");
  Write("conf.d/10.toml", "[cloud]\nbrokers = [\"mqtts://b\"]\nca_file = \"pki/../ca.pem\"\n");
  const AgentConfig config = LoadWell(kNamed + "[store]\ndirectory = \"state\"\n");
  EXPECT_EQ(config.store.directory, (directory_ / "state").string());
  EXPECT_EQ(config.cloud.ca_file, (directory_ / "ca.pem").string());
}

TEST_F(AgentConfigTest, TheDefaultDeviceIdIsThisMachinesAndStable) {
  const Result<std::string> id = DefaultDeviceId();
  std::optional<AgentConfig> config = Load("");
  if (!id) {
    EXPECT_FALSE(config);
    EXPECT_THAT(problems_.ToString(), HasSubstr("device.id: is required here: /etc/machine-id"));
    return;
  }
  ASSERT_TRUE(config);
  EXPECT_EQ(config->device.id, *id);
  EXPECT_THAT(*id, StartsWith("et-"));
  EXPECT_EQ(id->find_first_not_of("0123456789abcdef", 3), id->npos);
  EXPECT_THAT(*id, SizeIs(19));
  EXPECT_EQ(*DefaultDeviceId(), *id);
  EXPECT_THAT(ReadWhole("/etc/machine-id"), Not(HasSubstr(id->substr(3))));
}

TEST_F(AgentConfigTest, AnInstanceOfItsOwnNameNeedsNoKind) {
  const AgentConfig config = LoadWell(kNamed + "[drivers.host]\n");
  ASSERT_THAT(config.drivers, SizeIs(1));
  EXPECT_EQ(config.drivers[0].kind, "host");
  EXPECT_TRUE(config.drivers[0].enabled);
}

TEST_F(AgentConfigTest, ReaderForKnowsTheCommonKeysAndLeavesTheDriversOwn) {
  const AgentConfig config = LoadWell(
      kNamed + "[drivers.boiler]\nkind = \"modbus\"\nenabled = true\nhost = \"h\"\nprot = 1\n");
  ConfigProblems problems;
  ConfigReader reader = ReaderFor(config.drivers.at(0), problems);
  EXPECT_EQ(reader.String("host", ""), "h");
  reader.Int("port", 502, 1, 65535);
  reader.Finish();
  EXPECT_THAT(problems.ToString(),
              EndsWith("main.toml:7: drivers.boiler.prot: unknown key; did you mean \"port\"?\n"));
}

TEST_F(AgentConfigTest, NothingIsLoadedThoughTheProblemsWereFullBefore) {
  ConfigProblems problems(1);
  problems.Add({}, "a", "b");
  problems.Add({}, "a", "b");
  EXPECT_FALSE(LoadAgentConfig(Write("main.toml", "[zebra]\n"), kinds_, problems));
}

TEST_F(AgentConfigTest, InstancesAreCounted) {
  std::string text = kNamed;
  for (std::size_t i = 0; i < kInstancesMax; ++i) {
    text += "[drivers.d" + std::to_string(i) + "]\nkind = \"host\"\n";
  }
  EXPECT_THAT(LoadWell(text).drivers, SizeIs(kInstancesMax));
  EXPECT_FALSE(Load(text + "[drivers.more]\nkind = \"host\"\n"));
  EXPECT_THAT(problems_.ToString(), HasSubstr("drivers: there may be 256 instances, not 257"));
}

TEST_F(AgentConfigTest, PatternsOfInterestAreCounted) {
  std::string text = kNamed + "[sync]\ninterest = [";
  for (std::size_t i = 0; i < kInterestMax; ++i) text += "\"a/p" + std::to_string(i) + "\", ";
  EXPECT_THAT(LoadWell(text + "]\n").sync.interest, SizeIs(kInterestMax));
  EXPECT_FALSE(Load(text + "\"a/more\"]\n"));
  EXPECT_THAT(problems_.ToString(), HasSubstr("sync.interest: may name 64 patterns, not 65"));
}

TEST_F(AgentConfigTest, WhatIsSharedCanBeNamedAndAllElseIsLocalOnly) {
  const AgentConfig config = LoadWell(
      kNamed +
      "[properties.\"**\"]\nlocal_only = true\n[properties.\"tank/*\"]\nlocal_only = false\n");
  model::PropertyDef shared;
  shared.path = *model::Path::Parse("tank/level");
  model::PropertyDef kept;
  kept.path = *model::Path::Parse("boiler/temperature");
  ASSERT_TRUE(ApplyOverrides(config.properties, shared));
  ASSERT_TRUE(ApplyOverrides(config.properties, kept));
  EXPECT_FALSE(shared.local_only);
  EXPECT_TRUE(kept.local_only);
}

TEST_F(AgentConfigTest, ASecretIsReadFromItsFileWithoutTheLineBreak) {
  EXPECT_EQ(*ReadSecret({Write("a", "hunter2\n"), ""}), "hunter2");
  EXPECT_EQ(*ReadSecret({Write("a", "hunter2\r\n"), ""}), "hunter2");
  EXPECT_EQ(*ReadSecret({Write("a", " hunter2 "), ""}), " hunter2 ");
  for (const std::string& bad : {std::string(), std::string("\n"), std::string("two\nlines\n"),
                                 std::string("nul\0l", 5), std::string(kSecretBytesMax + 1, 'x')}) {
    EXPECT_FALSE(ReadSecret({Write("a", bad), ""}));
  }
  EXPECT_EQ(ReadSecret({(directory_ / "gone").string(), ""}).error().code, ErrorCode::kNotFound);
}

TEST_F(AgentConfigTest, ACredentialIsFoundWhereSystemdPutsIt) {
  const FileOrCredential place{"", "broker.password"};
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(Locate(place).error().code, ErrorCode::kNotFound);
  Write("broker.password", "hunter2");
  setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
  EXPECT_EQ(*Locate(place), (directory_ / "broker.password").string());
  EXPECT_EQ(*ReadSecret(place), "hunter2");
}

TEST_F(AgentConfigTest, WarnsOfAPasswordThatEverybodyCanRead) {
  const std::string text =
      kNamed + "[cloud]\nbrokers = [\"mqtts://b\"]\nusername = \"u\"\npassword_file = \"secret\"\n";
  Write("secret", "hunter2");
  fs::permissions(directory_ / "secret", fs::perms(0644));
  const AgentConfig config = LoadWell(text);
  EXPECT_EQ(config.cloud.password.file, (directory_ / "secret").string());
  ASSERT_THAT(config.warnings, SizeIs(1));
  EXPECT_THAT(config.warnings[0].ToString(),
              EndsWith("secret can be read by everybody; chmod o-r it"));
  fs::permissions(directory_ / "secret", fs::perms(0640));
  EXPECT_THAT(LoadWell(text).warnings, IsEmpty());
}

TEST_F(AgentConfigTest, NoProblemRepeatsThePassword) {
  EXPECT_FALSE(
      Load("[cloud]\nbrokers = [\"mqtt://u:hunter2@b\", \"wss://u:hunter2@b\", \"u:hunter2@b\"]\n"
           "username = \"u\"\npassword = \"hunter2\"\n"));
  EXPECT_THAT(problems_.list(), SizeIs(4));
  EXPECT_THAT(problems_.ToString(), Not(HasSubstr("hunter2")));
}

ConfigNode Parse(std::string_view text) {
  ConfigProblems problems;
  return ParseToml(text, "t.toml", problems).value();
}

TEST(EqualNodesTest, LinesAndOrderOfKeysDoNotCount) {
  EXPECT_TRUE(EqualNodes(Parse("a = 1\nb = [1, \"x\"]\n[c]\nd = nan\n"),
                         Parse("\n\nb = [1,\n\"x\"]\na = 1\n[c]\nd = nan\n")));
}

TEST(EqualNodesTest, EverythingElseCounts) {
  const ConfigNode node = Parse("a = 1\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n[t]\n");
  for (const char* other : {"a = 2\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n[t]\n",
                            "a = 1.0\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n[t]\n",
                            "a = 1\nb = [2, 1]\nc = \"x\"\nd = true\ne = 1.5\n[t]\n",
                            "a = 1\nb = [1, 2, 3]\nc = \"x\"\nd = true\ne = 1.5\n[t]\n",
                            "a = 1\nb = [1, 2]\nc = \"y\"\nd = true\ne = 1.5\n[t]\n",
                            "a = 1\nb = [1, 2]\nc = \"x\"\nd = false\ne = 1.5\n[t]\n",
                            "a = 1\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.25\n[t]\n",
                            "a = 1\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n[u]\n",
                            "a = 1\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n",
                            "a = 1\nb = [1, 2]\nc = \"x\"\nd = true\ne = 1.5\n[t]\nf = 1\n"}) {
    EXPECT_FALSE(EqualNodes(node, Parse(other))) << other;
    EXPECT_FALSE(EqualNodes(Parse(other), node)) << other;
  }
}

const fs::path kSample = fs::path(EDGETWIN_SOURCE_DIR) / "packaging/edgetwin.toml";

// With every key that is shown in a comment set.
std::string Uncommented() {
  std::istringstream lines(ReadWhole(kSample));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += line.substr(key ? 1 : 0) + "\n";
  }
  return text;
}

bool HasWord(const std::string& text, const std::string& word) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; ++at) {
    if (!is_part(text[at - 1]) && !is_part(text[at + word.size()])) return true;
  }
  return false;
}

TEST_F(AgentConfigTest, TheSampleLoadsAsItIsShipped) {
  fs::create_directory(directory_ / "conf.d");
  Write("conf.d/10-device.toml", kNamed);
  LoadWell(ReadWhole(kSample));
}

TEST_F(AgentConfigTest, TheSampleShowsTheDefaults) {
  const AgentConfig config = LoadWell(Uncommented());
  EXPECT_EQ(config.store, StoreConfig());
  EXPECT_THAT(config.sync.interest, ElementsAre("**"));  // The same as none.
  EXPECT_EQ(config.events, EventsConfig());
  ApiConfig api;  // Metrics are an example.
  std::tie(api.metrics_address, api.metrics_port) = std::pair("127.0.0.1", 9464);
  EXPECT_EQ(config.api, api);
  EXPECT_EQ(config.limits, LimitsConfig());
  EXPECT_EQ(config.log_level, AgentConfig().log_level);
  EXPECT_EQ(config.cloud.keepalive, CloudConfig().keepalive);
  EXPECT_EQ(config.cloud.protocol, CloudConfig().protocol);
  ASSERT_THAT(config.drivers, SizeIs(1));
  EXPECT_TRUE(config.drivers[0].enabled);
  EXPECT_THAT(config.properties, SizeIs(1));
}

// The reader itself tells which keys there are when it is asked for one that nobody knows.
TEST_F(AgentConfigTest, TheSampleNamesEveryKey) {
  const std::string sample = ReadWhole(kSample);
  Load(
      "[qqqqqqqqqq]\n[sync]\nqqqqqqqqqq=1\n[history]\nqqqqqqqqqq=1\n[events]\nqqqqqqqqqq=1\n["
      "device]\nqqqqqqqqqq=1\n[store]"
      "\nqqqqqqqqqq=1\n[cloud]\nqqqqqqqqqq=1\n[api]"
      "\nqqqqqqqqqq=1\n"
      "[log]\nqqqqqqqqqq=1\n[limits]\nqqqqqqqqqq=1\n[properties.a]\nqqqqqqqqqq=1\n");
  ASSERT_THAT(problems_.list(), SizeIs(11));
  int keys = 0;
  for (const ConfigProblem& problem : problems_.list()) {
    constexpr std::string_view kOpening = "unknown key; known here: ";
    ASSERT_THAT(problem.text, StartsWith(std::string(kOpening)));
    std::istringstream names(problem.text.substr(kOpening.size()));
    for (std::string name; std::getline(names >> std::ws, name, ',');) {
      EXPECT_TRUE(HasWord(sample, name)) << name;
      ++keys;
    }
  }
  EXPECT_GE(keys, 54);  // None was overlooked because the problem's text changed.
}

}  // namespace
}  // namespace edgetwin::config
