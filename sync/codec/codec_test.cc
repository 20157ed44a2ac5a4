// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include "sync/codec/testing/random_frames.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using model::Value;

constexpr std::uint64_t kSeed = 20'260'101;

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

WallTime Noon() {
  return WallTime(std::chrono::milliseconds(1'790'000'123'456));
}

// Values one after another: pids 1, 2, … and seqs first, first + 1, …
Delta Regular(std::uint64_t first, std::span<const double> values) {
  Delta delta;
  delta.session = 12'345;
  delta.from = first - 1;
  delta.to = delta.from + values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    WireRow row;
    row.pid = static_cast<model::Pid>(i + 1);
    row.row.value = Value(values[i]);
    row.row.dot.seq = first + i;
    row.row.time = Noon();
    delta.rows.push_back(row);
  }
  return delta;
}

Ack StateAck(std::uint32_t session, std::uint64_t state, std::uint64_t control = 0) {
  Ack ack;
  ack.session = session;
  ack.watermark = {control, state, 0, 0};
  ack.held_ms = 40;
  return ack;
}

// Events one after another, of the seqs first, first + 1, ….
Delta Events(std::uint64_t first, std::size_t count) {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kEvents;
  delta.from = first - 1;
  delta.to = delta.from + count;
  for (std::size_t i = 0; i < count; ++i) {
    WireEvent wire;
    wire.pid = 5;
    wire.event.dot.seq = first + i;
    wire.event.time = Noon();
    wire.event.severity = model::Severity::kAlarm;
    wire.event.kind = "alarm_raised";
    wire.event.value = Value(91.5);
    delta.events.push_back(wire);
  }
  return delta;
}

Delta Commands(std::uint64_t first, std::size_t count) {
  Delta delta;
  delta.session = 12'345;
  delta.stream = Stream::kControl;
  delta.from = first - 1;
  delta.to = delta.from + count;
  for (std::size_t i = 0; i < count; ++i) {
    model::Command command;
    command.id = 7 + i;
    command.dot.seq = first + i;
    command.epoch = 3;
    command.name = "write";
    command.path = "tank/level";
    command.value = Value(21.5);
    command.expires = Noon();
    command.who = "somebody";
    delta.commands.push_back(command);
  }
  return delta;
}

Delta DesiredRow(std::uint64_t seq) {
  Delta delta = Regular(seq, std::vector<double>{21.57});
  delta.stream = Stream::kControl;
  delta.rows[0].side = Side::kDesired;
  return delta;
}

// Encodes, and expects the frame back.
std::string RoundTrip(const Frame& frame) {
  const std::string bytes = Encode(frame);
  const Result<Frame> back = Decode(AsBytes(bytes));
  if (!back) {
    ADD_FAILURE() << back.error().text;
  } else {
    EXPECT_TRUE(SameFrame(frame, *back));
  }
  return bytes;
}

std::size_t Bytes(const Frame& frame) {
  return RoundTrip(frame).size();
}

TEST(CodecTest, RandomFramesOfEveryKindComeBackEqual) {
  Random random(kSeed);
  std::array<int, std::variant_size_v<Frame>> seen{};
  for (int i = 0; i < 10'000; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", frame " + std::to_string(i));
    const Frame frame = RandomFrame(random);
    ++seen[frame.index()];
    RoundTrip(frame);
    if (testing::Test::HasFailure()) return;
  }
  for (const int count : seen) EXPECT_GT(count, 0);
}

std::uint64_t TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// Adds the numbers of the fields that stand in a message itself.
void CollectFields(std::string_view bytes, std::set<std::uint64_t>& fields) {
  while (!bytes.empty()) {
    const std::uint64_t tag = TakeVarint(bytes);
    fields.insert(tag >> 3);
    switch (tag & 7) {
      case 0: TakeVarint(bytes); break;
      case 1: bytes.remove_prefix(8); break;
      case 2: bytes.remove_prefix(TakeVarint(bytes)); break;
      default: FAIL() << "wire type of tag " << tag;
    }
  }
}

