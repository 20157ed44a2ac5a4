// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is left of samples that were evicted: of each path and hour how many there were, and the
// least, mean and greatest of those that were known numbers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// Of evicted blocks, before they go. Memory: one entry a path and hour; a block has at most one a
// sample, so that whoever adds many stops when there are enough.
class Aggregator {
 public:
  // One that can't be decoded leaves nothing.
  void Add(PathId path, std::string_view block);
  std::size_t size() const { return hours_.size(); }
  std::vector<Aggregate> Take() const;

 private:
  std::map<std::pair<std::int64_t, PathId>, Aggregate> hours_;
};

// How many rows are removed in one transaction at most, but for the last hour's paths. More than an
// eviction adds, so that a cap that was lowered is kept after some.
inline constexpr std::int64_t kAggregatesRemovedMax = 4'096;

// Merges them with those that are there, within the caller's transaction; past `rows_max` the
// oldest hours go for good, whatever their age. Takes no longer when there are many: they are
// counted once in a file's life.
Status AddAggregates(store::Database& db, const std::vector<Aggregate>& aggregates,
                     std::int64_t rows_max);

// Of hours that begin in [from, to], ascending.
Status ReadAggregates(store::Database& db, PathId path, WallTime from, WallTime to,
                      const std::function<void(const Bucket&)>& take);

Result<std::vector<Aggregate>> ReadAllAggregates(store::Database& db);

}  // namespace edgetwin::history
