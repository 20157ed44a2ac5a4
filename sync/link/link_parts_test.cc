// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "sync/link/backoff.h"
#include "sync/link/mqtt_link.h"
#include "sync/link/topic.h"

namespace edgetwin::sync {
namespace {

using std::chrono::milliseconds;

TEST(BrokerUrlTest, KnowsDefaultsPortsAndAddresses) {
  const auto plain = ParseBrokerUrl("mqtt://broker.example").value();
  EXPECT_EQ(plain.host, "broker.example");
  EXPECT_EQ(plain.port, 1883);
  EXPECT_FALSE(plain.tls);
  const auto tls = ParseBrokerUrl("mqtts://broker.example").value();
  EXPECT_EQ(tls.port, 8883);
  EXPECT_TRUE(tls.tls);
  const auto v6 = ParseBrokerUrl("mqtts://[fe80::1%eth0]:1234").value();
  EXPECT_EQ(v6.host, "fe80::1%eth0");
  EXPECT_EQ(v6.port, 1234);
  EXPECT_EQ(ParseBrokerUrl("mqtt://[::1]/").value().host, "::1");
}

TEST(BrokerUrlTest, RefusesWhatItCannotMean) {
  for (const char* url : {"", "broker", "http://broker", "mqtt://", "mqtt://:1883",
                          "mqtt://broker:", "mqtt://broker:0", "mqtt://broker:65536",
                          "mqtt://broker:1x", "mqtt://bro ker", "mqtt://[::1", "mqtt://[::1]x",
                          "mqtt://broker/path", "mqtt://a:1:2", "mqtt://[]"}) {
    const auto result = ParseBrokerUrl(url);
    ASSERT_FALSE(result) << url;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid) << url;
  }
  EXPECT_EQ(ParseBrokerUrl("wss://broker").error().code, ErrorCode::kUnsupported);
}

TEST(BrokerUrlTest, NeverRepeatsAPassword) {
  const auto result = ParseBrokerUrl("mqtt://plant:secret@broker");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text.find("secret"), std::string::npos);
}

TEST(TopicTest, IsParsedStrictly) {
  EXPECT_EQ(DeviceOfTopic("et/pump-1/u", Direction::kUp), "pump-1");
  EXPECT_EQ(DeviceOfTopic("et/*/d", Direction::kDown), "*");
  for (const char* topic :
       {"et/*/u", "et//u", "et/a/d", "et/a/b/u", "et/.a/u", "et/-a/u", "et/a b/u", "xt/a/u",
        "et/a/uu", "et/au", "u", "", "et/u", "/et/a/u", "et/a/u/", "et/\xC3\xBC/u"}) {
    EXPECT_FALSE(DeviceOfTopic(topic, Direction::kUp)) << topic;
  }
  EXPECT_TRUE(DeviceOfTopic("et/" + std::string(64, 'a') + "/u", Direction::kUp));
  EXPECT_FALSE(DeviceOfTopic("et/" + std::string(65, 'a') + "/u", Direction::kUp));
}

TEST(DeviceIdTest, NamesTheWrongOne) {
  EXPECT_TRUE(CheckDeviceId("gw_01.site-A"));
  const Status bad = CheckDeviceId("gw 01");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text.find("\"gw 01\""), std::string::npos);
}

TEST(BackoffTest, DoublesItsCeilingToTheMaximumUntilReset) {
  std::vector<std::uint64_t> asked;
  Backoff backoff(milliseconds(500), milliseconds(3000), [&](std::uint64_t below) {
    asked.push_back(below);
    return below - 1;
  });
  for (const int expected : {500, 1000, 2000, 3000, 3000}) {
    EXPECT_EQ(backoff.Next(), milliseconds(expected));
  }
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(500));
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{501, 1001, 2001, 3001, 3001, 501}));
  EXPECT_EQ(backoff.Report().hits, 2u);
}

TEST(BackoffTest, MayBeZeroThroughJitter) {
  Backoff backoff(milliseconds(500), milliseconds(3000), [](std::uint64_t) { return 0; });
  EXPECT_EQ(backoff.Next(), milliseconds(0));
}

}  // namespace
}  // namespace edgetwin::sync
