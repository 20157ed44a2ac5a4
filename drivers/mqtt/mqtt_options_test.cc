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

TEST(MqttOptionsTest, WhatIsRequiredIsAskedFor) {
  const auto is_required = [](const std::string& options, const std::string& key) {
    EXPECT_THAT(Problems(options), HasSubstr(key + ": is required")) << options;
  };
  const std::string property = "name = \"a\"\npointer = \"/a\"\n";
  is_required("[[topic]]\n[[topic.property]]\n" + property, "topic[0].topic");
  is_required("[[topic]]\ntopic = \"a\"\n", "topic[0].property");
  is_required("[[topic]]\ntopic = \"a\"\n[[topic.property]]\npointer = \"/a\"\n",
              "property[0].name");
  is_required("[[topic]]\ntopic = \"a\"\n[[topic.property]]\n" + property +
                  "[topic.property.write]\nretain = true\n",
              "write.topic");
  const std::string metric = "[[sparkplug.property]]\nname = \"a\"\nmetric = \"m\"\n";
  is_required("[[sparkplug]]\ngroup = \"G\"\n" + metric, "sparkplug[0].node");
  is_required("[[sparkplug]]\nnode = \"N\"\n" + metric, "sparkplug[0].group");
}

TEST(MqttOptionsTest, NothingIsEmpty) {
  const std::string node = "[[sparkplug]]\ngroup = \"G\"\nnode = \"N\"\n";
  const std::string metric = "[[sparkplug.property]]\nname = \"a\"\nmetric = ";
  EXPECT_THAT(Problems(node + "device = \"\"\n" + metric + "\"m\"\n"),
              HasSubstr("device: must be an id, or a name such as {device}"));
  EXPECT_THAT(Problems(node + metric + "\"\"\n"), HasSubstr("metric: must not be empty"));
  EXPECT_THAT(Problems("[[topic]]\ntopic = \"\"\n[[topic.property]]\nname = \"a\"\n"
                       "pointer = \"/a\"\n"),
              HasSubstr("topic[0].topic: must not be empty"));
}

TEST(MqttOptionsTest, UnknownKeysAreTold) {
  const std::string topic = "[[topic]]\ntopic = \"a\"\n";
  const std::string property = "[[topic.property]]\nname = \"a\"\npointer = \"/a\"\n";
  const auto unknown = [](const std::string& options, const std::string& key) {
    EXPECT_THAT(Problems(options), HasSubstr(key + ": unknown key")) << options;
  };
  unknown(topic + "x = 1\n" + property, "topic[0].x");
  unknown(topic + property + "x = 1\n", "property[0].x");
  unknown(topic + property + "[topic.property.write]\ntopic = \"b\"\nx = 1\n", "write.x");
  unknown("[tls]\nx = 1\n" + topic + property, "tls.x");
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
