// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/modbus_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "drivers/modbus/modbus_driver.h"
#include "drivers/sdk/testing/golden.h"
#include "drivers/sdk/testing/options.h"

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

struct Outcome {
  ModbusConfig config;
  std::string problems;
};

Outcome Read(const std::string& text) {
  const Result<ConfigNode> node = testing::ParseOptions(text);
  EXPECT_TRUE(node) << node.error().text;
  ConfigProblems problems;
  ConfigReader reader(*node, "drivers.boiler", problems);
  Outcome outcome{ReadModbusConfig(reader), {}};
  reader.Finish();
  outcome.problems = problems.ToString();
  return outcome;
}

constexpr const char* kHead = "endpoint = \"tcp://plc:1502\"\n[[unit]]\nid = 3\n";

// The problems of one register with these keys.
std::string RegisterProblems(const std::string& keys) {
  return Read(std::string(kHead) + "[[unit.register]]\nname = \"x\"\n" + keys).problems;
}

TEST(ModbusConfigTest, ReadsEverythingAnOperatorMaySay) {
  const Outcome outcome = Read(R"(
endpoint = "tcp://[::1]:1502"
timeout = "500ms"
period = "2s"
max_gap = 4
breaker_failures = 5
breaker_max = "30s"
[[unit]]
id = 7
name = "pump"
period = "250ms"
max_registers = 20
write_multiple = true
[[unit.register]]
name = "speed"
kind = "holding"
address = 100
type = "int32"
word_order = "little"
byte_order = "little"
scale = 0.5
offset = 10
unit = "1/min"
decimals = 2
min = 0
max = 3000
writable = true
deadband = 1.0
min_period = "1s"
heartbeat = "1m"
description = "As set"
local_only = true
[[unit.register]]
name = "serial"
kind = "input"
address = 0
type = "string"
length = 11
)");
  EXPECT_EQ(outcome.problems, "");
  const ModbusConfig& config = outcome.config;
  EXPECT_EQ(config.endpoint.ToString(), "tcp://[::1]:1502");
  EXPECT_EQ(config.timeout, milliseconds(500));
  EXPECT_EQ(config.breaker_failures, 5);
  ASSERT_EQ(config.units.size(), 1u);
  const ModbusUnit& unit = config.units[0];
  EXPECT_EQ(unit.name, "unit 7 (pump)");
  EXPECT_EQ(unit.period, milliseconds(250));
  EXPECT_EQ(unit.limits.gap_max, 4);
  EXPECT_EQ(unit.limits.registers_max, 20);
  EXPECT_TRUE(unit.write_multiple);
  const ModbusRegister& speed = unit.registers[0];
  EXPECT_EQ(speed.def.path.text(), "boiler_pump/speed");
  EXPECT_EQ(speed.def.type, model::ValueType::kDouble);
  EXPECT_EQ(speed.def.unit, "1/min");
  EXPECT_EQ(speed.def.decimals, 2);
  EXPECT_EQ(speed.spec.decimals, 2);
  EXPECT_TRUE(speed.def.writable);
  EXPECT_EQ(speed.def.max, 3000);
  EXPECT_EQ(speed.def.policy.deadband, 1.0);
  EXPECT_TRUE(speed.def.local_only);
  EXPECT_EQ(speed.def.source, "unit 7 holding 100 int32");
  EXPECT_TRUE(speed.spec.little_words && speed.spec.little_bytes);
  EXPECT_EQ(unit.registers[1].spec.count(), 6);
  EXPECT_EQ(unit.registers[1].def.type, model::ValueType::kString);
}

TEST(ModbusConfigTest, OneUnitWithoutANameIsTheInstanceSeveralAreNumbered) {
  const std::string reg = "[[unit.register]]\nname = \"x\"\nkind = \"coil\"\naddress = 0\n";
  const std::string one = std::string(kHead) + reg;
  EXPECT_EQ(Read(one).config.units[0].registers[0].def.path.text(), "boiler/x");
  const Outcome two =
      Read(one + "[[unit]]\nid = 4\n" + reg + "[[unit]]\nid = 5\nthing = \"site/valve\"\n" + reg);
  EXPECT_EQ(two.problems, "");
  EXPECT_EQ(two.config.units[0].registers[0].def.path.text(), "boiler_3/x");
  EXPECT_EQ(two.config.units[1].registers[0].def.path.text(), "boiler_4/x");
  EXPECT_EQ(two.config.units[2].registers[0].def.path.text(), "site/valve/x");
}

