// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// `edgetwin drivers scan|probe|test`, which need no daemon.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "agent/cli/failure.h"
#include "tests/plant/running_plant.h"
#include "tests/support/command.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::cli {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using tests::Ran;

const std::string kTree = EDGETWIN_SOURCE_DIR
    "/drivers/hwmon/testcases/a_super_io_chip_reports_every_kind_of_sensor/input";

class DriverCommandsTest : public testing::Test {
 protected:
  DriverCommandsTest() {
    Write(
        "[drivers.host]\nperiod = \"100ms\"\n"
        "[drivers.boiler]\nkind = \"modbus\"\nperiod = \"100ms\"\n"
        "endpoint = \"tcp://127.0.0.1:" +
        std::to_string(tests::FreePort()) +
        "\"\n"
        "[[drivers.boiler.unit]]\nid = 3\nthing = \"tank\"\n"
        "[[drivers.boiler.unit.register]]\nname = \"level\"\nkind = \"input\"\naddress = 0\n"
        "type = \"float32\"\n");
  }
  void Write(const std::string& text) { std::ofstream(file_) << "[device]\nid = \"x\"\n" << text; }
  Ran Ask(std::vector<std::string> args) {
    args.insert(args.begin(), {EDGETWIN_BIN_DIR "/edgetwin", "--config", file_, "drivers"});
    return tests::RunCommand(std::move(args));
  }
  static Json JsonOf(const Ran& ran) { return Json::parse(ran.out, nullptr, false); }

  tests::TempDir dir_;
  const std::string file_ = dir_.File("edgetwin.toml");
};

TEST_F(DriverCommandsTest, AScanShowsTheDevicesAndAConfigurationThatIsRight) {
  const Ran ran = Ask({"scan", "hwmon", "--root", kTree});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, ContainsRegex("hwmon +nct6775.656 +SYSTIN"));
  const std::size_t begin = ran.out.find("[drivers.hwmon]");
  ASSERT_NE(begin, std::string::npos) << ran.out;
  Write(ran.out.substr(begin));
  const Ran check = tests::RunCommand({EDGETWIN_BIN_DIR "/edgetwin", "config", "check", file_});
  EXPECT_EQ(check.exit, 0) << check.out << check.err;
  const Json devices = JsonOf(Ask({"scan", "hwmon", "--root", kTree, "--json"}))["devices"];
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0]["device"], "nct6775.656");
  EXPECT_THAT(devices[0]["properties"].get<std::vector<std::string>>(), testing::Contains("Vcore"));
}

TEST_F(DriverCommandsTest, AScanSaysWhyItFoundNothing) {
  const Ran nothing = Ask({"scan", "hwmon", "--root", dir_.File("")});
  EXPECT_EQ(nothing.exit, 3);
  EXPECT_THAT(nothing.err, HasSubstr("sys/class/hwmon: No such file or directory"));
  EXPECT_THAT(nothing.err, HasSubstr("nothing was found"));
  const Json json = JsonOf(Ask({"scan", "hwmon", "--root", dir_.File(""), "--json"}));
  EXPECT_EQ(json["devices"].size(), 0u);
  EXPECT_EQ(json["problems"][0]["kind"], "hwmon");
}

TEST_F(DriverCommandsTest, AScanOfAKindThatCannotLookIsRefused) {
  const Ran replay = Ask({"scan", "replay"});
  EXPECT_EQ(replay.exit, 2);
  EXPECT_THAT(replay.err, HasSubstr("'replay' can't look for its devices"));
  const Ran typo = Ask({"scan", "hwmn"});
  EXPECT_EQ(typo.exit, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean 'hwmon'?"));
}

TEST_F(DriverCommandsTest, AScanAsksWhoIsOnABus) {
  tests::RunningPlant plant;
  const std::string endpoint = "endpoint=tcp://127.0.0.1:" + std::to_string(plant->port());
  const Ran ran = Ask({"scan", "modbus", endpoint, "units=8-9", "timeout=20s"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, ContainsRegex("modbus +unit 8 +answers holding, input"));
  const Json json = JsonOf(Ask({"scan", "modbus", endpoint, "units=8", "timeout=20s", "--json"}));
  ASSERT_EQ(json["devices"].size(), 1u);
  EXPECT_EQ(json["devices"][0]["device"], "unit 8");
  EXPECT_THAT(json["devices"][0]["configuration"].get<std::string>(), HasSubstr("id = 8\n"));
  // With its registers added, what was shown is a configuration.
  Write(ran.out.substr(ran.out.find("[drivers.bus]")) +
        "[[drivers.bus.unit.register]]\nname = \"level\"\nkind = \"input\"\naddress = 0\n");
  const Ran check = tests::RunCommand({EDGETWIN_BIN_DIR "/edgetwin", "config", "check", file_});
  EXPECT_EQ(check.exit, 0) << check.out << check.err;
}

TEST_F(DriverCommandsTest, AScanTellsWhatIsWrongWithItsOptions) {
  for (const auto& [args, expected] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"modbus", "endpoint=plant"}, "modbus: endpoint: 'plant' is no endpoint"},
           {{"modbus", "endpont=tcp://h"}, "endpont: unknown key; did you mean"},
           {{"modbus", "units"}, "'units' is no KEY=VALUE"},
           {{"endpoint=tcp://h"}, "belongs to a kind"},
           {{"can", "baud=1"}, "can: baud: unknown key"}}) {
    std::vector<std::string> all = {"scan"};
    all.insert(all.end(), args.begin(), args.end());
    const Ran ran = Ask(all);
    EXPECT_EQ(ran.exit, 2) << args[0];
    EXPECT_THAT(ran.err, HasSubstr(expected));
  }
}

