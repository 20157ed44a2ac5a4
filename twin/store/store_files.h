// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The files of a store, looked at from outside: sizes, and who holds them. Nothing here opens a
// database file, since closing it again would drop the POSIX locks this process may hold on it
// through SQLite.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "twin/base/result.h"

namespace edgetwin::store {

// 0 when there is no such file.
std::uint64_t FileBytes(const std::string& path);

// The process whose SQLite connection has the database file locked; nothing when it can't be told.
std::optional<pid_t> LockHolder(const std::string& path);

// kConflict, with the holder if it can be told.
Error HeldBySomebody(const std::string& path);

// kCorrupt when the files alone show it: a WAL whose database is missing or empty (SQLite would
// delete that WAL).
Status CheckFiles(const std::string& path);

// Says in `error`, a kCorrupt, when the file is shorter than its own header says.
Error ExplainDamage(const std::string& path, Error error);

}  // namespace edgetwin::store
