// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a twin's database holds, without changing it.

#pragma once

#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/schema.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::store {

// Whether the database is a twin's that this release may use, and sound. Version 0: it is empty.
Result<SchemaVersion> CheckContent(Database& db);

// The same of an image that ReadImage gave, and everything that is in it. `path` is for texts.
// kNotFound when it is an empty database.
Result<model::Stored> InspectImage(std::string_view image, const std::string& path);

// `error` of the store at `path`, with what else can be said: who holds it, that it is truncated.
Error Explained(const std::string& path, const std::string& vfs, Error error);

}  // namespace edgetwin::store
