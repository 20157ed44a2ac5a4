// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Programs as drivers of a real agent, from their lines to the cloud and back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/command.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kExamples = EDGETWIN_SOURCE_DIR "/drivers/exec/examples/";

// Empty when there is none.
std::string Python() {
  const char* variable = std::getenv("PATH");
  std::istringstream path(variable == nullptr ? "" : variable);
  for (std::string folder; std::getline(path, folder, ':');) {
    if (std::filesystem::exists(folder + "/python3")) return folder + "/python3";
  }
  return "";
}

// Zombies don't count: whoever is their parent reaps them when it likes.
bool Lives(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != stat.npos && stat.size() > name_end + 2 && stat[name_end + 2] != 'Z';
}

SiteOptions With(std::string drivers) {
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.drivers = std::move(drivers);
  return options;
}

Ran Cli(const Site& site, std::vector<std::string> args) {
  args.insert(args.begin(),
              {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--config", site.config_file()});
  return RunCommand(std::move(args));
}
json Asked(const Site& site, const std::string& path) {
  return json::parse(Cli(site, {"--json", "get", path}).out, nullptr, false);
}

// A program that says its number in `folder`/pid, and when it was told to stop in `folder`/stopped.
std::string Sleeper(const std::string& folder) {
  const std::string script = folder + "/sleeper.sh";
  std::ofstream(script) << R"(echo $$ > "$1/pid.new" && mv "$1/pid.new" "$1/pid"
read -r hello
echo '{"ready":{}}'
while read -r line; do
  case $line in '{"stop":'*) echo yes > "$1/stopped" ;; esac
done
)";
  return "[drivers.sleeper]\nkind = \"exec\"\nprogram = \"/bin/sh\"\nargs = [\"" + script +
         "\", \"" + folder + "\"]\n";
}

// A valve that is held, and a pump that is busy until there is `folder`/free. Both are at 0 when
// the program starts; it takes its time to say what it has.
std::string Actuator(const std::string& folder) {
  const std::string script = folder + "/actuator.sh";
  std::ofstream(script) << R"(read -r hello
sleep 0.2
for name in valve pump; do
  echo "{\"define\":{\"path\":\"$name\",\"type\":\"int\",\"writable\":true}}"
done
echo '{"values":{"valve":0,"pump":0}}'
echo '{"ready":{}}'
while read -r line; do
  case $line in
    '{"write":'*)
      id=${line#*'"id":'}
      id=${id%%[,\}]*}
      case $line in
        *pump*) [ -e "$1/free" ] && answer= || answer=',"error":"busy","retry":true' ;;
        *) answer=',"value":7' ;;
      esac
      echo "{\"write_done\":{\"id\":$id$answer}}"
      ;;
    '{"stop":'*) exit 0 ;;
  esac
done
)";
  return "[drivers.act]\nkind = \"exec\"\nprogram = \"/bin/sh\"\nargs = [\"" + script + "\", \"" +
         folder + "\"]\n";
}

TEST(ExecTest, ExamplesShowTheirValuesAndADesiredValueReachesTheProgram) {
  const std::string python = Python();
  if (python.empty()) GTEST_SKIP() << "there is no python3 here";
  Site site(With("[drivers.load]\nkind = \"exec\"\nprogram = \"" + kExamples +
                 "load.sh\"\nperiod = \"100ms\"\n[drivers.tank]\nkind = \"exec\"\nprogram = \"" +
                 python + "\"\nargs = [\"" + kExamples +
                 "tank.py\"]\n[drivers.tank.options]\nevery_s = 0.05\nheight_m = 2.0\n"));
  ASSERT_EQ(site.trouble(), "");
  const auto shown = [&](const std::string& path) { return Asked(site, path).is_object(); };
  ASSERT_TRUE(Until([&] { return shown("load/processes") && shown("tank/valve"); }, 20))
      << Cli(site, {"drivers"}).out << site.Log("edgetwind");
  EXPECT_THAT(Cli(site, {"ls"}).out, HasSubstr("load/1m"));
  EXPECT_THAT(Cli(site, {"drivers"}).out, HasSubstr("load.sh"));
  EXPECT_EQ(Asked(site, "tank/level")["value"], 0.0);

  ASSERT_LE(site.twins().Desire(R"({"tank":{"valve":75}})").status, 202);
  const auto applied = [&] {
    const json valve = Asked(site, "tank/valve");
    return valve.is_object() && valve["desired"].is_object() &&
           valve["desired"]["state"] == "applied" && valve["value"] == 75.0;
  };
  EXPECT_TRUE(Until(applied, 20)) << Asked(site, "tank/valve") << site.Log("edgetwind");
  // The valve is open: the level rises, and the cloud sees it.
  const auto full = [&] {
    for (const json& row : site.twins().CloudSnapshot().value("rows", json::array())) {
      if (row["path"] == "tank/level" && row["side"] == "reported") return row["value"] == 2.0;
    }
    return false;
  };
  EXPECT_TRUE(Until(full, 20)) << site.twins().CloudSnapshot();
}

