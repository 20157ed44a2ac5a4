// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What CloudHistory is made of, for its own files only.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/cloud/history/cloud_history.h"
#include "sync/cloud/history/statements.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {

struct CloudHistory::Impl {
  struct Path {
    std::int64_t id = 0;  // 0: there is none.
    std::int64_t span_max_ms = 0;
  };
  // A block as it is stored.
  struct Stored {
    std::int64_t id = 0;
    std::int64_t path = 0;
    std::uint64_t inc = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::int64_t t_min_ms = 0;
    std::int64_t t_max_ms = 0;
    std::uint64_t bytes = 0;
  };
  struct Counts {
    std::uint64_t blocks = 0, samples = 0, repeated = 0, refused = 0;
  };

  Impl(CloudHistoryOptions options_in, store::Database db_in)
      : options(std::move(options_in)), db(std::move(db_in)), statements(db) {}

  Result<Path> FindPath(std::string_view device, std::string_view path);
  // cloud_history_put.cc. Within the caller's transaction.
  Result<std::int64_t> NextCommit();
  Result<sync::HistoryPutDone> PutOne(const DevicePut& put, Counts& counts);
  Result<std::optional<sync::OrdinalSet::Interval>> PutBlock(std::int64_t path, std::uint64_t inc,
                                                             const std::string& bytes,
                                                             Counts& counts);
  Result<std::optional<sync::OrdinalSet::Interval>> Hold(std::int64_t path, std::uint64_t inc,
                                                         std::uint64_t first, std::uint64_t last,
                                                         bool& taken);
  Status PutLoss(std::int64_t path, const sync::LossRecord& record);
  Result<std::int64_t> PathIdOf(std::string_view device, std::string_view path);
  // In a transaction of its own. How many blocks; `before_ms`: those that are older, and of these
  // no more than are needed for `bytes_wanted`.
  Result<std::size_t> Evict(std::int64_t before_ms, std::uint32_t reason,
                            std::uint64_t bytes_wanted);
  Status EvictOne(const Stored& block, std::uint32_t reason);
  Status MakeRoom(std::size_t bytes);

  const CloudHistoryOptions options;
  store::Database db;
  Statements statements;
  std::int64_t commits_done = 0;  // Over the file's life.

  std::atomic<std::uint64_t> commits{0}, failed_commits{0};
  std::atomic<std::uint64_t> blocks{0}, samples{0}, repeated{0}, refused{0}, evicted{0}, bytes{0};
};

}  // namespace edgetwin::cloud
