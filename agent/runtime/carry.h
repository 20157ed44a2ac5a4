// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a file carries of a history's store, open here or looked at while the daemon is down.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sync/carry/carry.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::runtime {

struct CarryRequest {
  sync::CarryPlace after;   // Where the piece before ended; nothing: from the beginning …
  bool since_last = false;  // … or after what was carried away last.
  WallTime from = WallTime::min();
  WallTime to = WallTime::max();
};

// With everything that the store lets go of, of whatever property.
struct CarryPiece {
  sync::CarryPart part;
  std::uint64_t since = 0;  // What commits up to this one have isn't in any piece.
  sync::HistoryMark known;  // What the store remembers of the cloud's.
};

// On the store's thread. Bounded by sync::kCarryPartBytes and a few blocks looked at; there may be
// nothing in a piece that isn't the last one. Errors as of history::Walk.
Result<CarryPiece> ReadPiece(history::HistoryStore& store, const CarryRequest& request);

// Leaves in `part` only what is of properties that are `wanted`, and no other's path.
void KeepOnly(sync::CarryPart& part, const std::function<bool(const std::string&)>& wanted);

history::Receipt ToReceipt(const sync::CarryReceipt& receipt);

}  // namespace edgetwin::runtime
