// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/dbc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::can {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::string Problems(const std::string& text) {
  std::string result;
  const DbcFile file = ParseDbc(text);
  for (const DbcProblem& problem : file.problems) {
    result += std::to_string(problem.line) + ": " + problem.text + "\n";
  }
  for (const DbcMessage& message : file.messages) {
    for (const DbcProblem& problem : message.problems) {
      result += message.name + " " + std::to_string(problem.line) + ": " + problem.text + "\n";
    }
  }
  return result;
}
// Of a file with one message of 8 bytes that has these lines.
std::string InMessage(const std::string& lines) {
  return Problems("BO_ 291 Engine: 8 ECU\n" + lines);
}

constexpr const char* kWhole = R"(VERSION "1.0 BO_ 1 Fake: 8 X"

NS_ :
    NS_DESC_
    CM_
    BA_DEF_
    BA_
    VAL_
    SIG_VALTYPE_
    SG_MUL_VAL_

BS_:

BU_: ECU Dash

BO_ 291 Engine: 8 ECU
 SG_ Speed : 24|16@1+ (0.125,0) [0|8031.875] "rpm"  Dash
 SG_ Torque : 7|12@0- (1,-100) [0|0] "Nm" Dash,ECU

BO_ 2566844926 Mux: 8 Vector__XXX
 SG_ Selector M : 0|4@1+ (1,0) [0|15] "" Vector__XXX
 SG_ Flow m0 : 8|32@1- (1,0) [0|0] "l/s" Vector__XXX
 SG_ State m3 : 8|2@1+ (1,0) [0|3] "" Vector__XXX

BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX
 SG_ Lost : 0|8@1+ (1,0) [0|0] "" Vector__XXX

CM_ SG_ 291 Speed "Of the crankshaft;
BO_ 5 NotAMessage: 8 ECU \"quoted\"";
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 250;
BA_ "GenMsgCycleTime" BO_ 291 20;
BA_ "Other" SG_ 291 Speed 1;
VAL_ 2566844926 State 0 "Off" 1 "On" 2 "Fault \"x\"" ;
SIG_VALTYPE_ 2566844926 Flow : 1;
SG_MUL_VAL_ 2566844926 State Selector 3-3;
)";

TEST(DbcTest, TakesWhatMattersAndPassesOverTheRest) {
  EXPECT_EQ(Problems(kWhole), "");
  const DbcFile file = ParseDbc(kWhole);
  ASSERT_EQ(file.messages.size(), 2u);
  const DbcMessage& engine = file.messages[0];
  EXPECT_EQ(engine.name, "Engine");
  EXPECT_EQ(engine.id, 291u);
  EXPECT_FALSE(engine.extended);
  EXPECT_EQ(engine.length, 8);
  EXPECT_EQ(engine.cycle, milliseconds(20));
  ASSERT_EQ(engine.signals.size(), 2u);
  const DbcSignal& speed = engine.signals[0];
  EXPECT_EQ(speed.bits.start, 24);
  EXPECT_EQ(speed.bits.length, 16);
  EXPECT_EQ(speed.bits.order, ByteOrder::kLittle);
  EXPECT_EQ(speed.bits.type, RawType::kUnsigned);
  EXPECT_EQ(speed.factor, 0.125);
  EXPECT_EQ(speed.max, 8031.875);
  EXPECT_EQ(speed.unit, "rpm");
  EXPECT_EQ(speed.line, 17);
  const DbcSignal& torque = engine.signals[1];
  EXPECT_EQ(torque.bits.order, ByteOrder::kBig);
  EXPECT_EQ(torque.bits.type, RawType::kSigned);
  EXPECT_EQ(torque.offset, -100);
  EXPECT_EQ(torque.min, std::nullopt);
  const DbcMessage& mux = file.messages[1];
  EXPECT_EQ(mux.id, 0x18fef1feu);
  EXPECT_TRUE(mux.extended);
  EXPECT_EQ(mux.cycle, milliseconds(250));
  ASSERT_EQ(mux.signals.size(), 3u);
  EXPECT_TRUE(mux.signals[0].multiplexor);
  EXPECT_EQ(mux.signals[1].multiplex, 0u);
  EXPECT_EQ(mux.signals[1].bits.type, RawType::kFloat32);
  EXPECT_EQ(mux.signals[2].multiplex, 3u);
  EXPECT_EQ(mux.signals[2].labels, "0 Off, 1 On, 2 Fault \"x\"");
}

