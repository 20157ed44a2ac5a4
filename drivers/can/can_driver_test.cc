// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/can_driver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/can/error.h>
#include <netinet/in.h>

#include <cmath>

#include "drivers/can/can_driver_test_base.h"

namespace edgetwin::can {
namespace {

using driver::testing::CodeOf;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string With(std::string text, const std::string& part, const std::string& instead) {
  return text.replace(text.find(part), part.size(), instead);
}

constexpr const char* kEngine = R"(
thing = "e"
period = "1s"
[[message]]
name = "m"
id = 291
cycle = "100ms"
[[message.signal]]
name = "speed"
start = 0
length = 16
factor = 0.5
[[message.signal]]
name = "on"
start = 16
length = 1
)";

TEST_F(CanDriverTest, ReportsWhatAFrameHolds) {
  Start(kEngine);
  Put(291, {0x35, 0x12, 0x01, 0, 0, 0, 0, 0});
  EXPECT_EQ(sink_.Last("e/m/speed").value, model::Value(2330.5));
  EXPECT_EQ(sink_.Last("e/m/on").value, model::Value(true));
  EXPECT_EQ(sink_.DefOf("e/m/speed").decimals, 1);
  EXPECT_EQ(sink_.DefOf("e/m/speed").source, "can0 123 bit 0, 16 bits");
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
}

TEST_F(CanDriverTest, WhoWantsItIsToldTheFrame) {
  Start(kEngine);
  Put(291, {0x35, 0x12, 0xa1});
  EXPECT_EQ(sink_.RawOf("e/m/speed"), "123#3512A1");
  EXPECT_EQ(sink_.RawOf("e/m/on"), "123#3512A1");
  Pass(seconds(2));
  Put(291, {0x35});
  EXPECT_EQ(sink_.RawOf("e/m/speed"), "123#35") << "too short for a value";
}

TEST_F(CanDriverTest, ALongFrameIsToldInPart) {
  Start(
      "thing = \"e\"\n[[message]]\nname = \"m\"\nid = 419361024\nextended = true\nfd = true\n"
      "length = 64\n[[message.signal]]\nname = \"a\"\nstart = 0\nlength = 8\n");
  ASSERT_TRUE(bus_.Put(0x18fef100 | CAN_EFF_FLAG, std::vector<int>(64, 0xab)));
  Pass(milliseconds(1));
  std::string expected = "18FEF100#";
  for (int i = 0; i < 32; ++i) expected += "AB";
  EXPECT_EQ(sink_.RawOf("e/m/a"), expected + "…");
}

TEST_F(CanDriverTest, AFastSignalIsReportedOnceAPeriodAndItsLastValueWins) {
  Start(kEngine);
  for (int i = 0; i < 2'500; ++i) {
    ASSERT_TRUE(bus_.Put(291, {i & 0xff, i >> 8, 0}));
    Pass(milliseconds(1));
  }
  // At 0, 1 and 2 s: what came last before.
  ASSERT_EQ(Count("e/m/speed"), 3u);
  EXPECT_EQ(sink_.Samples("e/m/speed")[0].value, model::Value(0.0));
  EXPECT_NEAR(sink_.Samples("e/m/speed")[1].value.real(), 500, 1);
  EXPECT_NEAR(sink_.Samples("e/m/speed")[2].value.real(), 1'000, 1);
  Pass(milliseconds(600));
  EXPECT_EQ(sink_.Last("e/m/speed").value, model::Value(2'499 * 0.5));
}

TEST_F(CanDriverTest, APeriodOfZeroReportsEachFrame) {
  Start(With(kEngine, "1s", "0"));
  for (int i = 0; i < 10; ++i) Put(291, {i, 0, 0});
  EXPECT_EQ(Count("e/m/speed"), 10u);
}

TEST_F(CanDriverTest, TheKernelIsAskedForTheIdsThatAreUsed) {
  Start(std::string(kEngine) +
        "[[message]]\nname = \"x\"\nid = 5\nextended = true\n[[message.signal]]\nname = \"s\"\n"
        "start = 0\nlength = 8\n");
  EXPECT_THAT(bus_.ids(), ElementsAre(291u, 5u | CAN_EFF_FLAG));
  EXPECT_EQ(LimitOf("filters").used, 2u);
  // The same number of 11 bits is another message.
  Put(5, {7});
  EXPECT_EQ(Count("e/x/s"), 0u);
  Put(5 | CAN_EFF_FLAG, {7});
  EXPECT_EQ(sink_.Last("e/x/s").value, model::Value(std::int64_t{7}));
}

TEST_F(CanDriverTest, AMessageThatIsOverdueIsBadUntilItIsHeardAgain) {
  Start(kEngine);
  Put(291, {1, 0, 1});
  Pass(milliseconds(900));
  EXPECT_FALSE(Bad("e/m/speed"));
  Pass(milliseconds(400));  // Ten times the cycle, and the next look.
  EXPECT_TRUE(Bad("e/m/speed"));
  EXPECT_TRUE(Bad("e/m/on"));
  EXPECT_EQ(driver_.parts().at(1).name, "m");
  EXPECT_EQ(driver_.parts().at(1).last_error, "not heard for 1s");
  EXPECT_EQ(CodeOf(sink_.polls().back().result), ErrorCode::kTimeout);
  Put(291, {2, 0, 1});
  EXPECT_FALSE(Bad("e/m/speed"));
  EXPECT_EQ(driver_.parts().size(), 1u);
}

TEST_F(CanDriverTest, AMessageThatNeverCameIsBad) {
  Start(kEngine);
  Pass(seconds(2));
  EXPECT_TRUE(Bad("e/m/speed"));
}

TEST_F(CanDriverTest, TheLastValueBeforeASilenceIsNotLost) {
  Start(With(kEngine, "1s", "1m"));
  Put(291, {2, 0, 0});
  Put(291, {4, 0, 0});
  Pass(seconds(3));
  const auto& samples = sink_.Samples("e/m/speed");
  ASSERT_GE(samples.size(), 2u);
  EXPECT_EQ(samples[1].value, model::Value(2.0));
  EXPECT_EQ(samples[1].quality, model::Quality::kGood);
  EXPECT_TRUE(Bad("e/m/speed"));
}

constexpr const char* kMux = R"(
thing = "e"
period = "0"
timeout = "5s"
[[message]]
name = "m"
id = 16
[[message.signal]]
name = "level"
start = 8
length = 8
multiplex = 1
writable = true
[[message.signal]]
name = "select"
start = 0
length = 4
multiplexor = true
[[message.signal]]
name = "flow"
start = 8
length = 8
type = "signed"
multiplex = 2
)";

TEST_F(CanDriverTest, MultiplexedSignalsAreThereInTheirFramesOnly) {
  Start(kMux);
  Put(16, {0xf1, 200});
  EXPECT_EQ(sink_.Last("e/m/level").value, model::Value(std::int64_t{200}));
  EXPECT_EQ(Count("e/m/flow"), 0u);
  Put(16, {0xf2, 200});
  EXPECT_EQ(sink_.Last("e/m/flow").value, model::Value(std::int64_t{-56}));
  EXPECT_EQ(Count("e/m/level"), 1u);
  EXPECT_EQ(Count("e/m/select"), 2u);
  Put(16, {});  // Too short even for the multiplexor.
  EXPECT_EQ(Count("e/m/flow"), 1u);
  EXPECT_TRUE(Bad("e/m/select"));
}

TEST_F(CanDriverTest, EachMultiplexedValueHasASilenceOfItsOwn) {
  Start(kMux);
  for (int i = 0; i < 7; ++i) {
    Put(16, {2, 1});
    Pass(seconds(1));
  }
  EXPECT_TRUE(Bad("e/m/level"));
  EXPECT_FALSE(Bad("e/m/flow"));
  EXPECT_EQ(driver_.parts().at(1).name, "m multiplex 1");
}

TEST_F(CanDriverTest, AWrittenMultiplexedSignalBringsItsSelector) {
  Start(kMux);
  Put(16, {0x31, 1, 0x55, 0, 0, 0, 0, 0});
  Put(16, {0x32, 9, 0x66, 0, 0, 0, 0, 0});
  ASSERT_TRUE(Write("e/m/level", model::Value(std::int64_t{7})));
  // As its own frame was, not the latest.
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "10#3107550000000000");
}

TEST_F(CanDriverTest, AFrameThatIsTooShortIsBadAndNotReadBeyond) {
  Start(kEngine);
  Put(291, {1, 0});
  EXPECT_EQ(sink_.Last("e/m/speed").value, model::Value(0.5));
  EXPECT_TRUE(Bad("e/m/on"));
  EXPECT_THAT(driver_.parts().at(0).last_error,
              HasSubstr("a frame of m has 2 bytes, too few for on"));
}

TEST_F(CanDriverTest, FramesOfCanFdHave64Bytes) {
  Start(
      "period = \"0\"\n[[message]]\nname = \"m\"\nid = 1\nlength = 64\nbit_rate_switch = true\n"
      "[[message.signal]]\nname = \"last\"\nstart = 503\nlength = 12\nbyte_order = \"big\"\n"
      "writable = true\n");
  std::vector<int> bytes(64, 0);
  bytes[62] = 0xab;
  bytes[63] = 0xc0;
  Put(1, bytes);
  EXPECT_EQ(sink_.Last("bus/m/last").value, model::Value(std::int64_t{0xabc}));
  ASSERT_TRUE(Write("bus/m/last", model::Value(std::int64_t{0x123})));
  const auto sent = bus_.Sent();
  EXPECT_EQ(bus_.sent_bytes(), std::size_t{CANFD_MTU});
  EXPECT_EQ(sent->flags, CANFD_BRS);
  EXPECT_EQ(sent->data[62], 0x12);
  EXPECT_EQ(sent->data[63], 0x30);
}

TEST_F(CanDriverTest, NoNumberIsUncertainAndOutOfRangeIsBad) {
  Start(
      "[[message]]\nname = \"m\"\nid = 1\n[[message.signal]]\nname = \"f\"\nstart = 0\n"
      "type = \"float32\"\n[[message.signal]]\nname = \"r\"\nstart = 32\nlength = 8\nmax = 250\n"
      "check_range = true\n");
  Put(1, {0, 0, 0xc0, 0x7f, 255, 0, 0, 0});
  EXPECT_TRUE(std::isnan(sink_.Last("bus/m/f").value.real()));
  EXPECT_EQ(sink_.Last("bus/m/f").quality, model::Quality::kUncertain);
  EXPECT_TRUE(Bad("bus/m/r"));
}

constexpr const char* kCommand = R"(
thing = "e"
[[message]]
name = "cmd"
id = 512
[[message.signal]]
name = "speed"
start = 0
length = 16
factor = 0.5
writable = true
[[message.signal]]
name = "mode"
start = 16
length = 4
initial = 3
writable = true
)";

TEST_F(CanDriverTest, AWriteIsAppliedWhenItIsHeardOnTheBus) {
  Start(kCommand);
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(10.2)));
  const auto sent = bus_.Sent();
  EXPECT_EQ(FakeBus::Hex(sent), "200#1400030000000000");
  EXPECT_EQ(bus_.sent_bytes(), std::size_t{CAN_MTU});
  Turn();
  EXPECT_TRUE(results_.empty());
  Put(512, {0x13, 0, 3, 0, 0, 0, 0, 0});  // Another value.
  EXPECT_TRUE(results_.empty());
  ASSERT_TRUE(bus_.PutFrame(*sent));
  Turn();
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(*results_[0], model::Value(10.0));  // As the bus has it.
  // Reported at once, though the period isn't over.
  EXPECT_EQ(sink_.Last("e/cmd/speed").value, model::Value(10.0));
}

