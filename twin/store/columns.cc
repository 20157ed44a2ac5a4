// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/columns.h"

#include <bit>
#include <cmath>
#include <utility>

namespace edgetwin::store {
namespace {

using model::ControlInfo;
using model::ValueType;

// Two columns: type and value.
void BindValue(Statement& statement, int first, const model::Value& value) {
  statement.BindInt(first, static_cast<std::int64_t>(value.type()));
  const int parameter = first + 1;
  switch (value.type()) {
    case ValueType::kNone: return;  // NULL, as nothing is bound.
    case ValueType::kBool: statement.BindInt(parameter, value.boolean()); return;
    case ValueType::kInt: statement.BindInt(parameter, value.integer()); return;
    case ValueType::kDouble: BindReal(statement, parameter, value.real()); return;
    case ValueType::kString: statement.BindText(parameter, value.text()); return;
    case ValueType::kBytes: statement.BindBlob(parameter, value.bytes().data); return;
  }
}

std::int64_t Count(WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

void BindReal(Statement& statement, int parameter, double value) {
  if (!std::isnan(value)) {
    statement.BindReal(parameter, value);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(bits >> 8 * i);
  statement.BindBlob(parameter, bytes);
}

void BindReal(Statement& statement, int parameter, std::optional<double> value) {
  if (value) BindReal(statement, parameter, *value);
}

void BindRow(Statement& statement, int first, const model::RowChange& change) {
  const model::Row& row = change.row;
  statement.BindInt(first, model::Index(change.id));
  statement.BindInt(first + 1, static_cast<std::int64_t>(change.side));
  BindValue(statement, first + 2, row.value);
  statement.BindUint(first + 4, row.dot.inc).BindUint(first + 5, row.dot.seq);
  statement.BindInt(first + 6, Count(row.time));
  statement.BindInt(first + 7, static_cast<std::int64_t>(row.quality));
  statement.BindInt(first + 8, row.unsynced);
  if (!row.control) return;
  const ControlInfo& info = *row.control;
  statement.BindUint(first + 9, info.refers_to.inc).BindUint(first + 10, info.refers_to.seq);
  statement.BindInt(first + 11, static_cast<std::int64_t>(info.state));
  statement.BindText(first + 12, info.note).BindInt(first + 13, Count(info.until));
}

void BindEvent(Statement& statement, int first, const model::Event& event) {
  statement.BindUint(first, event.dot.inc).BindUint(first + 1, event.dot.seq);
  statement.BindInt(first + 2, Count(event.time)).BindInt(first + 3, event.unsynced);
  statement.BindInt(first + 4, static_cast<std::int64_t>(event.severity));
  statement.BindText(first + 5, event.kind);
  if (event.id != model::kNoProperty) statement.BindInt(first + 6, model::Index(event.id));
  BindValue(statement, first + 7, event.value);
  statement.BindText(first + 9, event.text).BindUint(first + 10, event.command);
}

void BindCommand(Statement& statement, int first, const model::Command& command) {
  statement.BindUint(first, command.id);
  statement.BindUint(first + 1, command.dot.inc).BindUint(first + 2, command.dot.seq);
  statement.BindUint(first + 3, command.epoch);
  statement.BindText(first + 4, command.name).BindText(first + 5, command.path);
  BindValue(statement, first + 6, command.value);
  statement.BindInt(first + 8, Count(command.expires)).BindText(first + 9, command.who);
  statement.BindInt(first + 10, static_cast<std::int64_t>(command.state));
  statement.BindText(first + 11, command.result);
}

void BindAlarm(Statement& statement, int first, const model::AlarmRecord& alarm) {
  statement.BindInt(first, model::Index(alarm.id));
  statement.BindInt(first + 1, static_cast<std::int64_t>(alarm.kind));
  statement.BindInt(first + 2, alarm.raised).BindInt(first + 3, alarm.acknowledged);
  statement.BindInt(first + 4, Count(alarm.since));
  BindValue(statement, first + 5, alarm.value);
  statement.BindText(first + 7, alarm.who);
}

std::int64_t Columns::Number(std::int64_t max) {
  const std::int64_t number = Int();
  if (number >= 0 && number <= max) return number;
  damaged_ = true;
  return 0;
}

bool Columns::SkipNull() {
  if (!Null()) return false;
  ++at_;
  return true;
}

double Columns::Real() {
  if (!row_.IsBlob(at_)) return row_.Real(at_++);
  const std::string_view bytes = row_.Blob(at_++);
  if (bytes.size() != 8) {
    damaged_ = true;
    return 0;
  }
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    bits |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
  }
  return std::bit_cast<double>(bits);
}

std::optional<double> Columns::OptionalReal() {
  if (SkipNull()) return {};
  return Real();
}

model::PropertyId Columns::Property(std::size_t properties) {
  const std::int64_t index = Number(model::Index(model::kNoProperty) - 1);
  if (static_cast<std::uint64_t>(index) >= properties) damaged_ = true;
  return static_cast<model::PropertyId>(index);
}

model::PropertyId Columns::OptionalProperty(std::size_t properties) {
  return SkipNull() ? model::kNoProperty : Property(properties);
}

model::Value Columns::Value() {
  switch (Enum(ValueType::kBytes)) {
    case ValueType::kNone: break;
    case ValueType::kBool: return model::Value(Bool());
    case ValueType::kInt: return model::Value(Int());
    case ValueType::kDouble: return model::Value(Real());
    case ValueType::kString: return model::Value(Text());
    case ValueType::kBytes: return model::Value(model::Bytes{Blob()});
  }
  ++at_;
  return {};
}

std::shared_ptr<const ControlInfo> Columns::Control() {
  if (Null()) return nullptr;
  auto info = std::make_shared<ControlInfo>();
  info->refers_to.inc = Uint();
  info->refers_to.seq = Uint();
  info->state = Enum(model::DesiredState::kUnknownPath);
  info->note = Text();
  info->until = Time();
  return info;
}

model::RowChange Columns::Row(std::size_t properties) {
  model::RowChange change;
  change.id = Property(properties);
  change.side = Enum(model::Side::kOverride);
  change.row.value = Value();
  change.row.dot.inc = Uint();
  change.row.dot.seq = Uint();
  change.row.time = Time();
  change.row.quality = Enum(model::Quality::kStale);
  change.row.unsynced = Bool();
  change.row.control = Control();
  return change;
}

model::Event Columns::Event(std::size_t properties) {
  model::Event event;
  event.dot.inc = Uint();
  event.dot.seq = Uint();
  event.time = Time();
  event.unsynced = Bool();
  event.severity = Enum(model::Severity::kAlarm);
  event.kind = Text();
  event.id = OptionalProperty(properties);
  event.value = Value();
  event.text = Text();
  event.command = Uint();
  return event;
}

model::Command Columns::Command() {
  model::Command command;
  command.id = Uint();
  command.dot.inc = Uint();
  command.dot.seq = Uint();
  command.epoch = Uint();
  command.name = Text();
  command.path = Text();
  command.value = Value();
  command.expires = Time();
  command.who = Text();
  command.state = Enum(model::CommandState::kUnknown);
  command.result = Text();
  return command;
}

model::AlarmRecord Columns::Alarm(std::size_t properties) {
  model::AlarmRecord alarm;
  alarm.id = Property(properties);
  alarm.kind = Enum(model::AlarmKind::kLow);
  alarm.raised = Bool();
  alarm.acknowledged = Bool();
  alarm.since = Time();
  alarm.value = Value();
  alarm.who = Text();
  return alarm;
}

Error Damage(const Database& db, std::string_view table, std::int64_t key) {
  return Corrupt(db.path() + ": entry " + std::to_string(key) + " of its table " +
                 std::string(table) + " is damaged");
}

}  // namespace edgetwin::store
