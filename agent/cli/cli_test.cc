// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The real programs: edgetwin against a site with a plant, a broker and a cloud.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/cli/failure.h"
#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::cli {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using tests::Site;

constexpr const char* kBin = EDGETWIN_BIN_DIR;
constexpr const char* kSetpoint = "valve/position_setpoint";

struct Ran : tests::Ran {
  Json json() const { return Json::parse(out, nullptr, false); }
};

Ran RunCli(std::vector<std::string> args, std::vector<std::string> env = {}) {
  args.insert(args.begin(), std::string(kBin) + "/edgetwin");
  return {tests::RunCommand(std::move(args), std::move(env))};
}

tests::SiteOptions OfThisBuild() {
  tests::SiteOptions options;
  options.bin = kBin;
  return options;
}

class CliTest : public testing::Test {
 protected:
  CliTest() : site_(OfThisBuild()) {}
  void SetUp() override { ASSERT_EQ(site_.trouble(), ""); }

  Ran Ask(std::vector<std::string> args) {
    args.insert(args.begin(), {"--config", site_.config_file()});
    return RunCli(std::move(args));
  }
  bool CloudShowsOverride(bool wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      const auto answer = site_.twins().AskCloud(std::string("/properties/") + kSetpoint);
      const Json property = Json::parse(answer.body, nullptr, false);
      if (property.is_object() &&
          (property.contains("override") && property["override"].is_object()) == wanted) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  void StopAgent() {
    site_.agent()->Kill(SIGTERM);
    ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  }

  Site site_;
};

TEST_F(CliTest, AnswersEveryQuestionForPeopleAndForPrograms) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> questions = {
      {{"status"}, "demo-gateway-1  OK"},
      {{"ls"}, "tank/level"},
      {{"ls", "pump"}, "pump/speed "},
      {{"get", "tank/level"}, "input 0 float32"},
      {{"get", "tank/level", "tank/inflow"}, "L/s"},
      {{"why", "tank/level"}, "Driver instance 'plant' \\(modbus, running\\)"},
      {{"drivers"}, "plant +modbus +running"},
      {{"drivers", "--kinds"}, "replay"},
      {{"limits"}, "api.connections"},
      {{"config", "check"}, "is fine: 1 driver instance"},
      {{"version"}, "edgetwind " EDGETWIN_VERSION},
      {{"reload"}, "is reloaded"},
  };
  for (const auto& [args, expected] : questions) {
    const Ran table = Ask(args);
    EXPECT_EQ(table.exit, 0) << args[0] << ": " << table.err;
    EXPECT_THAT(table.out, ContainsRegex(expected)) << args[0];
    EXPECT_EQ(table.err, "") << args[0];
    std::vector<std::string> with_json = args;
    with_json.insert(with_json.end(), {"-o", "json"});
    const Ran json = Ask(with_json);
    EXPECT_EQ(json.exit, 0) << args[0] << ": " << json.err;
    EXPECT_FALSE(json.json().is_discarded()) << args[0] << ": " << json.out;
  }
}

TEST_F(CliTest, PrintsTheBareValueForScripts) {
  const Ran ran = Ask({"get", "-q", "pump/running"});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "true\n");
  EXPECT_TRUE(Json::parse(Ask({"get", "-q", "tank/level"}).out).is_number());
}

TEST_F(CliTest, ColoursOnlyWhenTold) {
  for (const char* command : {"status", "ls", "drivers", "limits"}) {
    EXPECT_THAT(Ask({command}).out, Not(HasSubstr("\033"))) << command;
  }
  EXPECT_THAT(Ask({"status", "--color", "always"}).out, HasSubstr("\033["));
  EXPECT_THAT(Ask({"status", "--color", "always", "-o", "json"}).out, Not(HasSubstr("\033")));
}

TEST_F(CliTest, HoldsAValueThatTheCloudSeesUntilItIsReleased) {
  const Ran held = Ask({"set", kSetpoint, "33.3", "--for", "5m"});
  ASSERT_EQ(held.exit, 0) << held.err;
  EXPECT_THAT(held.out,
              ContainsRegex("is held at 33.3 % until .*\\(in (5 min|4 min 5. s)\\), by "));
  EXPECT_TRUE(CloudShowsOverride(true));
  EXPECT_THAT(Ask({"ls", "valve"}).out, HasSubstr("held by"));
  EXPECT_THAT(Ask({"why", kSetpoint}).out, HasSubstr("holds it at 33.3"));
  EXPECT_THAT(Ask({"status"}).out, HasSubstr("1 override"));
  EXPECT_EQ(Ask({"release", kSetpoint}).exit, 0);
  EXPECT_TRUE(CloudShowsOverride(false));
  EXPECT_EQ(Ask({"release", kSetpoint}).exit, 3);
}

