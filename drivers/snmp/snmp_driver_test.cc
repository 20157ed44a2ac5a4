// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Version 2c against snmpd.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "drivers/snmp/snmp_driver_test_base.h"

namespace edgetwin::snmp_driver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kQuick = "period = \"100ms\"\ntimeout = \"2s\"\nbreaker_max = \"200ms\"\n";

class SnmpAgentTest : public SnmpDriverTest {
 protected:
  void Begin(const std::string& properties, const std::string& options = kQuick) {
    Start(agent_.Place() + options + properties);
  }
  TestAgent agent_;
};

TEST_F(SnmpAgentTest, EveryTypeIsRead) {
  agent_.Serve({{"1.0", "integer", "-", "-5"},
                {"2.0", "gauge", "-", "4294967295"},
                {"3.0", "counter", "-", "4294967294"},
                {"4.0", "timeticks", "-", "123"},
                {"5.0", "string", "-", "Gerät 1"},
                {"6.0", "octet", "-", "00 1b c5"},
                {"7.0", "objectid", "-", ".1.3.6.1.4.1.8072"},
                {"8.0", "ipaddress", "-", "192.0.2.7"},
                {"9.0", "counter64", "-", "9223372036854775807"},
                {"10.0", "string", "-", "23.5"},
                {"11.0", "integer", "-", "2"},
                {"12.0", "counter64", "-", "18446744073709551615"}});
  Begin(
      PropertyOf("integer", "1.0") + PropertyOf("gauge", "2.0") + PropertyOf("counter", "3.0") +
      PropertyOf("up", "4.0", "type = \"double\"\nscale = 0.01\nunit = \"s\"\ndecimals = 2") +
      PropertyOf("name", "5.0", "type = \"string\"") + PropertyOf("mac", "6.0", "type = \"hex\"") +
      PropertyOf("raw", "6.0", "type = \"bytes\"") +
      PropertyOf("what", "7.0", "type = \"string\"") +
      PropertyOf("address", "8.0", "type = \"string\"") + PropertyOf("octets", "9.0") +
      PropertyOf("temperature", "10.0", "type = \"double\"\ndecimals = 1\nunit = \"Cel\"") +
      PropertyOf("running", "11.0", "type = \"bool\"") +
      PropertyOf("state", "11.0", "type = \"string\"\n[property.values]\n1 = \"on\"\n2 = \"off\"") +
      PropertyOf("many", "12.0", "type = \"double\""));
  EXPECT_TRUE(UntilGood("t/integer", -5)) << Failures();
  EXPECT_TRUE(UntilGood("t/gauge", model::Value(std::int64_t{4'294'967'295})));
  EXPECT_TRUE(UntilGood("t/counter", model::Value(std::int64_t{4'294'967'294})));
  EXPECT_TRUE(UntilGood("t/up", model::Value(1.23)));
  EXPECT_TRUE(UntilGood("t/name", model::Value(std::string("Gerät 1"))));
  EXPECT_TRUE(UntilGood("t/mac", model::Value(std::string("00:1b:c5"))));
  EXPECT_TRUE(UntilGood("t/raw", model::Value(model::Bytes{std::string("\0\x1b\xc5", 3)})));
  EXPECT_TRUE(UntilGood("t/what", model::Value(std::string("1.3.6.1.4.1.8072"))));
  EXPECT_TRUE(UntilGood("t/address", model::Value(std::string("192.0.2.7"))));
  EXPECT_TRUE(UntilGood("t/octets", model::Value(std::int64_t{9'223'372'036'854'775'807})));
  EXPECT_TRUE(UntilGood("t/temperature", model::Value(23.5)));
  EXPECT_TRUE(UntilGood("t/running", model::Value(false)));
  EXPECT_TRUE(UntilGood("t/state", model::Value(std::string("off"))));
  EXPECT_TRUE(UntilGood("t/many", model::Value(18446744073709551615.0)));
  EXPECT_EQ(Failures(), "");
}

// UCD-SNMP-MIB, laLoadFloat.
TEST_F(SnmpAgentTest, AFloatInAnOpaqueIsRead) {
  Begin("[[property]]\nname = \"load\"\noid = \".1.3.6.1.4.1.2021.10.1.6.1\"\ntype = \"double\"\n");
  ASSERT_TRUE(Until([&] { return sink_.Has("t/load") && !sink_.Last("t/load").value.none(); }))
      << Failures();
  EXPECT_GE(sink_.Last("t/load").value.real(), 0.0);
}

TEST_F(SnmpAgentTest, WhatTheAgentHasNotIsBadAndTheRestIsRead) {
  Begin(PropertyOf("good", "1.0") + PropertyOf("gone", "77.0") + PropertyOf("more", "2.0") +
        "[[property]]\nname = \"elsewhere\"\noid = \"1.3.6.1.4.1.99999.1\"\n");
  EXPECT_TRUE(UntilGood("t/good", 42));
  EXPECT_TRUE(UntilGood("t/more", model::Value(std::int64_t{4'000'000'000})));
  EXPECT_TRUE(UntilBad("t/gone"));
  EXPECT_TRUE(UntilBad("t/elsewhere"));
  EXPECT_TRUE(UntilFailure("gone (1.3.6.1.4.1.8072.9999.2.77.0): the agent has no such"));
  for (const auto& poll : sink_.polls()) {
    if (!poll.result) {
      EXPECT_EQ(poll.result.error().code, ErrorCode::kNotFound);
    }
  }
}

TEST_F(SnmpAgentTest, SaysWhatCameAlsoWhereItMakesNoValue) {
  agent_.Serve({{"1.0", "timeticks", "-", "123"}, {"2.0", "string", "-", "hot"}});
  Begin(PropertyOf("up", "1.0", "type = \"double\"\nscale = 0.01") + PropertyOf("number", "2.0"));
  ASSERT_TRUE(UntilBad("t/number"));
  EXPECT_EQ(sink_.RawOf("t/up"), "TimeTicks 123");
  EXPECT_EQ(sink_.RawOf("t/number"), "OCTET STRING 'hot'");
}

TEST_F(SnmpAgentTest, WhatMakesNoValueIsBadAndSaysWhy) {
  agent_.Serve({{"1.0", "string", "-", "hot"},
                {"2.0", "counter64", "-", "18446744073709551615"},
                {"3.0", "octet", "-", "ff fe"}});
  Begin(PropertyOf("number", "1.0") + PropertyOf("big", "2.0") +
            PropertyOf("text", "3.0", "type = \"string\""),
        "period = \"100ms\"\nmax_oids = 2\n");
  EXPECT_TRUE(UntilFailure("is OCTET STRING 'hot', not a whole number")) << Failures();
  EXPECT_TRUE(UntilFailure("not UTF-8")) << Failures();
  EXPECT_TRUE(UntilBad("t/big"));
}

TEST_F(SnmpAgentTest, ManyObjectsTakeSeveralRequests) {
  std::vector<TestAgent::Object> objects;
  std::string properties;
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    objects.push_back({n + ".0", "integer", "-", std::to_string(i * 10)});
    properties += PropertyOf("p" + n, n + ".0");
  }
  agent_.Serve(objects);
  Begin(properties, "period = \"1h\"\nmax_oids = 7\n");
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(UntilGood("t/p" + std::to_string(i), i * 10));
  ASSERT_TRUE(Until([&] { return sink_.polls().size() >= 9; }));
  EXPECT_EQ(sink_.polls().size(), 9u);  // The session's opening, and 50 / 7.
}

TEST_F(SnmpAgentTest, AWrongCommunityIsATimeoutThatSaysSo) {
  Begin(PropertyOf("a", "1.0"), "timeout = \"50ms\"\nretries = 1\ncommunity = \"sesame\"\n");
  EXPECT_TRUE(UntilFailure("within 50ms, 2 times (a wrong community isn't answered either)"));
  EXPECT_THAT(Failures(), Not(HasSubstr("sesame")));
  EXPECT_EQ(sink_.polls().back().result.error().code, ErrorCode::kTimeout);
}

TEST_F(SnmpAgentTest, ACommunityMayStandInAFile) {
  agent_.Kill();
  agent_.Configure("rwcommunity sesame");
  agent_.Start();
  std::ofstream(agent_.File("community")) << "sesame\n";
  Begin(PropertyOf("a", "1.0"), "community_file = \"" + agent_.File("community") + "\"\n");
  EXPECT_TRUE(UntilGood("t/a", 42)) << Failures();
}

TEST_F(SnmpAgentTest, AClosedPortIsToldAtOnce) {
  agent_.Kill();
  Begin(PropertyOf("a", "1.0"), "timeout = \"1m\"\n");
  EXPECT_TRUE(UntilFailure("the port is closed")) << Failures();
  EXPECT_EQ(sink_.polls().back().result.error().code, ErrorCode::kUnavailable);
}

TEST_F(SnmpAgentTest, AnAgentThatStandsAndGoesOnIsReadAgain) {
  Begin(PropertyOf("a", "1.0"),
        "period = \"100ms\"\ntimeout = \"100ms\"\nbreaker_max = \"200ms\"\n");
  ASSERT_TRUE(UntilGood("t/a", 42));
  agent_.Stand(true);
  ASSERT_TRUE(UntilBad("t/a"));
  agent_.Stand(false);
  EXPECT_TRUE(UntilGood("t/a", 42));
}

TEST_F(SnmpAgentTest, AWriteIsReadBack) {
  Begin(PropertyOf("a", "1.0", "writable = true"));
  ASSERT_TRUE(UntilGood("t/a", 42));
  const Result<model::Value> written = Write("t/a", 1'200);
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, model::Value(std::int64_t{1'200}));
  EXPECT_THAT(agent_.Served(), HasSubstr("2.1.0 integer 3000 1200"));
  EXPECT_TRUE(UntilGood("t/a", 1'200));
}

TEST_F(SnmpAgentTest, RefusedWritesSayTheAgentsReason) {
  agent_.Serve({{"1.0", "integer", "3000", "42"},
                {"2.0", "integer", "ro", "42"},
                {"3.0", "integer", "-", "42"}});
  Begin(PropertyOf("limited", "1.0", "writable = true") +
        PropertyOf("fixed", "2.0", "writable = true") +
        PropertyOf("text", "3.0", "type = \"string\"\nwritable = true\nsyntax = \"string\""));
  ASSERT_TRUE(UntilGood("t/limited", 42));
  const auto limited = Write("t/limited", 3'001);
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error(),
            Invalid("limited (1.3.6.1.4.1.8072.9999.2.1.0): the agent says wrongValue"));
  EXPECT_THAT(Write("t/fixed", 1).error().text, HasSubstr("the agent says notWritable"));
  EXPECT_THAT(Write("t/text", model::Value(std::string("x"))).error().text, HasSubstr("wrongType"));
  EXPECT_TRUE(UntilGood("t/limited", 42));
}

TEST_F(SnmpAgentTest, AReadOnlyCommunityMayNotWrite) {
  agent_.Kill();
  agent_.Configure("rocommunity viewer");
  agent_.Start();
  Begin(PropertyOf("a", "1.0", "writable = true"), "community = \"viewer\"\n");
  ASSERT_TRUE(UntilGood("t/a", 42));
  EXPECT_THAT(Write("t/a", 1).error().text, HasSubstr("the agent says noAccess"));
}

TEST_F(SnmpAgentTest, WhatDoesNotFitIsNotSent) {
  Begin(PropertyOf("a", "1.0", "writable = true") + PropertyOf("b", "2.0", "writable = true"));
  ASSERT_TRUE(UntilGood("t/a", 42));
  EXPECT_THAT(Write("t/a", model::Value(std::int64_t{1} << 31)).error().text,
              HasSubstr("doesn't fit an object of type INTEGER, -2147483648 to 2147483647"));
  EXPECT_THAT(Write("t/b", -1).error().text, HasSubstr("Gauge32, 0 to 4294967295"));
}

TEST_F(SnmpAgentTest, AWriteWithoutAnswerIsUnknownAndNotRepeated) {
  Begin(PropertyOf("a", "1.0", "writable = true"),
        "period = \"1h\"\ntimeout = \"100ms\"\nretries = 3\n");
  ASSERT_TRUE(UntilGood("t/a", 42));
  agent_.Stand(true);
  const auto written = Write("t/a", 7);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(written.error().text, HasSubstr("whether it was written is not known"));
  EXPECT_THAT(written.error().text, Not(HasSubstr("times")));
}

TEST_F(SnmpAgentTest, EveryTypeIsWritten) {
  agent_.Serve({{"1.0", "gauge", "-", "0"},
                {"2.0", "timeticks", "-", "0"},
                {"3.0", "string", "-", "x"},
                {"4.0", "objectid", "-", ".1.3"},
                {"5.0", "ipaddress", "-", "192.0.2.1"},
                {"6.0", "integer", "-", "1"}});
  Begin(
      PropertyOf("gauge", "1.0", "type = \"double\"\nscale = 0.1\nwritable = true") +
      PropertyOf("ticks", "2.0", "writable = true") +
      PropertyOf("text", "3.0", "type = \"string\"\nwritable = true") +
      PropertyOf("oid", "4.0", "type = \"string\"\nwritable = true") +
      PropertyOf("address", "5.0", "type = \"string\"\nwritable = true") +
      PropertyOf("state", "6.0",
                 "type = \"string\"\nwritable = true\n[property.values]\n1 = \"on\"\n2 = \"off\"") +
      PropertyOf("flag", "6.0", "type = \"bool\"\nwritable = true"));
  ASSERT_TRUE(UntilGood("t/state", model::Value(std::string("on")))) << Failures();
  const auto check = [&](const char* path, const model::Value& value) {
    const auto written = Write(path, value);
    ASSERT_TRUE(written) << path << ": " << written.error().text;
    EXPECT_EQ(*written, value) << path;
  };
  check("t/gauge", model::Value(12.3));
  check("t/ticks", model::Value(std::int64_t{4'000'000'000}));
  check("t/text", model::Value(std::string("new")));
  check("t/oid", model::Value(std::string("1.3.6.1")));
  check("t/address", model::Value(std::string("192.0.2.99")));
  check("t/state", model::Value(std::string("off")));
  check("t/flag", model::Value(true));
  EXPECT_THAT(agent_.Served(), HasSubstr("2.1.0 gauge - 123\n"));
  EXPECT_EQ(Failures(), "");
  EXPECT_THAT(Write("t/state", model::Value(std::string("broken"))).error().text,
              HasSubstr("'broken' is none of the names in 'values'"));
}

// --- Rows

std::string RowOf(const std::string& value, const std::string& more = "") {
  return "[[row]]\ncolumn = \"" + TestAgent::Oid("31.1") + "\"\nvalue = \"" + value + "\"\n" +
         more + "[[row.property]]\nname = \"in\"\noid = \"" + TestAgent::Oid("31.6") + "\"\n";
}

std::vector<TestAgent::Object> Table(const std::vector<std::string>& names) {
  std::vector<TestAgent::Object> objects;
  for (std::size_t i = 0; i < names.size(); ++i) {
    objects.push_back({"31.1." + std::to_string(i + 1), "string", "-", names[i]});
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    // The value says whose it is.
    objects.push_back(
        {"31.6." + std::to_string(i + 1), "integer", "-", std::to_string(names[i].back() - '0')});
  }
  return objects;
}

TEST_F(SnmpAgentTest, ARowIsKnownByItsName) {
  agent_.Serve(Table({"lo0", "eth1", "eth2"}));
  Begin(RowOf("eth2") + RowOf("lo0", "name = \"loop\"\n"));
  EXPECT_TRUE(UntilGood("t/eth2/in", 2)) << Failures();
  EXPECT_TRUE(UntilGood("t/loop/in", 0));
}

TEST_F(SnmpAgentTest, ARowThatGetsAnotherNumberIsFollowed) {
  agent_.Serve(Table({"eth1", "eth2", "eth3"}));
  Begin(RowOf("eth1") + RowOf("eth3"), "period = \"100ms\"\nsearch_period = \"1d\"\n");
  ASSERT_TRUE(UntilGood("t/eth1/in", 1)) << Failures();
  agent_.Serve(Table({"eth3", "eth7", "eth8", "eth1"}));
  const std::size_t before = sink_.Samples("t/eth1/in").size();
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/eth1/in").size() > before + 5; })) << Failures();
  for (const model::Sample& sample : sink_.Samples("t/eth1/in")) {
    if (sample.quality == model::Quality::kGood) {
      EXPECT_EQ(sample.value.integer(), 1);
    }
  }
  for (const model::Sample& sample : sink_.Samples("t/eth3/in")) {
    if (sample.quality == model::Quality::kGood) {
      EXPECT_EQ(sample.value.integer(), 3);
    }
  }
}

TEST_F(SnmpAgentTest, ARowThatIsNotThereIsBadAndComesLater) {
  agent_.Serve(Table({"eth1"}));
  Begin(RowOf("eth1") + RowOf("eth2"), "period = \"100ms\"\nsearch_period = \"200ms\"\n");
  ASSERT_TRUE(UntilFailure("'eth2' stands in no row of 1.3.6.1.4.1.8072.9999.2.31.1"));
  EXPECT_TRUE(UntilGood("t/eth1/in", 1));
  agent_.Serve(Table({"eth1", "eth2"}));
  EXPECT_TRUE(UntilGood("t/eth2/in", 2));
  agent_.Serve(Table({"eth1"}));
  EXPECT_TRUE(UntilBad("t/eth2/in"));
}

TEST_F(SnmpAgentTest, ANameOfTwoRowsIsNone) {
  agent_.Serve(Table({"eth1", "eth2", "eth2"}));
  Begin(RowOf("eth2"));
  EXPECT_TRUE(UntilFailure("'eth2' stands in 2 rows of"));
  EXPECT_TRUE(UntilBad("t/eth2/in"));
}

TEST_F(SnmpAgentTest, ALongTableIsNotWalkedToItsEnd) {
  agent_.Serve(Table(std::vector<std::string>(50, "eth1")));
  Begin(RowOf("eth2"), "max_walked = 30\n");
  EXPECT_TRUE(UntilFailure("has more than 30 rows (max_walked)")) << Failures();
}

TEST_F(SnmpAgentTest, AWriteToARowGoesWhereTheRowIs) {
  agent_.Serve(Table({"eth1", "eth2"}));
  Begin(RowOf("eth2") + "writable = true\n", "period = \"1h\"\n");
  ASSERT_TRUE(UntilGood("t/eth2/in", 2));
  ASSERT_TRUE(Write("t/eth2/in", 77));
  EXPECT_THAT(agent_.Served(), HasSubstr("31.6.2 integer - 77"));
  agent_.Serve(Table({"eth2", "eth1"}));
  EXPECT_THAT(Write("t/eth2/in", 78).error().text, HasSubstr("its row has moved"));
  EXPECT_THAT(agent_.Served(), Not(HasSubstr("78")));
}

}  // namespace
}  // namespace edgetwin::snmp_driver
