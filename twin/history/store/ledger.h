// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The loss ledger: the table that accounts for every sample that is gone. Each function is to be
// called within the transaction that makes it true.

#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/history/store/delivery.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// Records that continue an older one of the same path, reason and exactness are merged with it.
// Past `records_max` rows the ledger becomes coarser: records that don't touch are merged, the
// oldest of whoever has most of them; counts stay. It can't become smaller than one row for each
// path, reason and exactness.
Status AddLosses(store::Database& db, std::span<const Loss> losses, std::size_t records_max);

// Those that the cloud doesn't have as they are now; and that it has these.
Result<std::vector<Loss>> ReadUntoldLosses(store::Database& db);
Status MarkTold(store::Database& db, std::span<const Loss> losses);

// The cloud holds, of each path, these ordinals (ascending) and no others: what else was evicted
// because it had them is lost by kPeerRolledBack.
Status SettleDelivered(store::Database& db, std::size_t records_max,
                       const std::function<std::span<const OrdinalInterval>(PathId)>& held);

// By path and first ordinal. kCorrupt for what was never written there.
Result<std::vector<Loss>> ReadLosses(store::Database& db);

}  // namespace edgetwin::history
