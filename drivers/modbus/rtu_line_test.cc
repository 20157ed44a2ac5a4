// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One request at a time against libmodbus's server, over a line that misbehaves.

#include "drivers/modbus/rtu_line.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "drivers/modbus/testing/rtu_server.h"
#include "drivers/sdk/testing/pty.h"

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Pty;
using testing::RtuBytes;
using testing::RtuServer;

const Bytes kAsk{0x03, 0, 5, 0, 2};  // Registers 5 and 6.
const AnswerShape kTwo{{0x03, 4}, 6};

Bytes Holds(int unit) {
  const int first = 100 * unit + 5;
  Bytes pdu{3, 4};
  for (const int value : {first, first + 1}) {
    pdu.push_back(static_cast<std::uint8_t>(value >> 8));
    pdu.push_back(static_cast<std::uint8_t>(value & 0xff));
  }
  return pdu;
}

class RtuLineTest : public ::testing::Test {
 protected:
  ~RtuLineTest() override { close(wake_); }

  RtuOptions Options(milliseconds timeout = seconds(20)) {
    RtuOptions options;
    options.port.device = pty_.device();
    options.port.baud = 115'200;
    options.instance = "drivers.meter";
    options.timeout = timeout;
    options.byte_timeout = milliseconds(300);
    return options;
  }
  Result<Bytes> Ask(RtuLine& line, int unit, milliseconds deadline = seconds(40)) {
    return line.Exchange(unit, kAsk, kTwo, clock_.Now() + deadline);
  }

  SystemClock clock_;
  Pty pty_;
  std::unique_ptr<RtuServer> server_ = std::make_unique<RtuServer>(pty_.fd());
  int wake_ = eventfd(0, EFD_CLOEXEC);
};

TEST_F(RtuLineTest, AsksAndIsAnswered) {
  RtuLine line(Options(), wake_);
  for (int unit = 1; unit <= 3; ++unit) {
    const Result<Bytes> answer = Ask(line, unit);
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(*answer, Holds(unit));
  }
  const Result<Bytes> refused =
      line.Exchange(1, {0x03, 0, 63, 0, 2}, kTwo, clock_.Now() + seconds(40));
  ASSERT_TRUE(refused) << refused.error().text;
  EXPECT_EQ(*refused, (Bytes{0x83, 2}));
}

TEST_F(RtuLineTest, WhatATransceiverPicksUpBeforeTheAnswerIsPassedOver) {
  server_->SetLine([](const RtuBytes&, RtuBytes answer) {
    return std::vector<RtuBytes>{{0x00, 0xff, 0x01}, std::move(answer)};
  });
  RtuLine line(Options(), wake_);
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Holds(1));
}

TEST_F(RtuLineTest, AnotherUnitsLateAnswerIsPassedOver) {
  server_->SetLine([kept = RtuBytes()](const RtuBytes& request,
                                       RtuBytes answer) mutable -> std::vector<RtuBytes> {
    if (request[0] == 2) {
      kept = std::move(answer);
      return {};
    }
    return {kept, std::move(answer)};
  });
  RtuLine line(Options(), wake_);
  const Result<Bytes> none = Ask(line, 2, milliseconds(500));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text, "no answer");
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Holds(1));
}

TEST_F(RtuLineTest, ItsOwnLateAnswerIsThrownAwayBeforeAUnitIsAskedAgain) {
  RtuBytes kept;
  server_->SetLine([&](const RtuBytes&, RtuBytes answer) -> std::vector<RtuBytes> {
    kept = std::move(answer);
    return {};
  });
  RtuLine line(Options(seconds(1)), wake_);
  const MonoTime begin = clock_.Now();
  const Result<Bytes> none =
      line.Exchange(1, {0x03, 0, 40, 0, 2}, kTwo, clock_.Now() + seconds(40));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kTimeout);
  server_->SetLine(nullptr);
  pty_.Send({reinterpret_cast<const char*>(kept.data()), kept.size()});
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Holds(1));
  const auto requests = server_->requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_GE(requests[1].time - begin, seconds(2));
}

TEST_F(RtuLineTest, BytesThatNobodyAskedForAreThrownAway) {
  RtuLine line(Options(), wake_);
  ASSERT_TRUE(Ask(line, 1));
  const Bytes forged = RtuFrame(1, Bytes{3, 4, 9, 9, 9, 9});
  pty_.Send({reinterpret_cast<const char*>(forged.data()), forged.size()});
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Holds(1));
}

