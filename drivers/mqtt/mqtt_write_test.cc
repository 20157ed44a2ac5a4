// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Writes by messages, through a real broker.

#include "drivers/mqtt/mqtt_driver_test_base.h"

namespace edgetwin::mqtt_driver {
namespace {

using driver::testing::CodeOf;
using model::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr const char* kSetpoint =
    "write_timeout = \"500ms\"\n"
    "[[topic]]\n"
    "topic = \"state/{room}\"\n"
    "[[topic.property]]\n"
    "name = \"{room}\"\n"
    "pointer = \"/setpoint\"\n"
    "scale = 0.1\n"
    "[topic.property.write]\n"
    "topic = \"cmd/{room}/set\"\n"
    "body = \"{\\\"setpoint\\\": {value}}\"\n";

class MqttWriteTest : public MqttDriverTest {
 protected:
  void StartWithAHall() {
    Start(kSetpoint);
    peer().Publish("state/hall", R"({"setpoint": 200})");
    ASSERT_TRUE(UntilIs("t/hall", Value(20.0)));
  }
};

TEST_F(MqttWriteTest, WhatTheDeviceSaysIsTheOutcome) {
  StartWithAHall();
  peer().answer = [&](const std::string&, const std::string& wanted) {
    peer().Publish("state/hall", R"({"setpoint": 201})");  // On its way there.
    peer().Publish("state/hall", wanted);
  };
  const auto written = Write("t/hall", Value(21.5));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(21.5));
  EXPECT_THAT(peer().heard(), ElementsAre(Pair("cmd/hall/set", R"({"setpoint": 215})")));
}

TEST_F(MqttWriteTest, ADeviceMayDecideOtherwise) {
  StartWithAHall();
  peer().answer = [&](const std::string&, const std::string&) {
    peer().Publish("state/hall", R"({"setpoint": 250})");
  };
  const auto written = Write("t/hall", Value(30.0));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(25.0));
}

