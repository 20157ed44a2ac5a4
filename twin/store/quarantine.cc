// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "twin/store/store_files.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {

Result<std::string> TwinStore::Quarantine(const std::string& path, int kept_max) {
  if (!AnyExists(path)) return NotFound("there is no store " + path + " to move aside");
  if (LockHolder(path)) return HeldBySomebody(path);
  const Result<std::string> name = FreeName(path, "corrupt", kept_max);
  if (!name) return name;
  // The database file first: a crash in between then leaves a WAL without its database, which Open
  // refuses, and never a database without its WAL, which would open as an older state.
  for (const std::string_view suffix : kStoreSuffixes) {
    const std::string from = path + std::string(suffix);
    const std::string to = *name + std::string(suffix);
    if (std::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) continue;
    return SystemError("move " + from + " to " + to, errno);
  }
  if (Status synced = SyncFolder(path); !synced) return synced.error();
  return name;
}

}  // namespace edgetwin::store
