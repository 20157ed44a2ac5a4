// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// On a pseudoterminal, with time that moves only when told to.

#include "drivers/nmea/nmea_driver.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/pty.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::nmea {
namespace {

using driver::testing::ManualLoop;
using driver::testing::Pty;
using driver::testing::RecordingSink;
using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* kGga =
    "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n";
constexpr const char* kNoFix = "$GPGGA,,,,,,0,00,99.99,,,,,,*48\r\n";

class NmeaDriverTest : public ::testing::Test {
 protected:
  ~NmeaDriverTest() override { driver_.Stop(); }

  void Start(const std::string& keys = "", const std::string& device = "") {
    const Result<ConfigNode> node = driver::testing::ParseOptions(
        "device = \"" + (device.empty() ? pty_.device() : device) + "\"\n" + keys);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader reader(*node, "drivers.boat", problems);
    ASSERT_TRUE(driver_.Init(reader)) << problems.ToString();
    reader.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
  }
  std::uint64_t Hits(const std::string& name) {
    for (const LimitReport& limit : driver_.limits()) {
      if (limit.name == name) return limit.hits;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  driver::PartStatus part() { return driver_.parts().at(0); }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  RecordingSink sink_{clock_};
  Pty pty_;
  NmeaDriver driver_;
};

TEST_F(NmeaDriverTest, ReportsWhatWasHeardLastOnceAPeriod) {
  Start();
  for (int i = 0; i < 10; ++i) pty_.Send(kGga);
  loop_.Run(milliseconds(900));
  EXPECT_FALSE(sink_.Has("boat/latitude"));
  loop_.Run(milliseconds(200));
  ASSERT_TRUE(sink_.Has("boat/latitude"));
  EXPECT_EQ(sink_.Samples("boat/latitude").size(), 1u);
  EXPECT_EQ(sink_.Last("boat/latitude").value, Value(48.1173));
  EXPECT_EQ(sink_.Last("boat/longitude").value, Value(11.5166667));
  EXPECT_EQ(sink_.Last("boat/satellites").value, Value(std::int64_t{8}));
  EXPECT_EQ(sink_.DefOf("boat/altitude").unit, "m");
  EXPECT_FALSE(sink_.Has("boat/speed"));  // No sentence told.
  loop_.Run(seconds(3));
  EXPECT_EQ(sink_.Samples("boat/latitude").size(), 1u);
  EXPECT_EQ(part().state, "ok");
}

TEST_F(NmeaDriverTest, WhoWantsItIsToldTheSentence) {
  Start();
  pty_.Send(kGga);
  loop_.Run(seconds(1));
  const std::string_view sentence = kGga;
  EXPECT_EQ(sink_.RawOf("boat/latitude"), sentence.substr(0, sentence.size() - 2));
  pty_.Send(kNoFix);
  loop_.Run(seconds(1));
  EXPECT_THAT(sink_.RawOf("boat/latitude"), HasSubstr("GGA,,,,")) << "why there is none";
}

TEST_F(NmeaDriverTest, WhatIsNotHeardAnyMoreIsBad) {
  Start("timeout = \"5s\"\n");
  pty_.Send(kGga);
  loop_.Run(seconds(4));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kGood);
  loop_.Run(seconds(3));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kBad);
  EXPECT_EQ(sink_.Samples("boat/latitude").size(), 2u);  // Once.
  EXPECT_EQ(part().state, "failing");
  EXPECT_THAT(part().last_error, HasSubstr(" 4800 8N1: no sentence for "));
  pty_.Send(kGga);
  loop_.Run(seconds(2));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kGood);
  EXPECT_EQ(part().state, "ok");
}

TEST_F(NmeaDriverTest, ALongPeriodMakesNothingOldGood) {
  Start("timeout = \"5s\"\nperiod = \"1m\"\n");
  loop_.Run(seconds(58));
  pty_.Send(kGga);
  loop_.Run(seconds(2));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kGood);
  loop_.Run(seconds(10));
  pty_.Send(kGga);
  loop_.Run(seconds(50));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kBad);
}

TEST_F(NmeaDriverTest, ALostFixIsBadAtOnce) {
  Start();
  pty_.Send(kGga);
  loop_.Run(seconds(1));
  pty_.Send(kNoFix);
  loop_.Run(seconds(1));
  EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kBad);
  EXPECT_EQ(sink_.Last("boat/fix_quality").quality, Quality::kGood);
  EXPECT_EQ(sink_.Last("boat/fix_quality").value, Value(std::int64_t{0}));
}

