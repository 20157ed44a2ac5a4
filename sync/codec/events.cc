// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/events.h"

#include <bit>
#include <chrono>
#include <string>
#include <utility>

#include "sync/codec/rows.h"
#include "sync/codec/texts.h"
#include "twin/base/check.h"
#include "twin/model/path.h"

namespace edgetwin::sync {
namespace {

using model::ValueType;

WallTime AtMs(std::uint64_t unix_ms) {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(unix_ms)));
}

std::uint64_t UnixMs(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

void EncodeValue(const model::Value& value, v1::Value& out) {
  EDGETWIN_CHECK(Fits(value));
  switch (value.type()) {
    case ValueType::kNone: return;
    case ValueType::kBool: return out.set_boolean(value.boolean());
    case ValueType::kInt: return out.set_integer(value.integer());
    case ValueType::kDouble: return out.set_real(std::bit_cast<std::uint64_t>(value.real()));
    case ValueType::kString: return out.set_text(value.text());
    case ValueType::kBytes: return out.set_bytes(value.bytes().data);
  }
}

Result<model::Value> DecodeValue(v1::Value* value) {
  if (value == nullptr) return model::Value();
  v1::Value& in = *value;
  switch (in.kind_case()) {
    case v1::Value::kBoolean: return model::Value(in.boolean());
    case v1::Value::kInteger: return model::Value(std::int64_t{in.integer()});
    case v1::Value::kReal: return model::Value(std::bit_cast<double>(in.real()));
    case v1::Value::kText: {
      const Status ok = CheckText("a string value", in.text(), model::kValueBytesMax);
      if (!ok) return ok.error();
      return model::Value(std::move(*in.mutable_text()));
    }
    case v1::Value::kBytes: {
      if (in.bytes().size() > model::kValueBytesMax) {
        return Exhausted("a value of " + std::to_string(in.bytes().size()) +
                         " bytes is longer than " + std::to_string(model::kValueBytesMax));
      }
      return model::Value(model::Bytes{std::move(*in.mutable_bytes())});
    }
    case v1::Value::KIND_NOT_SET: break;
  }
  return model::Value();
}

// Turns seqs into what is skipped before each.
class SeqWriter {
 public:
  SeqWriter(std::uint64_t from, std::uint64_t to) : before_(from), to_(to) {}
  std::uint64_t Skipped(std::uint64_t seq) {
    EDGETWIN_CHECK(seq > before_ && seq <= to_);
    return seq - std::exchange(before_, seq) - 1;
  }

 private:
  std::uint64_t before_;
  const std::uint64_t to_;
};

class SeqReader {
 public:
  SeqReader(std::uint64_t from, std::uint64_t to) : before_(from), to_(to) {}
  Result<std::uint64_t> Next(std::uint64_t skipped) {
    if (before_ >= to_ || skipped > to_ - before_ - 1) {
      return Invalid("an event or command lies beyond seq " + std::to_string(to_));
    }
    before_ += skipped + 1;
    return before_;
  }

 private:
  std::uint64_t before_;
  const std::uint64_t to_;
};

void EncodeEvent(const WireEvent& wire, v1::Event& out) {
  const model::Event& event = wire.event;
  EDGETWIN_CHECK(event.kind.size() <= model::kEventKindBytesMax);
  out.set_inc(event.dot.inc);
  out.set_pid(wire.pid);
  out.set_time(
      static_cast<std::int64_t>(UnixMs(event.time) - static_cast<std::uint64_t>(kWireEpochMs)));
  out.set_unsynced(event.unsynced);
  out.set_severity(static_cast<v1::Event::Severity>(event.severity));
  out.set_kind(event.kind);
  if (event.value.type() != ValueType::kNone) EncodeValue(event.value, *out.mutable_value());
  out.set_text(ForPeople(event.text, model::kEventTextBytesMax));
  out.set_command(event.command);
}

Status DecodeEvent(v1::Event& in, WireEvent& wire) {
  model::Event& event = wire.event;
  Status ok = CheckText("the kind of an event", in.kind(), model::kEventKindBytesMax);
  if (!ok) return ok;
  ok = CheckText("the text of an event", in.text(), model::kEventTextBytesMax);
  if (!ok) return ok;
  if (!v1::Event::Severity_IsValid(in.severity())) {
    return Invalid("no severity " + std::to_string(in.severity()) + " is known");
  }
  Result<model::Value> value = DecodeValue(in.has_value() ? in.mutable_value() : nullptr);
  if (!value) return value.error();
  wire.pid = in.pid();
  event.dot.inc = in.inc();
  event.time =
      AtMs(static_cast<std::uint64_t>(in.time()) + static_cast<std::uint64_t>(kWireEpochMs));
  event.unsynced = in.unsynced();
  event.severity = static_cast<model::Severity>(in.severity());
  event.kind = std::move(*in.mutable_kind());
  event.value = std::move(*value);
  event.text = std::move(*in.mutable_text());
  event.command = in.command();
  return {};
}

void EncodeCommand(const model::Command& command, v1::Command& out) {
  EDGETWIN_CHECK(command.id != 0);
  EDGETWIN_CHECK(command.name.size() <= model::kCommandNameBytesMax);
  EDGETWIN_CHECK(command.path.size() <= model::kPathBytesMax);
  out.set_inc(command.dot.inc);
  out.set_id(command.id);
  out.set_epoch(command.epoch);
  out.set_name(command.name);
  out.set_path(command.path);
  if (command.value.type() != ValueType::kNone) EncodeValue(command.value, *out.mutable_value());
  out.set_expires(static_cast<std::int64_t>(UnixMs(command.expires)));
  out.set_who(ForPeople(command.who, model::kNoteBytesMax));
}

Status DecodeCommand(v1::Command& in, model::Command& command) {
  if (in.id() == 0) return Invalid("a command without an id");
  Status ok = CheckText("the name of a command", in.name(), model::kCommandNameBytesMax);
  if (!ok) return ok;
  ok = CheckText("who gave a command", in.who(), model::kNoteBytesMax);
  if (!ok) return ok;
  // First, so that no error text quotes what is not text.
  ok = CheckText("the path of a command", in.path(), model::kPathBytesMax);
  if (!ok) return ok;
  if (!in.path().empty()) {
    const Result<model::Path> path = model::Path::Parse(in.path());
    if (!path) return path.error();
  }
  Result<model::Value> value = DecodeValue(in.has_value() ? in.mutable_value() : nullptr);
  if (!value) return value.error();
  command.id = in.id();
  command.dot.inc = in.inc();
  command.epoch = in.epoch();
  command.name = std::move(*in.mutable_name());
  command.path = std::move(*in.mutable_path());
  command.value = std::move(*value);
  command.expires = AtMs(static_cast<std::uint64_t>(in.expires()));
  command.who = std::move(*in.mutable_who());
  return {};
}

}  // namespace

