// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the cloud knows of a property's definition, as columns of cloud.db. Everything else is as in
// the device's store: see twin/store/columns.h.

#pragma once

#include "twin/model/property.h"
#include "twin/store/columns.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {

// The 8 columns path … description, as parameters from `first` on.
void BindDef(store::Statement& statement, int first, const model::PropertyDef& def);
// The same. Only an entry that defines nothing has an empty path.
model::PropertyDef ReadDef(store::Columns& columns);

}  // namespace edgetwin::cloud
