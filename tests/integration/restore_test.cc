// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Stores that go back in time or are twice there, over real parts: the twins become equal again,
// and of two stores with one id one is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

SiteOptions OfThisBuild() {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.store_keys = "commit_window = \"100ms\"\n";
  return options;
}

Ran Cli(const std::string& config, std::vector<std::string> args) {
  args.insert(args.begin(),
              {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", config, "-o", "json"});
  return RunCommand(std::move(args));
}

json JsonOf(const Ran& ran) {
  json document = json::parse(ran.out, nullptr, false);
  return document.is_object() ? document : json::object();
}

class RestoreTest : public testing::Test {
 protected:
  RestoreTest() : site_(OfThisBuild()) {}
  void SetUp() override { ASSERT_EQ(site_.trouble(), ""); }

  Ran Ask(std::vector<std::string> args) { return Cli(site_.config_file(), std::move(args)); }
  void Apply(double position) {
    const HttpAnswer answer =
        site_.twins().Desire(R"({"valve":{"position_setpoint":)" + std::to_string(position) + "}}");
    ASSERT_LE(answer.status, 202) << answer.body;
    ASSERT_TRUE(Until([&] { return Applied(position); }, 20)) << site_.Log("edgetwind");
  }
  bool Applied(double position) {
    const json held = JsonOf(Ask({"get", "valve/position_setpoint"}));
    const json desired = held.is_object() ? held["desired"] : json();
    return desired.is_object() && desired["state"] == "applied" && desired["value"] == position;
  }
  void StopAgent() {
    site_.agent()->Kill(SIGTERM);
    ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0) << site_.Log("edgetwind");
  }
  void ExpectEqual() {
    const Comparison comparison = site_.twins().CompareUntilEqual(30);
    EXPECT_TRUE(comparison.same_watermark);
    EXPECT_EQ(comparison.trouble, "");
    EXPECT_THAT(comparison.differences, testing::IsEmpty());
  }
  std::set<std::string> Kinds(const std::string& config) {
    std::set<std::string> kinds;
    const json events = JsonOf(Cli(config, {"events"}));
    for (const json& event : events["events"]) kinds.insert(event["kind"]);
    return kinds;
  }
  // Another machine of the same id, with its own store and socket.
  std::string CloneConfig() {
    const std::filesystem::path folder = site_.File("clone");
    std::filesystem::create_directory(folder);
    std::string config = ReadFile(site_.config_file());
    const auto replace = [&config](const std::string& from, const std::string& to) {
      const std::size_t at = config.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      config.replace(at, from.size(), to);
    };
    replace(std::filesystem::path(site_.store_file()).parent_path(), folder);
    replace(site_.socket(), folder / "sock");
    std::ofstream(folder / "edgetwin.toml") << config;
    return folder / "edgetwin.toml";
  }

  Site site_;
};

TEST_F(RestoreTest, ADeviceThatIsRestoredFromABackupBecomesEqualAgain) {
  ASSERT_NO_FATAL_FAILURE(Apply(11));
  const std::string backup = site_.File("backup.db");
  ASSERT_EQ(Ask({"backup", backup}).exit, 0);
  ASSERT_NO_FATAL_FAILURE(Apply(22));
  ASSERT_EQ(Ask({"set", "pump/speed_setpoint", "1500", "--for", "1h"}).exit, 0);
  ASSERT_NO_FATAL_FAILURE(ExpectEqual());
  ASSERT_NO_FATAL_FAILURE(StopAgent());

  const Ran restored = Ask({"restore", backup, "--yes"});
  ASSERT_EQ(restored.exit, 0) << restored.err;
  EXPECT_EQ(JsonOf(restored)["lost"]["overrides"].size(), 1u);
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  ASSERT_TRUE(Until([&] { return Applied(22); }, 20))
      << "what the cloud wants now counts, not what it wanted at the backup";
  ExpectEqual();
  const json sync = JsonOf(Ask({"sync", "status"}));
  EXPECT_EQ(sync["state"], "live") << sync.dump(2);
  EXPECT_TRUE(sync["set_back_to"].is_number()) << sync.dump(2);
  EXPECT_TRUE(Kinds(site_.config_file()).contains("rolled_back"));
  const json held = JsonOf(Ask({"get", "pump/speed_setpoint"}));
  EXPECT_EQ(held["override"], nullptr) << "an override doesn't outlive a restore";
}

TEST_F(RestoreTest, ADeviceThatIsResetBecomesEqualAgain) {
  ASSERT_NO_FATAL_FAILURE(Apply(33));
  ASSERT_NO_FATAL_FAILURE(ExpectEqual());
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  ASSERT_EQ(Ask({"factory-reset", "--yes"}).exit, 0);
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(site_.WaitForTwin(20)) << site_.trouble();
  ASSERT_TRUE(Until([&] { return Applied(33); }, 20)) << "what the cloud wants comes again";
  ExpectEqual();
}

TEST_F(RestoreTest, ACloneIsFencedWhileTheFirstOneIsAlive) {
  ASSERT_NO_FATAL_FAILURE(Apply(44));
  const std::string backup = site_.File("backup.db");
  ASSERT_EQ(Ask({"backup", backup}).exit, 0);
  const std::string clone_config = CloneConfig();
  const Ran restored = Cli(clone_config, {"restore", backup, "--yes"});
  ASSERT_EQ(restored.exit, 0) << restored.err;

  ChildOptions options;
  options.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwind", "--config", clone_config};
  options.output_file = site_.File("clone.log");
  Child clone(std::move(options));
  ASSERT_TRUE(Until(
      [&] {
        return JsonOf(Cli(clone_config, {"sync", "status"})).value("state", "") == "fenced";
      },
      40))
      << ReadFile(site_.File("clone.log"));
  const Ran fenced = Cli(clone_config, {"sync", "status"});
  EXPECT_EQ(fenced.exit, 1);
  EXPECT_THAT(JsonOf(fenced)["advice"], HasSubstr("Decide which device is the right one"));
  EXPECT_TRUE(Kinds(clone_config).contains("fenced"));

  EXPECT_EQ(JsonOf(Ask({"sync", "status"}))["state"], "live") << "the first one goes on";
  ASSERT_NO_FATAL_FAILURE(Apply(55));
  ExpectEqual();
}

TEST_F(RestoreTest, ACloudThatIsRestoredFromACopyBecomesEqualAgain) {
  ASSERT_NO_FATAL_FAILURE(Apply(11));
  ASSERT_NO_FATAL_FAILURE(ExpectEqual());
  site_.KillCloud();
  const std::filesystem::path folder = site_.File("cloud");
  const std::filesystem::path copy = site_.File("cloud-copy");
  std::filesystem::copy(folder, copy, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(site_.StartCloud());
  ASSERT_TRUE(site_.WaitForTwin(60)) << site_.trouble();
  ASSERT_NO_FATAL_FAILURE(Apply(66));
  ASSERT_NO_FATAL_FAILURE(ExpectEqual());

  site_.KillCloud();
  std::filesystem::remove_all(folder);
  std::filesystem::rename(copy, folder);
  ASSERT_TRUE(site_.StartCloud());
  ASSERT_TRUE(site_.WaitForTwin(60)) << site_.trouble();
  ASSERT_TRUE(Until(
      [&] {
        const auto comparison = site_.twins().CompareOnce();
        return comparison.equal() && Applied(66);
      },
      60))
      << "the device gives back what the cloud lost: " << site_.Log("edgetwin-cloud");
}

}  // namespace
}  // namespace edgetwin::tests