TEST(DbcTest, LinesMayEndAsOnWindowsAndBeginWithAMark) {
  const std::string text =
      "\xef\xbb\xbfVERSION \"\"\r\nNS_ :\r\n\tCM_\r\n\tBA_\r\n\r\nBS_:\r\nBO_ 1 A: 8 X\r\n SG_ b : "
      "0|8@1+ (1,0) [0|0] "
      "\"\" X\r\n";
  EXPECT_EQ(Problems(text), "");
  EXPECT_EQ(ParseDbc(text).messages.at(0).signals.size(), 1u);
}

TEST(DbcTest, ListsOfNodesMayHaveSeveralLines) {
  const std::string text =
      "BU_: A\n B C\n D\nBO_ 1 A: 8 X\n SG_ b : 0|8@1+ (1,0) [0|0] \"\" X, Y\n";
  EXPECT_EQ(Problems(text), "");
  EXPECT_EQ(ParseDbc(text).messages.size(), 1u);
}

TEST(DbcTest, UnitsOfOldFilesBecomeUtf8) {
  const DbcFile file = ParseDbc(
      "BO_ 1 A: 8 X\n SG_ t : 0|8@1+ (1,-40) [0|0] \"\xb0"
      "C\" X\n SG_ u : 8|8@1+ (1,-40) [0|0] \"°C\" X\n");
  EXPECT_EQ(file.messages.at(0).signals.at(0).unit, "°C");
  EXPECT_EQ(file.messages.at(0).signals.at(1).unit, "°C");
}

TEST(DbcTest, MistakesAreNamedByLineAndTheRestIsReadOn) {
  EXPECT_EQ(Problems("BO_ 1 A: x\n"), "1: a message's length is expected, not 'x'\n");
  EXPECT_EQ(Problems("BO_ 1 A: 8 X\n SG_ a : 0|8@2+ (1,0) [0|0] \"\" X\n"
                     " SG_ b : 0|8@1* (1,0) [0|0] \"\" X\n SG_ c : 0|8@1+ (1,0) [0|0] \"\" X\n"),
            "2: the byte order is 0 or 1, not 2\n3: '+' or '-' is expected, not '*'\n");
  EXPECT_EQ(Problems("SG_ a : 0|8@1+ (1,0) [0|0] \"\" X\n"),
            "1: SG_ without a message before it\n");
  EXPECT_EQ(Problems("BO_ 1 A: 8 X\nBO_ 1 B: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] \"\" X\n"),
            "2: the id 1 is there twice\n");
  EXPECT_EQ(Problems("CM_ \"a\nb"), "1: a string that does not end\n");
  EXPECT_EQ(Problems("CM_ \"a\"\nBO_ 1 A: 8 X\n"), "1: the statement has no ';' at its end\n");
  // What follows isn't swallowed up to the next one.
  EXPECT_EQ(Problems("CM_ \"a\"\nBO_ 1 A: 8 X\nCM_ \"b\";\n"),
            "1: the statement has no ';' at its end\n");
  EXPECT_EQ(Problems("BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1e999,0) [0|0] \"\" X\n"),
            "2: a factor is expected, not '1e999'\n");
  EXPECT_EQ(Problems("BO_\nBO_ 2 B: 8 X\n"), "2: a message's id is expected, not 'BO_'\n");
  EXPECT_EQ(Problems("?\n"), "1: a keyword is expected, not '?'\n");
}

