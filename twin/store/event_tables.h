// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// twin.db's tables of events, commands, alarms and holds. Nothing here begins a transaction.

#pragma once

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

// The batch's events, events_floor, commands, commands_gone, alarms and holds.
Status WriteEventTables(Database& db, const model::Batch& batch);

// kCorrupt when a table holds what was never written there. After the properties.
Status ReadEventTables(Database& db, model::Stored& stored);

}  // namespace edgetwin::store
