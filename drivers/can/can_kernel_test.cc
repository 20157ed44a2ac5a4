// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The real thing: a virtual CAN bus in a network namespace of this process, where the kernel has
// the modules can_raw and vcan and lets us have one. Elsewhere there is nothing to test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/can/error.h>
#include <poll.h>
#include <sched.h>

#include <cstdlib>

#include "drivers/can/can_driver.h"
#include "drivers/can/conformance_test_bench.h"
#include "drivers/sdk/conformance/conformance.h"
#include "drivers/sdk/testing/code_of.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "drivers/sdk/testing/ticker.h"
#include "twin/base/event_loop.h"

namespace edgetwin::can {
namespace {

using driver::testing::CodeOf;
using ::testing::HasSubstr;

bool Ip(const std::string& words) {
  return std::system(("ip " + words + " 2>/dev/null").c_str()) == 0;
}

canfd_frame Frame(std::uint32_t id, const std::vector<int>& bytes) {
  canfd_frame frame{};
  frame.can_id = id;
  frame.len = static_cast<std::uint8_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), frame.data);
  return frame;
}

class CanKernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
      GTEST_SKIP() << "no network namespace is to be had";
    }
    if (!Ip("link add vcan0 type vcan")) GTEST_SKIP() << "the kernel has no vcan";
    ASSERT_TRUE(Ip("link set vcan0 up"));
  }

  std::unique_ptr<CanPort> Open(const std::vector<std::uint32_t>& ids) {
    auto port = CanPort::Open("vcan0", ids);
    EXPECT_TRUE(port) << port.error().text;
    return port ? *std::move(port) : nullptr;
  }
  // The next frame's id and length, or the error. Frames come when the kernel gets round to it.
  static std::string Next(CanPort& port, int wait_ms = 30'000) {
    pollfd waiting{port.fd(), POLLIN, 0};
    if (poll(&waiting, 1, wait_ms) != 1) return "none";
    const auto frame = port.Receive();
    if (!frame) return "error: " + frame.error().text;
    if (!*frame) return "none";
    char text[32];
    snprintf(text, sizeof text, "%x/%d", (*frame)->can_id, (*frame)->len);
    return text;
  }
};

TEST_F(CanKernelTest, TheKernelFiltersTheIds) {
  auto port = Open({0x123, 5 | CAN_EFF_FLAG});
  auto other = Open({0x7ff});
  for (const std::uint32_t id :
       {0x123u, 0x124u, 5u, 5u | CAN_EFF_FLAG, 0x123u | CAN_EFF_FLAG, 0x123u | CAN_RTR_FLAG}) {
    ASSERT_TRUE(other->Send(Frame(id, {1, 2}), false));
  }
  // What comes last shows that nothing else came before.
  ASSERT_TRUE(other->Send(Frame(0x123, {1, 2, 3}), false));
  ASSERT_TRUE(other->Send(Frame(0x7ff, {}), false));
  EXPECT_EQ(Next(*port), "123/2");
  EXPECT_EQ(Next(*port), "80000005/2");
  EXPECT_EQ(Next(*port), "123/3");
  EXPECT_EQ(Next(*other), "7ff/0");
}

TEST_F(CanKernelTest, AsManyFiltersAsWePromiseAreTaken) {
  std::vector<std::uint32_t> ids;
  for (std::uint32_t id = 0; id < kMessagesMax; ++id) ids.push_back(id);
  auto port = Open(ids);
  auto other = Open({0x7ff});
  ASSERT_TRUE(other->Send(Frame(kMessagesMax - 1, {}), false));
  EXPECT_EQ(Next(*port), "1ff/0");
  ids.push_back(kMessagesMax);
  EXPECT_EQ(CodeOf(CanPort::Open("vcan0", ids)), ErrorCode::kUnavailable);
}

TEST_F(CanKernelTest, OwnFramesComeBack) {
  auto port = Open({1});
  ASSERT_TRUE(port->Send(Frame(1, {1, 2, 3}), false));
  EXPECT_EQ(Next(*port), "1/3");
}

TEST_F(CanKernelTest, FramesOfCanFdAreCarriedOrRefused) {
  ASSERT_TRUE(Ip("link set vcan0 down") && Ip("link set vcan0 mtu 72") && Ip("link set vcan0 up"));
  auto port = Open({1});
  ASSERT_TRUE(port->Send(Frame(1, std::vector<int>(64, 7)), true));
  EXPECT_EQ(Next(*port), "1/64");
  ASSERT_TRUE(Ip("link set vcan0 down") && Ip("link set vcan0 mtu 16") && Ip("link set vcan0 up"));
  auto classic = Open({1});
  EXPECT_EQ(CodeOf(classic->Send(Frame(1, std::vector<int>(64, 7)), true)),
            ErrorCode::kUnsupported);
}

TEST_F(CanKernelTest, ErrorFramesCome) {
  auto port = Open({1});
  auto other = Open({1});
  ASSERT_TRUE(other->Send(Frame(CAN_ERR_FLAG | CAN_ERR_BUSOFF, std::vector<int>(8, 0)), false));
  EXPECT_EQ(Next(*port), "20000040/8");
}