TEST_F(CanDriverTest, AWriteThatIsNotHeardTimesOut) {
  Start(kCommand);
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
  canfd_frame off{};
  off.can_id = CAN_ERR_FLAG | CAN_ERR_BUSOFF;
  off.len = CAN_ERR_DLC;
  ASSERT_TRUE(bus_.PutFrame(off));
  Pass(milliseconds(1'001));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(CodeOf(results_[0]), ErrorCode::kTimeout);
  EXPECT_THAT(results_[0].error().text, HasSubstr("within 1s: bus-off"));
}

TEST_F(CanDriverTest, OtherSignalsKeepWhatWasSentOrHeardLast) {
  Start(kCommand);
  ASSERT_TRUE(Write("e/cmd/mode", model::Value(std::int64_t{5})));
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
  const auto first = bus_.Sent();
  EXPECT_EQ(FakeBus::Hex(first), "200#0000050000000000");
  // An echo of before must not undo what was sent since.
  ASSERT_TRUE(bus_.PutFrame(*first));
  Turn();
  ASSERT_TRUE(Write("e/cmd/mode", model::Value(std::int64_t{6})));
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0200050000000000");
  const auto last = bus_.Sent();
  EXPECT_EQ(FakeBus::Hex(last), "200#0200060000000000");
  ASSERT_TRUE(bus_.PutFrame(*last));
  Turn();
  EXPECT_EQ(results_.size(), 3u);
  Put(512, {8, 0, 9, 1, 2, 3, 4, 5});  // Somebody else.
  ASSERT_TRUE(Write("e/cmd/mode", model::Value(std::int64_t{1})));
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0800010102030405");
}

TEST_F(CanDriverTest, ValuesThatDontFitAreRefusedBeforeAnythingIsSent) {
  Start(kCommand);
  EXPECT_EQ(CodeOf(Write("e/cmd/mode", model::Value(std::int64_t{16}))), ErrorCode::kInvalid);
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "none");
}

TEST_F(CanDriverTest, WritesUnderWayHaveALimit) {
  Start(kCommand);
  for (std::uint64_t i = 0; i < CanDriver::kWritesMax; ++i) {
    ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
    bus_.Sent();
  }
  EXPECT_EQ(CodeOf(Write("e/cmd/speed", model::Value(1.0))), ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("writes_under_way").hits, 1u);
}

TEST_F(CanDriverTest, AFullTransmitQueueRefusesTheWriteAndKeepsWhatWasSent) {
  Start(std::string(kCommand));
  Status last;
  int sent = 0;
  // Nobody takes them; each is confirmed, so that writes under way are no limit.
  while (last && sent < 100'000) {
    last = Write("e/cmd/speed", model::Value(1.0));
    if (last) {
      ++sent;
      Put(512, {2, 0, 3, 0, 0, 0, 0, 0});
    }
  }
  EXPECT_EQ(CodeOf(last), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(Write("e/cmd/mode", model::Value(std::int64_t{1}))), ErrorCode::kUnavailable);
  EXPECT_EQ(LimitOf("transmit_refusals").hits, 2u);
  while (bus_.Sent()) {
  }
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0200030000000000");
}

TEST_F(CanDriverTest, ReadOnlySignalsAreNotWritten) {
  Start(kEngine);
  EXPECT_EQ(CodeOf(Write("e/m/on", model::Value(true))), ErrorCode::kUnsupported);
}

TEST_F(CanDriverTest, CyclicSendingBeginsWithTheFirstWrite) {
  Start(With(kCommand, "id = 512", "id = 512\nsend_every = \"100ms\""));
  Pass(seconds(1));
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "none");
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
  Pass(milliseconds(350));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0200030000000000") << i;
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "none");
}

