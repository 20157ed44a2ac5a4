// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/broker_url.h"

#include <gtest/gtest.h>

namespace edgetwin::mqtt {
namespace {

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

}  // namespace
}  // namespace edgetwin::mqtt
