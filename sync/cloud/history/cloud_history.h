// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The history of every device, as far as it has arrived: the cloud's history.db. A file of its own,
// so that no amount of history holds up a twin.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sync/engine/cloud_backfill.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/history/gather/records.h"

namespace edgetwin::cloud {

struct CloudHistoryOptions {
  std::string path;       // The database file; its folder must exist.
  std::uint64_t inc = 0;  // This opening's random incarnation; not 0.
  // Of the database file, about; the oldest samples of all devices go first. 0: no limit.
  std::uint64_t bytes_max = 0;
  std::string vfs = {};  // SQLite's file layer by name; empty: the default.
};

// One device's part of a commit.
struct DevicePut {
  std::string device;
  sync::HistoryPut put;
};

// A record of samples that are gone: from the device, or from here.
struct HistoryGap {
  bool here = false;
  sync::LossRecord record;
};

// Of one path.
struct HistoryHolding {
  std::string path;
  struct Span {
    std::uint64_t inc = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  std::vector<Span> held;            // What was taken.
  std::uint64_t taken = 0;           // Samples: those of `held`.
  std::uint64_t stored = 0;          // Samples that are here …
  std::uint64_t evicted = 0;         // … and that were, by exact records.
  std::uint64_t lost_at_device = 0;  // By the device's ledger; at most so many.
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;

  // Every sample that was taken is here, or was evicted by a record.
  bool AddsUp() const { return taken == stored + evicted; }
};

struct CloudHistoryStats {
  std::uint64_t commits = 0, failed_commits = 0;
  std::uint64_t blocks = 0, samples = 0;  // Taken since the opening.
  std::uint64_t repeated = 0;             // Blocks that were here already.
  std::uint64_t refused = 0;              // Blocks that can't be taken.
  std::uint64_t evicted = 0;              // Samples.
  std::uint64_t bytes = 0;                // Of the file.
};

// Synchronous, for one thread at a time but for stats(). One exclusive connection (WAL,
// synchronous=FULL): a second opener gets kConflict.
class CloudHistory {
 public:
  // Errors as CloudStore::Open.
  static Result<std::unique_ptr<CloudHistory>> Open(const CloudHistoryOptions& options);
  ~CloudHistory();

  // Makes all of it durable in one transaction, or none of it. What is held already, by path, inc
  // and ordinals, is not taken again. Blocks that aren't whole, or overlap in part what is held,
  // can't be taken. One result for each.
  Result<std::vector<sync::HistoryPutDone>> Put(std::span<const DevicePut> puts);

  Result<sync::HistoryLooked> Look(std::string_view device, const sync::HistoryLook& look);

  // Whether anything of it ever came.
  Result<bool> Has(std::string_view device);

  // Hands over the path's blocks that may have samples in [from, to], by their first sample's time,
  // until `take` says false; with the opening of the device's history that committed each.
  // kNotFound: nothing of it ever came.
  using TakeBlock = std::function<bool(history::BlockRecord block, std::uint64_t inc)>;
  Status ReadBlocks(std::string_view device, std::string_view path, WallTime from, WallTime to,
                    const TakeBlock& take);
  // By first ordinal. kNotFound as above.
  Result<std::vector<HistoryGap>> Gaps(std::string_view device, std::string_view path);
  // By path. Reads everything of the device's.
  Result<std::vector<HistoryHolding>> Audit(std::string_view device);

  // Evicts, some at a time, blocks of which nothing is as young as `before`; whether there may be
  // more.
  Result<bool> EvictBefore(WallTime before);

  CloudHistoryStats stats() const;

 private:
  struct Impl;
  explicit CloudHistory(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::cloud
