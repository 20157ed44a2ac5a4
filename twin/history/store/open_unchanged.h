// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A history's file looked at without changing it.

#pragma once

#include <string>

#include "twin/base/result.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// With what an image of it holds where it can't be opened for writing. kNotFound when there is
// none; what is wrong with its content shows later.
Result<store::Database> OpenUnchanged(const std::string& path, const std::string& vfs);

}  // namespace edgetwin::history
