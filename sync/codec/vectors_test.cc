// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The frames that docs/PROTOCOL.md shows byte by byte. Bytes are not canonical: what counts is that
// those of the page decode to what it says, and that ours say the same.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sync/codec/codec.h"
#include "sync/codec/testing/random_frames.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using model::Value;
using std::chrono::milliseconds;

constexpr std::uint64_t kDeviceInc = 0x1111111111111111;
constexpr std::uint64_t kCloudInc = 0x2222222222222222;

// Hexadecimal digits, with spaces for the reader.
std::string Bytes(std::string_view hex) {
  std::string bytes;
  int half = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (half < 0) {
      half = digit;
      continue;
    }
    bytes += static_cast<char>(half * 16 + digit);
    half = -1;
  }
  return bytes;
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
    hex += ' ';
  }
  return hex;
}

void ExpectBytesSay(std::string_view hex, const Frame& frame) {
  for (const std::string& bytes : {Bytes(hex), Encode(frame)}) {
    const Result<Frame> back = Decode(std::as_bytes(std::span(bytes)));
    ASSERT_TRUE(back) << back.error().text << ": " << Hex(bytes);
    EXPECT_TRUE(SameFrame(frame, *back)) << Hex(bytes);
  }
}

WireRow MakeRow(model::Pid pid, Side side, std::uint64_t seq, Value value, std::int64_t unix_ms) {
  WireRow wire;
  wire.pid = pid;
  wire.side = side;
  wire.row.value = std::move(value);
  wire.row.dot.seq = seq;
  wire.row.time = WallTime(milliseconds(unix_ms));
  return wire;
}

void SetInfo(WireRow& wire, model::ControlInfo info) {
  wire.row.control = std::make_shared<const model::ControlInfo>(std::move(info));
}