TEST_F(RtuLineTest, AnAdapterThatWasPluggedInAgainBetweenRequestsCostsNone) {
  RtuLine line(Options(), wake_);
  ASSERT_TRUE(Ask(line, 1));
  server_.reset();
  pty_.Unplug();
  pty_.Plug();
  server_ = std::make_unique<RtuServer>(pty_.fd());
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Holds(1));
}

TEST_F(RtuLineTest, AWrongChecksumIsSaid) {
  server_->SetLine([](const RtuBytes&, RtuBytes answer) {
    answer[4] ^= 0x10;
    return std::vector<RtuBytes>{std::move(answer)};
  });
  RtuLine line(Options(), wake_);
  const Result<Bytes> answer = Ask(line, 1);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(answer.error().text, "an answer with a wrong checksum");
}

TEST_F(RtuLineTest, AnAnswerThatBreaksOffDoesNotCostTheWholeTimeout) {
  server_->SetLine([](const RtuBytes&, RtuBytes answer) {
    answer.resize(5);
    return std::vector<RtuBytes>{std::move(answer)};
  });
  RtuLine line(Options(seconds(1'000)), wake_);
  const Result<Bytes> answer = Ask(line, 1, seconds(1'000));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text, "an answer that breaks off");
}

TEST_F(RtuLineTest, GarbageIsNoAnswer) {
  server_->SetLine([](const RtuBytes&, const RtuBytes&) {
    return std::vector<RtuBytes>{RtuBytes(5'000, 0x55)};  // More than is kept.
  });
  RtuLine line(Options(), wake_);
  const Result<Bytes> answer = Ask(line, 1, seconds(2));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(answer.error().text, HasSubstr("bytes that are none; are baud and parity"));
  EXPECT_THAT(answer.error().text, Not(HasSubstr("5000 bytes")));
}

TEST_F(RtuLineTest, ALineThatIsNeverSilentIsLeftAtTheDeadline) {
  // On a slow machine the noise may pause for long enough to ask; then nobody answers.
  server_->SetLine([](const RtuBytes&, const RtuBytes&) { return std::vector<RtuBytes>(); });
  std::atomic<bool> stop = false;
  const int own = dup(pty_.fd());
  fcntl(own, F_SETFL, O_NONBLOCK);  // Of the server's, too, which only polls.
  std::thread babbler([&] {
    const std::string noise(64, 'U');
    while (!stop) {
      if (write(own, noise.data(), noise.size()) < 0) std::this_thread::yield();
    }
  });
  RtuOptions options = Options();
  options.port.baud = 1'200;  // Where silence is long.
  RtuLine line(options, wake_);
  EXPECT_FALSE(Ask(line, 1, milliseconds(200)));
  stop = true;
  babbler.join();
  close(own);
}

TEST_F(RtuLineTest, AnEchoIsNotTakenForTheAnswer) {
  // A write's answer is its echo, to the last byte.
  server_->SetLine([](const RtuBytes& request, const RtuBytes& answer) {
    return std::vector<RtuBytes>{request, answer};
  });
  RtuOptions options = Options();
  options.echo = true;
  RtuLine line(options, wake_);
  const AnswerShape written{{0x06, 0, 7}, 5};
  const Result<Bytes> answer =
      line.Exchange(1, {0x06, 0, 7, 0, 42}, written, clock_.Now() + seconds(40));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(server_->Holding(1, 7), 42);
  server_->SetLine(
      [](const RtuBytes& request, const RtuBytes&) { return std::vector<RtuBytes>{request}; });
  const Result<Bytes> echo_only =
      line.Exchange(1, {0x06, 0, 7, 0, 43}, written, clock_.Now() + milliseconds(500));
  EXPECT_FALSE(echo_only);
  server_->SetLine([](RtuBytes request, const RtuBytes&) {
    request[3] ^= 1;
    return std::vector<RtuBytes>{std::move(request)};
  });
  const Result<Bytes> collided = Ask(line, 2);
  ASSERT_FALSE(collided);
  EXPECT_THAT(collided.error().text, HasSubstr("somebody else sends, too"));
}

}  // namespace
}  // namespace edgetwin::driver
