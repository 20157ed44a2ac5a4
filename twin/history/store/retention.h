// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which blocks go first, and their going.

#pragma once

#include <array>
#include <cstdint>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/history/store/delivery.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// How many blocks one transaction evicts at most, but for the rest of the last one's row.
inline constexpr std::size_t kEvictedMax = 256;
// How many hours of a path their samples may be of before it ends with fewer blocks: all of them
// are in memory. Blocks of a window have one or two each.
inline constexpr std::size_t kEvictedHoursMax = 1'024;

// How far accounts of what was evicted may grow.
struct AccountLimits {
  std::size_t ledger_records_max = 0;
  std::int64_t aggregates_max = 0;  // Of a path and hour each.
};

// Where the oldest blocks of each priority are, so that they aren't looked for from the start each
// time. A hint: beginning anew with an empty one is right, too.
struct Oldest {
  std::array<std::int64_t, kPriorities> batch{};
};

// Evicts the oldest blocks of one batch, about kEvictedMax at most, and accounts for them in the
// ledger and by aggregates, in one transaction: of what the cloud has, while there is any; else of
// the lowest priority that there is. Not what is on its way. Gives how many; 0: there are none.
Result<std::int64_t> EvictSome(store::Database& db, const Delivery& delivery, Oldest& oldest,
                               LossReason reason, const AccountLimits& limits);

// The same of the first commit that has nothing sampled at `before` or later, whatever its
// priority.
Result<std::int64_t> EvictSomeBefore(store::Database& db, const Delivery& delivery, WallTime before,
                                     const AccountLimits& limits);

}  // namespace edgetwin::history