Delta StateDelta() {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kState;
  delta.from = 999'995;
  delta.to = 1'000'001;
  delta.rows.push_back(MakeRow(5, Side::kReported, 999'997, Value(21.57), 1'790'000'123'456));
  delta.rows.push_back(MakeRow(6, Side::kReported, 999'998, Value(true), 1'790'000'123'456));
  delta.rows.push_back(
      MakeRow(9, Side::kReported, 1'000'000, Value(std::string("run")), 1'790'000'123'400));
  delta.rows[2].row.quality = model::Quality::kUncertain;
  return delta;
}

Delta DesiredDelta() {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kControl;
  delta.from = 2;
  delta.to = 5;
  delta.rows.push_back(MakeRow(2, Side::kDesired, 3, Value(std::int64_t{40}), 1'790'000'100'000));
  SetInfo(delta.rows[0], {.refers_to = {}, .state = {}, .note = "anna", .until = {}});
  delta.rows.push_back(MakeRow(0, Side::kDesired, 5, Value(std::int64_t{7}), 1'790'000'100'000));
  delta.rows[1].path = "pump/speed";
  SetInfo(delta.rows[1], {.refers_to = {},
                          .state = {},
                          .note = "anna",
                          .until = WallTime(milliseconds(1'790'000'200'000))});
  model::Command command;
  command.id = 0x0a0b0c0d0e0f1011;
  command.dot.seq = 4;
  command.epoch = 1;
  command.name = "read";
  command.path = "tank/level";
  command.expires = WallTime(milliseconds(1'790'000'160'000));
  command.who = "anna";
  delta.commands.push_back(command);
  return delta;
}

Delta StatusDelta() {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kControl;
  delta.from = 8;
  delta.to = 9;
  delta.rows.push_back(MakeRow(2, Side::kStatus, 9, {}, 1'790'000'101'000));
  delta.rows[0].row.unsynced = true;
  SetInfo(delta.rows[0], {.refers_to = {kCloudInc, 3},
                          .state = model::DesiredState::kApplied,
                          .note = {},
                          .until = {}});
  Ack ack;
  ack.session = 12'345;
  ack.watermark[static_cast<std::size_t>(Stream::kControl)] = 5;
  ack.held_ms = 100;
  delta.ack = ack;
  return delta;
}

Delta EventDelta() {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kEvents;
  delta.from = 9;
  delta.to = 12;
  WireEvent wire;
  wire.pid = 1;
  wire.event.dot.seq = 11;
  wire.event.time = WallTime(milliseconds(1'790'000'123'456));
  wire.event.severity = model::Severity::kAlarm;
  wire.event.kind = "alarm_raised";
  wire.event.value = Value(91.5);
  delta.events.push_back(wire);
  return delta;
}

Hello MakeHello() {
  Hello hello;
  hello.session = 12'345;
  hello.lineage = {{0x3333333333333333, 1, 110, 96}, {kDeviceInc, 111, 8'110, 0}};
  hello.head = {96, 100, 95, 0};
  hello.durable = {96, 100, 96, 0};
  hello.watermark = {5, 0, 0, 0};
  hello.cloud_inc = kCloudInc;
  hello.dictionary_n = 2;
  hello.dictionary_chain = 0x7fa08e276c31002b;
  hello.epoch = {1, 0x4444444444444444};
  hello.wall_ms = 1'790'000'123'456;
  hello.boot_ms = 5'000;
  hello.software = "x 1";
  return hello;
}

Welcome MakeWelcome() {
  Welcome welcome;
  welcome.session = 12'345;
  welcome.to = 0x1111111111111111;
  welcome.lineage = {{kCloudInc, 1, 5, 0}};
  welcome.head = {5, 0, 0, 0};
  welcome.watermark = {96, 110, 95, 0};
  welcome.dictionary_n = 2;
  welcome.dictionary_chain = 0x7fa08e276c31002b;
  welcome.epoch = {1, 0x4444444444444444};
  welcome.wall_ms = 1'790'000'123'500;
  welcome.frame_bytes_max = 65'536;
  welcome.window_frames_max = 16;
  welcome.returned.push_back(MakeRow(1, Side::kReported, 109, Value(21.5), 1'790'000'000'000));
  return welcome;
}

TEST(CodecVectorsTest, AStateDeltaOfThreeRowsSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 10 c1 84 3d 28 05 30 80 99 bd d7 a9 01 3a 03 da 21 02 40 0e 5a 02 02 06 62 "
      "03 72 75 6e 70 03 ca 01 02 00 6f da 01 03 01 00 01 ea 01 02 10 1b f8 01 01 82 02 01 "
      "10",
      StateDelta());
}

TEST(CodecVectorsTest, ADeltaWithDesiredRowsAndACommandSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 10 05 28 02 30 c0 aa ba d7 a9 01 3a 02 50 0e 40 0c 48 01 5a 01 03 da 01 02 "
      "00 01 8a 02 0a 70 75 6d 70 2f 73 70 65 65 64 d2 02 04 61 6e 6e 61 e2 02 07 00 c0 f2 "
      "cd a2 8c 34 ea 02 01 01 9a 03 2c 08 01 19 11 10 0f 0e 0d 0c 0b 0a 20 01 2a 04 72 65 "
      "61 64 32 0a 74 61 6e 6b 2f 6c 65 76 65 6c 40 80 ba cb a2 8c 34 4a 04 61 6e 6e 61",
      DesiredDelta());
}

TEST(CodecVectorsTest, AStatusWithAnAckSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 10 09 18 00 20 64 28 02 30 90 ba ba d7 a9 01 48 02 50 05 78 03 ea 01 01 1a "
      "f8 01 04 b2 02 08 22 22 22 22 22 22 22 22",
      StatusDelta());
}

TEST(CodecVectorsTest, AnEventSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 10 0c 48 04 70 02 92 03 26 08 01 18 01 20 80 99 bd d7 a9 01 30 02 3a 0c 61 "
      "6c 61 72 6d 5f 72 61 69 73 65 64 42 09 19 00 00 00 00 00 e0 56 40",
      EventDelta());
}

TEST(CodecVectorsTest, AHelloSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 82 01 63 08 01 12 0d 09 33 33 33 33 33 33 33 33 18 6e 20 60 12 0c 09 11 11 "
      "11 11 11 11 11 11 18 c0 3e 1a 06 08 60 10 64 18 5f 22 06 08 60 10 64 18 60 2a 02 08 "
      "05 31 22 22 22 22 22 22 22 22 38 02 41 2b 00 31 6c 27 8e a0 7f 52 0b 08 01 11 44 44 "
      "44 44 44 44 44 44 58 c0 9c c9 a2 8c 34 60 88 27 6a 03 78 20 31",
      MakeHello());
}

TEST(CodecVectorsTest, AHelloOfADictionaryThatBeganAnewSaysSoInThreeBytes) {
  Hello hello = MakeHello();
  hello.dictionary_n = 0;
  hello.dictionary_chain = 0;
  hello.dictionary_anew = true;
  ExpectBytesSay(
      "08 b9 60 82 01 5b 08 01 12 0d 09 33 33 33 33 33 33 33 33 18 6e 20 60 12 0c 09 11 11 "
      "11 11 11 11 11 11 18 c0 3e 1a 06 08 60 10 64 18 5f 22 06 08 60 10 64 18 60 2a 02 08 "
      "05 31 22 22 22 22 22 22 22 22 52 0b 08 01 11 44 44 44 44 44 44 44 44 58 c0 9c c9 a2 "
      "8c 34 60 88 27 6a 03 78 20 31 88 01 01",
      hello);
}

TEST(CodecVectorsTest, AHelloWithADeltaSaysWhatThePageSays) {
  Hello hello = MakeHello();
  hello.head[1] = hello.durable[1] = 112;
  hello.first = FirstDelta{109, 112, {}};
  hello.first->rows.push_back(MakeRow(1, Side::kReported, 112, Value(21.5), 1'790'000'000'000));
  ExpectBytesSay(
      "08 b9 60 28 01 30 80 90 ae d7 a9 01 3a 02 cc 21 70 02 82 01 66 08 01 12 0d 09 33 33 33 33 "
      "33 33 33 33 18 6e 20 60 12 0c 09 11 11 11 11 11 11 11 11 18 c0 3e 1a 06 08 60 10 70 18 5f "
      "22 06 08 60 10 70 18 60 2a 02 08 05 31 22 22 22 22 22 22 22 22 38 02 41 2b 00 31 6c 27 8e "
      "a0 7f 52 0b 08 01 11 44 44 44 44 44 44 44 44 58 c0 9c c9 a2 8c 34 60 88 27 6a 03 78 20 31 "
      "98 01 70",
      hello);
}

TEST(CodecVectorsTest, AWelcomeSaysWhatThePageSays) {
  ExpectBytesSay(
      "08 b9 60 28 01 30 80 90 ae d7 a9 01 3a 02 cc 21 8a 01 4c 08 01 12 0b 09 22 22 22 22 "
      "22 22 22 22 18 05 1a 02 08 05 22 06 08 60 10 6e 18 5f 28 02 31 2b 00 31 6c 27 8e a0 "
      "7f 42 0b 08 01 11 44 44 44 44 44 44 44 44 48 ec 9c c9 a2 8c 34 50 80 80 04 58 10 60 "
      "6d 89 01 11 11 11 11 11 11 11 11",
      MakeWelcome());
}

}  // namespace
}  // namespace edgetwin::sync
