// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Copies of a database.

#pragma once

#include <string>

#include "twin/base/result.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

// What TwinStore::BackupTo does. `vfs` is the file layer of `db`, by name.
Status BackUp(Database& db, const std::string& path, const std::string& vfs);

// The same as the bytes of the file: what TwinStore::Image does.
Result<std::string> CopyOut(Database& db);

}  // namespace edgetwin::store
