// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The files of a store, looked at from outside: whether they can be one, and who holds them.
// Nothing here opens a database file other than through SQLite's file layer, since closing it again
// would drop the POSIX locks this process may hold on it through SQLite. `vfs` is the name of that
// layer, empty for the default.

#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "twin/base/result.h"

namespace edgetwin::store {

// The process whose SQLite connection has the database file locked; nothing when it can't be told.
std::optional<pid_t> LockHolder(const std::string& path);

// kConflict, with the holder if it can be told.
Error HeldBySomebody(const std::string& path);

// kCorrupt when the files alone show it: a WAL whose database is missing or empty (SQLite would
// delete that WAL).
Status CheckFiles(const std::string& path, const std::string& vfs);

// Says in `error`, a kCorrupt, when the file is shorter than its own header says.
Error ExplainDamage(const std::string& path, const std::string& vfs, Error error);

// What a database file may have beside it, the file itself first.
inline constexpr std::array<std::string_view, 4> kStoreSuffixes = {"", "-wal", "-shm", "-journal"};

// Whether any file of the store is there. These three are for real files only.
bool AnyExists(const std::string& path);

// PATH.KIND-1, -2, …, the first that none of a store's files has yet. kExhausted past `kept_max`.
Result<std::string> FreeName(const std::string& path, const std::string& kind, int kept_max);

// Makes new names in the folder of `path` survive a power cut.
Status SyncFolder(const std::string& path);

// For a system call that failed with `number`: "doing: No space left on device".
Error SystemError(const std::string& doing, int number);

}  // namespace edgetwin::store