TEST_F(DriverCommandsTest, AScanSaysThatABusCannotBeReached) {
  const Ran ran =
      Ask({"scan", "modbus", "endpoint=tcp://127.0.0.1:" + std::to_string(tests::FreePort())});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("modbus: no unit answered: "));
  EXPECT_THAT(ran.err, HasSubstr("Connection refused"));
}

TEST_F(DriverCommandsTest, AScanOfAllShowsPortsAndBusesAsComments) {
  const std::filesystem::path root = dir_.File("root");
  for (const char* folder : {"sys/class/net/can0", "sys/class/tty/ttyAMA0/device"}) {
    std::filesystem::create_directories(root / folder);
  }
  std::ofstream(root / "sys/class/net/can0/type") << "280\n";
  std::ofstream(root / "sys/class/net/can0/flags") << "0x80\n";
  const Ran ran = Ask({"scan", "--root", root.string()});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, ContainsRegex("can +can0 +virtual, down"));
  EXPECT_THAT(ran.out,
              ContainsRegex("modbus +/dev/ttyAMA0 +`scan modbus device=…` asks who is on it"));
  EXPECT_THAT(ran.out, ContainsRegex("nmea +/dev/ttyAMA0 "));
  EXPECT_THAT(ran.out, HasSubstr("# [drivers.can0]\n# kind = \"can\"\n"));
  EXPECT_THAT(ran.out, Not(ContainsRegex("\n\\[drivers.bus\\]")));
}

