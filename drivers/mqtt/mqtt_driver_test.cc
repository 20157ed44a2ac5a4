// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// JSON, text and raw bytes from a real broker.

#include "drivers/mqtt/mqtt_driver.h"

#include "drivers/mqtt/mqtt_driver_test_base.h"

namespace edgetwin::mqtt_driver {
namespace {

using model::Quality;
using model::Value;
using ::testing::HasSubstr;

constexpr const char* kClimate =
    "[[topic]]\n"
    "topic = \"zigbee/{room}/climate\"\n"
    "[[topic.property]]\n"
    "name = \"{room}/temperature\"\n"
    "pointer = \"/temperature\"\n"
    "scale = 0.1\n"
    "decimals = 1\n"
    "unit = \"Cel\"\n"
    "[[topic.property]]\n"
    "name = \"{room}/window\"\n"
    "pointer = \"/window\"\n"
    "type = \"bool\"\n"
    "true_text = \"open\"\n"
    "false_text = \"closed\"\n";

std::string TextTopic(const std::string& lines, const std::string& property_lines = "") {
  return "[[topic]]\ntopic = \"meter/power\"\nformat = \"text\"\n" + lines +
         "[[topic.property]]\nname = \"power\"\n" + property_lines;
}

TEST_F(MqttDriverTest, JsonFeedsThePropertiesOfEachRoom) {
  Start(kClimate);
  EXPECT_TRUE(sink_.paths().empty()) << "nobody knows the rooms yet";
  peer().Publish("zigbee/kitchen/climate", R"({"temperature": 215, "window": "open"})");
  peer().Publish("zigbee/hall/climate", R"({"temperature": 180, "window": "closed"})");
  ASSERT_TRUE(UntilIs("t/hall/window", Value(false)));
  EXPECT_TRUE(Is("t/kitchen/temperature", Value(21.5)));
  EXPECT_TRUE(Is("t/kitchen/window", Value(true)));
  EXPECT_TRUE(Is("t/hall/temperature", Value(18.0)));
  EXPECT_EQ(sink_.RawOf("t/hall/temperature"), "180");
  EXPECT_EQ(sink_.RawOf("t/hall/window"), "'closed'");
  EXPECT_EQ(sink_.DefOf("t/hall/temperature").unit, "Cel");
  EXPECT_EQ(sink_.DefOf("t/hall/temperature").source, "zigbee/{room}/climate /temperature");
}

TEST_F(MqttDriverTest, WhatIsMissingMakesItsOwnPropertyBad) {
  Start(kClimate);
  peer().Publish("zigbee/hall/climate", R"({"temperature": 180, "window": "ajar"})");
  ASSERT_TRUE(UntilBad("t/hall/window"));
  EXPECT_TRUE(Is("t/hall/temperature", Value(18.0)));
  const auto failure = FailureOf("zigbee/{room}/climate");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kCorrupt);
  EXPECT_THAT(failure->text, HasSubstr("{room}/window: is 'ajar', not 'open' or 'closed'"));
  EXPECT_EQ(Part("zigbee/{room}/climate").state, "failing");
  peer().Publish("zigbee/hall/climate", R"({"temperature": 181, "window": "open"})");
  ASSERT_TRUE(UntilIs("t/hall/window", Value(true)));
  EXPECT_TRUE(Until([&] { return Part("zigbee/{room}/climate").state == "ok"; }));
}

TEST_F(MqttDriverTest, TextIsTakenWholeOrByAnExpression) {
  Start(TextTopic("",
                  "type = \"int\"\n[[topic.property]]\nname = \"digits\"\ntype = \"string\"\n"
                  "regex = \"([0-9])[0-9]*\"\n"));
  peer().Publish("meter/power", " 230\n");
  ASSERT_TRUE(UntilIs("t/power", Value(std::int64_t{230})));
  EXPECT_TRUE(UntilIs("t/digits", Value(std::string("2"))));
}

TEST_F(MqttDriverTest, RawBytesAreTakenAsTheyAre) {
  Start("[[topic]]\ntopic = \"image\"\nformat = \"raw\"\n[[topic.property]]\nname = \"image\"\n");
  const std::string bytes("\0\xff\n", 3);
  peer().Publish("image", bytes);
  ASSERT_TRUE(UntilIs("t/image", Value(model::Bytes{bytes})));
  peer().Publish("image", std::string(model::kValueBytesMax + 1, 'x'));
  EXPECT_TRUE(UntilBad("t/image"));
}

TEST_F(MqttDriverTest, TheMessagesTimeIsTheSamples) {
  Start(
      "[[topic]]\ntopic = \"a\"\ntime = \"/t\"\n[[topic.property]]\nname = \"a\"\n"
      "pointer = \"/v\"\n");
  const auto time = [&] { return sink_.Last("t/a").time; };
  peer().Publish("a", R"({"v": 1, "t": "2026-01-02T03:04:05.678Z"})");
  ASSERT_TRUE(UntilIs("t/a", Value(1.0)));
  EXPECT_EQ(driver::testing::FormatTime(time()), "2026-01-02T03:04:05.678Z");
  peer().Publish("a", R"({"v": 2, "t": 1767323046})");
  ASSERT_TRUE(UntilIs("t/a", Value(2.0)));
  EXPECT_EQ(driver::testing::FormatTime(time()), "2026-01-02T03:04:06.000Z");
  // Of clocks that aren't set, ours is better.
  for (const char* wrong : {"\"1970-01-01T00:05:00Z\"", "\"9999-01-01T00:00:00Z\""}) {
    static double value = 3;
    const WallTime before = clock_.UntrustedWall();
    peer().Publish("a", "{\"v\": " + std::to_string(value) + ", \"t\": " + wrong + "}");
    ASSERT_TRUE(UntilIs("t/a", Value(value++)));
    EXPECT_GE(time(), before);
    EXPECT_LE(time(), clock_.UntrustedWall());
  }
  EXPECT_EQ(LimitOf("times_refused").hits, 2U);
  peer().Publish("a", R"({"v": 5, "t": "yesterday"})");
  ASSERT_TRUE(UntilIs("t/a", Value(5.0))) << "a value without its time is still one";
  EXPECT_THAT(FailureOf("a")->text, HasSubstr("yesterday"));
}

TEST_F(MqttDriverTest, RetainedMessagesAreTakenUnlessTheyAreNotWanted) {
  broker();
  ASSERT_TRUE(Until([&] { return peer().up(); }));
  peer().Publish("meter/power", "1", true);
  peer().Publish("b", "1", true);
  Start(TextTopic("",
                  "[[topic]]\ntopic = \"b\"\nformat = \"text\"\nretained = false\n"
                  "[[topic.property]]\nname = \"b\"\n"));
  ASSERT_TRUE(UntilIs("t/power", Value(1.0)));
  ASSERT_TRUE(Until([&] { return LimitOf("retained_dropped").hits == 1; }));
  EXPECT_TRUE(sink_.Samples("t/b").empty());
  peer().Publish("b", "2", true);
  EXPECT_TRUE(UntilIs("t/b", Value(2.0))) << "what is published now isn't old";
}

TEST_F(MqttDriverTest, SilenceMakesBad) {
  Start(TextTopic("stale_after = \"300ms\"\n"));
  peer().Publish("meter/power", "7");
  ASSERT_TRUE(UntilIs("t/power", Value(7.0)));
  ASSERT_TRUE(UntilBad("t/power"));
  EXPECT_EQ(sink_.Last("t/power").value, Value(7.0));
  const auto failure = FailureOf("meter/power");
  EXPECT_EQ(failure->code, ErrorCode::kTimeout);
  EXPECT_EQ(failure->text, "nothing was heard for 300ms");
  peer().Publish("meter/power", "8");
  ASSERT_TRUE(UntilIs("t/power", Value(8.0)));
  EXPECT_TRUE(UntilBad("t/power")) << "and so does the next";
}

TEST_F(MqttDriverTest, SilenceFromTheStartMakesBadToo) {
  Start(TextTopic("stale_after = \"100ms\"\n"));
  EXPECT_TRUE(UntilBad("t/power"));
}

TEST_F(MqttDriverTest, ABrokerThatIsAwayMakesBadAndWhatWasKnownDoubtful) {
  Start(TextTopic(""));
  peer().Publish("meter/power", "7");
  ASSERT_TRUE(UntilIs("t/power", Value(7.0)));
  const WallTime sampled = sink_.Last("t/power").time;
  broker().Kill();
  ASSERT_TRUE(UntilBad("t/power"));
  const auto failure = FailureOf("broker");
  EXPECT_EQ(failure->code, ErrorCode::kUnavailable);
  EXPECT_NE(Part("broker").state, "ok");
  EXPECT_FALSE(Write("t/power", Value(1.0)));
  broker().Start();
  ASSERT_TRUE(UntilIs("t/power", Value(7.0), Quality::kUncertain));
  EXPECT_EQ(sink_.Last("t/power").time, sampled) << "it is no newer for that";
  ASSERT_TRUE(Until([&] { return peer().up(); }));
  peer().Publish("meter/power", "8");
  EXPECT_TRUE(UntilIs("t/power", Value(8.0)));
  EXPECT_EQ(Part("broker").state, "ok");
}

TEST_F(MqttDriverTest, ASessionThatIsNotCleanMissesNothing) {
  Start("client_id = \"gateway\"\nclean_start = false\nqos = 1\n" + TextTopic(""));
  peer().Publish("meter/power", "1");
  ASSERT_TRUE(UntilIs("t/power", Value(1.0)));
  driver_->Stop();
  peer().Publish("meter/power", "2");
  ASSERT_TRUE(driver_->Start(loop_, sink_));
  EXPECT_TRUE(UntilIs("t/power", Value(2.0)));
}

TEST_F(MqttDriverTest, SpeaksBothVersionsOfMqtt) {
  for (const char* protocol : {"3.1.1", "5"}) {
    Start("protocol = \"" + std::string(protocol) + "\"\n" + TextTopic(""));
    static double value = 0;
    value += 1;
    peer().Publish("meter/power", std::to_string(value));
    EXPECT_TRUE(UntilIs("t/power", Value(value)));
    driver_->Stop();
    driver_ = std::make_unique<MqttDriver>();
  }
}

TEST_F(MqttDriverTest, AMessageThatIsTooLongIsDroppedAndCounted) {
  // MQTT 5 brokers are told what is too much, and keep it to themselves.
  Start("message_max = 1024\nprotocol = \"3.1.1\"\n" + TextTopic("", "type = \"string\"\n"));
  peer().Publish("meter/power", std::string(1'025, 'x'));
  peer().Publish("meter/power", std::string(1'024, 'y'));
  ASSERT_TRUE(UntilIs("t/power", Value(std::string(1'024, 'y'))));
  EXPECT_EQ(sink_.Samples("t/power").size(), 1U);
  EXPECT_EQ(LimitOf("message_bytes").hits, 1U);
}

TEST_F(MqttDriverTest, ThereAreNoMorePropertiesThanTheLimit) {
  Start("[[topic]]\ntopic = \"{n}\"\nformat = \"text\"\n[[topic.property]]\nname = \"{n}\"\n");
  for (std::size_t i = 0; i <= kPropertiesMax; ++i) {
    if (i % 100 == 0) loop_.RunFor(std::chrono::milliseconds(1));
    peer().Publish("p" + std::to_string(i), "1");
  }
  ASSERT_TRUE(Until([&] { return LimitOf("properties").hits > 0; }));
  EXPECT_EQ(sink_.paths().size(), kPropertiesMax);
  EXPECT_EQ(FailureOf("{n}")->code, ErrorCode::kExhausted);
}

TEST_F(MqttDriverTest, TwoTopicsCanNotFeedOnePath) {
  Start(
      "[[topic]]\ntopic = \"a/{n}\"\nformat = \"text\"\n[[topic.property]]\nname = \"x/{n}\"\n"
      "[[topic]]\ntopic = \"b/{m}\"\nformat = \"text\"\n[[topic.property]]\nname = \"x/{m}\"\n");
  peer().Publish("a/1", "1");
  peer().Publish("b/1", "2");
  peer().Publish("b/1", "3");
  const auto failure = FailureOf("b/{m}");
  EXPECT_EQ(failure->code, ErrorCode::kConflict);
  EXPECT_TRUE(Is("t/x/1", Value(1.0)));
}

TEST_F(MqttDriverTest, WhatNobodyAskedForIsCounted) {
  // A level that fits no path has no property.
  Start("[[topic]]\ntopic = \"a/{n}\"\nformat = \"text\"\n[[topic.property]]\nname = \"{n}\"\n");
  peer().Publish("a/two words", "1");
  peer().Publish("a/..", "1");
  peer().Publish("a/b", "1");
  ASSERT_TRUE(UntilIs("t/b", Value(1.0)));
  EXPECT_EQ(LimitOf("foreign_messages").hits, 2U);
  EXPECT_EQ(sink_.paths().size(), 1U);
}

TEST_F(MqttDriverTest, ASinkMayStopTheDriverFromWithin) {
  class Stopper final : public driver::SampleSink {
   public:
    Stopper(driver::SampleSink& sink, std::function<void()> stop)
        : sink_(sink), stop_(std::move(stop)) {}
    Result<model::PropertyId> Define(model::PropertyDef def) override { return sink_.Define(def); }
    void Report(model::PropertyId, Value, Quality) override { stop_(); }
    void ReportAt(model::PropertyId, model::Sample) override { stop_(); }
    void ReportBad(model::PropertyId) override { stop_(); }
    void Remove(model::PropertyId) override {}
    void Polled(std::string_view, std::chrono::microseconds, const Status&) override {
      if (at_polls) stop_();
    }
    bool at_polls = false;

   private:
    driver::SampleSink& sink_;
    std::function<void()> stop_;
  };
  Start(kClimate);
  for (const bool at_polls : {false, true}) {
    driver_->Stop();
    bool stopped = false;
    Stopper stopper(sink_, [&] {
      EXPECT_FALSE(stopped);
      stopped = true;
      driver_->Stop();
    });
    ASSERT_TRUE(driver_->Start(loop_, stopper));
    ASSERT_TRUE(Until([&] { return Part("broker").state == "ok"; }));
    stopper.at_polls = at_polls;
    peer().Publish("zigbee/hall/climate", R"({"temperature": 180, "window": "open"})");
    peer().Publish("zigbee/hall/climate", R"({"temperature": 180, "window": "open"})");
    ASSERT_TRUE(Until([&] { return stopped; }));
    loop_.RunFor(std::chrono::milliseconds(20));
  }
}

}  // namespace
}  // namespace edgetwin::mqtt_driver
