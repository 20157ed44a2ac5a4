// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "sync/link/mqtt_link.h"
#include "sync/link/topic.h"

namespace edgetwin::sync {
namespace {

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

}  // namespace
}  // namespace edgetwin::sync