TEST(DbcTest, WhatCantBeDecodedIsAProblemOfItsMessageOnly) {
  EXPECT_THAT(InMessage(" SG_ a : 60|8@1+ (1,0) [0|0] \"\" X\n"),
              HasSubstr("Engine 2: a: bit 60, 8 bits: reaches beyond the message's 8 bytes"));
  EXPECT_THAT(InMessage(" SG_ a : 0|0@1+ (1,0) [0|0] \"\" X\n"), HasSubstr("1 to 64 bits, not 0"));
  EXPECT_THAT(InMessage(" SG_ a : 0|8@1+ (0,0) [0|0] \"\" X\n"), HasSubstr("must not be 0"));
  const std::string a = " SG_ a : 0|8@1+ (1,0) [0|0] \"\" X\n";
  EXPECT_THAT(InMessage(a + a), HasSubstr("a: is there twice, in line 2, too"));
  EXPECT_THAT(InMessage(" SG_ a m1 : 0|8@1+ (1,0) [0|0] \"\" X\n"),
              HasSubstr("the message has no multiplexor"));
  EXPECT_THAT(InMessage(" SG_ a m1M : 0|8@1+ (1,0) [0|0] \"\" X\n"),
              HasSubstr("a multiplexor that is multiplexed itself is not supported"));
  const std::string mux = " SG_ s M : 0|2@1+ (1,0) [0|0] \"\" X\n";
  EXPECT_THAT(InMessage(mux + " SG_ t M : 8|2@1+ (1,0) [0|0] \"\" X\n"),
              HasSubstr("t: is a second multiplexor, beside s"));
  EXPECT_THAT(InMessage(mux + " SG_ a m4 : 8|2@1+ (1,0) [0|0] \"\" X\n"),
              HasSubstr("m4 is no value of s, which has 2 bits"));
  EXPECT_THAT(InMessage(mux + " SG_ a m1 : 8|2@1+ (1,0) [0|0] \"\" X\nSG_MUL_VAL_ 291 a s 1-2;\n"),
              HasSubstr("a: a signal of several multiplexor values is not supported"));
  EXPECT_THAT(InMessage(a + "SIG_VALTYPE_ 291 a : 2;\n"), HasSubstr("float of 64 bits"));
  EXPECT_THAT(Problems("BO_ 2048 A: 8 X\n"), HasSubstr("more than 11 bits"));
  EXPECT_THAT(Problems("BO_ 3758096384 A: 8 X\n"), HasSubstr("more than 29 bits"));
  EXPECT_THAT(Problems("BO_ 1 A: 65 X\n"), HasSubstr("0 to 64 bytes, not 65"));
}

TEST(DbcTest, ThereIsALimitOfEverything) {
  std::string problems;
  for (int i = 0; i < 100; ++i) problems += "?\n";
  EXPECT_EQ(ParseDbc(problems).problems.size(), kDbcProblemsMax);
  std::string messages;
  for (std::size_t i = 0; i <= kDbcMessagesMax; ++i) {
    messages += "BO_ " + std::to_string(0x8000'0000 + i) + " A" + std::to_string(i) + ": 8 X\n";
  }
  EXPECT_THAT(Problems(messages), HasSubstr("there are more than 10000 messages"));
  std::string signals = "BO_ 1 A: 8 X\n";
  for (std::size_t i = 0; i <= kDbcSignalsMax; ++i) {
    signals += "SG_ s" + std::to_string(i) + ":0|8@1+(1,0)[0|0]\"\"X\n";
  }
  EXPECT_THAT(Problems(signals), HasSubstr("there are more than 100000 signals"));
  EXPECT_THAT(Problems("BO_ 1 " + std::string(200, 'a') + ": 8 X\n"), HasSubstr("128 bytes"));
}

}  // namespace
}  // namespace edgetwin::can