TEST_F(DriverCommandsTest, AProbeReadsOneInstanceOnce) {
  const Json json = JsonOf(Ask({"probe", "host", "--json"}));
  ASSERT_EQ(json["drivers"].size(), 1u);
  EXPECT_EQ(json["drivers"][0]["name"], "host");
  bool memory = false;
  for (const Json& value : json["values"]) {
    if (value["path"] != "host/memory/total_bytes") continue;
    memory = true;
    EXPECT_GT(value["value"], 0);
    EXPECT_EQ(value["bad"], false);
  }
  EXPECT_TRUE(memory);
  const Ran unknown = Ask({"probe", "hosst"});
  EXPECT_EQ(unknown.exit, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'host'?"));
}

TEST_F(DriverCommandsTest, AProbeShowsWhatTheDeviceSaysBesideWhatItMeans) {
  const auto chip = dir_.path() / "sys/class/hwmon/hwmon0";
  std::filesystem::create_directories(chip);
  std::ofstream(chip / "name") << "lm75\n";
  std::ofstream(chip / "temp1_input") << "21500\n";
  std::ofstream(chip / "temp2_input") << "warm\n";
  Write("[drivers.board]\nkind = \"hwmon\"\nroot = \"" + dir_.path().string() + "\"\n");
  const Json json = JsonOf(Ask({"probe", "board", "--json"}));
  ASSERT_EQ(json["values"].size(), 2u) << json;
  EXPECT_EQ(json["values"][0]["value"], 21.5);
  EXPECT_EQ(json["values"][0]["raw"], "temp1_input 21500");
  EXPECT_EQ(json["values"][1]["value"], nullptr);
  EXPECT_EQ(json["values"][1]["raw"], "temp2_input warm");
  const Ran ran = Ask({"probe", "board"});
  EXPECT_THAT(ran.out, ContainsRegex("PATH .*RAW"));
  EXPECT_THAT(ran.out, ContainsRegex("board/lm75/temp1 +21.5 Cel +good .*temp1_input 21500"));
  const auto adc = dir_.path() / "sys/bus/iio/devices/iio:device0";
  std::filesystem::create_directories(adc);
  std::ofstream(adc / "name") << "mcp3008\n";
  std::ofstream(adc / "in_voltage0_raw") << "512\n";
  std::ofstream(adc / "in_voltage_scale") << "2.5\n";
  Write("[drivers.adc]\nkind = \"iio\"\nroot = \"" + dir_.path().string() + "\"\n");
  EXPECT_THAT(JsonOf(Ask({"probe", "adc", "--json"}))["values"][0]["raw"].dump(),
              HasSubstr("in_voltage0_raw 512"));
  // Where nothing is said, there is no column for it: what statvfs(2) gives is no text.
  Write("[drivers.host]\nperiod = \"100ms\"\ncollect = [\"disk\"]\n");
  const std::string disk = Ask({"probe", "host"}).out;
  EXPECT_THAT(disk, HasSubstr("host/disk/root/free_bytes"));
  EXPECT_THAT(disk, Not(HasSubstr("RAW")));
}

TEST_F(DriverCommandsTest, AProbeWritesOnlyWhatItIsTold) {
  tests::RunningPlant plant;
  Write("[drivers.p]\nkind = \"modbus\"\nendpoint = \"tcp://127.0.0.1:" +
        std::to_string(plant->port()) +
        "\"\nperiod = \"100ms\"\n[[drivers.p.unit]]\nid = 2\nregister = [\n"
        "{ name = \"set\", kind = \"holding\", address = 0, writable = true, max = 3000 },\n"
        "{ name = \"any\", kind = \"holding\", address = 0, writable = true },\n"
        "{ name = \"speed\", kind = \"input\", address = 0 } ]\n");
  const auto written = [this](const std::string& what) {
    return Ask({"probe", "p", "--json", "--write", what});
  };
  EXPECT_FALSE(JsonOf(Ask({"probe", "p", "--json"})).contains("written"));
  const Ran well = written("p/set=1500");
  EXPECT_EQ(well.exit, 0) << well.err;
  EXPECT_EQ(JsonOf(well)["written"]["value"], 1500);
  const Ran text = Ask({"probe", "p", "--write", "p/set=1400"});
  EXPECT_THAT(text.err, HasSubstr("written: p/set is 1400 now"));
  for (const auto& [what, why] : std::map<std::string, std::string>{
           {"p/set=3001", "3000"},         // Its limit here …
           {"p/any=3001", "exception 3"},  // … and that of the device.
           {"p/set=fast", "fast"},
           {"p/speed=1", "read-only"},
           {"p/sped=1", "no driver has a property 'p/sped'"}}) {
    const Ran ran = written(what);
    EXPECT_EQ(ran.exit, 4) << what;
    EXPECT_THAT(ran.err, HasSubstr(why)) << what;
    EXPECT_EQ(JsonOf(ran)["written"]["value"], nullptr) << what;
  }
  EXPECT_EQ(written("p/set").exit, 2);
  plant->SetFault(2, tests::Fault::kSilent);
  const Ran silent = Ask({"probe", "p", "--for", "1s", "--write", "p/set=1300"});
  EXPECT_EQ(silent.exit, 1) << "the device may have it";
  EXPECT_THAT(silent.err, Not(HasSubstr("not written")));
  plant->SetFault(2, tests::Fault::kNone);
  EXPECT_EQ(JsonOf(Ask({"probe", "p", "--json"}))["values"][1]["value"], 1400);
}

TEST_F(DriverCommandsTest, AProbeOfADeviceThatIsAwayEndsWithItsError) {
  const Ran ran = Ask({"probe", "boiler"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out, ContainsRegex("tank/level +- +bad"));
  EXPECT_THAT(ran.out, HasSubstr("Connection refused"));
}

TEST_F(DriverCommandsTest, ATestRunsAllInstancesAndTellsWhichFail) {
  const Ran ran = Ask({"test", file_, "--for", "500ms", "--json"});
  EXPECT_EQ(ran.exit, 1);
  const Json json = JsonOf(ran);
  ASSERT_EQ(json["drivers"].size(), 2u);
  EXPECT_GE(json["drivers"][0]["polls"], 2) << "it goes on after the first";
  EXPECT_EQ(json["drivers"][0]["errors"].size(), 0u);
  EXPECT_THAT(json["drivers"][1]["last_error"].get<std::string>(), HasSubstr("Connection refused"));
}

TEST_F(DriverCommandsTest, AWrongConfigurationIsRefusedWithFileAndLine) {
  Write("[drivers.boiler]\nkind = \"modbus\"\nendpont = \"x\"\n");
  for (const char* command : {"test", "probe"}) {
    std::vector<std::string> args = {command};
    if (args[0] == "probe") args.push_back("boiler");
    const Ran ran = Ask(args);
    EXPECT_EQ(ran.exit, 78) << command;
    EXPECT_THAT(ran.err, HasSubstr("edgetwin.toml:5: drivers.boiler.endpont: unknown key"));
    EXPECT_THAT(ran.out, Not(HasSubstr("boiler")));
  }
  Write("");
  EXPECT_EQ(Ask({"test"}).exit, 3);
}

}  // namespace
}  // namespace edgetwin::cli
