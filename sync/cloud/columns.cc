// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/columns.h"

#include <cstdint>
#include <string>
#include <utility>

namespace edgetwin::cloud {

void BindDef(store::Statement& statement, int first, const model::PropertyDef& def) {
  statement.BindText(first, def.path.text());
  statement.BindInt(first + 1, static_cast<std::int64_t>(def.type));
  statement.BindText(first + 2, def.unit);
  if (def.decimals) statement.BindInt(first + 3, *def.decimals);
  statement.BindInt(first + 4, def.writable);
  store::BindReal(statement, first + 5, def.min);
  store::BindReal(statement, first + 6, def.max);
  statement.BindText(first + 7, def.description);
}

model::PropertyDef ReadDef(store::Columns& columns) {
  model::PropertyDef def;
  if (const std::string path = columns.Text(); !path.empty()) {
    if (auto parsed = model::Path::Parse(path)) {
      def.path = *std::move(parsed);
    } else {
      columns.Damaged();
    }
  }
  def.type = columns.Enum(model::ValueType::kBytes);
  def.unit = columns.Text();
  if (!columns.SkipNull()) def.decimals = static_cast<int>(columns.Number(model::kDecimalsMax));
  def.writable = columns.Bool();
  def.min = columns.OptionalReal();
  def.max = columns.OptionalReal();
  def.description = columns.Text();
  return def;
}

}  // namespace edgetwin::cloud
