// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History's frames: their bytes as docs/PROTOCOL.md shows them, their cost, and what is refused.

#include "sync/codec/history.h"

#include <gtest/gtest.h>

#include <string>

#include "sync/codec/codec.h"
#include "sync/codec/hostile_test_base.h"

namespace edgetwin::sync {
namespace {

std::string Hex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto bits = static_cast<unsigned char>(byte);
    text += kDigits[bits >> 4];
    text += kDigits[bits & 15];
  }
  return text;
}

HistoryFrame TwoBlocks() {
  HistoryFrame frame;
  frame.session = 12'345;
  frame.number = 7;
  frame.inc = 0x1111'1111'1111'1111;
  frame.blocks = {{5, "ab"}, {6, "cde"}};
  frame.losses = {{5,
                   {.reason = 1,
                    .exact = true,
                    .inc = 0,
                    .first = 100,
                    .last = 159,
                    .count = 58,
                    .from = WallTime(std::chrono::milliseconds(1'790'000'000'000)),
                    .to = WallTime(std::chrono::milliseconds(1'790'000'059'000))}}};
  return frame;
}

TEST(HistoryCodecTest, AFrameOfHistorySaysWhatThePageSays) {
  EXPECT_EQ(Hex(Encode(TwoBlocks())),
            "08b960"              // session 12345
            "da032f"              // history, 47 bytes
            "0807"                // number 7
            "111111111111111111"  // inc
            "1a020a02"            // pid_steps [5, 1]
            "22026162"            // blocks
            "2203636465"
            "2a15"            // a loss, 21 bytes:
            "0805"            // pid 5
            "1001"            // reason 1
            "2864"            // first 100
            "303b"            // length 59: to 159
            "3802"            // kept 2: 58 are gone
            "408090aed7a901"  // from
            "48f8cc03");      // lasting 59,000 ms
}