TEST(ModbusConfigTest, ScaledIntegersTakeTheirDecimalsFromTheScale) {
  const Outcome outcome =
      Read(std::string(kHead) +
           "[[unit.register]]\nname = \"t\"\nkind = \"input\"\naddress = 0\nscale = 0.01\n");
  EXPECT_EQ(outcome.problems, "");
  EXPECT_EQ(outcome.config.units[0].registers[0].def.decimals, 2);
}

TEST(ModbusConfigTest, RefusesWhatContradictsItself) {
  EXPECT_THAT(RegisterProblems("kind = \"holding\"\naddress = 1\ntype = \"bool\"\n"),
              HasSubstr("needs 'bit'"));
  EXPECT_THAT(RegisterProblems("kind = \"coil\"\naddress = 1\ntype = \"int16\"\n"),
              HasSubstr("a coil is a bool"));
  EXPECT_THAT(RegisterProblems("kind = \"coil\"\naddress = 1\nbit = 1\n"),
              HasSubstr("bit: is for registers"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\nbit = 1\n"),
              HasSubstr("type = \"bool\""));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\nwritable = true\n"),
              HasSubstr("can't be written"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 65536\n"), HasSubstr("0 to 65535"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 65535\ntype = \"float32\"\n"),
              HasSubstr("past the last address"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\nword_order = \"little\"\n"),
              HasSubstr("two and more registers"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\ntype = \"string\"\n"),
              HasSubstr("length: is required"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\nlength = 4\n"),
              HasSubstr("length: is for"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\nscale = 0\n"),
              HasSubstr("must not be 0"));
  EXPECT_THAT(RegisterProblems("kind = \"discrete\"\naddress = 1\nscale = 2\n"),
              HasSubstr("is for numbers"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\naddress = 1\ndecimals = 1\n"),
              HasSubstr("decimals"));
  EXPECT_THAT(RegisterProblems("kind = \"inptu\"\naddress = 1\n"),
              HasSubstr("did you mean \"input\"?"));
  EXPECT_THAT(RegisterProblems("kind = \"input\"\nadress = 1\n"),
              HasSubstr("did you mean \"address\"?"));
  EXPECT_EQ(RegisterProblems("kind = \"input\"\naddress = 65535\n"), "");
}

TEST(ModbusConfigTest, RefusesDuplicatesAndCollisions) {
  const std::string reg =
      "[[unit.register]]\nname = \"x\"\nkind = \"input\"\naddress = 0\ntype = \"float32\"\n";
  EXPECT_THAT(Read(kHead + reg + reg).problems, HasSubstr("path of another register, in line 4"));
  EXPECT_THAT(Read(kHead + reg + "[[unit]]\nid = 3\n" + reg).problems,
              HasSubstr("configured twice"));
  const std::string overlap =
      "[[unit.register]]\nname = \"y\"\nkind = \"input\"\naddress = 1\ntype = \"float32\"\n";
  EXPECT_THAT(Read(kHead + reg + overlap).problems,
              HasSubstr("'y' (input 1 float32) overlaps 'x'"));
  const std::string raw =
      "[[unit.register]]\nname = \"raw\"\nkind = \"input\"\naddress = 0\ntype = \"uint32\"\n";
  const std::string bit =
      "[[unit.register]]\nname = \"bit\"\nkind = \"input\"\naddress = 1\ntype = \"bool\"\nbit = "
      "0\n";
  EXPECT_EQ(Read(kHead + reg + raw + bit).problems, "");
}

TEST(ModbusConfigTest, RefusesUnusableEndpointsAndUnits) {
  const auto with = [](const std::string& endpoint, const std::string& id) {
    return Read("endpoint = \"" + endpoint + "\"\n[[unit]]\nid = " + id +
                "\n[[unit.register]]\nname = \"x\"\nkind = \"coil\"\naddress = 0\n")
        .problems;
  };
  EXPECT_EQ(with("tcp://10.0.0.1", "255"), "");
  EXPECT_THAT(with("10.0.0.1:502", "1"), HasSubstr("write \"tcp://host:port\""));
  EXPECT_THAT(with("tcp://:502", "1"), HasSubstr("names no host"));
  EXPECT_THAT(with("tcp://h:0", "1"), HasSubstr("no port"));
  EXPECT_THAT(with("tcp://h:99999", "1"), HasSubstr("no port"));
  EXPECT_THAT(with("tcp://h o:1", "1"), HasSubstr("no host name"));
  EXPECT_THAT(with("tcp://[::1:502", "1"), HasSubstr("']'"));
  EXPECT_THAT(with("tcp://h", "248"), HasSubstr("0 to 247"));
  EXPECT_THAT(Read("endpoint = \"tcp://h\"\n").problems, HasSubstr("unit: is required"));
  EXPECT_THAT(Read(kHead).problems, HasSubstr("register: is required"));
}

TEST(ModbusConfigTest, ReadsASerialLine) {
  const Outcome outcome = Read(R"(
device = "/dev/ttyUSB0"
baud = 19200
parity = "even"
byte_timeout = "50ms"
echo = true
request_gap = "5ms"
word_order = "little"
[[unit]]
id = 247
request_gap = "20ms"
[[unit.register]]
name = "x"
kind = "input"
address = 0
type = "float32"
[[unit.register]]
name = "y"
kind = "input"
address = 2
type = "float32"
word_order = "big"
[[unit.register]]
name = "z"
kind = "input"
address = 4
[[unit]]
id = 1
byte_order = "little"
[[unit.register]]
name = "x"
kind = "input"
address = 0
)");
  EXPECT_EQ(outcome.problems, "");
  const ModbusConfig& config = outcome.config;
  ASSERT_TRUE(config.serial);
  EXPECT_EQ(config.serial->ToString(), "/dev/ttyUSB0 19200 8E1");
  EXPECT_EQ(config.byte_timeout, milliseconds(50));
  EXPECT_TRUE(config.echo);
  ASSERT_EQ(config.units.size(), 2u);
  EXPECT_EQ(config.units[0].request_gap, milliseconds(20));
  EXPECT_EQ(config.units[1].request_gap, milliseconds(5));
  // The orders of the instance and the unit are those of registers that say none.
  EXPECT_TRUE(config.units[0].registers[0].spec.little_words);
  EXPECT_FALSE(config.units[0].registers[1].spec.little_words);
  EXPECT_FALSE(config.units[0].registers[0].spec.little_bytes);
  EXPECT_TRUE(config.units[1].registers[0].spec.little_bytes);
}

TEST(ModbusConfigTest, ABusIsEitherTcpOrASerialLine) {
  const std::string unit =
      "[[unit]]\nid = 1\n[[unit.register]]\nname = \"x\"\nkind = \"coil\"\naddress = 0\n";
  const std::string device = "device = \"/dev/ttyS1\"\n";
  const std::string endpoint = "endpoint = \"tcp://h\"\n";
  EXPECT_EQ(Read(device + unit).problems, "");
  EXPECT_THAT(Read(unit).problems, HasSubstr("endpoint: is required, or a serial line's device"));
  EXPECT_THAT(Read(device + endpoint + unit).problems, HasSubstr("an instance is one bus"));
  for (const char* key : {"baud = 9600", "parity = \"even\"", "stop_bits = 2", "rs485 = true",
                          "byte_timeout = \"1s\"", "echo = false"}) {
    EXPECT_THAT(Read(endpoint + key + "\n" + unit).problems, HasSubstr("is for a serial line"))
        << key;
  }
  EXPECT_THAT(Read(device + "data_bits = 7\n" + unit).problems, HasSubstr("Modbus RTU has 8"));
  for (const char* id : {"0", "248", "255"}) {
    const std::string other = "[[unit]]\nid = " + std::string(id) + unit.substr(15);
    EXPECT_THAT(Read(device + other).problems, HasSubstr("must be 1 to 247 on a serial line"))
        << id;
  }
}

TEST(ModbusConfigTest, TheSampleIsValid) {
  std::ifstream file(EDGETWIN_SOURCE_DIR "/drivers/modbus/sample.toml");
  std::stringstream text;
  text << file.rdbuf();
  const Result<ConfigNode> node = testing::ParseOptions(text.str());
  ASSERT_TRUE(node) << node.error().text;
  const ConfigNode* plant = node->Find("drivers")->Find("plant");
  ASSERT_NE(plant, nullptr);
  ConfigProblems problems;
  ConfigReader reader(*plant, "drivers.plant", problems);
  reader.Has("kind");
  const ModbusConfig config = ReadModbusConfig(reader);
  reader.Finish();
  EXPECT_EQ(problems.ToString(), "");
  EXPECT_EQ(config.units.size(), 4u);
}

class ModbusCaseTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ModbusCaseTest, ProblemsAreWorded) {
  testing::GoldenRunner runner;
  runner.instance = "boiler";
  runner.make = [] { return ModbusKind().make(); };
  const std::string reported = testing::RunGoldenCase(runner, GetParam());
  EXPECT_EQ(testing::ExpectedOf(GetParam(), reported), reported);
}

INSTANTIATE_TEST_SUITE_P(Cases, ModbusCaseTest,
                         ::testing::ValuesIn(testing::FindGoldenCases(EDGETWIN_SOURCE_DIR
                                                                      "/drivers/modbus/testcases")),
                         [](const auto& one) { return one.param.filename().string(); });

}  // namespace
}  // namespace edgetwin::driver