TEST_F(MqttWriteTest, ADeviceThatSaysNothingHasNotConfirmed) {
  StartWithAHall();
  const auto written = Write("t/hall", Value(21.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(written.error().text,
            "taken by the broker for \"cmd/hall/set\", but not confirmed within 500ms");
}

TEST_F(MqttWriteTest, WhatNobodyListensToIsNotWritten) {
  peer_subscriptions_ = {"other"};
  StartWithAHall();
  const auto written = Write("t/hall", Value(21.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(written.error().text, "nobody listens to \"cmd/hall/set\"");
}

TEST_F(MqttWriteTest, ABrokerMayRefuse) {
  broker_options_.acl = "topic read #\ntopic write state/#\n";
  StartWithAHall();
  const auto written = Write("t/hall", Value(21.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kPermission);
  EXPECT_THAT(written.error().text, HasSubstr("the broker refused it on \"cmd/hall/set\""));
}

TEST_F(MqttWriteTest, WithoutAStateTheBrokersWordIsTheOutcome) {
  Start(
      "[[property]]\nname = \"horn\"\ntype = \"bool\"\ntrue_text = \"ON\"\nfalse_text = \"OFF\"\n"
      "[property.write]\ntopic = \"cmd/horn\"\nretain = true\n");
  const auto written = Write("t/horn", Value(true));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(true));
  ASSERT_TRUE(Until([&] { return !peer().heard().empty(); }));
  EXPECT_THAT(peer().heard(), ElementsAre(Pair("cmd/horn", "ON")));
  // Retained: who subscribes later hears it, too.
  Peer late(loop_, broker().url(), {"cmd/#"});
  EXPECT_TRUE(Until([&] { return late.heard() == Messages{{"cmd/horn", "ON"}}; }));
}

TEST_F(MqttWriteTest, ABrokenConnectionLeavesTheOutcomeOpen) {
  StartWithAHall();
  std::optional<Result<Value>> result;
  ASSERT_TRUE(driver_->Write(sink_.IdOf("t/hall"), Value(21.5),
                             [&](Result<Value> got) { result = std::move(got); }));
  broker().Kill();
  ASSERT_TRUE(Until([&] { return result.has_value(); }));
  EXPECT_EQ(CodeOf(*result), ErrorCode::kTimeout);
  EXPECT_EQ(LimitOf("writes_under_way").used, 0U);
}

TEST_F(MqttWriteTest, NoMoreThanSoManyAreUnderWay) {
  StartWithAHall();
  int done = 0;
  for (std::size_t i = 0; i < MqttDriver::kCallsMax; ++i) {
    ASSERT_TRUE(
        driver_->Write(sink_.IdOf("t/hall"), Value(21.5), [&](const Result<Value>&) { ++done; }));
  }
  EXPECT_EQ(CodeOf(driver_->Write(sink_.IdOf("t/hall"), Value(21.5), [](const auto&) { FAIL(); })),
            ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("writes_under_way").hits, 1U);
  EXPECT_TRUE(Until([&] { return done == static_cast<int>(MqttDriver::kCallsMax); }));
}

TEST_F(MqttWriteTest, WhatWaitsForTheBrokerHasALimit) {
  Start(
      "[[property]]\nname = \"text\"\ntype = \"string\"\n"
      "[property.write]\ntopic = \"cmd/text\"\n");
  const Value longest(std::string(model::kValueBytesMax, 'x'));
  const std::size_t fit = LimitOf("backlog_bytes").max / model::kValueBytesMax;
  ASSERT_LE(fit, MqttDriver::kCallsMax);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < fit; ++i) {
    const Status begun = driver_->Write(sink_.IdOf("t/text"), longest, [](const auto&) {});
    if (begun) ++taken;
    EXPECT_EQ(CodeOf(begun).value_or(ErrorCode::kExhausted), ErrorCode::kExhausted);
  }
  EXPECT_EQ(taken, fit - 1) << "what is around the values takes room, too";
  EXPECT_EQ(LimitOf("backlog_bytes").hits, 1U);
  EXPECT_TRUE(Until([&] { return LimitOf("backlog_bytes").used == 0; }));
}

TEST_F(MqttWriteTest, NobodyIsAnsweredAfterStop) {
  StartWithAHall();
  ASSERT_TRUE(driver_->Write(sink_.IdOf("t/hall"), Value(21.5), [](const auto&) { FAIL(); }));
  driver_->Stop();
  // Until after its deadline.
  bool passed = false;
  loop_.After(std::chrono::milliseconds(600), [&] { passed = true; });
  EXPECT_TRUE(Until([&] { return passed; }));
}

TEST_F(MqttWriteTest, WhatIsOnlyReadIsNotWritten) {
  Start("[[topic]]\ntopic = \"a\"\n[[topic.property]]\nname = \"a\"\npointer = \"/a\"\n");
  EXPECT_EQ(CodeOf(Write("t/a", Value(1.0))), ErrorCode::kUnsupported);
}

TEST_F(MqttWriteTest, TextAndBytesAreSentAsTheyAre) {
  Start(
      "write_timeout = \"100ms\"\n"
      "[[topic]]\ntopic = \"name\"\nformat = \"text\"\n[[topic.property]]\nname = \"name\"\n"
      "type = \"string\"\n[topic.property.write]\ntopic = \"cmd/name\"\nbody = \"is {value}!\"\n"
      "[[topic]]\ntopic = \"raw\"\nformat = \"raw\"\n[[topic.property]]\nname = \"raw\"\n"
      "[topic.property.write]\ntopic = \"cmd/raw\"\n");
  const std::string bytes("\0\xff", 2);
  (void)Write("t/name", Value(std::string("{value} \"x\"")));
  (void)Write("t/raw", Value(model::Bytes{bytes}));
  EXPECT_THAT(peer().heard(),
              ElementsAre(Pair("cmd/name", "is {value} \"x\"!"), Pair("cmd/raw", bytes)));
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