TEST(HistoryCodecTest, AnAckSaysWhatThePageSays) {
  HistoryAck ack;
  ack.session = 12'345;
  ack.number = 7;
  ack.held = {0x1111'1111'1111'1111, {{5, 0, 59}, {6, 0, 59}, {9, 60, 119}}};
  ack.refused = {1};
  ack.mark = {0x2222'2222'2222'2222, 300};
  EXPECT_EQ(Hex(Encode(ack)),
            "08b960"                // session
            "e20328"                // history_ack, 40 bytes
            "0807"                  // number
            "1213"                  // held:
            "091111111111111111"    // inc
            "12080a01003b06003c3b"  // pids 5 and 6: 0 to 59; pid 9: 60 to 119
            "1a0101"                // refused [1]
            "220c092222222222222222"
            "10ac02");  // commit 300
}

TEST(HistoryCodecTest, AnAckOfAThousandPropertiesSampledAlikeTakesFewBytes) {
  HistoryAck ack;
  ack.number = 1'000;
  ack.held.inc = 1;
  for (model::Pid pid = 1; pid <= 1'000; ++pid) ack.held.spans.push_back({pid, 0, 599'999});
  ack.mark = {1, 1};
  EXPECT_LE(Encode(ack).size(), 48u);
}

TEST(HistoryCodecTest, ABlockTakesFourBytesBesideItsOwn) {
  HistoryFrame frame = TwoBlocks();
  frame.losses.clear();
  const std::size_t before = Encode(frame).size();
  frame.blocks.push_back({7, std::string(100, 'x')});
  EXPECT_LE(Encode(frame).size(), before + 104);
}

v1::Frame Blocks() {
  v1::Frame frame;
  frame.set_session(9);
  v1::History& history = *frame.mutable_history();
  history.set_number(1);
  history.set_inc(1);
  history.add_pid_steps(5);
  history.add_blocks("x");
  v1::Loss& loss = *history.add_losses();
  loss.set_pid(5);
  loss.set_length(9);
  return frame;
}

v1::Frame Held() {
  v1::Frame frame;
  frame.set_session(9);
  v1::Held& held = *frame.mutable_history_held()->add_held();
  for (const std::uint64_t number : {10, 1, 0, 59}) held.add_spans(number);
  return frame;
}

v1::Held& FirstHeld(v1::Frame& frame) {
  return *frame.mutable_history_held()->mutable_held(0);
}
v1::Loss& FirstLoss(v1::Frame& frame) {
  return *frame.mutable_history()->mutable_losses(0);
}

const Wrong kWrongHistory[] = {
    {"ABlockOfNoProperty", Blocks,
     [](v1::Frame& frame) { frame.mutable_history()->add_blocks("y"); }, "one property's"},
    {"ABlockOfPidZero", Blocks,
     [](v1::Frame& frame) {
       frame.mutable_history()->add_pid_steps(-5);
       frame.mutable_history()->add_blocks("y");
     },
     "pid"},
    {"ABlockOfAPidBeyondTheLast", Blocks,
     [](v1::Frame& frame) {
       frame.mutable_history()->add_pid_steps(std::int64_t{1} << 32);
       frame.mutable_history()->add_blocks("y");
     },
     "pid"},
    {"TooManyBlocks", Blocks,
     [](v1::Frame& frame) {
       for (std::size_t i = 0; i < kHistoryBlocksMax; ++i) {
         frame.mutable_history()->add_pid_steps(1);
         frame.mutable_history()->add_blocks("");
       }
     },
     "5001 blocks"},
    {"TooManyLosses", Blocks,
     [](v1::Frame& frame) {
       for (std::size_t i = 0; i < kHistoryLossesMax; ++i) {
         frame.mutable_history()->add_losses()->set_pid(1);
       }
     },
     "1001 losses"},
    {"ALossOfPidZero", Blocks, [](v1::Frame& frame) { FirstLoss(frame).clear_pid(); }, "pid 0"},
    {"ALossBeyondTheLastOrdinal", Blocks,
     [](v1::Frame& frame) { FirstLoss(frame).set_first(kMax); }, "last ordinal"},
    {"ALossOfNothing", Blocks, [](v1::Frame& frame) { FirstLoss(frame).set_kept(10); }, "kept"},
    {"ALossOfEverythingThereCanBe", Blocks,
     [](v1::Frame& frame) { FirstLoss(frame).set_length(kMax); }, "everything"},
    {"ALossThatEndsBeforeItBegins", Blocks,
     [](v1::Frame& frame) { FirstLoss(frame).set_lasting(std::uint64_t{1} << 63); }, "before"},
    {"AnIntervalOfThreeNumbers", Held, [](v1::Frame& frame) { FirstHeld(frame).add_spans(2); },
     "four numbers"},
    {"AnIntervalOfPidZero", Held, [](v1::Frame& frame) { FirstHeld(frame).set_spans(0, 0); },
     "pid"},
    {"AnIntervalOfMorePidsThanThereCanBe", Held,
     [](v1::Frame& frame) { FirstHeld(frame).set_spans(0, ~std::uint32_t{0} * std::uint64_t{2}); },
     "pids"},
    {"MoreIntervalsThanTheLimit", Held,
     [](v1::Frame& frame) { FirstHeld(frame).set_spans(1, kHistorySpansMax); }, "20000"},
    {"MoreIntervalsThanTheLimitTogether", Held,
     [](v1::Frame& frame) {
       FirstHeld(frame).set_spans(1, kHistorySpansMax / 2);
       *frame.mutable_history_held()->add_held() = FirstHeld(frame);
     },
     "20000"},
    {"AnIntervalBeyondTheLastOrdinal", Held,
     [](v1::Frame& frame) { FirstHeld(frame).set_spans(2, kMax); }, "last ordinal"},
};

class HistoryHostileTest : public testing::TestWithParam<Wrong> {};

TEST_P(HistoryHostileTest, IsRefused) {
  const Wrong& wrong = GetParam();
  v1::Frame frame = wrong.valid();
  const auto valid = DecodeMessage(frame);
  ASSERT_TRUE(valid) << valid.error().text;
  wrong.spoil(frame);
  const auto decoded = DecodeMessage(frame);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().text.find(wrong.says), std::string::npos) << decoded.error().text;
}

INSTANTIATE_TEST_SUITE_P(History, HistoryHostileTest, testing::ValuesIn(kWrongHistory),
                         [](const auto& wrong) { return std::string(wrong.param.name); });

TEST(HistoryCodecTest, RefusedBlocksThatDoNotAscendAreRefused) {
  v1::Frame frame;
  frame.set_session(9);
  frame.mutable_history_ack()->add_refused(3);
  ASSERT_TRUE(DecodeMessage(frame));
  frame.mutable_history_ack()->add_refused(3);
  EXPECT_FALSE(DecodeMessage(frame));
}

}  // namespace
}  // namespace edgetwin::sync