TEST(CodecTest, RandomFramesHaveEveryFieldOfTheSchema) {
  constexpr std::uint64_t kLastField = 62;
  Random random(kSeed + 2);
  std::set<std::uint64_t> fields;
  for (int i = 0; i < 4'000; ++i) CollectFields(Encode(RandomFrame(random)), fields);
  for (std::uint64_t field = 1; field <= kLastField; ++field) {
    EXPECT_TRUE(fields.contains(field)) << field;
  }
  EXPECT_EQ(fields.size(), kLastField);
}

TEST(CodecTest, MutatedFramesAreRefusedOrComeBackEqual) {
  Random random(kSeed + 1);
  int accepted = 0;
  for (int i = 0; i < 40'000; ++i) {
    SCOPED_TRACE("seed " + std::to_string(kSeed + 1) + ", frame " + std::to_string(i));
    std::string bytes = Encode(RandomFrame(random, 12));
    for (std::uint64_t edits = 1 + random() % 4; edits > 0 && !bytes.empty(); --edits) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes.resize(at); break;
        case 1: bytes.erase(at, 1); break;
        case 2: bytes.insert(at, 1, static_cast<char>(random())); break;
        default: bytes[at] = static_cast<char>(random());
      }
    }
    const Result<Frame> frame = Decode(AsBytes(bytes));
    if (!frame) continue;
    ++accepted;
    RoundTrip(*frame);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(accepted, 1'000);  // Else the mutations don't reach beyond parsing.
}

TEST(CodecTest, DoublesComeBackBitByBit) {
  const double kNan = std::bit_cast<double>(0x7ff8'0000'dead'beefu);
  const double kSignalling = std::bit_cast<double>(0xfff0'0000'0000'0001u);
  const std::vector<double> values = {0.0,    -0.0,        0.1,         0.1 + 0.2,
                                      kNan,   kSignalling, 1e300,       -INFINITY,
                                      5e-324, 12.34,       -79.99,      9007199254740991.0,
                                      1e-9,   123456.789,  0.123456789, 9007199254740993.0};
  RoundTrip(Regular(7, values));
}

TEST(CodecTest, ExtremesOfNumbersComeBack) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  Delta delta = Regular(kMax, std::vector<double>{1.0});
  delta.rows[0].row.value = Value(std::numeric_limits<std::int64_t>::min());
  delta.rows[0].row.time = WallTime::max();
  delta.rows[0].pid = std::numeric_limits<model::Pid>::max();
  RoundTrip(delta);
  delta.rows[0].row.time = WallTime::min();
  delta.from = 0;
  RoundTrip(delta);
  const Watermarks all = {kMax, kMax, kMax, kMax};
  RoundTrip(Ack{~0u, all, ~0u, ~0u, ~0u, all, ~0u});
  Delta events = Events(kMax, 1);
  events.events[0].event.time = WallTime::min();
  events.events[0].event.value = Value(std::numeric_limits<std::int64_t>::min());
  RoundTrip(events);
  events.from = 0;
  RoundTrip(events);
  Delta commands = Commands(kMax, 1);
  commands.commands[0].expires = WallTime::max();
  RoundTrip(commands);
  commands.from = 0;
  RoundTrip(commands);
}

TEST(CodecTest, RowsAndCommandsShareTheSeqsOfTheControlStream) {
  // Rows 10, 12, 15 and commands 11, 13 of (9, 16].
  Delta delta = DesiredRow(10);
  delta.to = 16;
  for (const std::uint64_t seq : {12, 15}) {
    delta.rows.push_back(delta.rows[0]);
    delta.rows.back().row.dot.seq = seq;
  }
  delta.commands = Commands(11, 2).commands;
  delta.commands[1].dot.seq = 13;
  RoundTrip(delta);
}

TEST(CodecTest, ScopedInRowsKeepTheirSeqsAndClaimNothing) {
  Delta delta = DesiredRow(70);
  delta.rows.push_back(delta.rows[0]);
  delta.rows[1].row.dot.seq = 900;
  delta.from = delta.to = 0;
  delta.scope_in = ScopeIn{3, 1, false};
  RoundTrip(delta);
  delta.rows.clear();
  delta.scope_in = ScopeIn{3, 2, true};
  RoundTrip(delta);
}

TEST(CodecTest, OfferedRowsComeInAnyOrder) {
  Offer offer;
  offer.session = 9;
  for (const std::uint64_t seq : {std::uint64_t{500}, std::uint64_t{3}, std::uint64_t{500},
                                  std::numeric_limits<std::uint64_t>::max()}) {
    offer.rows.push_back(DesiredRow(seq).rows[0]);
  }
  RoundTrip(offer);
}

TEST(CodecTest, AHealingAnswerMayHaveARowOfSeq0) {
  HealAnswer answer;
  answer.rows.resize(1);
  answer.rows[0].pid = 7;
  answer.rows[0].side = Side::kDesired;
  RoundTrip(answer);
}

TEST(CodecTest, ARequestForDictionaryEntriesHasNone) {
  DictionaryFrame frame;
  frame.session = 9;
  frame.first = 70;
  EXPECT_LE(RoundTrip(frame).size(), 8u);
}

TEST(CodecTest, AFrameOfTheMostRowsComesBack) {
  RoundTrip(Regular(1, std::vector<double>(kFrameRowsMax, 21.5)));
}

TEST(CodecTest, FramesOfTheMostOfEachKindComeBack) {
  RoundTrip(Events(1, kFrameEventsMax));
  RoundTrip(Commands(1, kFrameCommandsMax));
  HealAsk ask;
  ask.cells = kHealCellsMax;
  ask.desired.assign(kHealDesiredMax, ~0u);
  RoundTrip(ask);
  HealAnswer answer;
  answer.cells.assign(10 * kHealCellsMax, 'x');
  RoundTrip(answer);
  InterestFrame interest;
  const std::string longest = "*/" + std::string(model::kPathBytesMax - 2, 'x');
  interest.interest.patterns.assign(kInterestPatternsMax, longest);
  RoundTrip(interest);
  Welcome welcome;
  welcome.lineage = {{1, 1, 0}};
  for (model::Pid n = 0; n < kLadderMax; ++n) welcome.ladder.push_back({n, n});
  RoundTrip(welcome);
}

TEST(CodecTest, WhatThePeerIsNotToldStaysHere) {
  DictionaryFrame frame;
  frame.entries.resize(1);
  frame.entries[0].pid = 1;
  frame.entries[0].id = model::PropertyId{77};
  frame.entries[0].def.path = *model::Path::Parse("tank/level");
  frame.entries[0].def.instance = "secret-instance";
  frame.entries[0].def.source = "secret-source";
  frame.entries[0].def.policy.deadband = 0.5;
  frame.entries[0].def.local_only = true;
  const std::string bytes = Encode(frame);
  EXPECT_EQ(bytes.find("secret"), bytes.npos);
  const Result<Frame> back = Decode(AsBytes(bytes));
  ASSERT_TRUE(back.has_value());
  const model::DictionaryEntry& entry = std::get<DictionaryFrame>(*back).entries[0];
  EXPECT_EQ(entry.id, model::kNoProperty);
  EXPECT_EQ(entry.def.policy, model::ReportPolicy());
  EXPECT_FALSE(entry.def.local_only);
  EXPECT_EQ(entry.def.path.text(), "tank/level");
}

TEST(CodecTest, TextsForPeopleAreCutBetweenCharacters) {
  Nack nack;
  nack.text = std::string(model::kNoteBytesMax - 1, 'x') + "\xe2\x82\xac";
  const std::string bytes = Encode(nack);
  const Result<Frame> back = Decode(AsBytes(bytes));
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_EQ(std::get<Nack>(*back).text, std::string(model::kNoteBytesMax - 1, 'x'));
}

TEST(CodecTest, TextsForPeopleOfEventsAndCommandsAreCut) {
  Delta events = Events(1, 1);
  events.events[0].event.text = std::string(model::kEventTextBytesMax, 'x') + "y";
  const Result<Frame> event = Decode(AsBytes(Encode(events)));
  ASSERT_TRUE(event.has_value()) << event.error().text;
  EXPECT_EQ(std::get<Delta>(*event).events[0].event.text,
            std::string(model::kEventTextBytesMax, 'x'));
  Delta commands = Commands(1, 1);
  commands.commands[0].who = std::string(model::kNoteBytesMax, 'x') + "y";
  const Result<Frame> command = Decode(AsBytes(Encode(commands)));
  ASSERT_TRUE(command.has_value()) << command.error().text;
  EXPECT_EQ(std::get<Delta>(*command).commands[0].who, std::string(model::kNoteBytesMax, 'x'));
}

TEST(CodecTest, WhereACommandStandsIsNotSent) {
  Delta delta = Commands(1, 1);
  delta.commands[0].state = model::CommandState::kDone;
  delta.commands[0].result = "secret";
  const std::string bytes = Encode(delta);
  EXPECT_EQ(bytes.find("secret"), bytes.npos);
  const Result<Frame> back = Decode(AsBytes(bytes));
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_TRUE(SameFrame(Commands(1, 1), *back));
}

TEST(CodecTest, AWithdrawalNamesAPropertyByItsNumberAlone) {
  DictionaryFrame frame;
  frame.first = 8;
  frame.entries.resize(1);
  frame.entries[0].pid = 8;
  frame.entries[0].withdraws = 5;
  frame.entries[0].chain = 77;
  const std::string bytes = RoundTrip(frame);
  frame.entries[0].def.path = *model::Path::Parse("tank/level");
  EXPECT_EQ(Encode(frame), bytes);
}

TEST(CodecTest, UnknownFieldsAreIgnored) {
  const Frame frame = Regular(1, std::vector<double>{1.5, 2.5});
  std::string bytes = Encode(frame);
  bytes += std::string("\xf8\x07\x2a", 3);  // Field 127, varint 42.
  const Result<Frame> back = Decode(AsBytes(bytes));
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_TRUE(SameFrame(frame, *back));
}

// What the peer would refuse is a bug on this side, found before it is sent.

Delta TwoRows() {
  return Regular(5, std::vector<double>{1.5, 2.5});
}

TEST(CodecDeathTest, RowsThatDoNotAscendAreABug) {
  Delta delta = TwoRows();
  delta.rows[1].row.dot.seq = delta.rows[0].row.dot.seq;
  EXPECT_DEATH(Encode(delta), "dot.seq > before");
}

TEST(CodecDeathTest, RowsBeyondTheRangeAreABug) {
  Delta delta = TwoRows();
  delta.to = 5;
  EXPECT_DEATH(Encode(delta), "before <= to");
}

TEST(CodecDeathTest, RowsOfAnotherStreamAreABug) {
  Delta delta = TwoRows();
  delta.rows[1].side = Side::kDesired;
  EXPECT_DEATH(Encode(delta), "Allows");
}

TEST(CodecDeathTest, ARowWithoutANameIsABug) {
  Delta delta = TwoRows();
  delta.rows[1].pid = 0;
  EXPECT_DEATH(Encode(delta), "path");
}

TEST(CodecDeathTest, AnAckOfAnotherSessionIsABug) {
  Delta delta = TwoRows();
  delta.ack = StateAck(delta.session + 1, 0);
  EXPECT_DEATH(Encode(delta), "session");
}

TEST(CodecDeathTest, EventsOfAnotherStreamAreABug) {
  Delta delta = Events(5, 2);
  delta.stream = Stream::kState;
  EXPECT_DEATH(Encode(delta), "ok.has_value");
}

TEST(CodecDeathTest, EventsThatDoNotAscendAreABug) {
  Delta delta = Events(5, 2);
  delta.events[1].event.dot.seq = 5;
  EXPECT_DEATH(Encode(delta), "seq > before_");
}

TEST(CodecDeathTest, ACommandWithTheSeqOfARowIsABug) {
  Delta delta = DesiredRow(5);
  delta.to = 9;
  delta.commands = Commands(5, 1).commands;
  EXPECT_DEATH(Encode(delta), "ShareASeq");
}

TEST(CodecDeathTest, ACommandWithoutAnIdIsABug) {
  Delta delta = Commands(5, 1);
  delta.commands[0].id = 0;
  EXPECT_DEATH(Encode(delta), "id != 0");
}

TEST(CodecDeathTest, AScopeInThatClaimsSomethingIsABug) {
  Delta delta = DesiredRow(5);
  delta.scope_in = ScopeIn{1, 1, true};
  EXPECT_DEATH(Encode(delta), "delta.to == 0");
}

TEST(CodecDeathTest, ReturnedRowsOfTheCloudAreABug) {
  Welcome welcome;
  welcome.lineage = {{1, 1, 0}};
  welcome.returned = DesiredRow(5).rows;
  EXPECT_DEATH(Encode(welcome), "Allows");
}

TEST(CodecDeathTest, APatternThatThePeerWouldRefuseIsABug) {
  InterestFrame interest;
  interest.interest.patterns = {"tank/lev*"};
  EXPECT_DEATH(Encode(interest), "ValidPattern");
}

// Bytes on the wire. A change here is a change of what the product costs: say why in the commit.

TEST(CodecBytesTest, TheExampleInTheSchemaIsTrue) {
  Delta delta = Regular(1'000'000, std::vector<double>{21.57});
  delta.rows[0].pid = 5;
  delta.rows[0].row.time = WallTime(std::chrono::milliseconds(1'789'995'600'123));
  EXPECT_EQ(RoundTrip(delta),
            "\x08\xb9\x60\x10\xc0\x84\x3d\x28\x05\x30\xf6\x83\x95\xd3\xa9\x01\x3a\x02\xda\x21");
}

TEST(CodecBytesTest, OneChangedValueTakes20Bytes) {
  EXPECT_EQ(Bytes(Regular(1'000'000, std::vector<double>{21.57})), 20u);
}

TEST(CodecBytesTest, AThousandRegularValuesTakeTwoBytesEach) {
  Random random(kSeed);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(model::Unscale(static_cast<std::int64_t>(random() % 15'999) - 7'999, 2));
  }
  values[0] = 64.01;  // So that no value is shorter for good luck alone …
  EXPECT_LE(Bytes(Regular(1'000'000, values)), 2'020u);
  for (double& value : values) value = 64.01;  // … and none is.
  EXPECT_EQ(Bytes(Regular(1'000'000, values)), 2'019u);
}

TEST(CodecBytesTest, TwentyOfAHundredInOnePollTakeThreeBytesEach) {
  Delta delta = Regular(1'000'000, std::vector<double>(20, 21.57));
  for (std::size_t i = 0; i < 20; ++i) delta.rows[i].pid = static_cast<model::Pid>(1 + i * i / 4);
  EXPECT_EQ(Bytes(delta), 79u);
}

TEST(CodecBytesTest, APiggybackedAckTakesSixBytes) {
  Delta delta = Regular(1'000'000, std::vector<double>{21.57});
  const std::size_t alone = Bytes(delta);
  delta.ack = StateAck(delta.session, 900'000);
  EXPECT_EQ(Bytes(delta), alone + 6);
}

TEST(CodecBytesTest, AnAckTakesEightOrNineBytes) {
  EXPECT_EQ(Bytes(StateAck(99, 900'000)), 8u);
  EXPECT_EQ(Bytes(StateAck(12'345, 900'000)), 9u);
  EXPECT_EQ(Bytes(StateAck(12'345, 900'000, 300)), 12u);
}

TEST(CodecBytesTest, AnInterestCostsItsAcksThreeBytes) {
  Ack ack = StateAck(99, 900'000);
  const std::size_t without = Bytes(ack);
  ack.scope_version = 5;
  EXPECT_EQ(Bytes(ack), without + 3);
  ack.scope_part = 1;
  EXPECT_EQ(Bytes(ack), without + 6);
}

TEST(CodecBytesTest, ADesiredValueAndItsStatusTakeFewBytes) {
  Delta delta = Regular(5'000, std::vector<double>{21.57});
  delta.stream = Stream::kControl;
  delta.rows[0].side = Side::kDesired;
  EXPECT_EQ(Bytes(delta), 21u);
  delta.rows[0].side = Side::kStatus;
  model::ControlInfo info;
  info.refers_to.seq = 5'000;
  info.state = model::DesiredState::kApplied;
  delta.rows[0].row.control = std::make_shared<const model::ControlInfo>(info);
  EXPECT_EQ(Bytes(delta), 24u);
}

TEST(CodecBytesTest, ADigestTakes23Bytes) {
  Delta delta = Regular(1'000'000, std::vector<double>{21.57});
  const std::size_t alone = Bytes(delta);
  delta.digest = DigestTag{{~std::uint64_t{0}, ~std::uint64_t{0}}, 100, 0};
  EXPECT_EQ(Bytes(delta), alone + 23);
}

TEST(CodecBytesTest, AnAlarmAndACommandTakeFewBytes) {
  EXPECT_EQ(Bytes(Events(1'000'000, 1)), 48u);
  EXPECT_EQ(Bytes(Events(1'000'000, 2)), 48u + 39);
  EXPECT_EQ(Bytes(Commands(5'000, 1)), 69u);
}

TEST(CodecBytesTest, OneRowOutOfTheOrdinaryDoesNotCostTheOthers) {
  std::vector<double> values(1000, 64.01);
  const std::size_t regular = Bytes(Regular(1'000'000, values));
  values[500] = 0.1 + 0.2;
  EXPECT_LE(Bytes(Regular(1'000'000, values)), regular + 20);
  Delta delta = Regular(1'000'000, std::vector<double>(1000, 64.01));
  delta.rows[500].pid = 0;
  delta.rows[500].path = "tank/level";
  delta.rows[500].row.quality = model::Quality::kBad;
  delta.rows[500].row.time += std::chrono::seconds(1);
  delta.rows[500].row.dot.inc = 1;
  EXPECT_LE(Bytes(delta), regular + 100);
}

TEST(CodecBytesTest, FewerDecimalsAmongMoreCostNothing) {
  const std::size_t regular = Bytes(Regular(9, std::vector<double>{64.01, 64.02, 64.03, 64.04}));
  EXPECT_EQ(Bytes(Regular(9, std::vector<double>{64.0, 64.1, 64.0, 64.04})), regular);
}

}  // namespace
}  // namespace edgetwin::sync
