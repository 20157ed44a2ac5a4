// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The tail of twin.db: commits that are not folded into the other tables yet. Nothing here begins a
// transaction.

#pragma once

#include <cstdint>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

struct Tail {
  // What all its records come to, in an order that WriteFolded may write it in: no command is both
  // there and gone, no event is below events_floor.
  model::Batch folded;
  std::uint64_t promised = 0;  // The highest Promised of its records.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::int64_t last_n = 0;
};

Status AppendTail(Database& db, std::int64_t n, std::string_view body);
Status ClearTail(Database& db);
Result<Tail> ReadTail(Database& db);

// Lays what the tail comes to over what the tables hold. kCorrupt when it speaks of what isn't
// there.
Status Replay(const Database& db, const model::Batch& folded, model::Stored& stored);

// What a change means that removes its entry.
inline bool IsRemoval(const model::RowChange& change) {
  return change.row.dot == model::Dot{};
}
inline bool IsOver(const model::AlarmRecord& alarm) {
  return !alarm.raised && alarm.acknowledged;
}
inline bool IsSpent(const model::HoldRecord& hold) {
  return hold.left.count() <= 0;
}

// The highest seq of the batch's status and override rows and events: what is sent only once it is
// durable, and so is missed when the store lacks it. 0 for none.
std::uint64_t Promised(const model::Batch& batch);

}  // namespace edgetwin::store
