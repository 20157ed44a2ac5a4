// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/testing/random_frames.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using model::Value;

std::uint64_t Below(Random& random, std::uint64_t bound) {
  return random() % bound;
}
bool OneIn(Random& random, std::uint64_t bound) {
  return Below(random, bound) == 0;
}

// Small and large numbers alike: every length of varint.
std::uint64_t AnyNumber(Random& random) {
  if (OneIn(random, 40)) return std::numeric_limits<std::uint64_t>::max();
  return random() >> Below(random, 64);
}

std::uint32_t AnyNumber32(Random& random) {
  return static_cast<std::uint32_t>(random()) >> Below(random, 32);
}

std::string AnyText(Random& random, std::size_t bytes_max) {
  static constexpr std::array<const char*, 8> kPieces = {
      "a", "Z9 ", "\xc3\xa9", "\xe2\x82\xac", "\n", "\xed\x9f\xbf", "\xf0\x9f\x94\xa7", "/"};
  std::string text;
  const std::size_t pieces = Below(random, 12);
  for (std::size_t i = 0; i < pieces; ++i) text += kPieces[Below(random, kPieces.size())];
  return text.size() <= bytes_max ? text : std::string();
}

std::string AnyPath(Random& random) {
  std::string path = "plant-" + std::to_string(Below(random, 5));
  const std::size_t segments = 1 + Below(random, model::kPathSegmentsMax - 1);
  for (std::size_t i = 0; i < segments; ++i) path += "/p." + std::to_string(Below(random, 1000));
  return path;
}

double AnyDouble(Random& random) {
  static constexpr std::array<double, 10> kSpecial = {0.0,
                                                      -0.0,
                                                      std::numeric_limits<double>::infinity(),
                                                      -std::numeric_limits<double>::infinity(),
                                                      std::numeric_limits<double>::max(),
                                                      std::numeric_limits<double>::denorm_min(),
                                                      9007199254740991.0,
                                                      9007199254740992.0,
                                                      900719925474099.1,
                                                      0.1 + 0.2};
  switch (Below(random, 6)) {
    case 0: return kSpecial[Below(random, kSpecial.size())];
    case 1: return std::bit_cast<double>(random());  // NaNs of any payload among them.
    case 2: return std::bit_cast<double>(random() | 0x7ff0000000000000u);
    case 3: return static_cast<double>(static_cast<std::int64_t>(random()) >> Below(random, 64));
    default: break;
  }
  const auto number = static_cast<std::int64_t>(random()) >> (11 + Below(random, 50));
  return model::Unscale(number, static_cast<int>(Below(random, 10)));
}