TEST_F(CanDriverTest, CyclicSendingFromTheStartSendsWhatIsConfigured) {
  Start(With(kCommand, "id = 512", "id = 512\nsend_every = \"100ms\"\nsend_from_start = true"));
  Pass(milliseconds(250));
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0000030000000000");
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "200#0000030000000000");
  driver_.Stop();
  EXPECT_EQ(FakeBus::Hex(bus_.Sent()), "none");
}

TEST_F(CanDriverTest, AnInterfaceThatIsDownAtTheStartIsUnavailable) {
  bus_.set_down(true);
  Init(kEngine);
  EXPECT_EQ(CodeOf(driver_.Start(loop_, sink_)), ErrorCode::kUnavailable);
  EXPECT_EQ(loop_.pending(), 0u);
  bus_.set_down(false);
  EXPECT_TRUE(driver_.Start(loop_, sink_));
}

TEST_F(CanDriverTest, AnInterfaceThatGoesDownIsAwaited) {
  Start(std::string(kEngine) + std::string(kCommand).substr(13));
  Put(291, {1, 0, 1});
  ASSERT_TRUE(Write("e/cmd/speed", model::Value(1.0)));
  bus_.set_down(true);
  bus_.Unplug();
  Turn();
  EXPECT_TRUE(Bad("e/m/speed"));
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(CodeOf(results_[0]), ErrorCode::kTimeout);
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_EQ(CodeOf(Write("e/cmd/speed", model::Value(1.0))), ErrorCode::kUnavailable);
  Pass(seconds(10));
  EXPECT_EQ(bus_.opened(), 11);  // Once a second.
  EXPECT_THAT(driver_.parts().at(0).last_error, HasSubstr("can0 is down"));
  bus_.set_down(false);
  Pass(seconds(1));
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
  Put(291, {4, 0, 1});
  EXPECT_EQ(sink_.Last("e/m/speed").value, model::Value(2.0));
}