void EncodeEvents(std::uint64_t from, std::uint64_t to, std::span<const WireEvent> events,
                  v1::Frame& frame) {
  EDGETWIN_CHECK(events.size() <= kFrameEventsMax);
  SeqWriter seqs(from, to);
  for (const WireEvent& event : events) {
    v1::Event& out = *frame.add_events();
    out.set_skipped(seqs.Skipped(event.event.dot.seq));
    EncodeEvent(event, out);
  }
}

void EncodeCommands(std::uint64_t from, std::uint64_t to, std::span<const model::Command> commands,
                    v1::Frame& frame) {
  EDGETWIN_CHECK(commands.size() <= kFrameCommandsMax);
  SeqWriter seqs(from, to);
  for (const model::Command& command : commands) {
    v1::Command& out = *frame.add_commands();
    out.set_skipped(seqs.Skipped(command.dot.seq));
    EncodeCommand(command, out);
  }
}

Result<std::vector<WireEvent>> DecodeEvents(std::uint64_t from, std::uint64_t to,
                                            v1::Frame& frame) {
  const auto count = static_cast<std::size_t>(frame.events_size());
  if (count > kFrameEventsMax) {
    return Exhausted(std::to_string(count) + " events are more than " +
                     std::to_string(kFrameEventsMax));
  }
  std::vector<WireEvent> events(count);
  SeqReader seqs(from, to);
  for (std::size_t i = 0; i < count; ++i) {
    v1::Event& in = *frame.mutable_events(static_cast<int>(i));
    const Result<std::uint64_t> seq = seqs.Next(in.skipped());
    if (!seq) return seq.error();
    events[i].event.dot.seq = *seq;
    if (const Status ok = DecodeEvent(in, events[i]); !ok) return ok.error();
  }
  return events;
}

Result<std::vector<model::Command>> DecodeCommands(std::uint64_t from, std::uint64_t to,
                                                   v1::Frame& frame) {
  const auto count = static_cast<std::size_t>(frame.commands_size());
  if (count > kFrameCommandsMax) {
    return Exhausted(std::to_string(count) + " commands are more than " +
                     std::to_string(kFrameCommandsMax));
  }
  std::vector<model::Command> commands(count);
  SeqReader seqs(from, to);
  for (std::size_t i = 0; i < count; ++i) {
    v1::Command& in = *frame.mutable_commands(static_cast<int>(i));
    const Result<std::uint64_t> seq = seqs.Next(in.skipped());
    if (!seq) return seq.error();
    commands[i].dot.seq = *seq;
    if (const Status ok = DecodeCommand(in, commands[i]); !ok) return ok.error();
  }
  return commands;
}

}  // namespace edgetwin::sync
