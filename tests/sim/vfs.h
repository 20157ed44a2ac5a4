// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// SQLite's file layer over a simulated disk.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tests/sim/disk.h"
#include "tests/sim/random.h"
#include "twin/base/clock.h"

namespace edgetwin::sim {

// Makes SQLite cheap and repeatable for a process that has one thread: no mutexes, no counting of
// memory. Before anything else of SQLite.
void ConfigureSqlite();

// Begins SQLite's own chance anew: it has one generator a process, which outlives worlds.
void SeedSqlite(std::uint64_t seed);

// A sqlite3_vfs of its own name, registered while it lives. Behaves as SQLite's "unix" one does
// where it matters: sector size, power-safe overwrite, which files' creation is synced. No shared
// memory: WAL needs locking_mode=EXCLUSIVE, as the stores have it.
class Vfs {
 public:
  // `disk` must outlive it; every connection must be closed before.
  Vfs(Disk& disk, std::function<WallTime()> wall, std::uint64_t seed);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const std::string& name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::sim