Value AnyValue(Random& random) {
  switch (Below(random, 6)) {
    case 0: return Value();
    case 1: return Value(OneIn(random, 2));
    case 2:
      return Value(std::bit_cast<std::int64_t>(AnyNumber(random) * (OneIn(random, 2) ? 1 : -1)));
    case 3: return Value(AnyText(random, 100));
    case 4: {
      std::string bytes(Below(random, 20), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      return Value(model::Bytes{std::move(bytes)});
    }
    default: return Value(AnyDouble(random));
  }
}

WallTime AnyTime(Random& random) {
  if (OneIn(random, 30)) {
    return WallTime(std::chrono::milliseconds(std::bit_cast<std::int64_t>(random())));
  }
  return WallTime(std::chrono::milliseconds(1'790'000'000'000 +
                                            static_cast<std::int64_t>(Below(random, 100'000))));
}

// How often each thing changes from row to row in this frame: one row in so many.
struct Habits {
  explicit Habits(Random& random)
      : seq(Pick(random)),
        pid(Pick(random)),
        value(Pick(random)),
        time(Pick(random)),
        flags(Pick(random)),
        inc(Pick(random)),
        control(Pick(random)) {}
  static std::uint64_t Pick(Random& random) {
    return std::array{1u, 3u, 10u, 1000u}[Below(random, 4)];
  }

  std::uint64_t seq, pid, value, time, flags, inc, control;
};

void NameRow(Random& random, const Habits& habits, WireRow& row) {
  if (OneIn(random, habits.pid)) {
    row.pid = OneIn(random, 6) ? 0 : AnyNumber32(random);
  } else if (row.pid != 0) {
    ++row.pid;  // May wrap to 0: then it needs a path, as below.
  }
  row.path = row.pid == 0 ? AnyPath(random) : std::string();
}

// The sides that some frame's rows may have.
using Sides = std::span<const Side>;
constexpr std::array kState = {Side::kReported};
constexpr std::array kControl = {Side::kDesired, Side::kStatus, Side::kOverride};
constexpr std::array kDevice = {Side::kReported, Side::kStatus, Side::kOverride};
constexpr std::array kCloud = {Side::kDesired};

void ControlInfoOf(Random& random, const Habits& habits, WireRow& row) {
  if (row.side == Side::kReported) {
    row.row.control.reset();
    return;
  }
  model::ControlInfo info = row.row.info();
  if (row.side == Side::kStatus) {
    info.until = WallTime();
    if (OneIn(random, habits.control))
      info.refers_to = {OneIn(random, 2) ? 0 : random(), AnyNumber(random)};
    if (OneIn(random, habits.control))
      info.state = static_cast<model::DesiredState>(Below(random, 8));
    if (OneIn(random, 3)) ++info.refers_to.seq;
  } else {
    info.refers_to = {};
    info.state = model::DesiredState::kNone;
    if (OneIn(random, habits.control)) info.until = AnyTime(random);
  }
  if (OneIn(random, habits.control)) info.note = AnyText(random, model::kNoteBytesMax);
  row.row.control = std::make_shared<const model::ControlInfo>(std::move(info));
}

std::vector<WireRow> AnyRows(Random& random, Sides sides, std::uint64_t from, std::size_t count) {
  const Habits habits(random);
  std::vector<WireRow> rows;
  WireRow row;
  row.pid = AnyNumber32(random) | 1;
  row.row.value = AnyValue(random);
  row.row.time = AnyTime(random);
  row.row.dot.seq = from;
  row.side = sides[Below(random, sides.size())];
  for (std::size_t i = 0; i < count; ++i) {
    row.row.dot.seq += 1 + (OneIn(random, habits.seq) ? AnyNumber32(random) : 0);
    NameRow(random, habits, row);
    if (OneIn(random, habits.value)) row.row.value = AnyValue(random);
    if (OneIn(random, habits.time)) row.row.time = AnyTime(random);
    if (OneIn(random, habits.flags)) {
      row.row.quality = static_cast<model::Quality>(Below(random, 4));
      row.row.unsynced = OneIn(random, 2);
    }
    if (OneIn(random, habits.inc)) row.row.dot.inc = OneIn(random, 2) ? 0 : random();
    if (OneIn(random, habits.control)) row.side = sides[Below(random, sides.size())];
    ControlInfoOf(random, habits, row);
    rows.push_back(row);
  }
  return rows;
}

// Rows in no order, of any seqs but 0.
std::vector<WireRow> AnyLooseRows(Random& random, std::size_t rows_max) {
  std::vector<WireRow> rows = AnyRows(random, kCloud, 1, Below(random, rows_max + 1));
  if (OneIn(random, 2)) std::ranges::shuffle(rows, random);
  for (WireRow& row : rows) {
    if (OneIn(random, 10)) row.row.dot.seq = AnyNumber(random) | 1;
  }
  return rows;
}

std::uint64_t SeqAfter(Random& random, std::uint64_t seq) {
  return seq + 1 + (OneIn(random, 2) ? AnyNumber32(random) : 0);
}

std::vector<WireEvent> AnyEvents(Random& random, std::uint64_t from, std::size_t count) {
  std::vector<WireEvent> events(count);
  for (WireEvent& wire : events) {
    model::Event& event = wire.event;
    from = event.dot.seq = SeqAfter(random, from);
    event.dot.inc = OneIn(random, 3) ? random() : 0;
    wire.pid = OneIn(random, 3) ? 0 : AnyNumber32(random);
    event.time = AnyTime(random);
    event.unsynced = OneIn(random, 4);
    event.severity = static_cast<model::Severity>(Below(random, 3));
    event.kind = AnyText(random, model::kEventKindBytesMax);
    event.value = AnyValue(random);
    event.text = AnyText(random, 100);
    event.command = OneIn(random, 3) ? random() : 0;
  }
  return events;
}

std::vector<model::Command> AnyCommands(Random& random, std::uint64_t from, std::size_t count) {
  std::vector<model::Command> commands(count);
  for (model::Command& command : commands) {
    from = command.dot.seq = SeqAfter(random, from);
    command.dot.inc = OneIn(random, 3) ? random() : 0;
    command.id = random() | 1;
    command.epoch = AnyNumber(random);
    command.name = AnyText(random, model::kCommandNameBytesMax);
    if (!OneIn(random, 3)) command.path = AnyPath(random);
    command.value = AnyValue(random);
    command.expires = AnyTime(random);
    command.who = AnyText(random, 100);
  }
  return commands;
}

// Rows and commands in one order of seqs, each with some of them.
void MixCommands(Random& random, Delta& delta) {
  delta.commands = AnyCommands(random, delta.from, 1 + Below(random, 5));
  std::vector<std::uint64_t*> seqs;
  for (WireRow& row : delta.rows) seqs.push_back(&row.row.dot.seq);
  for (model::Command& command : delta.commands) seqs.push_back(&command.dot.seq);
  std::vector<char> is_command(delta.rows.size(), 0);
  is_command.resize(seqs.size(), 1);
  std::ranges::shuffle(is_command, random);
  std::size_t row = 0;
  std::size_t command = delta.rows.size();
  std::uint64_t seq = delta.from;
  for (const char next_is_command : is_command) {
    seq += 1 + (OneIn(random, 4) ? AnyNumber32(random) : 0);
    *seqs[next_is_command != 0 ? command++ : row++] = seq;
  }
  delta.to = seq;
}

Watermarks AnyMarks(Random& random) {
  Watermarks marks{};
  for (std::uint64_t& mark : marks) mark = OneIn(random, 2) ? 0 : AnyNumber(random);
  return marks;
}

Ack AnyAck(Random& random, std::uint32_t session) {
  Ack ack;
  ack.session = session;
  ack.watermark = AnyMarks(random);
  ack.dictionary_n = AnyNumber32(random);
  if (OneIn(random, 2)) ack.scope_version = AnyNumber32(random);
  if (OneIn(random, 4)) ack.scope_part = AnyNumber32(random);
  if (OneIn(random, 4)) ack.verified = AnyMarks(random);
  ack.held_ms = AnyNumber32(random);
  return ack;
}

model::Lineage AnyLineage(Random& random) {
  model::Lineage lineage;
  std::uint64_t before = 0;
  const std::size_t count = 1 + Below(random, OneIn(random, 10) ? model::kLineageMax : 4);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t first = before + 1 + (OneIn(random, 3) ? AnyNumber32(random) : 0);
    before = first - 1 + AnyNumber32(random);
    lineage.push_back({random() | 1, first, before, OneIn(random, 2) ? 0 : AnyNumber(random)});
  }
  return lineage;
}

Hello AnyHello(Random& random, std::size_t rows_max) {
  Hello hello;
  hello.version = AnyNumber32(random);
  hello.session = AnyNumber32(random) | 1;
  hello.will_session = AnyNumber32(random);
  hello.lineage = AnyLineage(random);
  hello.head = AnyMarks(random);
  hello.durable = AnyMarks(random);
  hello.watermark = AnyMarks(random);
  hello.cloud_inc = AnyNumber(random);
  hello.cloud_seq_max = AnyNumber(random);
  hello.dictionary_n = AnyNumber32(random);
  hello.dictionary_chain = random();
  hello.dictionary_anew = random() % 2 == 0;
  hello.scope_version = AnyNumber32(random);
  hello.epoch = {AnyNumber(random), random()};
  hello.wall_ms = std::bit_cast<std::int64_t>(AnyNumber(random));
  hello.boot_ms = AnyNumber(random);
  hello.software = AnyText(random, 100);
  hello.hardware = AnyText(random, 100);
  hello.address = std::string(AnyNumber32(random) % (kAddressBytesMax + 1), 'x');
  if (OneIn(random, 2)) {
    FirstDelta& first = hello.first.emplace();
    first.from = AnyNumber32(random);
    first.rows = AnyRows(random, Sides(kState), first.from, Below(random, rows_max + 1));
    first.to = (first.rows.empty() ? first.from : first.rows.back().row.dot.seq) + 1 + random() % 9;
  }
  return hello;
}

std::vector<ChainMark> AnyLadder(Random& random) {
  std::vector<ChainMark> ladder;
  if (OneIn(random, 2)) return ladder;
  std::uint64_t n = Below(random, 3);
  for (std::uint64_t marks = Below(random, kLadderMax + 1); marks > 0; --marks) {
    ladder.push_back({static_cast<model::Pid>(n), random()});
    n += 1 + Below(random, 1 << 26);  // 40 of them fit into 32 bits.
  }
  return ladder;
}

Welcome AnyWelcome(Random& random, std::size_t rows_max) {
  Welcome welcome;
  welcome.version = AnyNumber32(random);
  welcome.session = AnyNumber32(random);
  welcome.to = random();
  welcome.lineage = AnyLineage(random);
  welcome.head = AnyMarks(random);
  welcome.watermark = AnyMarks(random);
  welcome.dictionary_n = AnyNumber32(random);
  welcome.dictionary_chain = random();
  welcome.scope_version = AnyNumber32(random);
  welcome.epoch = {AnyNumber(random), random()};
  welcome.wall_ms = std::bit_cast<std::int64_t>(AnyNumber(random));
  if (OneIn(random, 3)) {
    welcome.seq_floor = AnyNumber(random);
    welcome.common = AnyMarks(random);
  }
  welcome.returned = AnyRows(random, OneIn(random, 2) ? Sides(kState) : Sides(kDevice),
                             AnyNumber32(random), Below(random, rows_max + 1));
  welcome.ladder = AnyLadder(random);
  welcome.frame_bytes_max = AnyNumber32(random) | 1;
  welcome.window_frames_max = AnyNumber32(random) | 1;
  if (OneIn(random, 2)) welcome.backoff_ms_max = AnyNumber32(random);
  welcome.history = OneIn(random, 2);
  return welcome;
}

model::Path ParsedPath(Random& random) {
  const auto path = model::Path::Parse(AnyPath(random));
  EDGETWIN_CHECK(path.has_value());
  return *path;
}

DictionaryFrame AnyDictionary(Random& random) {
  DictionaryFrame frame;
  frame.session = AnyNumber32(random);
  frame.first = 1 + AnyNumber32(random) / 2;
  frame.entries.resize(Below(random, 8));
  for (std::size_t i = 0; i < frame.entries.size(); ++i) {
    frame.entries[i].pid = frame.first + static_cast<model::Pid>(i);
    if (frame.entries[i].pid > 1 && OneIn(random, 5)) {
      frame.entries[i].withdraws = 1 + AnyNumber32(random) % (frame.entries[i].pid - 1);
      continue;
    }
    model::PropertyDef& def = frame.entries[i].def;
    def.path = ParsedPath(random);
    def.type = static_cast<model::ValueType>(Below(random, 6));
    def.unit = AnyText(random, 30);
    if (def.type == model::ValueType::kDouble && OneIn(random, 2)) {
      def.decimals = static_cast<int>(Below(random, model::kDecimalsMax + 1));
    }
    def.writable = OneIn(random, 2);
    if (OneIn(random, 2)) def.min = -static_cast<double>(Below(random, 1000));
    if (OneIn(random, 2)) def.max = static_cast<double>(Below(random, 1000)) / 8;
    def.description = AnyText(random, 100);
  }
  if (!frame.entries.empty()) frame.entries.back().chain = random();
  return frame;
}

Nack AnyNack(Random& random) {
  Nack nack;
  nack.reason = static_cast<NackReason>(1 + Below(random, 8));
  nack.cursors = AnyAck(random, AnyNumber32(random));
  nack.text = AnyText(random, 100);
  nack.spread_ms = AnyNumber32(random);
  if (OneIn(random, 2)) {
    const std::uint64_t to = AnyNumber(random);
    nack.refused = FrameSpan{static_cast<Stream>(Below(random, model::kStreams)),
                             to - Below(random, to / 2 + 1), to};
    std::uint64_t seq = nack.refused->from;
    while (seq < to && nack.entries.size() < kRefusedEntriesMax && !OneIn(random, 4)) {
      seq += 1 + Below(random, to - seq);
      nack.entries.push_back(seq);
    }
  }
  return nack;
}

HealAsk AnyHealAsk(Random& random) {
  HealAsk ask;
  ask.session = AnyNumber32(random);
  ask.attempt = AnyNumber32(random);
  ask.at = AnyMarks(random);
  ask.dictionary_n = AnyNumber32(random);
  ask.first_cell = AnyNumber32(random);
  ask.cells = static_cast<std::uint32_t>(Below(random, kHealCellsMax + 1));
  if (OneIn(random, 2)) ask.desired.resize(Below(random, 20));
  for (model::Pid& pid : ask.desired) pid = 1 + AnyNumber32(random) / 2;
  if (ask.desired.empty() && OneIn(random, 2)) {
    ask.unnumbered = {AnyNumber(random), OneIn(random, 2) ? "plant/pump" : ""};
  }
  return ask;
}

HealAnswer AnyHealAnswer(Random& random, std::size_t rows_max) {
  HealAnswer answer;
  answer.session = AnyNumber32(random);
  answer.attempt = AnyNumber32(random);
  answer.rows_n = AnyNumber32(random);
  answer.first_cell = AnyNumber32(random);
  answer.unnumbered = AnyNumber(random);
  answer.cells.resize(Below(random, 100));
  for (char& byte : answer.cells) byte = static_cast<char>(random());
  answer.rows = AnyLooseRows(random, rows_max);
  if (!answer.rows.empty() && OneIn(random, 3)) answer.rows.front().row = {};  // There is none.
  return answer;
}

InterestFrame AnyInterest(Random& random) {
  InterestFrame wanted;
  wanted.session = AnyNumber32(random);
  wanted.interest.version = AnyNumber32(random);
  wanted.interest.patterns.resize(Below(random, kInterestPatternsMax + 1));
  for (std::string& pattern : wanted.interest.patterns) {
    static constexpr std::array<const char*, 4> kPatterns = {"**", "*/level", "*/*", "tank/**"};
    pattern = OneIn(random, 2) ? AnyPath(random) : kPatterns[Below(random, kPatterns.size())];
  }
  return wanted;
}

model::Pid AnyPid(Random& random) {
  return 1 + AnyNumber32(random) / 2;
}

HistoryMark AnyMark(Random& random) {
  return {random() | 1, AnyNumber(random)};
}

HeldSpans AnyHeld(Random& random) {
  HeldSpans held;
  held.inc = random();
  held.spans.resize(Below(random, 20));
  OrdinalSpan span;
  for (OrdinalSpan& next : held.spans) {
    span.pid = span.pid != 0 && !OneIn(random, 3) ? span.pid + 1 : AnyPid(random);
    if (OneIn(random, 2)) {
      span.last = AnyNumber(random);
      span.first = span.last - Below(random, span.last / 2 + 1);
    }
    next = span;
  }
  return held;
}

HistoryFrame AnyHistory(Random& random) {
  HistoryFrame history;
  history.session = AnyNumber32(random);
  history.number = AnyNumber32(random);
  history.inc = random();
  history.blocks.resize(Below(random, 10));
  for (WireBlock& block : history.blocks) block = {AnyPid(random), AnyText(random, 100)};
  history.losses.resize(Below(random, 5));
  for (WireLoss& loss : history.losses) {
    loss.pid = AnyPid(random);
    LossRecord& record = loss.record;
    record.reason = AnyNumber32(random);
    record.exact = OneIn(random, 2);
    record.inc = OneIn(random, 2) ? 0 : random();
    record.last = AnyNumber(random) / 2;
    record.first = record.last - Below(random, record.last / 2 + 1);
    record.count = 1 + Below(random, record.last - record.first + 1);
    record.from = record.to = AnyTime(random);
    if (OneIn(random, 2) && record.to.time_since_epoch().count() > 0) record.from = WallTime{};
  }
  return history;
}

HistoryAck AnyHistoryAck(Random& random) {
  HistoryAck ack;
  ack.session = AnyNumber32(random);
  ack.number = AnyNumber32(random);
  ack.held = AnyHeld(random);
  std::uint32_t place = 0;
  for (std::uint64_t refused = Below(random, 5); refused > 0; --refused) {
    ack.refused.push_back(place += static_cast<std::uint32_t>(1 + Below(random, 100)));
  }
  ack.mark = AnyMark(random);
  return ack;
}

HistoryHeld AnyHistoryHeld(Random& random) {
  HistoryHeld held;
  held.session = AnyNumber32(random);
  held.continues = OneIn(random, 2);
  held.mark = AnyMark(random);
  held.held.resize(Below(random, 4));
  for (HeldSpans& part : held.held) part = AnyHeld(random);
  held.next = AnyNumber32(random);
  return held;
}

std::optional<std::uint64_t> Bits(const std::optional<double>& value) {
  if (!value) return {};
  return std::bit_cast<std::uint64_t>(*value);
}

bool SameEntry(const model::DictionaryEntry& a, const model::DictionaryEntry& b) {
  return a.pid == b.pid && a.withdraws == b.withdraws && a.chain == b.chain &&
         a.def.path == b.def.path && a.def.type == b.def.type && a.def.unit == b.def.unit &&
         a.def.decimals == b.def.decimals && a.def.writable == b.def.writable &&
         Bits(a.def.min) == Bits(b.def.min) && Bits(a.def.max) == Bits(b.def.max) &&
         a.def.description == b.def.description;
}

bool SameDictionary(const DictionaryFrame& a, const DictionaryFrame& b) {
  if (a.session != b.session || a.first != b.first || a.entries.size() != b.entries.size())
    return false;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (!SameEntry(a.entries[i], b.entries[i])) return false;
  }
  return true;
}

}  // namespace

Delta RandomDelta(Random& random, std::size_t rows_max) {
  Delta delta;
  delta.session = AnyNumber32(random);
  delta.stream =
      static_cast<Stream>(Below(random, 6) == 0 ? 2 + Below(random, 2) : Below(random, 2));
  delta.from = random() >> (8 + Below(random, 56));
  if (OneIn(random, 3)) delta.ack = AnyAck(random, delta.session);
  const bool control = delta.stream == Stream::kControl;
  const std::size_t count = Below(random, rows_max + 1);
  if (control && OneIn(random, 6)) {
    delta.scope_in = ScopeIn{AnyNumber32(random), AnyNumber32(random) | 1, OneIn(random, 3)};
    delta.rows = AnyRows(random, kCloud, delta.from, count);
    delta.from = 0;
    return delta;
  }
  delta.to = delta.from;
  if (delta.stream == Stream::kEvents) {
    delta.events = AnyEvents(random, delta.from, Below(random, 20));
    if (!delta.events.empty()) delta.to = delta.events.back().event.dot.seq;
  } else if (delta.stream != Stream::kHistory) {
    delta.rows = AnyRows(random, control ? Sides(kControl) : Sides(kState), delta.from, count);
    if (!delta.rows.empty()) delta.to = delta.rows.back().row.dot.seq;
    if (control && OneIn(random, 3)) MixCommands(random, delta);
    if (OneIn(random, 4))
      delta.digest = DigestTag{{random(), random()}, AnyNumber32(random), AnyNumber32(random)};
    if (delta.digest && OneIn(random, 2)) {
      for (std::uint64_t pid = Below(random, 9); delta.digest->except.size() < Below(random, 65);
           pid += 1 + Below(random, 1'000)) {
        delta.digest->except.push_back(static_cast<model::Pid>(pid));
      }
    }
  }
  if (OneIn(random, 3)) delta.to += AnyNumber32(random);
  return delta;
}

Frame RandomFrame(Random& random, std::size_t rows_max) {
  switch (Below(random, 24)) {
    case 0: return AnyHello(random, rows_max);
    case 1: return AnyWelcome(random, rows_max);
    case 2: return AnyAck(random, AnyNumber32(random));
    case 3: return AnyNack(random);
    case 4: return AnyDictionary(random);
    case 5: return Bye{AnyNumber32(random)};
    case 6: return Probe{AnyNumber32(random), AnyNumber(random)};
    case 7: return Offer{AnyNumber32(random), AnyLooseRows(random, rows_max)};
    case 8: return AnyHealAsk(random);
    case 9: return AnyHealAnswer(random, rows_max);
    case 10: return AnyInterest(random);
    case 11: return AnyHistory(random);
    case 12: return AnyHistoryAck(random);
    case 13:
      return HistoryAsk{AnyNumber32(random), OneIn(random, 2) ? HistoryMark() : AnyMark(random),
                        AnyNumber32(random)};
    case 14: return AnyHistoryHeld(random);
    default: return RandomDelta(random, rows_max);
  }
}

bool SameFrame(const Frame& a, const Frame& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&]<class Kind>(const Kind& kind) {
        const Kind& other = std::get<Kind>(b);
        if constexpr (std::is_same_v<Kind, DictionaryFrame>) {
          return SameDictionary(kind, other);
        } else {
          return kind == other;
        }
      },
      a);
}

}  // namespace edgetwin::sync
