// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_text.h"

#include <gtest/gtest.h>

#include <string>

#include "drivers/sdk/testing/code_of.h"

namespace edgetwin::w1 {
namespace {

using driver::testing::CodeOf;

TEST(W1TextTest, ASlaveTextWithAGoodCrcIsItsTemperature) {
  EXPECT_EQ(ParseSlaveText("72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n"
                           "72 01 4b 46 7f ff 0e 10 57 t=23125\n"),
            23'125);
  EXPECT_EQ(ParseSlaveText("6e ff 4b 46 7f ff 02 10 71 : crc=71 YES\n"
                           "6e ff 4b 46 7f ff 02 10 71 t=-9125"),
            -9'125);
}

TEST(W1TextTest, AWrongCrcIsNoTemperatureThoughOneIsWritten) {
  EXPECT_EQ(CodeOf(ParseSlaveText("ff ff ff ff ff ff ff ff ff : crc=c9 NO\n"
                                  "72 01 4b 46 7f ff 0e 10 57 t=-62\n")),
            ErrorCode::kCorrupt);
}

TEST(W1TextTest, AShortedBusIsNoTemperatureThoughItsCrcIsGood) {
  EXPECT_EQ(CodeOf(ParseSlaveText("00 00 00 00 00 00 00 00 00 : crc=00 YES\n"
                                  "00 00 00 00 00 00 00 00 00 t=0\n")),
            ErrorCode::kCorrupt);
  EXPECT_EQ(ParseSlaveText("00 00 4b 46 7f ff 0c 10 1c : crc=1c YES\n"
                           "00 00 4b 46 7f ff 0c 10 1c t=0\n"),
            0);
}

TEST(W1TextTest, WhatIsCutOrOtherwiseWrongIsRefused) {
  const std::string good =
      "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125";
  ASSERT_TRUE(ParseSlaveText(good));
  // A number that is cut is another number, so the end is where a text can't be told from a whole.
  for (std::size_t size = 0; size <= good.find("t=") + 2; ++size) {
    EXPECT_FALSE(ParseSlaveText(good.substr(0, size))) << size;
  }
  for (const char* text : {"72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 t=23125x\n",
                           "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 t=99999999999\n",
                           "72 01 4b 46 7f ff 0e 10 57 : crc=57 MAYBE\n72 t=23125\n",
                           "72 01 4b 46 7f ff 0e 10 5 : crc=57 YES\n72 t=23125\n",
                           "72 01 4b 46 7f ff 0e 10 57 crc=57 YES\n72 t=23125\n", "t=23125", ""}) {
    EXPECT_EQ(CodeOf(ParseSlaveText(text)), ErrorCode::kCorrupt) << text;
  }
}

TEST(W1TextTest, AnEmptyTemperatureIsOneThatIsNotThereYet) {
  EXPECT_EQ(ParseTemperatureText("23125\n"), 23'125);
  EXPECT_EQ(ParseTemperatureText("-62"), -62);
  EXPECT_EQ(CodeOf(ParseTemperatureText("\n")), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(ParseTemperatureText("23.1")), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf(ParseTemperatureText("99999999999")), ErrorCode::kCorrupt);
}

TEST(W1TextTest, IdsOfTemperatureSensorsAreKnownByTheirFamily) {
  EXPECT_EQ(FamilyOf("28-0316a2795aff")->name, "DS18B20");
  for (const char* id :
       {"10-000802e4a190", "22-000000000001", "3b-000000000001", "42-000000000001"}) {
    EXPECT_TRUE(FamilyOf(id)) << id;
  }
  for (const char* id : {"01-000802e4a190", "28-0316a2795af", "28-0316a2795aff0", "28_0316a2795aff",
                         "28-0316A2795AFF", "w1_bus_master1", ""}) {
    EXPECT_FALSE(FamilyOf(id)) << id;
  }
}

TEST(W1TextTest, WhatAFamilyCannotMeasureIsRefused) {
  const Family family = *FamilyOf("28-0316a2795aff");
  EXPECT_TRUE(CheckRange(family, -55'000));
  EXPECT_TRUE(CheckRange(family, 125'000));
  EXPECT_FALSE(CheckRange(family, -127'000));
  EXPECT_FALSE(CheckRange(family, 127'937));
  EXPECT_TRUE(CheckRange(*FamilyOf("3b-000000000001"), 800'000)) << "a thermocouple's";
}

}  // namespace
}  // namespace edgetwin::w1
