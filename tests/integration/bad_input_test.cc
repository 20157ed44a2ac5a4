// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a gateway meets in the field: each is a clear error, and nothing is lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/support/site.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

SiteOptions HostOnly() {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.drivers = "[drivers.host]\nperiod = \"100ms\"\n";
  return options;
}

json StatusOf(const Site& site) {
  return json::parse(site.twins().AskDevice("/v1/status").body, nullptr, false);
}

// Starts the agent and returns its exit code and what it said.
std::pair<int, std::string> RunAgent(Site& site) {
  EXPECT_TRUE(site.StartAgent());
  const auto code = site.agent()->Wait(std::chrono::seconds(20));
  return {code.value_or(-1), site.Log("edgetwind")};
}

void MakeStore(Site& site) {
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return StatusOf(site).is_object(); }, 20)) << site.Log("edgetwind");
  site.agent()->Kill(SIGTERM);
  ASSERT_EQ(site.agent()->Wait(std::chrono::seconds(10)), 0);
}

TEST(BadInputTest, AWrongConfigurationIsRefusedWithFileLineAndSuggestion) {
  SiteOptions options = HostOnly();
  options.drivers = "[drivers.host]\nperid = \"1s\"\n\n[drivers.x]\nkind = \"modbuss\"\n";
  Site site(std::move(options), false);
  const auto [code, said] = RunAgent(site);
  EXPECT_EQ(code, 78);
  EXPECT_THAT(said, HasSubstr("edgetwin.toml:"));
  EXPECT_THAT(said, HasSubstr("period"));
  EXPECT_THAT(said, HasSubstr("modbus"));
}

TEST(BadInputTest, TomlThatIsNoTomlIsRefusedWithItsLine) {
  SiteOptions options = HostOnly();
  options.drivers = "[drivers.host\nperiod = 1s\n";
  Site site(std::move(options), false);
  const auto [code, said] = RunAgent(site);
  EXPECT_EQ(code, 78);
  EXPECT_THAT(said, HasSubstr("edgetwin.toml:"));
}

TEST(BadInputTest, ABadReloadLeavesTheRunningConfiguration) {
  Site site(HostOnly(), false);
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return StatusOf(site).is_object(); }, 20));
  std::ofstream(site.config_file(), std::ios::app) << "\n[drivers.host2]\nkind = 5\n";
  site.agent()->Kill(SIGHUP);
  ASSERT_TRUE(
      Until([&] { return site.Log("edgetwind").find("not reloaded") != std::string::npos; }, 10));
  EXPECT_TRUE(site.agent()->running());
  EXPECT_THAT(site.Log("edgetwind"), HasSubstr("drivers.host2.kind"));
}

TEST(BadInputTest, AGoodReloadAddsADriverAndLosesNoSampleOfTheOthers) {
  Site site(HostOnly(), false);
  ASSERT_TRUE(site.StartAgent());
  const auto samples = [&] {
    const json drivers = json::parse(site.twins().AskDevice("/v1/drivers").body, nullptr, false);
    std::uint64_t polls = 0;
    std::size_t count = 0;
    if (!drivers.is_object()) return std::pair{count, polls};
    for (const json& driver : drivers.value("drivers", json::array())) {
      ++count;
      if (driver["name"] == "host") polls = driver.value("polls", std::uint64_t{0});
    }
    return std::pair{count, polls};
  };
  ASSERT_TRUE(Until([&] { return samples().second > 3; }, 20));
  std::ofstream(site.config_file(), std::ios::app)
      << "\n[drivers.second]\nkind = \"host\"\ncollect = [\"load\"]\n";
  const std::uint64_t before = samples().second;
  site.agent()->Kill(SIGHUP);
  ASSERT_TRUE(Until([&] { return samples().first == 2; }, 10)) << site.Log("edgetwind");
  EXPECT_GE(samples().second, before) << "the unchanged driver was not started anew";
}

TEST(BadInputTest, AStoreOfANewerReleaseIsRefusedUntouched) {
  Site site(HostOnly(), false);
  MakeStore(site);
  ASSERT_EQ(RunSql(site.store_file(),
                   "UPDATE meta SET value = 99 WHERE key IN ('version', 'min_reader')"),
            "");
  const std::string before = ReadFile(site.store_file());
  const auto [code, said] = RunAgent(site);
  EXPECT_EQ(code, 74);
  EXPECT_THAT(said, HasSubstr("99"));
  EXPECT_EQ(ReadFile(site.store_file()), before);
}

TEST(BadInputTest, ATruncatedStoreIsKeptAsideAndTheAgentGoesOn) {
  Site site(HostOnly(), false);
  MakeStore(site);
  std::filesystem::resize_file(site.store_file(),
                               std::filesystem::file_size(site.store_file()) / 2);
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return StatusOf(site).is_object(); }, 20)) << site.Log("edgetwind");
  EXPECT_TRUE(std::filesystem::exists(site.store_file() + ".corrupt-1"));
  EXPECT_THAT(site.Log("edgetwind"), HasSubstr("corrupt"));
}

