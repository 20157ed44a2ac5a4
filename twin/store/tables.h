// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// twin.db's tables, typed. Nothing here begins a transaction; every write belongs into one.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/sqlite_db.h"
#include "twin/store/tail.h"

namespace edgetwin::store {

Status WriteProperties(Database& db, const std::vector<model::PropertyRecord>& properties);
Status WriteDictionary(Database& db, const std::vector<model::DictionaryEntry>& entries);
// Every pid is forgotten, in the dictionary and in the properties.
Status ResetDictionary(Database& db);
Status WriteEpoch(Database& db, const model::Epoch& epoch);
Status WriteInterest(Database& db, const model::Interest& interest);
Status WriteScopeHeld(Database& db, std::uint32_t version);

enum class Owner { kSelf = 0, kPeer = 1 };
Status WriteLineage(Database& db, Owner owner, const model::Lineage& lineage);

// What a tail record may hold (see HoldsTail), into the tables. A row whose dot is (0, 0), an alarm
// that is neither raised nor unacknowledged, and a hold with nothing left are removed.
Status WriteFolded(Database& db, const model::Batch& batch);

// The highest Promised that was ever folded: rows and events that were replaced or forgotten since
// count, too. 0 at first.
Status WritePromised(Database& db, std::uint64_t seq);
Result<std::uint64_t> ReadPromised(Database& db);

// Of the device's id: enough to tell two devices apart. Not 0, which ReadDeviceMark gives for a
// store that doesn't say whose it is.
std::uint64_t DeviceMark(std::string_view device);
Status WriteDeviceMark(Database& db, std::uint64_t mark);
Result<std::uint64_t> ReadDeviceMark(Database& db);

// Everything, with `tail` replayed. kCorrupt when a table holds what was never written there.
Result<model::Stored> ReadStored(Database& db, const Tail& tail);

}  // namespace edgetwin::store
