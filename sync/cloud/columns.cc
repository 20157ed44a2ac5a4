// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/columns.h"

#include <bit>
#include <cmath>
#include <memory>
#include <utility>

namespace edgetwin::cloud {
namespace {

using model::ValueType;

void BindReal(store::Statement& statement, int parameter, double value) {
  if (!std::isnan(value)) {
    statement.BindReal(parameter, value);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(bits >> (8 * i));
  statement.BindBlob(parameter, bytes);
}

void BindValue(store::Statement& statement, int parameter, const model::Value& value) {
  switch (value.type()) {
    case ValueType::kNone: return;  // NULL, as nothing is bound.
    case ValueType::kBool: statement.BindInt(parameter, value.boolean()); return;
    case ValueType::kInt: statement.BindInt(parameter, value.integer()); return;
    case ValueType::kDouble: BindReal(statement, parameter, value.real()); return;
    case ValueType::kString: statement.BindText(parameter, value.text()); return;
    case ValueType::kBytes: statement.BindBlob(parameter, value.bytes().data); return;
  }
}

}  // namespace

void BindDef(store::Statement& statement, int first, const model::PropertyDef& def) {
  statement.BindText(first, def.path.text());
  statement.BindInt(first + 1, static_cast<std::int64_t>(def.type));
  statement.BindText(first + 2, def.unit);
  if (def.decimals) statement.BindInt(first + 3, *def.decimals);
  statement.BindInt(first + 4, def.writable);
  if (def.min) BindReal(statement, first + 5, *def.min);
  if (def.max) BindReal(statement, first + 6, *def.max);
  statement.BindText(first + 7, def.description);
}

void BindRow(store::Statement& statement, int first, const model::RowChange& change) {
  const model::Row& row = change.row;
  statement.BindInt(first, model::Index(change.id));
  statement.BindInt(first + 1, static_cast<std::int64_t>(change.side));
  statement.BindInt(first + 2, static_cast<std::int64_t>(row.value.type()));
  BindValue(statement, first + 3, row.value);
  statement.BindUint(first + 4, row.dot.inc).BindUint(first + 5, row.dot.seq);
  statement.BindInt(first + 6, row.time.time_since_epoch().count());
  statement.BindInt(first + 7, static_cast<std::int64_t>(row.quality));
  statement.BindInt(first + 8, row.unsynced);
  if (!row.control) return;
  const model::ControlInfo& info = *row.control;
  statement.BindUint(first + 9, info.refers_to.inc).BindUint(first + 10, info.refers_to.seq);
  statement.BindInt(first + 11, static_cast<std::int64_t>(info.state));
  statement.BindText(first + 12, info.note);
  statement.BindInt(first + 13, info.until.time_since_epoch().count());
}

std::int64_t ColumnReader::Number(std::int64_t max) {
  const std::int64_t number = Int();
  if (number >= 0 && number <= max) return number;
  damaged_ = true;
  return 0;
}

bool ColumnReader::SkipNull() {
  if (!row_.IsNull(at_)) return false;
  ++at_;
  return true;
}

double ColumnReader::Real() {
  if (!row_.IsBlob(at_)) return row_.Real(at_++);
  const std::string_view bytes = row_.Blob(at_++);
  if (bytes.size() != 8) {
    damaged_ = true;
    return 0;
  }
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    bits |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return std::bit_cast<double>(bits);
}

std::optional<double> ColumnReader::OptionalReal() {
  if (SkipNull()) return {};
  return Real();
}

model::PropertyDef ColumnReader::Def() {
  model::PropertyDef def;
  if (auto path = model::Path::Parse(Text())) {
    def.path = *std::move(path);
  } else {
    damaged_ = true;
  }
  def.type = static_cast<ValueType>(Number(static_cast<std::int64_t>(ValueType::kBytes)));
  def.unit = Text();
  if (!SkipNull()) def.decimals = static_cast<int>(Number(model::kDecimalsMax));
  def.writable = Number(1) != 0;
  def.min = OptionalReal();
  def.max = OptionalReal();
  def.description = Text();
  return def;
}

model::Value ColumnReader::Value() {
  switch (static_cast<ValueType>(Number(static_cast<std::int64_t>(ValueType::kBytes)))) {
    case ValueType::kNone: break;
    case ValueType::kBool: return model::Value(Number(1) != 0);
    case ValueType::kInt: return model::Value(Int());
    case ValueType::kDouble: return model::Value(Real());
    case ValueType::kString: return model::Value(Text());
    case ValueType::kBytes: return model::Value(model::Bytes{std::string(row_.Blob(at_++))});
  }
  ++at_;
  return {};
}

std::shared_ptr<const model::ControlInfo> ColumnReader::Control() {
  if (row_.IsNull(at_)) return nullptr;
  auto info = std::make_shared<model::ControlInfo>();
  info->refers_to.inc = Uint();
  info->refers_to.seq = Uint();
  info->state = static_cast<model::DesiredState>(
      Number(static_cast<std::int64_t>(model::DesiredState::kUnknownPath)));
  info->note = Text();
  info->until = WallTime(std::chrono::milliseconds(Int()));
  return info;
}

model::RowChange ColumnReader::Row() {
  model::RowChange change;
  change.id = static_cast<model::PropertyId>(Number(0xffffffff));
  change.side = static_cast<model::Side>(Number(model::kSides - 1));
  change.row.value = Value();
  change.row.dot.inc = Uint();
  change.row.dot.seq = Uint();
  change.row.time = WallTime(std::chrono::milliseconds(Int()));
  change.row.quality =
      static_cast<model::Quality>(Number(static_cast<std::int64_t>(model::Quality::kStale)));
  change.row.unsynced = Number(1) != 0;
  change.row.control = Control();
  return change;
}

}  // namespace edgetwin::cloud
