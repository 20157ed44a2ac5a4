// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which samples were taken while their property was local-only, or before, and never leave: what is
// local-only was withdrawn, with all that had not been told of it.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// SINGLE-THREADED, as its database, in whose meta it is kept.
class Withheld {
 public:
  Status Load(store::Database& db);
  // Ordinals of the path below `before`, at once.
  Status Set(store::Database& db, const std::string& path, std::uint64_t before);
  // Blocks that begin there; how many. `paths`: by id.
  std::size_t Erase(const std::vector<PathRecord>& paths, std::vector<BlockRecord>& blocks) const;
  const std::map<std::string, std::uint64_t>& all() const { return before_; }

 private:
  std::map<std::string, std::uint64_t> before_;
};

}  // namespace edgetwin::history
