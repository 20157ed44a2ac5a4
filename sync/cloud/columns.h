// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The model's types as columns of cloud.db; sql/schema_1.sql says how they are kept.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "twin/model/batch.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {

// The 8 columns path … description, as parameters from `first` on.
void BindDef(store::Statement& statement, int first, const model::PropertyDef& def);
// The 14 columns property … until_ms, as parameters from `first` on.
void BindRow(store::Statement& statement, int first, const model::RowChange& change);

// Reads the columns of a result row one after the other. What can't have been written there is
// remembered as damage.
class ColumnReader {
 public:
  explicit ColumnReader(const store::Statement& row) : row_(row) {}

  std::uint64_t Uint() { return row_.Uint(at_++); }
  std::int64_t Int() { return row_.Int(at_++); }
  // 0 to max, else damage.
  std::int64_t Number(std::int64_t max);
  std::string Text() { return std::string(row_.Text(at_++)); }
  model::PropertyDef Def();
  model::RowChange Row();

  bool damaged() const { return damaged_; }

 private:
  bool SkipNull();
  double Real();
  std::optional<double> OptionalReal();
  model::Value Value();
  std::shared_ptr<const model::ControlInfo> Control();

  const store::Statement& row_;
  int at_ = 0;
  bool damaged_ = false;
};

}  // namespace edgetwin::cloud