TEST(BadInputTest, AStoreThatIsNoStoreIsKeptAside) {
  Site site(HostOnly(), false);
  std::ofstream(site.store_file()) << std::string(8'192, 'x');
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return StatusOf(site).is_object(); }, 20)) << site.Log("edgetwind");
  EXPECT_EQ(ReadFile(site.store_file() + ".corrupt-1"), std::string(8'192, 'x'));
}

TEST(BadInputTest, TwoAgentsCannotHaveOneStore) {
  Site site(HostOnly(), false);
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return StatusOf(site).is_object(); }, 20));
  ChildOptions second;
  second.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwind", "--config", site.config_file()};
  second.output_file = site.File("second.log");
  EXPECT_EQ(RunChild(second), 75);
  EXPECT_TRUE(site.agent()->running());
}

TEST(BadInputTest, RefusedCredentialsAreSaidAndPollingGoesOn) {
  SiteOptions options = HostOnly();
  options.broker.passwords = {{"someone", "secret"}};
  Site site(std::move(options), false);
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until(
      [&] {
        const json status = StatusOf(site);
        return status.is_object() && status.dump().find("refused") != std::string::npos;
      },
      20))
      << StatusOf(site).dump(2);
  const auto revision = [&] { return StatusOf(site)["sync"].value("revision", std::uint64_t{0}); };
  const std::uint64_t before = revision();
  EXPECT_TRUE(Until([&] { return revision() > before; }, 10)) << "polling goes on";
}

TEST(BadInputTest, GarbageOnTheTopicsIsCountedAndChangesNothing) {
  Site site(HostOnly());
  ASSERT_EQ(site.trouble(), "");
  const std::string device = std::string("et/") + Site::kDevice;
  const auto publish = [&](const std::string& topic, const std::string& payload) {
    const std::string file = site.File("payload");
    std::ofstream(file, std::ios::binary) << payload;
    const std::string broker = site.broker().url();
    ChildOptions options;
    options.args = {
        "mosquitto_pub", "-h", "127.0.0.1", "-p", broker.substr(broker.rfind(':') + 1), "-t",
        topic,           "-f", file};
    EXPECT_EQ(RunChild(options), 0);
  };
  publish(device + "/d", "garbage");
  publish(device + "/u", std::string("\xff\xff\xff\xff\x7f", 5));
  publish(device + "/u", std::string(300'000, 'A'));
  publish(device + "/d", std::string(300'000, 'A'));
  publish("et/never seen/u", "x");
  ASSERT_TRUE(Until([&] { return StatusOf(site)["sync"].value("frames_refused", 0) > 0; }, 10))
      << StatusOf(site).dump(2);
  EXPECT_EQ(site.Fallen(), "");
  EXPECT_TRUE(site.twins().CompareUntilEqual(20).equal());
}

// A small filesystem of its own, in a namespace where that needs no rights.
TEST(BadInputTest, AFullDiskIsSaidAndHealsByItself) {
  TempDir folder;
  const std::string disk = folder.File("disk");
  std::filesystem::create_directory(disk);
  const std::string script = folder.Write("inside", R"sh(
set -e
mount -t tmpfs -o size=1m tmpfs "$DISK"
"$BIN/edgetwind" --config "$CONFIG" > "$OUT/agent.log" 2>&1 &
agent=$!
trap 'kill $agent; wait $agent' EXIT
ask() { curl -s --max-time 2 --unix-socket "$OUT/sock" http://localhost/v1/status; }
wait_for() {
  for _ in $(seq 200); do
    if ask | grep -q "$1"; then return 0; fi
    sleep 0.05
  done
  echo "never saw $1"
  ask
  return 1
}
wait_for '"revision"'
dd if=/dev/zero of="$DISK/filler" bs=1024 2>/dev/null || true
wait_for 'disk is full'
kill -0 $agent
rm "$DISK/filler"
for _ in $(seq 400); do
  if grep -q 'takes commits again' "$OUT/agent.log"; then
    echo healed
    exit 0
  fi
  sleep 0.1
done
cat "$OUT/agent.log"; exit 1
)sh");
  const std::string config = folder.Write(
      "edgetwin.toml", "[device]\nid = \"tiny-disk\"\n[store]\ndirectory = \"" + disk +
                           "\"\ncommit_window = \"50ms\"\n[api]\nsocket = \"" +
                           folder.File("sock") + "\"\n[drivers.host]\nperiod = \"20ms\"\n");
  ChildOptions options;
  options.args = {"unshare", "-Urm", "bash", script};
  options.env = {"DISK=" + disk, "BIN=" + std::string(EDGETWIN_BIN_DIR), "CONFIG=" + config,
                 "OUT=" + folder.path().string()};
  options.output_file = folder.File("said");
  Child child(options);
  const auto code = child.Wait(std::chrono::seconds(60));
  const std::string said = ReadFile(folder.File("said"));
  EXPECT_EQ(code, 0) << said << ReadFile(folder.File("agent.log"));
  EXPECT_THAT(said, HasSubstr("healed"));
}

}  // namespace
}  // namespace edgetwin::tests
