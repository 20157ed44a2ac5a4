// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/salvage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "history_store_sql.h"
#include "twin/history/block.h"
#include "twin/history/store/aggregates.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/old_blocks.h"
#include "twin/history/store/open_unchanged.h"
#include "twin/history/store/withheld.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::Statement;

constexpr std::size_t kCommitBytes = 96 << 10;
constexpr std::size_t kCommitBlocks = 2'000;
constexpr std::size_t kCommitAggregates = 1'000;

// The commits' numbers, from both ends up to what can't be read.
std::vector<std::int64_t> BatchNumbers(Database& db) {
  std::vector<std::int64_t> numbers;
  for (const char* select :
       {"SELECT n FROM batch ORDER BY n", "SELECT n FROM batch ORDER BY n DESC"}) {
    const Status read = store::ForEach(db, select, [&numbers](const Statement& row) -> Status {
      numbers.push_back(row.Int(0));
      return {};
    });
    if (read) break;
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

// As far as the batch can be read; blocks that aren't whole are left out.
std::vector<BlockRecord> ReadWhole(Database& db, std::int64_t batch) {
  std::vector<BlockRecord> blocks;
  for (BlockRecord& block : ReadOldBatch(db, batch)) {
    const Result<BlockHeader> header = ReadBlockHeader(block.bytes);
    const bool whole =
        header && header->first_ordinal == block.first && header->count == block.count;
    if (whole) blocks.push_back(std::move(block));
  }
  if (batch < 0 || batch > kBatchMax) return blocks;
  (void)ForEachBlock(db, batch, IdsOf(batch), [&blocks](StoredBlock& stored) {
    if (stored.whole) blocks.push_back(std::move(stored.block));
    return true;
  });
  std::ranges::sort(blocks, {},
                    [](const BlockRecord& block) { return std::pair(block.path, block.first); });
  return blocks;
}

// From which batch on the paths' own numbers don't say how far their blocks reach; 0: not known.
std::int64_t NextsAt(Database& db) {
  return db.QueryInt("SELECT value FROM meta WHERE key = 'nexts_at'").value_or(0);
}

// How many samples of a path the process that had it open took with it, at most.
std::uint64_t WindowOf(Database& db, std::uint64_t otherwise) {
  if (otherwise == 0) return 0;
  Result<Statement> select = db.Prepare(sql::kSelectIncarnation);
  if (!select) return otherwise;
  const Result<bool> row = select->Step();
  if (!row || !*row) return otherwise;
  const std::int64_t window = select->Int(3);
  const std::int64_t clean = select->Int(4);
  if (window < 0 || window > 1 << 30 || clean < 0 || clean > 1) return otherwise;
  return clean == 1 ? 0 : static_cast<std::uint64_t>(window);
}

class Copier {
 public:
  explicit Copier(HistoryStore& to) : to_(to) {}

  Status AddPaths(const std::vector<PathRecord>& paths) {
    for (const PathRecord& path : paths) batch_.paths.push_back({path.id, path.path});
    nexts_.assign(paths.size(), 0);
    times_.assign(paths.size(), WallTime{});
    return Commit();
  }
  // `inc`: the opening that committed it, by which the cloud knows it; 0: not known.
  Status Add(BlockRecord block, std::uint64_t inc) {
    if (inc != batch_.inc) {
      if (Status done = Commit(); !done) return done;
      batch_.inc = inc;
    }
    if (block.path == 0 || block.path > nexts_.size()) return {};
    std::uint64_t& next = nexts_[block.path - 1];
    if (block.first < next) return {};
    Lose(block.path, block.first, block.t_min, LossReason::kDamaged);
    next = block.first + block.count;
    times_[block.path - 1] = block.t_max;
    ++salvaged_.blocks;
    salvaged_.samples += block.count;
    bytes_ += block.bytes.size();
    batch_.blocks.push_back(std::move(block));
    const bool room = bytes_ < kCommitBytes && batch_.blocks.size() < kCommitBlocks;
    return room ? Status() : Commit();
  }
  Status AddAggregates(const std::vector<Aggregate>& aggregates) {
    for (const Aggregate& aggregate : aggregates) {
      if (aggregate.path == 0 || aggregate.path > nexts_.size()) continue;
      batch_.aggregates.push_back(aggregate);
      if (batch_.aggregates.size() < kCommitAggregates) continue;
      if (Status done = Commit(); !done) return done;
    }
    return {};
  }
  // The path's samples up to `end`, as far as they aren't there.
  void Lose(PathId path, std::uint64_t end, WallTime to, LossReason reason) {
    std::uint64_t& next = nexts_[path - 1];
    if (end <= next) return;
    const WallTime from = std::min(times_[path - 1], to);
    batch_.losses.push_back({.path = path,
                             .reason = reason,
                             .exact = false,
                             .inc = 0,
                             .first = next,
                             .last = end - 1,
                             .count = end - next,
                             .from = from,
                             .to = to});
    next = end;
  }
  WallTime time(PathId path) const { return times_[path - 1]; }
  Status Commit() {
    bytes_ = 0;
    HistoryBatch next;
    next.inc = batch_.inc;
    return to_.Commit(std::exchange(batch_, std::move(next)));
  }
  const Salvaged& salvaged() const { return salvaged_; }

 private:
  HistoryStore& to_;
  HistoryBatch batch_;
  std::size_t bytes_ = 0;
  std::vector<std::uint64_t> nexts_;
  std::vector<WallTime> times_;
  Salvaged salvaged_;
};

}  // namespace

Result<Salvaged> Salvage(const std::string& from, HistoryStore& to, const SalvageOptions& options) {
  Result<Database> db = OpenUnchanged(from, options.vfs);
  if (!db) return Salvaged{};
  const Result<StoredPaths> stored = ReadPaths(*db);
  // Blocks name their paths by these numbers only.
  if (!stored) return Salvaged{};
  Copier copier(to);
  if (Status done = copier.AddPaths(stored->paths); !done) return done.error();
  Withheld withheld;
  (void)withheld.Load(*db);  // As far as it can be read.
  for (const auto& [path, before] : withheld.all()) {
    if (Status done = to.Withhold(path, before); !done) return done.error();
  }
  for (const std::int64_t batch :
       options.blocks ? BatchNumbers(*db) : std::vector<std::int64_t>()) {
    const std::uint64_t inc = Delivery::IncOf(*db, batch).value_or(0);
    for (BlockRecord& block : ReadWhole(*db, batch)) {
      if (Status done = copier.Add(std::move(block), inc); !done) return done.error();
    }
  }
  std::vector<PathRecord> ends = stored->paths;
  RaiseNextsOfDamaged(*db, NextsAt(*db), ends);
  RaiseNextsByOldBlocks(*db, ends);
  // Not of a file of before there were any, nor where they can't be read: the ledger has those.
  if (const auto aggregates = ReadAllAggregates(*db)) {
    if (Status done = copier.AddAggregates(*aggregates); !done) return done.error();
  }
  const std::uint64_t window = WindowOf(*db, options.window_samples_max);
  for (const PathRecord& path : ends) {
    copier.Lose(path.id, path.next, copier.time(path.id), LossReason::kDamaged);
    if (!stored->live[path.id - 1]) continue;
    copier.Lose(path.id, path.next + window, options.now, LossReason::kUncleanStop);
  }
  if (Status done = copier.Commit(); !done) return done.error();
  return copier.salvaged();
}

}  // namespace edgetwin::history