TEST_F(NmeaDriverTest, AReceiverIsUnpluggedAndPluggedInAgain) {
  Start("timeout = \"2s\"\n");
  for (int round = 0; round < 3; ++round) {
    pty_.Send(kGga);
    loop_.Run(seconds(1));
    EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kGood);
    pty_.Unplug();
    loop_.Run(seconds(3));
    EXPECT_EQ(sink_.Last("boat/latitude").quality, Quality::kBad);
    EXPECT_EQ(part().state, "failing");
    EXPECT_EQ(part().last_error, pty_.device() + " can't be opened: No such file or directory");
    pty_.Plug();
    loop_.Run(seconds(8));  // The pauses have come to 4 s.
    EXPECT_THAT(part().last_error, HasSubstr("no sentence for "));
  }
}

TEST_F(NmeaDriverTest, HalvesOfSentencesBeforeAndAfterAnUnpluggingAreNone) {
  Start();
  const std::string_view whole = kGga;
  pty_.Send(whole.substr(0, 30));
  loop_.Run(seconds(1));
  pty_.Unplug();
  loop_.Run(milliseconds(100));
  pty_.Plug();
  loop_.Run(seconds(5));
  EXPECT_EQ(part().state, "ok");
  pty_.Send(whole.substr(30));
  loop_.Run(seconds(2));
  EXPECT_TRUE(sink_.paths().empty());
  EXPECT_EQ(Hits("checksums_wrong"), 1u);
}

TEST_F(NmeaDriverTest, APortThatCannotBeOpenedIsTriedWithGrowingPauses) {
  int opened = 0;
  NmeaDriver driver([&](const serial::PortOptions&, const std::string&) -> Result<serial::Port> {
    ++opened;
    return Unavailable("not today");
  });
  const Result<ConfigNode> node = driver::testing::ParseOptions("device = \"/dev/ttyX\"\n");
  ConfigProblems problems;
  ConfigReader reader(*node, "drivers.boat", problems);
  ASSERT_TRUE(driver.Init(reader));
  ASSERT_TRUE(driver.Start(loop_, sink_));
  loop_.Run(std::chrono::hours(1));
  EXPECT_GT(opened, 100);  // 1, 2, 4, 8, 16 s, then every 30.
  EXPECT_LT(opened, 130);
  driver.Stop();
  EXPECT_EQ(loop_.pending(), 0u);
}

TEST_F(NmeaDriverTest, APortThatFailsWheneverItIsReadIsNoSpin) {
  int opened = 0;
  NmeaDriver driver([&](const serial::PortOptions&, const std::string&) -> Result<serial::Port> {
    ++opened;
    return serial::Port::Adopt(open("/dev/null", O_RDONLY | O_CLOEXEC));  // At its end at once.
  });
  const Result<ConfigNode> node = driver::testing::ParseOptions("device = \"/dev/ttyX\"\n");
  ConfigProblems problems;
  ConfigReader reader(*node, "drivers.boat", problems);
  ASSERT_TRUE(driver.Init(reader));
  ASSERT_TRUE(driver.Start(loop_, sink_));
  loop_.Run(std::chrono::hours(1));
  EXPECT_LT(opened, 130);
  driver.Stop();
}

TEST_F(NmeaDriverTest, WhatIsNotBelievedIsCounted) {
  Start("timeout = \"2s\"\n");
  pty_.Send("$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48\r\n");
  pty_.Send("$GPVTG,361,T,,M,0,N,,K*4A\r\n");
  pty_.Send(std::string(500, '~') + "\r\n");
  loop_.Run(seconds(4));
  EXPECT_EQ(Hits("checksums_wrong"), 1u);
  EXPECT_EQ(Hits("fields_wrong"), 1u);
  EXPECT_EQ(Hits("line_bytes"), 1u);
  EXPECT_TRUE(sink_.paths().empty());
  EXPECT_THAT(part().last_error,
              HasSubstr("bytes that are none; is the baud rate the receiver's?"));
}

TEST_F(NmeaDriverTest, StoppingLeavesNothingAndStartingGoesOn) {
  Start();
  pty_.Send(kGga);
  loop_.Run(seconds(1));
  driver_.Stop();
  EXPECT_EQ(loop_.pending(), 0u);
  ASSERT_TRUE(driver_.Start(loop_, sink_));
  pty_.Send(kGga);
  loop_.Run(seconds(2));
  EXPECT_EQ(sink_.Samples("boat/latitude").size(), 2u);
}

TEST_F(NmeaDriverTest, PoliciesAreThePropertys) {
  Start("[[policy]]\nmatch = \"l*itude\"\ndeadband = 0.5\n");
  pty_.Send(kGga);
  loop_.Run(seconds(1));
  EXPECT_EQ(sink_.DefOf("boat/latitude").policy.deadband, 0.5);
  EXPECT_EQ(sink_.DefOf("boat/altitude").policy.deadband, 0);
}

}  // namespace
}  // namespace edgetwin::nmea
