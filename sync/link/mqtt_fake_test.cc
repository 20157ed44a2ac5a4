// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// With a fake broker, for what a real one can't be made to do.

#include <gmock/gmock.h>

#include "sync/link/fake_broker.h"
#include "sync/link/link_test_base.h"

namespace edgetwin::sync {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kConnack4Refused[] = {0x20, 2, 0, 1};
constexpr char kConnack5Refused[] = {0x20, 3, 0, static_cast<char>(0x84), 0};

template <std::size_t N>
std::string Text(const char (&bytes)[N]) {
  return {bytes, N};
}

class FakeBrokerTest : public LinkTest {
 protected:
  std::uint64_t Backlog(const Link& link) const {
    for (const LimitReport& report : link.limits()) {
      if (report.name == "link_backlog_bytes") return report.used;
    }
    return 0;
  }
  LimitReport BacklogReport(const Link& link) const { return link.limits().at(0); }

  Recorder events_;
};

TEST_F(FakeBrokerTest, FallsBackToMqtt311WhenVersion5IsRefusedInEitherWay) {
  for (const std::string& refusal : {Text(kConnack4Refused), Text(kConnack5Refused)}) {
    FakeBroker broker(loop_, {.connack = [&](int protocol) {
                        return protocol == 5 ? refusal : FakeBroker::Accept(protocol);
                      }});
    Recorder events;
    const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
    ASSERT_TRUE(device->Open(events));
    ASSERT_TRUE(RunUntil([&] { return events.ups == 1; }));
    EXPECT_THAT(broker.protocols(), ElementsAre(5, 4));
    // It is no failure, so nobody is told and nothing waits.
    EXPECT_THAT(events.downs, IsEmpty());
  }
}

TEST_F(FakeBrokerTest, StaysWithTheProtocolItIsTold) {
  FakeBroker broker(loop_, {.connack = [](int) { return Text(kConnack5Refused); }});
  MqttOptions options = Options("a", {broker.url()});
  options.protocol = 5;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() >= 2; }));
  EXPECT_EQ(events_.downs[0].code, ErrorCode::kUnsupported);
  EXPECT_THAT(events_.downs[0].text, HasSubstr("does not speak MQTT 5"));
  EXPECT_THAT(broker.protocols(), testing::Each(5));
}

TEST_F(FakeBrokerTest, SaysThatNeitherVersionIsSpoken) {
  FakeBroker broker(loop_, {.connack = [](int) { return Text(kConnack4Refused); }});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() >= 2; }));
  EXPECT_THAT(events_.downs[0].text, HasSubstr("does not speak MQTT 3.1.1"));
}

TEST_F(FakeBrokerTest, ARefusedSubscriptionIsAFailureWithItsTopic) {
  FakeBroker broker(loop_, {.granted = 0x87});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty() && broker.disconnects() > 0; }));
  EXPECT_EQ(events_.ups, 0);
  EXPECT_EQ(events_.downs[0].code, ErrorCode::kPermission);
  EXPECT_THAT(events_.downs[0].text, HasSubstr("\"et/a/d\""));
}

TEST_F(FakeBrokerTest, SaysWhyTheBrokerEndedTheSession) {
  FakeBroker broker(loop_, {.after_suback = "\xE0\x01\x8E"});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty(); }));
  EXPECT_EQ(events_.ups, 1);
  EXPECT_THAT(events_.downs[0].text, HasSubstr("another client uses our client id, 0x8e"));
}

TEST_F(FakeBrokerTest, FramesBeforeTheSubscriptionIsConfirmedComeAfterOnLinkUp) {
  class Order : public Recorder {
   public:
    void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) override {
      EXPECT_EQ(ups, 1);
      Recorder::OnLinkFrame(peer, bytes);
    }
  };
  FakeBroker broker(loop_, {.before_suback = FakeBroker::Publish("et/a/d", "early", 5)});
  Order events;
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events));
  ASSERT_TRUE(RunUntil([&] { return !events.frames.empty(); }));
  EXPECT_EQ(events.frames, (Frames{{"a", "early"}}));
}

TEST_F(FakeBrokerTest, IgnoresWhatItNeverSubscribedTo) {
  FakeBroker broker(loop_, {.after_suback = FakeBroker::Publish("et/b/d", "another's", 5) +
                                            FakeBroker::Publish("et/a/u", "our own", 5) +
                                            FakeBroker::Publish("weather", "garbage", 5) +
                                            FakeBroker::Publish("et/a/d", "fine", 5)});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.frames.empty(); }));
  EXPECT_EQ(events_.frames, (Frames{{"a", "fine"}}));
  EXPECT_EQ(device->stats().foreign_dropped, 3u);
}

TEST_F(FakeBrokerTest, TheInboxLimitBites) {
  std::string flood;
  for (int i = 0; i < 10; ++i) flood += FakeBroker::Publish("et/a/d", std::string(100, 'x'), 5);
  FakeBroker broker(loop_, {.before_suback = flood});
  MqttOptions options = Options("a", {broker.url()});
  options.frame_bytes_max = 100;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.frames.empty(); }));
  EXPECT_THAT(events_.frames, SizeIs(4));
  const LimitReport inbox = device->limits().at(1);
  EXPECT_EQ(inbox.name, "link_inbox_bytes");
  EXPECT_EQ(inbox.max, 400u);
  EXPECT_EQ(inbox.hits, 6u);
  EXPECT_EQ(inbox.used, 0u);
}

TEST_F(FakeBrokerTest, FramesBeforeTheConnectionBreaksStillCount) {
  FakeBroker broker(loop_, {.after_suback = FakeBroker::Publish("et/a/d", "last", 5),
                            .closes_after_suback = true});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty(); }));
  EXPECT_EQ(events_.frames.at(0), (std::pair<std::string, std::string>{"a", "last"}));
}

