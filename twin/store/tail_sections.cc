// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail_sections.h"

#include <utility>
#include <vector>

namespace edgetwin::store {
namespace {

using model::AlarmRecord;
using model::Command;
using model::Event;
using model::HoldRecord;

constexpr unsigned kSections = 5;
constexpr int kSeverityShift = 4;
constexpr std::uint8_t kEventUnsynced = 0x40;
constexpr std::uint8_t kOtherInc = 0x80;
constexpr std::uint8_t kAlarmLow = 0x10;
constexpr std::uint8_t kAlarmRaised = 0x20;
constexpr std::uint8_t kAlarmAcknowledged = 0x40;

std::int8_t Declared(std::span<const std::int8_t> decimals, model::PropertyId id) {
  return model::Index(id) < decimals.size() ? decimals[model::Index(id)] : std::int8_t{-1};
}

// kNoProperty, the highest number there is, becomes 0.
void WriteProperty(Writer& out, model::PropertyId id) {
  out.Varint(static_cast<std::uint32_t>(model::Index(id) + 1));
}
model::PropertyId ReadOptionalProperty(Reader& in) {
  const std::uint64_t number = in.Varint();
  if (number > model::Index(model::kNoProperty)) in.Fail();
  return number == 0 || in.failed() ? model::kNoProperty : model::PropertyId(number - 1);
}
model::PropertyId ReadProperty(Reader& in) {
  const model::PropertyId id = ReadOptionalProperty(in);
  if (id == model::kNoProperty) in.Fail();
  return id;
}

// An event follows one that is like it as a rule.
struct Before {
  std::uint64_t inc = 0;
  std::uint64_t seq = 0;
  std::uint64_t time = 0;
};

void WriteEvent(Writer& out, const Event& event, std::int8_t declared, Before& before) {
  const bool other_inc = event.dot.inc != before.inc;
  const std::uint8_t form = FormOf(event.value, declared);
  out.Byte(static_cast<std::uint8_t>(
      form | static_cast<unsigned>(event.severity) << kSeverityShift |
      (event.unsynced ? kEventUnsynced : 0u) | (other_inc ? kOtherInc : 0u)));
  if (other_inc) out.Fixed(before.inc = event.dot.inc, 8);
  out.Delta(event.dot.seq, before.seq);
  out.TimeDelta(event.time, before.time);
  WriteProperty(out, event.id);
  out.Text(event.kind);
  WriteValue(out, event.value, form);
  out.Text(event.text);
  out.Varint(event.command);
}

Event ReadEvent(Reader& in, Before& before) {
  Event event;
  const std::uint8_t head = in.Byte();
  const unsigned severity = head >> kSeverityShift & 3u;
  if (severity > static_cast<unsigned>(model::Severity::kAlarm)) in.Fail();
  event.severity = static_cast<model::Severity>(severity);
  event.unsynced = (head & kEventUnsynced) != 0;
  if ((head & kOtherInc) != 0) before.inc = in.Fixed(8);
  event.dot.inc = before.inc;
  event.dot.seq = in.Delta(before.seq);
  event.time = in.TimeDelta(before.time);
  event.id = ReadOptionalProperty(in);
  event.kind = in.Text();
  event.value = ReadValue(in, head & kFormMask);
  event.text = in.Text();
  event.command = in.Varint();
  return event;
}

void WriteCommand(Writer& out, const Command& command) {
  out.Fixed(command.id, 8);
  out.Fixed(command.dot.inc, 8);
  out.Varint(command.dot.seq);
  out.Varint(command.epoch);
  out.Text(command.name);
  out.Text(command.path);
  const std::uint8_t form = FormOf(command.value, -1);
  out.Byte(form);
  WriteValue(out, command.value, form);
  out.Time(command.expires);
  out.Text(command.who);
  out.Byte(static_cast<std::uint8_t>(command.state));
  out.Text(command.result);
}

Command ReadCommand(Reader& in) {
  Command command;
  command.id = in.Fixed(8);
  command.dot.inc = in.Fixed(8);
  command.dot.seq = in.Varint();
  command.epoch = in.Varint();
  command.name = in.Text();
  command.path = in.Text();
  const std::uint8_t form = in.Byte();
  if (form > kFormMask) in.Fail();
  command.value = ReadValue(in, form & kFormMask);
  command.expires = in.Time();
  command.who = in.Text();
  command.state = in.Enum(model::CommandState::kUnknown);
  command.result = in.Text();
  return command;
}

void WriteAlarm(Writer& out, const AlarmRecord& alarm, std::int8_t declared) {
  const std::uint8_t form = FormOf(alarm.value, declared);
  out.Byte(static_cast<std::uint8_t>(
      form | (alarm.kind == model::AlarmKind::kLow ? kAlarmLow : 0u) |
      (alarm.raised ? kAlarmRaised : 0u) | (alarm.acknowledged ? kAlarmAcknowledged : 0u)));
  WriteProperty(out, alarm.id);
  out.Time(alarm.since);
  WriteValue(out, alarm.value, form);
  out.Text(alarm.who);
}

AlarmRecord ReadAlarm(Reader& in) {
  AlarmRecord alarm;
  const std::uint8_t head = in.Byte();
  if (head > (kFormMask | kAlarmLow | kAlarmRaised | kAlarmAcknowledged)) in.Fail();
  alarm.kind = (head & kAlarmLow) != 0 ? model::AlarmKind::kLow : model::AlarmKind::kHigh;
  alarm.raised = (head & kAlarmRaised) != 0;
  alarm.acknowledged = (head & kAlarmAcknowledged) != 0;
  alarm.id = ReadProperty(in);
  alarm.since = in.Time();
  alarm.value = ReadValue(in, head & kFormMask);
  alarm.who = in.Text();
  return alarm;
}

void WriteHold(Writer& out, const HoldRecord& hold) {
  WriteProperty(out, hold.id);
  out.Signed(hold.left.count());
}

HoldRecord ReadHold(Reader& in) {
  HoldRecord hold;
  hold.id = ReadProperty(in);
  hold.left = std::chrono::milliseconds(in.Signed());
  return hold;
}

template <class Entry, class Write>
void WriteSection(Writer& out, const std::vector<Entry>& entries, Write write) {
  if (entries.empty()) return;
  out.Varint(entries.size());
  for (const Entry& entry : entries) write(entry);
}

// Each entry takes at least `bytes_min`.
template <class Entry, class Read>
void ReadSection(Reader& in, bool present, std::vector<Entry>& entries, std::size_t bytes_min,
                 Read read) {
  if (!present || in.failed()) return;
  const std::size_t count = in.Count(bytes_min);
  if (count == 0) return in.Fail();
  entries.reserve(count);
  while (entries.size() < count && !in.failed()) entries.push_back(read());
}

}  // namespace

std::uint64_t SectionsOf(const model::Batch& batch) {
  return (batch.events.empty() ? 0u : 1u) | (batch.commands.empty() ? 0u : 2u) |
         (batch.commands_gone.empty() ? 0u : 4u) | (batch.alarms.empty() ? 0u : 8u) |
         (batch.holds.empty() ? 0u : 16u);
}

void WriteSections(Writer& out, const model::Batch& batch, std::span<const std::int8_t> decimals) {
  Before before;
  WriteSection(out, batch.events, [&](const Event& event) {
    WriteEvent(out, event, Declared(decimals, event.id), before);
  });
  WriteSection(out, batch.commands, [&](const Command& command) { WriteCommand(out, command); });
  WriteSection(out, batch.commands_gone, [&](std::uint64_t id) { out.Fixed(id, 8); });
  WriteSection(out, batch.alarms, [&](const AlarmRecord& alarm) {
    WriteAlarm(out, alarm, Declared(decimals, alarm.id));
  });
  WriteSection(out, batch.holds, [&](const HoldRecord& hold) { WriteHold(out, hold); });
}

void ReadSections(Reader& in, std::uint64_t sections, model::Batch& batch) {
  if (sections >> kSections != 0) in.Fail();
  const auto has = [sections](unsigned bit) { return (sections >> bit & 1) != 0; };
  Before before;
  ReadSection(in, has(0), batch.events, 7, [&] { return ReadEvent(in, before); });
  ReadSection(in, has(1), batch.commands, 25, [&] { return ReadCommand(in); });
  ReadSection(in, has(2), batch.commands_gone, 8, [&] { return in.Fixed(8); });
  ReadSection(in, has(3), batch.alarms, 4, [&] { return ReadAlarm(in); });
  ReadSection(in, has(4), batch.holds, 2, [&] { return ReadHold(in); });
}

}  // namespace edgetwin::store
