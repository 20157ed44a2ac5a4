// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bounds of a configuration, which would be long files as golden cases.

#include "drivers/mqtt/mqtt_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "drivers/sdk/testing/options.h"

namespace edgetwin::mqtt_driver {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTopic =
    "[[topic]]\ntopic = \"a\"\n[[topic.property]]\nname = \"a\"\npointer = \"/a\"\n";

// What is wrong with it.
std::string Problems(const std::string& options) {
  const auto node = driver::testing::ParseOptions("broker = \"mqtt://broker\"\n" + options);
  EXPECT_TRUE(node) << node.error().text;
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.t", problems);
  (void)ReadMqttOptions(config);
  config.Finish();
  return problems.ToString();
}
std::string Property(std::size_t number) {
  return "[[topic.property]]\nname = \"p" + std::to_string(number) + "\"\npointer = \"/p\"\n";
}

TEST(MqttOptionsTest, TextsHaveUpTo256BytesWithoutControlCharacters) {
  const auto id = [](const std::string& text) {
    return Problems("client_id = \"" + text + "\"\n" + kTopic);
  };
  EXPECT_EQ(id(std::string(256, 'i')), "");
  EXPECT_THAT(id(std::string(257, 'i')), HasSubstr("client_id: must have 1 to 256 bytes"));
  EXPECT_THAT(id("a\\tb"), HasSubstr("client_id: must have 1 to 256 bytes, without control"));
}

TEST(MqttOptionsTest, SecondsAreWhole) {
  EXPECT_EQ(Problems(std::string("keepalive = \"10s\"\n") + kTopic), "");
  EXPECT_THAT(Problems(std::string("keepalive = \"10500ms\"\n") + kTopic),
              HasSubstr("keepalive: must be whole seconds"));
}

TEST(MqttOptionsTest, MessagesHaveAtLeastAKibibyte) {
  EXPECT_THAT(Problems(std::string("message_max = \"1023B\"\n") + kTopic),
              HasSubstr("message_max: must be from 1KiB to 4MiB"));
}

TEST(MqttOptionsTest, BodiesHaveUpTo64Kibibytes) {
  const auto body = [](std::size_t bytes) {
    return Problems(
        "[[property]]\nname = \"a\"\n[property.write]\ntopic = \"a\"\nbody = \"{value}" +
        std::string(bytes - kValueMark.size(), ' ') + "\"\n");
  };
  EXPECT_EQ(body(65'536), "");
  EXPECT_THAT(body(65'537), HasSubstr("write.body: must hold {value}"));
}

TEST(MqttOptionsTest, NamesAreClosed) {
  EXPECT_THAT(Problems("[[topic]]\ntopic = \"a\"\n[[topic.property]]\nname = \"{a\"\n"
                       "pointer = \"/a\"\n"),
              HasSubstr("property[0].name: '{a' has"));
}

TEST(MqttOptionsTest, AsManyTablesAsAreAllowed) {
  std::string tables;
  for (std::size_t i = 0; i < kSourcesMax; ++i) {
    tables += "[[topic]]\ntopic = \"t" + std::to_string(i) + "\"\n" + Property(i);
  }
  EXPECT_EQ(Problems(tables), "");
  EXPECT_THAT(Problems(tables + "[[topic]]\ntopic = \"t\"\n" + Property(kSourcesMax)),
              HasSubstr("there are more than 100 tables topic and sparkplug"));
}

TEST(MqttOptionsTest, AsManyPropertiesAsAreAllowed) {
  std::string table = "[[topic]]\ntopic = \"t\"\n";
  for (std::size_t i = 0; i < kPropertiesMax; ++i) table += Property(i);
  EXPECT_EQ(Problems(table), "");
  EXPECT_THAT(Problems(table + Property(kPropertiesMax)),
              HasSubstr("there are more than 1000 properties"));
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