TEST_F(CanKernelTest, AnInterfaceThatGoesDownOrAwayIsTold) {
  auto port = Open({1});
  ASSERT_TRUE(Ip("link set vcan0 down"));
  EXPECT_EQ(Next(*port), "error: Network is down");
  EXPECT_EQ(CodeOf(port->Send(Frame(1, {}), false)), ErrorCode::kUnavailable);
  const auto down = CanPort::Open("vcan0", {1});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().text, "vcan0 is down");
  ASSERT_TRUE(Ip("link set vcan0 up"));
  port = Open({1});
  ASSERT_TRUE(Ip("link del vcan0"));
  EXPECT_THAT(Next(*port), HasSubstr("error: "));
  const auto gone = CanPort::Open("vcan0", {1});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().text, "there is no interface vcan0");
  EXPECT_EQ(CanPort::Open("lo", {1}).error().text, "lo is no CAN interface");
}

TEST_F(CanKernelTest, WhatNobodyTakesIsDroppedAndCounted) {
  auto port = Open({1});
  auto other = Open({2});
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(other->Send(Frame(1, {i & 0xff}), false));
  // Marks, told apart by their length, until one finds room: all before it are here, or lost.
  std::uint64_t got = 0;
  std::uint64_t marks = 0;
  std::string next;
  while (!next.starts_with("1/") || next == "1/1") {
    if (next == "none") {
      ASSERT_LE(++marks, 7u);
      ASSERT_TRUE(other->Send(Frame(1, std::vector<int>(marks + 1, 0)), false));
    }
    next = Next(*port, 1'000);
    if (next == "1/1") ++got;
  }
  EXPECT_LT(got, 100'000u);
  const auto lost_marks = static_cast<std::uint64_t>(next.back() - '2');
  EXPECT_EQ(port->dropped(), 100'000 - got + lost_marks);
}

TEST_F(CanKernelTest, TheDriverReadsWritesAndComesBackOnARealBus) {
  SystemClock clock;
  EventLoop loop(clock);
  driver::testing::RecordingSink sink(clock);
  const auto options = driver::testing::ParseOptions(
      "interface = \"vcan0\"\nthing = \"b\"\nperiod = \"0\"\n[[message]]\nname = \"m\"\nid = 16\n"
      "[[message.signal]]\nname = \"s\"\nstart = 0\nlength = 8\nwritable = true\n");
  ASSERT_TRUE(options);
  ConfigProblems problems;
  ConfigReader config(*options, "drivers.bus", problems);
  CanDriver driver(CanPort::Open);
  ASSERT_TRUE(driver.Init(config)) << problems.ToString();
  ASSERT_TRUE(driver.Start(loop, sink));
  const auto until = [&](const auto& holds) {
    const MonoTime end = clock.Now() + std::chrono::seconds(60);
    while (!holds() && clock.Now() < end) loop.RunFor(std::chrono::milliseconds(10));
    return holds();
  };
  const auto has = [&](std::int64_t value) {
    return until([&] {
      return sink.Last("b/m/s").value == model::Value(value) &&
             sink.Last("b/m/s").quality == model::Quality::kGood;
    });
  };
  auto other = Open({16});
  ASSERT_TRUE(other->Send(Frame(16, {7}), false));
  EXPECT_TRUE(has(7));
  std::optional<Result<model::Value>> result;
  ASSERT_TRUE(driver.Write(sink.IdOf("b/m/s"), model::Value(std::int64_t{9}),
                           [&](Result<model::Value> got) { result = std::move(got); }));
  EXPECT_TRUE(until([&] { return result.has_value(); }));
  ASSERT_TRUE(*result) << result->error().text;
  EXPECT_TRUE(has(9));
  ASSERT_TRUE(Ip("link set vcan0 down"));
  EXPECT_TRUE(until([&] { return sink.Last("b/m/s").quality == model::Quality::kBad; }));
  EXPECT_THAT(driver.parts().at(0).last_error, HasSubstr("down"));
  ASSERT_TRUE(Ip("link set vcan0 up"));
  EXPECT_TRUE(until([&] { return driver.parts().at(0).state == "ok"; }));
  other = Open({16});
  ASSERT_TRUE(other->Send(Frame(16, {8}), false));
  EXPECT_TRUE(has(8));
  driver.Stop();
  sink.Revoke();
}

// The conformance suite, test by test: each has a bus of its own first.
class VirtualBusBench final : public PumpBench {
 public:
  VirtualBusBench() : PumpBench("vcan0") {}
  bool Unplug() override { return Ip("link set vcan0 down"); }
  void Replug() override { EXPECT_TRUE(Ip("link set vcan0 up")); }

 private:
  // Fails while the interface is down.
  void Turn() const {
    if (!silent()) (void)port_->Send(State(), false);
  }

  const std::unique_ptr<CanPort> port_ = CanPort::Open("vcan0", {}).value();
  driver::testing::Ticker pump_{[this] { Turn(); }};
};

class CanKernelConformance : public CanKernelTest {
 protected:
  const driver::testing::Subject subject_{CanKind(),
                                          [] { return std::make_unique<VirtualBusBench>(); }};
};

TEST_F(CanKernelConformance, InitDoesNoIo) {
  CheckInitDoesNoIo(subject_);
}
TEST_F(CanKernelConformance, MistakesAreReported) {
  CheckMistakesAreReported(subject_);
}
TEST_F(CanKernelConformance, TheDeviceIsRead) {
  CheckTheDeviceIsRead(subject_);
}
TEST_F(CanKernelConformance, StopIsFinal) {
  CheckStopIsFinal(subject_);
}
TEST_F(CanKernelConformance, UnplugAndReplug) {
  CheckUnplugAndReplug(subject_);
}
TEST_F(CanKernelConformance, ASilentBusIsContained) {
  CheckAHungDeviceIsContained(subject_);
}
TEST_F(CanKernelConformance, WritesReportTheirOutcome) {
  CheckWritesReportTheirOutcome(subject_);
}

}  // namespace
}  // namespace edgetwin::can