TEST_F(CanDriverTest, TheBusesTroubleIsShown) {
  Start(kEngine);
  canfd_frame error{};
  error.can_id = CAN_ERR_FLAG | CAN_ERR_CRTL;
  error.len = CAN_ERR_DLC;
  error.data[1] = CAN_ERR_CRTL_TX_PASSIVE;
  ASSERT_TRUE(bus_.PutFrame(error));
  Turn();
  EXPECT_EQ(driver_.parts().at(0).state, "failing");
  EXPECT_EQ(driver_.parts().at(0).last_error, "can0 is error passive");
  EXPECT_EQ(sink_.polls().back().result.error().text, "can0 is error passive");
  error.data[1] = CAN_ERR_CRTL_ACTIVE;
  ASSERT_TRUE(bus_.PutFrame(error));
  Turn();
  EXPECT_EQ(driver_.parts().at(0).state, "ok");
}

TEST_F(CanDriverTest, ATurnTakesAtMostSoManyFrames) {
  Start(With(kEngine, "1s", "0"));
  std::uint64_t put = 0;
  while (put < CanDriver::kFramesPerTurnMax + 10 && bus_.Put(291, {1, 0, 0})) ++put;
  ASSERT_GT(put, CanDriver::kFramesPerTurnMax) << "the socket holds fewer";
  Turn();
  EXPECT_GE(LimitOf("turn_frames").hits, 1u);
  Turn();
  EXPECT_EQ(Count("e/m/speed"), put);
}