TEST_F(FakeBrokerTest, TheBacklogLimitBitesAndLetsGo) {
  FakeBroker broker(loop_, {.reads_after_suback = false});
  MqttOptions options = Options("a", {broker.url()});
  options.backlog_bytes_max = 100'000;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  const std::string frame(1000, 'x');
  int sent = 0;
  Status status;
  while (sent < 100'000 && (status = device->Send("a", Bytes(frame)))) ++sent;
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(status.error().text, HasSubstr("100000"));
  const LimitReport full = BacklogReport(*device);
  EXPECT_EQ(full.hits, 1u);
  EXPECT_LE(full.peak, 100'000u);
  EXPECT_GT(full.used, 98'000u);
  EXPECT_EQ(device->stats().frames_sent, static_cast<std::uint64_t>(sent));
  broker.ReadOn();
  ASSERT_TRUE(RunUntil([&] { return broker.published() == sent; }));
  EXPECT_EQ(Backlog(*device), 0u);
  EXPECT_TRUE(device->Send("a", Bytes(frame)));
}

TEST_F(FakeBrokerTest, TheKernelHoldsLittleOfTheBacklog) {
  FakeBroker broker(loop_, {.reads_after_suback = false});
  MqttOptions options = Options("a", {broker.url()});
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  const std::string frame(1000, 'x');
  while (device->Send("a", Bytes(frame))) {
  }
  // What a frame of higher priority would queue behind beside our own, bounded backlog: the unsent
  // limit and the peer's window. Without TCP_NOTSENT_LOWAT this is megabytes.
  EXPECT_LT(device->stats().bytes_sent - Backlog(*device), 200'000u);
}

TEST_F(FakeBrokerTest, WhatCanNeverBeSentIsInvalid) {
  FakeBroker broker(loop_, {});
  MqttOptions options = Options("a", {broker.url()});
  options.backlog_bytes_max = 1000;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  EXPECT_EQ(device->Send("a", Bytes(std::string(1000, 'x'))).error().code, ErrorCode::kInvalid);
}

TEST_F(FakeBrokerTest, RespectsTheBrokersPacketLimit) {
  // CONNACK with MaximumPacketSize 1000.
  constexpr char kConnack[] = {0x20, 8, 0, 0, 5, 0x27, 0, 0, 3, static_cast<char>(0xE8)};
  FakeBroker broker(loop_, {.connack = [&](int) { return Text(kConnack); }});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  const Status sent = device->Send("a", Bytes(std::string(2000, 'x')));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Backlog(*device), 0u);
  EXPECT_TRUE(device->Send("a", Bytes("x")));
}

TEST_F(FakeBrokerTest, AHugeMessageFromAnOldBrokerIsCutOff) {
  // Announces 200 MB and goes on sending, as an MQTT 3.1.1 broker may, which can't be told a limit.
  const std::string huge = "\x30\x80\x84\xAF\x5F" + std::string("\0\x06", 2) + "et/a/d";
  FakeBroker broker(loop_, {.after_suback = huge, .floods_after_suback = true});
  MqttOptions options = Options("a", {broker.url()});
  options.protocol = 4;
  options.frame_bytes_max = 1000;
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty(); }));
  EXPECT_EQ(events_.downs[0].code, ErrorCode::kExhausted);
  EXPECT_GE(device->stats().oversized_dropped, 1u);
}

TEST_F(FakeBrokerTest, NonsenseEndsTheConnectionOnly) {
  FakeBroker broker(loop_, {.after_suback = std::string("\x90\x00\x00\xFF\xFF\xFF\xFF\xFF", 8)});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups >= 3; }));
  EXPECT_THAT(events_.downs[0].text, HasSubstr("does not speak MQTT as it should"));
}

TEST_F(FakeBrokerTest, AClosedConnectionBeforeTheAnswerIsAFailure) {
  FakeBroker broker(loop_, {.connack = [](int) { return std::string(); }});
  const auto device = MakeMqttLink(loop_, Options("a", {broker.url()}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() >= 2; }));
  EXPECT_GE(device->stats().failures, 2u);
}

// The broker accepts and then throws out at once: the backoff must not start from its beginning
// each time.
TEST_F(FakeBrokerTest, OnlyAProvedSessionResetsTheBackoff) {
  FakeBroker broker(loop_, {.closes_after_suback = true});
  MqttOptions options = Options("a", {broker.url()});
  std::vector<std::uint64_t> asked;
  options.backoff_min = milliseconds(10);
  options.backoff_max = milliseconds(70);
  options.random = [&](std::uint64_t below) {
    if (below != 64) asked.push_back(below);  // That is for the characters of a short address.
    return std::uint64_t{0};
  };
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return asked.size() >= 5; }));
  asked.resize(5);
  EXPECT_THAT(asked, ElementsAre(11, 21, 41, 71, 71));
  EXPECT_GE(events_.ups, 5);
  device->Proved();
  asked.clear();
  ASSERT_TRUE(RunUntil([&] { return asked.size() >= 2; }));
  asked.resize(2);
  EXPECT_THAT(asked, ElementsAre(11, 21));
}

TEST_F(FakeBrokerTest, SaysWhenTheNextAttemptIs) {
  FakeBroker broker(loop_, {.connack = [](int) { return std::string(); }});
  MqttOptions options = Options("a", {broker.url()});
  options.backoff_min = options.backoff_max = milliseconds(50'000);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return !events_.downs.empty(); }));
  EXPECT_GT(device->stats().next_try, milliseconds(40'000));
  EXPECT_LE(device->stats().next_try, milliseconds(50'000));
}

}  // namespace
}  // namespace edgetwin::sync
