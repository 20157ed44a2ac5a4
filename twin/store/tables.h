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

namespace edgetwin::store {

Status WriteProperties(Database& db, const std::vector<model::PropertyRecord>& properties);
Status WriteDictionary(Database& db, const std::vector<model::DictionaryEntry>& entries);
// Every pid is forgotten, in the dictionary and in the properties.
Status ResetDictionary(Database& db);
Status WriteEpoch(Database& db, const model::Epoch& epoch);

enum class Owner { kSelf = 0, kPeer = 1 };
Status WriteLineage(Database& db, Owner owner, const model::Lineage& lineage);

// What a tail record may hold, into the tables: rows, cursors, seq_limit of the current
// incarnation, state_durable.
Status WriteFolded(Database& db, const model::Batch& batch);

Status AppendTail(Database& db, std::int64_t n, std::string_view body);
Status ClearTail(Database& db);

struct Tail {
  model::Batch folded;  // What all its records come to.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::int64_t last_n = 0;
};
Result<Tail> ReadTail(Database& db);

// Everything, with `tail` replayed. kCorrupt when a table holds what was never written there.
Result<model::Stored> ReadStored(Database& db, const Tail& tail);

}  // namespace edgetwin::store
