// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/topic_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace edgetwin::mqtt_driver {
namespace {

using ::testing::ElementsAre;

bool Matches(std::string_view pattern, std::string_view topic) {
  return TopicPattern::Parse(pattern).value().Matches(topic);
}
std::string Refused(std::string_view pattern) {
  const auto parsed = TopicPattern::Parse(pattern);
  return parsed ? "" : parsed.error().text;
}

// MQTT 5, 4.7.1 and 4.7.2: their examples.
TEST(TopicPatternTest, TheExamplesOfTheSpecification) {
  for (const char* topic : {"sport/tennis/player1", "sport/tennis/player1/ranking",
                            "sport/tennis/player1/score/wimbledon"}) {
    EXPECT_TRUE(Matches("sport/tennis/player1/#", topic)) << topic;
  }
  EXPECT_TRUE(Matches("sport/#", "sport"));
  EXPECT_TRUE(Matches("#", "sport"));
  EXPECT_TRUE(Matches("sport/tennis/+", "sport/tennis/player1"));
  EXPECT_FALSE(Matches("sport/tennis/+", "sport/tennis/player1/ranking"));
  EXPECT_FALSE(Matches("sport/+", "sport"));
  EXPECT_TRUE(Matches("sport/+", "sport/"));
  EXPECT_TRUE(Matches("+/+", "/finance"));
  EXPECT_TRUE(Matches("/+", "/finance"));
  EXPECT_FALSE(Matches("+", "/finance"));
  EXPECT_FALSE(Matches("#", "$SYS/broker/uptime"));
  EXPECT_FALSE(Matches("+/monitor/Clients", "$SYS/monitor/Clients"));
  EXPECT_TRUE(Matches("$SYS/#", "$SYS/monitor/Clients"));
  EXPECT_TRUE(Matches("$SYS/monitor/+", "$SYS/monitor/Clients"));
  EXPECT_FALSE(Matches("ACCOUNTS", "Accounts"));
}

TEST(TopicPatternTest, NamesAreWildcardsThatRemember) {
  const TopicPattern pattern = TopicPattern::Parse("{site}/+/{room}/#").value();
  EXPECT_EQ(pattern.filter(), "+/+/+/#");
  EXPECT_THAT(pattern.names(), ElementsAre("site", "room"));
  EXPECT_THAT(pattern.Captured("north/a/hall/x/y").value(), ElementsAre("north", "hall"));
  EXPECT_EQ(Expanded("a{room}-{site}", pattern.names(), {"north", "hall"}), "ahall-north");
  EXPECT_FALSE(pattern.Captured("$SYS/a/hall"));
  EXPECT_FALSE(pattern.exact());
  EXPECT_FALSE(TopicPattern::Parse("a/+").value().exact());
  EXPECT_TRUE(TopicPattern::Parse("a/b").value().exact());
}

TEST(TopicPatternTest, WhatFitsNoPathIsNotCaptured) {
  const TopicPattern pattern = TopicPattern::Parse("a/{n}").value();
  for (const char* topic : {"a/", "a/..", "a/x y", "a/\xc3\xbc", "a/x#"}) {
    EXPECT_FALSE(pattern.Captured(topic)) << topic;
  }
  EXPECT_TRUE(pattern.Captured("a/x.y_z-1"));
}

TEST(TopicPatternTest, RefusesWhatIsNoFilter) {
  EXPECT_EQ(Refused(""), "must not be empty");
  for (const char* pattern : {"a+", "a/+b", "#/a", "a#", "a/b#", "{a", "a}", "{a}b", "{}", "{A}",
                              "{a}/{a}", "a\nb", "\xff"}) {
    EXPECT_NE(Refused(pattern), "") << pattern;
  }
  EXPECT_NE(Refused(std::string(kTopicBytesMax + 1, 'a')), "");
  EXPECT_EQ(Refused(std::string(kTopicBytesMax, 'a')), "");
}

TEST(TopicPatternTest, MessagesGoToOneTopic) {
  EXPECT_TRUE(CheckTopic("a/b"));
  EXPECT_FALSE(CheckTopic("a/+"));
  EXPECT_FALSE(CheckTopic("#"));
  EXPECT_FALSE(CheckTopic(""));
}

TEST(TopicPatternTest, BracesComeInPairs) {
  EXPECT_THAT(NamesIn("{a}/b{c}").value(), ElementsAre("a", "c"));
  for (const char* text : {"{", "}", "{a", "a}", "{{a}", "}a{"}) {
    EXPECT_FALSE(NamesIn(text)) << text;
  }
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
