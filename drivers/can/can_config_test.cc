// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/can_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/can.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "drivers/sdk/testing/options.h"

namespace edgetwin::can {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class CanConfigTest : public ::testing::Test {
 protected:
  CanConfigTest() {
    folder_ = (std::filesystem::path(::testing::TempDir()) / "edgetwin-can-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~CanConfigTest() override { std::filesystem::remove_all(folder_); }

  void Dbc(const std::string& text) { std::ofstream(folder_ + "/x.dbc") << text; }
  CanConfig Read(const std::string& options) {
    const auto node = driver::testing::ParseOptions("interface = \"can0\"\n" + options);
    EXPECT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader reader(*node, "drivers.bus", problems);
    CanConfig config = ReadCanConfig(reader);
    reader.Finish();
    problems_ = problems.ToString();
    return config;
  }
  CanConfig ReadWithDbc(const std::string& options) {
    return Read("dbc = \"" + folder_ + "/x.dbc\"\n" + options);
  }

  std::string folder_;
  std::string problems_;
};

constexpr const char* kDbc = R"(BO_ 291 Engine: 8 ECU
 SG_ Speed : 24|16@1+ (0.125,0) [0|8031.875] "rpm" X
 SG_ On : 0|1@1+ (1,0) [0|0] "" X

BO_ 2566844926 Tank: 8 ECU
 SG_ Which M : 0|2@1+ (1,0) [0|0] "" X
 SG_ A m0 : 8|8@1- (1,0) [0|0] "°C" X
 SG_ B m1 : 8|8@1- (1,0) [0|0] "" X
 SG_ C m1 : 16|8@1- (1,0) [0|0] "" X
BA_ "GenMsgCycleTime" BO_ 291 20;
BA_ "GenMsgCycleTime" BO_ 2566844926 500;
VAL_ 291 On 0 "off" 1 "on";
)";

TEST_F(CanConfigTest, ADbcFileAloneIsAConfiguration) {
  Dbc(kDbc);
  const CanConfig config = ReadWithDbc("");
  EXPECT_EQ(problems_, "");
  ASSERT_EQ(config.messages.size(), 2u);
  const CanMessage& engine = config.messages[0];
  EXPECT_EQ(engine.timeout, seconds(1));  // Not 200 ms.
  ASSERT_EQ(engine.signals.size(), 2u);
  EXPECT_EQ(engine.signals[0].def.path.text(), "bus/Engine/Speed");
  EXPECT_EQ(engine.signals[0].def.unit, "/min");
  EXPECT_EQ(engine.signals[0].def.decimals, 3);
  EXPECT_EQ(engine.signals[0].def.type, model::ValueType::kDouble);
  EXPECT_EQ(engine.signals[1].def.type, model::ValueType::kBool);
  EXPECT_EQ(engine.signals[1].def.description, "0 off, 1 on");
  EXPECT_FALSE(engine.signals[1].def.writable);
  const CanMessage& tank = config.messages[1];
  EXPECT_EQ(tank.id, 0x18fef1fe | CAN_EFF_FLAG);
  EXPECT_EQ(tank.timeout, seconds(10));  // Ten cycles of two turns.
  ASSERT_TRUE(tank.multiplexor);
  EXPECT_EQ(tank.signals[1].def.unit, "Cel");
}

TEST_F(CanConfigTest, MessagesAndSignalsCanBeChosenAndNamed) {
  Dbc(kDbc);
  const CanConfig config = ReadWithDbc(R"(check_range = true
[[policy]]
match = "Engine/*"
min_period = "5s"
[[message]]
name = "Engine"
timeout = "0"
[[message.signal]]
name = "Speed"
property = "engine/rpm"
deadband = 10
decimals = 1
writable = true
[[message]]
name = "Tank"
)");
  EXPECT_EQ(problems_, "");
  ASSERT_EQ(config.messages.size(), 2u);
  const CanMessage& engine = config.messages[0];
  ASSERT_EQ(engine.signals.size(), 1u);
  EXPECT_EQ(engine.timeout, milliseconds(0));
  const CanSignal& speed = engine.signals[0];
  EXPECT_EQ(speed.def.path.text(), "bus/engine/rpm");
  EXPECT_EQ(speed.def.policy.deadband, 10);
  EXPECT_EQ(speed.spec.decimals, 1);
  EXPECT_TRUE(speed.def.writable);
  EXPECT_EQ(speed.def.max, 8031.875);  // The file's range is what may be written.
  EXPECT_TRUE(speed.spec.check_range);
  EXPECT_EQ(config.messages[1].signals.size(), 4u);
  EXPECT_TRUE(config.messages[1].signals[0].spec.check_range);
}

TEST_F(CanConfigTest, MistakesInTheDbcFileAreNamedWithItsLine) {
  Dbc("BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0 \"\" X\n");
  ReadWithDbc("");
  EXPECT_THAT(problems_,
              HasSubstr(folder_ + "/x.dbc:2: drivers.bus.dbc: ']' is expected, not a string"));
  // What is wrong with a message is told if it is used.
  const std::string wrong =
      "BO_ 1 A: 8 X\n SG_ a : 60|8@1+ (1,0) [0|0] \"\" X\nBO_ 2 B: 8 X\n"
      " SG_ b : 0|8@1+ (1,0) [0|0] \"\" X\n";
  Dbc(wrong);
  ReadWithDbc("");
  EXPECT_THAT(problems_, HasSubstr("x.dbc:2: drivers.bus.dbc: a: bit 60"));
  ReadWithDbc("[[message]]\nname = \"B\"\n");
  EXPECT_EQ(problems_, "");
}

TEST_F(CanConfigTest, AFileThatIsNoneIsAProblem) {
  ReadWithDbc("");
  EXPECT_THAT(problems_, HasSubstr("x.dbc: No such file"));
  ASSERT_EQ(mkfifo((folder_ + "/x.dbc").c_str(), 0600), 0);
  ReadWithDbc("");  // Doesn't wait for a writer.
  EXPECT_THAT(problems_, HasSubstr("x.dbc is no file"));
  Read("dbc = \"x.dbc\"\n");
  EXPECT_THAT(problems_, HasSubstr("'x.dbc' is no absolute path"));
}

TEST_F(CanConfigTest, NoFileStaysOpen) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const auto before = open_files();
  Dbc(kDbc);
  ReadWithDbc("");
  EXPECT_EQ(problems_, "");
  std::filesystem::remove(folder_ + "/x.dbc");
  ASSERT_EQ(mkfifo((folder_ + "/x.dbc").c_str(), 0600), 0);
  ReadWithDbc("");
  EXPECT_EQ(open_files(), before);
}

TEST_F(CanConfigTest, AFileThatIsTooLongIsAProblem) {
  Dbc("");
  std::filesystem::resize_file(folder_ + "/x.dbc", (8 << 20) + 1);
  ReadWithDbc("");
  EXPECT_THAT(problems_, HasSubstr("is longer than 8388608 bytes"));
}

TEST_F(CanConfigTest, MoreMessagesThanTheKernelFiltersAreAProblem) {
  std::string dbc;
  for (int i = 0; i < 513; ++i) {
    dbc += "BO_ " + std::to_string(i) + " M" + std::to_string(i) +
           ": 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] \"\" X\n";
  }
  Dbc(dbc);
  ReadWithDbc("");
  EXPECT_THAT(problems_, HasSubstr("has 513 messages, and the kernel takes filters for 512"));
  ReadWithDbc("[[message]]\nname = \"M512\"\n");
  EXPECT_EQ(problems_, "");
  std::string many;
  for (int i = 0; i < 513; ++i) many += "[[message]]\nname = \"M" + std::to_string(i) + "\"\n";
  ReadWithDbc(many);
  EXPECT_THAT(problems_, HasSubstr("one message more than the kernel takes filters for, 512"));
}

TEST_F(CanConfigTest, MoreSignalsThanAnInstanceHasAreAProblem) {
  std::string dbc = "BO_ 1 M: 8 X\n";
  for (std::size_t i = 0; i <= kSignalsMax; ++i) {
    dbc += " SG_ s" + std::to_string(i) + " : 0|8@1+ (1,0) [0|0] \"\" X\n";
  }
  Dbc(dbc);
  ReadWithDbc("");
  EXPECT_THAT(problems_, HasSubstr("there are more than 10000 signals with those of 'M'"));
}

TEST_F(CanConfigTest, PathsThatAreTooLongAreAProblem) {
  Dbc("BO_ 1 " + std::string(100, 'm') + ": 8 X\n SG_ " + std::string(100, 's') +
      " : 0|8@1+ (1,0) [0|0] \"\" X\n");
  ReadWithDbc("thing = \"" + std::string(90, 't') + "\"\n");
  EXPECT_THAT(problems_, HasSubstr("x.dbc:1: drivers.bus.dbc: '"));
}

TEST_F(CanConfigTest, NamesThatAreNotInTheFileAreCorrected) {
  Dbc(kDbc);
  ReadWithDbc(
      "[[message]]\nname = \"Engin\"\n[[message]]\nname = \"Engine\"\nlength = 8\n"
      "[[message.signal]]\nname = \"Sped\"\n[[message.signal]]\nname = \"On\"\nstart = 1\n");
  EXPECT_THAT(problems_, HasSubstr("no message 'Engin'; did you mean 'Engine'?"));
  EXPECT_THAT(problems_, HasSubstr("has no signal 'Sped'; did you mean 'Speed'?"));
  EXPECT_THAT(problems_, HasSubstr("signal[1].start: comes from the DBC file"));
  EXPECT_THAT(problems_, HasSubstr("message[1].length: comes from the DBC file"));
}

TEST_F(CanConfigTest, WhatCantBeSentIsRefused) {
  const std::string begin = "[[message]]\nname = \"m\"\nid = 1\n";
  const std::string signal = "[[message.signal]]\nname = \"s\"\nstart = 0\nlength = 8\n";
  const auto problems = [&](const std::string& keys, const std::string& of_signal = "") {
    Read(begin + keys + signal + of_signal);
    return problems_;
  };
  EXPECT_EQ(problems(""), "");
  EXPECT_THAT(problems("send_every = \"1s\"\n"), HasSubstr("nothing would ever be sent"));
  EXPECT_EQ(problems("send_every = \"1s\"\n", "writable = true\n"), "");
  EXPECT_THAT(problems("send_from_start = true\n"), HasSubstr("needs send_every"));
  EXPECT_THAT(problems("length = 9\n"), HasSubstr("a frame has up to 8, 12, 16"));
  EXPECT_THAT(problems("length = 12\nfd = false\n"), HasSubstr("of 12 bytes is CAN FD"));
  EXPECT_THAT(problems("bit_rate_switch = true\n"), HasSubstr("needs fd = true"));
  EXPECT_THAT(problems("", "initial = 256\n"), HasSubstr("256 does not fit"));
  EXPECT_THAT(problems("", "initial = \"x\"\n"), HasSubstr("must be a int, not string"));
  EXPECT_THAT(problems("", "check_range = true\n"), HasSubstr("needs min or max"));
  Dbc("BO_ 1 m: 9 X\n SG_ s : 0|8@1+ (1,0) [0|0] \"\" X\n");
  ReadWithDbc("[[message]]\nname = \"m\"\n[[message.signal]]\nname = \"s\"\nwritable = true\n");
  EXPECT_THAT(problems_, HasSubstr("9 bytes can't be sent"));
}

TEST_F(CanConfigTest, WhatIsWrittenAppearsOnRequestSoItsSilenceIsNoNews) {
  const CanConfig config = Read(
      "[[message]]\nname = \"m\"\nid = 1\n[[message.signal]]\nname = \"s\"\nstart = 0\n"
      "length = 8\nwritable = true\n[[message]]\nname = \"n\"\nid = 2\nsend_every = \"200ms\"\n"
      "[[message.signal]]\nname = \"s\"\nstart = 0\nlength = 8\nwritable = true\n");
  EXPECT_EQ(problems_, "");
  EXPECT_EQ(config.messages.at(0).timeout, milliseconds(0));
  EXPECT_EQ(config.messages.at(1).timeout, seconds(2));
}

}  // namespace
}  // namespace edgetwin::can
