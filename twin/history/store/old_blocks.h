// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Blocks as versions 1 to 3 of history.db kept them: in a table without rowids, whose rows spilled
// onto pages of their own.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// In one transaction; and the rest of a commit.
inline constexpr std::size_t kMovedInOne = 1'000;

// Moves them into the new table in as many transactions as it takes; one that is cut off leaves the
// rest to the next opening. The pages that they leave are used again, so that the file hardly
// grows. Nothing to do: costs one look into the schema.
Status MoveOldBlocks(store::Database& db);

// Whether there are any left, or the file is still of such a version.
Result<bool> HasOldBlocks(store::Database& db);

// Of a damaged file: the batch's blocks as far as they can be read, in the order of path and
// ordinal. They may not be whole.
std::vector<BlockRecord> ReadOldBatch(store::Database& db, std::int64_t batch);
// As RaiseNextsOfDamaged.
void RaiseNextsByOldBlocks(store::Database& db, std::vector<PathRecord>& paths);

}  // namespace edgetwin::history