TEST_F(CanDriverTest, ARecordThatIsNoFrameIsPassedOver) {
  Start(kEngine);
  ASSERT_TRUE(bus_.PutBytes("hello", 5));
  canfd_frame frame{};
  frame.can_id = 291;
  ASSERT_TRUE(bus_.PutBytes(&frame, 8));  // A frame's beginning.
  Turn();
  EXPECT_EQ(sink_.reports(), 0u);
  EXPECT_FALSE(Bad("e/m/speed"));
  frame.len = 9;  // In a classic frame.
  ASSERT_TRUE(bus_.PutBytes(&frame, CAN_MTU));
  Put(291, {2, 0, 0});
  EXPECT_EQ(sink_.Last("e/m/speed").value, model::Value(1.0));
  EXPECT_THAT(driver_.parts().at(0).last_error, HasSubstr("is no CAN frame"));
}

TEST_F(CanDriverTest, TroubleIsNotToldMoreOftenThanIsBearable) {
  Start(With(kEngine, "cycle = \"100ms\"", "timeout = \"0\""));
  const auto told = [this] {
    return std::ranges::count_if(sink_.polls(), [](const auto& poll) { return !poll.result; });
  };
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(bus_.PutBytes("hello", 5));
    Pass(milliseconds(400));
  }
  EXPECT_EQ(told(), 1);
  Pass(seconds(3));
  ASSERT_TRUE(bus_.PutBytes("hello", 5));
  Turn();
  EXPECT_EQ(told(), 2);
}

// The kernel counts in this way for each kind of socket; here is one that it has everywhere.
TEST(CanPortTest, CountsWhatTheKernelDropped) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  const int on = 1;
  const int little = 1;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on), 0);
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(fd, name, length), 0);
  ASSERT_EQ(getsockname(fd, name, &length), 0);
  ASSERT_EQ(connect(fd, name, length), 0);  // To itself.
  CanPort port(fd);
  canfd_frame frame{};
  frame.can_id = 1;
  for (int i = 0; i < 1'000; ++i) (void)port.Send(frame, false);
  std::uint64_t got = 0;
  for (int round = 0; round < 2; ++round) {
    while (true) {
      const auto taken = port.Receive();
      ASSERT_TRUE(taken);
      if (!*taken) break;
      ++got;
    }
    // The count comes with the next frame.
    (void)port.Send(frame, false);
  }
  EXPECT_LT(got, 1'001u);
  EXPECT_EQ(port.dropped(), 1'001 - got);
  EXPECT_GT(port.queue_bytes(), 0u);
}

}  // namespace
}  // namespace edgetwin::can