// Until the program has said what it has, nothing can be asked of it: that ends nothing.
TEST(ExecTest, OverridesAndOpenWishesOutliveARestart) {
  TempDir folder;
  Site site(With(Actuator(folder.path().string())));
  ASSERT_EQ(site.trouble(), "");
  ASSERT_TRUE(Until([&] { return Asked(site, "act/pump").is_object(); }, 20));
  const auto holds = [&] {
    const json valve = Asked(site, "act/valve");
    return valve.is_object() && valve["value"] == 7 && valve["override"].is_object();
  };
  const auto wish = [&](const char* state) {
    const json pump = Asked(site, "act/pump");
    return pump.is_object() && pump["desired"].is_object() && pump["desired"]["state"] == state;
  };
  const Ran held = Cli(site, {"override", "act/valve", "7", "--for", "1h"});
  ASSERT_EQ(held.exit, 0) << held.err;
  ASSERT_LE(site.twins().Desire(R"({"act":{"pump":3}})").status, 202);
  ASSERT_TRUE(Until([&] { return wish("pending"); }, 20)) << Asked(site, "act/pump");
  site.agent()->Kill(SIGTERM);
  ASSERT_EQ(site.agent()->Wait(std::chrono::seconds(20)), 0) << site.Log("edgetwind");
  ASSERT_TRUE(site.StartAgent());
  EXPECT_TRUE(Until(holds, 20)) << Asked(site, "act/valve") << site.Log("edgetwind");
  EXPECT_TRUE(wish("pending")) << Asked(site, "act/pump");
  std::ofstream(folder.File("free")) << "\n";
  EXPECT_TRUE(Until([&] { return wish("applied"); }, 60)) << Asked(site, "act/pump");
}

TEST(ExecTest, AProgramDiesWithAnAgentThatIsKilled) {
  TempDir folder;
  Site site(With(Sleeper(folder.path().string())), false);
  ASSERT_TRUE(site.StartAgent());
  ASSERT_TRUE(Until([&] { return !ReadFile(folder.File("pid")).empty(); }, 20))
      << site.Log("edgetwind");
  const pid_t pid = static_cast<pid_t>(std::stol(ReadFile(folder.File("pid"))));
  ASSERT_TRUE(Lives(pid));
  site.KillAgent();
  EXPECT_TRUE(Until([&] { return !Lives(pid); }, 20));
  EXPECT_EQ(ReadFile(folder.File("stopped")), "");  // It had no time for last words.
}

TEST(ExecTest, AnAgentThatStopsWaitsForItsProgram) {
  TempDir folder;
  Site site(With(Sleeper(folder.path().string())), false);
  ASSERT_TRUE(site.StartAgent());
  const auto ready = [&] { return Cli(site, {"drivers"}).out.find(" ok") != std::string::npos; };
  ASSERT_TRUE(Until(ready, 20)) << Cli(site, {"drivers"}).out << site.Log("edgetwind");
  const pid_t pid = static_cast<pid_t>(std::stol(ReadFile(folder.File("pid"))));
  site.agent()->Kill(SIGTERM);
  ASSERT_EQ(site.agent()->Wait(std::chrono::seconds(20)), 0) << site.Log("edgetwind");
  EXPECT_FALSE(Lives(pid));
  EXPECT_EQ(ReadFile(folder.File("stopped")), "yes\n");
}

}  // namespace
}  // namespace edgetwin::tests