TEST_F(CliTest, HoldsFor15MinutesUnlessTold) {
  const Ran held = Ask({"set", kSetpoint, "20", "-o", "json"});
  ASSERT_EQ(held.exit, 0) << held.err;
  const Json property = Ask({"get", kSetpoint, "-o", "json"}).json();
  const auto left_ms = property["override"]["left_ms"].get<std::int64_t>();
  EXPECT_GT(left_ms, 14 * 60'000);
  EXPECT_LE(left_ms, 15 * 60'000);
}

TEST_F(CliTest, SaysThatADeadDeviceHasNotTakenTheValueYet) {
  site_.KillPlant();
  const Ran held = Ask({"set", kSetpoint, "40"});
  EXPECT_EQ(held.exit, 1) << held.out << held.err;
  EXPECT_THAT(held.err, HasSubstr("held, not applied yet"));
  EXPECT_THAT(Ask({"status"}).out, HasSubstr("is held at 40"));
}

TEST_F(CliTest, EndsAsItsHelpSays) {
  const std::vector<std::pair<std::vector<std::string>, int>> ends = {
      {{"status", "--nonsense"}, 2},
      {{"statsu"}, 2},
      {{"override", kSetpoint, "5"}, 2},  // --for is required.
      {{"set", kSetpoint, "5", "--for", "5"}, 2},
      {{"drivers", "--store", "/nowhere"}, 2},
      {{"get", "no/such"}, 3},
      {{"ls", "no*such"}, 3},
      {{"why", "no/such"}, 3},
      {{"set", kSetpoint, "100.1"}, 4},
      {{"set", kSetpoint, "warm"}, 4},
      {{"set", kSetpoint, "5", "--for", "31d"}, 4},
      {{"set", "tank/level", "1"}, 4},
      {{"drivers", "--socket", "/nowhere/edgetwind.sock"}, 69},
      {{"status", "--config", "/nowhere/edgetwin.toml"}, 78},
  };
  for (const auto& [args, expected] : ends) {
    const bool own_config = args.size() > 1 && args[1] == "--config";
    const Ran ran = own_config ? RunCli(args) : Ask(args);
    EXPECT_EQ(ran.exit, expected) << testing::PrintToString(args) << ran.out << ran.err;
    EXPECT_THAT(ran.err, StartsWith("edgetwin: ")) << testing::PrintToString(args);
  }
}

TEST_F(CliTest, SuggestsWhatIsNear) {
  EXPECT_THAT(Ask({"get", "pump/sped"}).err, HasSubstr("did you mean 'pump/speed'"));
  EXPECT_THAT(Ask({"ls", "pump/sped"}).err, HasSubstr("did you mean 'pump/speed'"));
  EXPECT_THAT(Ask({"set", "valve/position_setpiont", "5"}).err, HasSubstr(kSetpoint));
  EXPECT_THAT(Ask({"statsu"}).err, HasSubstr("did you mean 'status'"));
}

TEST_F(CliTest, WatchesUntilItsCountOrItsTime) {
  const Ran counted = Ask({"watch", "tank", "--count", "2", "-o", "json"});
  EXPECT_EQ(counted.exit, 0) << counted.err;
  std::istringstream lines(counted.out);
  std::string line;
  int changes = 0;
  while (std::getline(lines, line)) {
    const Json change = Json::parse(line, nullptr, false);
    ASSERT_TRUE(change.is_object()) << line;
    EXPECT_THAT(change["property"]["path"].get<std::string>(), StartsWith("tank/"));
    ++changes;
  }
  EXPECT_EQ(changes, 2);
  const auto begin = std::chrono::steady_clock::now();
  const Ran timed = Ask({"watch", "no/such", "--for", "1s"});
  EXPECT_EQ(timed.exit, 0) << timed.err;
  EXPECT_EQ(timed.out, "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
}

TEST_F(CliTest, ReadsTheStoreWhileTheDaemonIsDown) {
  ASSERT_TRUE(tests::Until(
      [&] {
        return Ask({"get", "tank/level", "-o", "json"}).json()["quality"] == "good";
      },
      10));
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const Ran status = Ask({"status"});
  EXPECT_EQ(status.exit, 1);
  EXPECT_THAT(status.err, HasSubstr("the daemon is not running"));
  EXPECT_THAT(status.out, HasSubstr("demo-gateway-1  PROBLEMS"));
  EXPECT_THAT(status.out, ContainsRegex("10: 10 stale"));
  const Ran list = Ask({"ls", "tank"});
  EXPECT_EQ(list.exit, 0) << list.err;
  EXPECT_THAT(list.out, ContainsRegex("tank/level +[0-9.]+ m +stale"));
  EXPECT_EQ(Ask({"get", "pump/running", "-o", "json"}).json()["quality"], "stale");
  EXPECT_THAT(Ask({"why", "tank/level"}).out, HasSubstr("Not known while the daemon is down"));
  EXPECT_EQ(Ask({"get", "pump/sped"}).exit, 3);
  EXPECT_EQ(Ask({"set", kSetpoint, "5"}).exit, 69);
  EXPECT_EQ(Ask({"watch"}).exit, 69);
}

TEST_F(CliTest, SaysThatLibcurlIsMissing) {
  const tests::TempDir folder;
  folder.Write("libcurl.so.4", "no library");
  const Ran ran = RunCli({"--config", site_.config_file(), "set", kSetpoint, "5"},
                         {"LD_LIBRARY_PATH=" + folder.path().string()});
  EXPECT_EQ(ran.exit, 69);
  EXPECT_THAT(ran.err, HasSubstr("the daemon can't be asked without libcurl: "));
  EXPECT_THAT(ran.err, HasSubstr("libcurl.so.4"));
}

TEST_F(CliTest, RefusesAStoreThatIsInUseOrDamaged) {
  const std::string folder = std::filesystem::path(site_.store_file()).parent_path();
  const Ran held = Ask({"ls", "--store", folder});
  EXPECT_EQ(held.exit, 74) << held.out << held.err;
  EXPECT_THAT(held.err, HasSubstr(std::to_string(site_.agent()->pid())));
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  EXPECT_EQ(Ask({"ls", "--store", folder}).exit, 0);
  std::ofstream(site_.store_file(), std::ios::trunc) << "this is no database at all\n";
  EXPECT_EQ(Ask({"status"}).exit, 74);
  EXPECT_EQ(Ask({"ls", "--store", folder + "/none"}).exit, 69);
}

TEST_F(CliTest, SaysThatTheSocketIsNotForThisUser) {
  if (geteuid() == 0) GTEST_SKIP() << "root may open every socket";
  std::filesystem::permissions(site_.socket(), std::filesystem::perms::none);
  const Ran ran = Ask({"status"});
  EXPECT_EQ(ran.exit, 5);
  EXPECT_THAT(ran.err, HasSubstr("no permission"));
}

TEST_F(CliTest, ReportsWhyAReloadChangedNothing) {
  std::ofstream(site_.config_file(), std::ios::app) << "\n[drivers.more]\nkind = \"modbuss\"\n";
  const Ran ran = Ask({"reload"});
  EXPECT_EQ(ran.exit, 78);
  EXPECT_THAT(ran.out, HasSubstr("modbuss"));
  EXPECT_THAT(ran.err, HasSubstr("nothing was changed"));
}

TEST(ConfigCheckTest, NamesEveryProblemInOneGo) {
  const tests::TempDir folder;
  const std::string file = folder.Write("edgetwin.toml",
                                        "[store]\ncommit_windov = \"2s\"\n\n[cloud]\n"
                                        "keepalive = \"1ms\"\n\n[drivers.x]\nkind = \"modbuss\"\n"
                                        "\n[drivers.plant]\nkind = \"modbus\"\nendpont = \"a\"\n");
  const Ran ran = RunCli({"config", "check", file});
  EXPECT_EQ(ran.exit, 78);
  for (const char* problem : {":2: store.commit_windov: ", ":5: cloud.keepalive: ",
                              ":8: drivers.x.kind: ", ":12: drivers.plant.endpont: "}) {
    EXPECT_THAT(ran.out, HasSubstr(file + problem));
  }
  const Ran json = RunCli({"config", "check", file, "-o", "json"});
  EXPECT_EQ(json.exit, 78);
  EXPECT_EQ(json.json()["ok"], false);
  EXPECT_GE(json.json()["problems"].size(), 4U);
  EXPECT_EQ(RunCli({"config", "check", folder.File("none.toml")}).exit, 78);
}

}  // namespace
}  // namespace edgetwin::cli
