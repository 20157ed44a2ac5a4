// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/salvage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "history_store_sql.h"
#include "twin/history/block.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/open_unchanged.h"
#include "twin/store/columns.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::Statement;

constexpr std::size_t kCommitBytes = 96 << 10;

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
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
  return numbers;
}

// As far as the batch can be read; blocks that aren't whole are left out.
std::vector<BlockRecord> ReadWhole(Database& db, std::int64_t batch) {
  std::vector<BlockRecord> blocks;
  Result<Statement> select = db.Prepare(sql::kSelectBatchBlocks);
  if (!select) return blocks;
  select->BindInt(1, batch);
  (void)store::ForEach(*select, [&blocks](const Statement& row) -> Status {
    Columns columns(row);
    BlockRecord block = ReadBlockColumns(columns);
    block.bytes = columns.Blob();
    const Result<BlockHeader> header = ReadBlockHeader(block.bytes);
    const bool whole = !columns.damaged() && header && header->first_ordinal == block.first &&
                       header->count == block.count;
    if (whole) blocks.push_back(std::move(block));
    return {};
  });
  return blocks;
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
    Lose(block.path, block.first, block.t_min);
    next = block.first + block.count;
    times_[block.path - 1] = block.t_max;
    ++salvaged_.blocks;
    salvaged_.samples += block.count;
    bytes_ += block.bytes.size();
    batch_.blocks.push_back(std::move(block));
    return bytes_ < kCommitBytes ? Status() : Commit();
  }
  // The path's samples up to `end`, as far as they aren't there.
  void Lose(PathId path, std::uint64_t end, WallTime to) {
    std::uint64_t& next = nexts_[path - 1];
    if (end <= next) return;
    const WallTime from = std::min(times_[path - 1], to);
    batch_.losses.push_back({.path = path,
                             .reason = LossReason::kDamaged,
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

Result<Salvaged> Salvage(const std::string& from, HistoryStore& to, const std::string& vfs) {
  Result<Database> db = OpenUnchanged(from, vfs);
  if (!db) return Salvaged{};
  const Result<StoredPaths> stored = ReadPaths(*db);
  // Blocks name their paths by these numbers only.
  if (!stored) return Salvaged{};
  Copier copier(to);
  if (Status done = copier.AddPaths(stored->paths); !done) return done.error();
  for (const std::int64_t batch : BatchNumbers(*db)) {
    const std::uint64_t inc = Delivery::IncOf(*db, batch).value_or(0);
    for (BlockRecord& block : ReadWhole(*db, batch)) {
      if (Status done = copier.Add(std::move(block), inc); !done) return done.error();
    }
  }
  std::vector<PathRecord> ends = stored->paths;
  std::vector<WallTime> ignored;
  (void)RaiseNexts(*db, 0, ends, ignored);  // As far as it can be read.
  for (const PathRecord& path : ends) copier.Lose(path.id, path.next, copier.time(path.id));
  if (Status done = copier.Commit(); !done) return done.error();
  return copier.salvaged();
}

}  // namespace edgetwin::history
