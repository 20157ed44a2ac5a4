// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/blocks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "history_store_sql.h"
#include "twin/history/block.h"
#include "twin/history/store/bundle.h"

namespace edgetwin::history {
namespace {

using store::Columns;
using store::Database;
using store::ForEach;
using store::Statement;

std::int64_t Count(WallTime time) {
  return time.time_since_epoch().count();
}
WallTime TimeOf(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

// Time stamps may be any number: differences wrap around, and so does what is added to them again.
std::uint64_t Minus(WallTime a, WallTime b) {
  return static_cast<std::uint64_t>(Count(a)) - static_cast<std::uint64_t>(Count(b));
}
WallTime Plus(WallTime time, std::uint64_t ms) {
  return WallTime(std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(Count(time)) + ms)));
}
WallTime Less(WallTime time, std::uint64_t ms) {
  return Plus(time, 0 - ms);
}

// Gives whether the bytes are whole.
bool ReadHeader(BlockRecord& block) {
  const Result<BlockHeader> header = ReadBlockHeader(block.bytes);
  if (!header || header->first_ordinal > std::numeric_limits<std::int64_t>::max() ||
      header->count > std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  block.first = header->first_ordinal;
  block.count = static_cast<std::uint32_t>(header->count);
  return true;
}

Status OutOfRange(const Database& db, const char* table, PathId path, std::size_t paths) {
  if (path != 0 && path <= paths) return {};
  return store::Damage(db, table, path);
}

Status RaiseNextsByLosses(Database& db, std::vector<PathRecord>& paths) {
  return ForEach(db, sql::kSelectLossEnds, [&](const Statement& row) -> Status {
    const auto path = static_cast<PathId>(row.Int(0));
    if (Status known = OutOfRange(db, "loss", path, paths.size()); !known) return known;
    paths[path - 1].next = std::max(paths[path - 1].next, row.Uint(1));
    return {};
  });
}

int PriorityOf(std::int64_t id) {
  return static_cast<int>(id >> (kPathBits + kPlaceBits) & ((1 << kPriorityBits) - 1));
}

bool Covers(const IdRange& range, int priority, PathId path) {
  const auto in_order = [](int of, PathId its) {
    return std::int64_t{of} << kPathBits | std::int64_t{its};
  };
  const std::int64_t at = in_order(priority, path);
  return at >= in_order(PriorityOf(range.first), PathOf(range.first)) &&
         at <= in_order(PriorityOf(range.last), PathOf(range.last));
}

// At most so many hours of the clock have samples of the block.
std::int64_t HoursOf(const BlockRecord& block) {
  constexpr std::uint64_t kHourMs = 3'600'000;
  const std::uint64_t hours = Minus(block.t_max, block.t_min) / kHourMs + 2;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(hours, block.count));
}

StoredRow ReadRow(std::int64_t id, const Bundled& first, const BatchTimes& times) {
  StoredRow row;
  row.id = id;
  BlockRecord none;
  none.priority = static_cast<Priority>(PriorityOf(id));
  none.path = first.path;
  none.t_min = times.t_min;
  none.t_max = times.t_max;
  std::string unpacked;
  Bundled plain = first;
  const std::optional<std::string_view> bytes = Unpack(first.bytes, unpacked);
  if (bytes) plain.bytes = *bytes;
  const Result<std::vector<Bundled>> bundled = Unbundle(plain);
  row.whole = bytes && bundled;
  if (!row.whole) {
    row.blocks.push_back({std::move(none), false});
    return row;
  }
  for (const Bundled& each : *bundled) {
    StoredBlock& stored = row.blocks.emplace_back(StoredBlock{none, false});
    stored.block.path = each.path;
    stored.block.t_min = Plus(times.t_min, each.after_ms);
    stored.block.t_max = Less(times.t_max, each.before_ms);
    stored.block.bytes = std::string(each.bytes);
    stored.whole = ReadHeader(stored.block);
  }
  return row;
}

// A row of kSelectLateBlocks.
StoredRow ReadLateRow(const Statement& row, const BatchTimes& times) {
  const std::int64_t id = row.Int(0);
  return ReadRow(id, {PathOf(id), row.Uint(1), row.Uint(2), row.Blob(3)}, times);
}

}  // namespace

IdRange IdsOf(std::int64_t batch) {
  const std::int64_t first = batch << kBatchShift;
  return {first, first | ((std::int64_t{1} << kBatchShift) - 1)};
}

IdRange IdsOf(std::int64_t batch, int priority) {
  constexpr int kShift = kPathBits + kPlaceBits;
  const std::int64_t first = IdsOf(batch).first | (std::int64_t{priority} << kShift);
  return {first, first | ((std::int64_t{1} << kShift) - 1)};
}

IdRange IdsOf(std::int64_t batch, int priority, PathId path) {
  const std::int64_t first = IdsOf(batch, priority).first | (std::int64_t{path} << kPlaceBits);
  return {first, first | ((std::int64_t{1} << kPlaceBits) - 1)};
}

Status InsertBlocks(Database& db, std::int64_t n, const BatchTimes& times,
                    const std::vector<BlockRecord>& blocks) {
  std::vector<const BlockRecord*> sorted;
  for (const BlockRecord& block : blocks) sorted.push_back(&block);
  // In the order of the table, so that pages are filled one after the other.
  std::ranges::sort(sorted, {}, [](const BlockRecord* block) {
    return std::tuple(block->priority, block->path, block->first);
  });
  Result<Statement> insert = db.Prepare(sql::kInsertBlock);
  if (!insert) return insert.error();
  std::int64_t id = 0;
  std::vector<Bundled> bundle;
  for (auto next = sorted.begin(); next != sorted.end();) {
    bundle.clear();
    std::size_t bytes = 0;
    std::int64_t hours = 0;
    const Priority priority = (*next)->priority;
    for (; next != sorted.end() && (*next)->priority == priority; ++next) {
      const BlockRecord& block = **next;
      bytes += block.bytes.size() + kBundledHead;
      hours += HoursOf(block);
      if (!bundle.empty() && (bytes > kBundleBytesMax || hours > kBundleHoursMax)) break;
      bundle.push_back({block.path, Minus(block.t_min, times.t_min),
                        Minus(times.t_max, block.t_max), block.bytes});
    }
    // The next place, or the first one of another path.
    const Bundled& first = bundle.front();
    id = std::max(id + 1, IdsOf(n, static_cast<int>(priority), first.path).first);
    insert->BindInt(1, id).BindUint(2, first.after_ms).BindUint(3, first.before_ms);
    if (Status done = insert->BindBlob(4, Bundle(bundle)).Run(); !done) return done;
  }
  return {};
}

Status WriteBatch(Database& db, std::int64_t n, std::int64_t incarnation,
                  const std::vector<BlockRecord>& blocks) {
  BatchTimes times{WallTime::max(), WallTime::min()};
  for (const BlockRecord& block : blocks) {
    times.t_min = std::min(times.t_min, block.t_min);
    times.t_max = std::max(times.t_max, block.t_max);
  }
  Result<Statement> insert = db.Prepare(sql::kInsertBatch);
  if (!insert) return insert.error();
  insert->BindInt(1, n).BindInt(2, incarnation);
  insert->BindInt(3, Count(times.t_min)).BindInt(4, Count(times.t_max));
  if (Status done = insert->Run(); !done) return done;
  return InsertBlocks(db, n, times, blocks);
}

Status ForEachRow(Database& db, std::int64_t batch, const IdRange& range,
                  const std::function<bool(StoredRow&)>& take) {
  Result<Statement> select = db.Prepare(sql::kSelectBlocks);
  if (!select) return select.error();
  select->BindInt(1, batch).BindInt(2, IdsOf(batch, PriorityOf(range.first)).first);
  select->BindInt(3, range.first).BindInt(4, range.last);
  while (true) {
    const Result<bool> more = select->Step();
    if (!more) return more.error();
    if (!*more) return {};
    const std::int64_t id = select->Int(0);
    if (PriorityOf(id) > static_cast<int>(Priority::kHigh))
      return store::Damage(db, "block", batch);
    const BatchTimes times{TimeOf(select->Int(3)), TimeOf(select->Int(4))};
    StoredRow row =
        ReadRow(id, {PathOf(id), select->Uint(1), select->Uint(2), select->Blob(5)}, times);
    const bool within = !row.whole || std::ranges::any_of(row.blocks, [&](const auto& stored) {
      return Covers(range, PriorityOf(id), stored.block.path);
    });
    if (within && !take(row)) return {};
  }
}

Status ForEachBlock(Database& db, std::int64_t batch, const IdRange& range,
                    const std::function<bool(StoredBlock&)>& take) {
  return ForEachRow(db, batch, range, [&](StoredRow& row) {
    for (StoredBlock& stored : row.blocks) {
      const bool within =
          !row.whole || Covers(range, static_cast<int>(stored.block.priority), stored.block.path);
      if (within && !take(stored)) return false;
    }
    return true;
  });
}

Status ForEachBlockOfAll(
    Database& db, const std::function<Status(PathId, bool, std::uint32_t, std::size_t)>& take) {
  Result<Statement> all = db.Prepare(sql::kSelectLateBlocks);
  if (!all) return all.error();
  all->BindInt(1, 0);
  return store::ForEach(*all, [&](const Statement& columns) -> Status {
    const StoredRow row = ReadLateRow(columns, {});
    for (const auto& [block, whole] : row.blocks) {
      if (Status done = take(block.path, whole, block.count, block.bytes.size()); !done)
        return done;
    }
    return {};
  });
}

Status ReadBlocksOf(Database& db, PathId path, WallTime from, WallTime to,
                    const std::function<bool(const BlockRecord&)>& take) {
  Result<Statement> batches = db.Prepare(sql::kSelectBatches);
  if (!batches) return batches.error();
  batches->BindInt(1, Count(from)).BindInt(2, Count(to)).BindInt(3, 0);
  std::vector<BlockRecord> found;
  std::uint64_t next = 0;
  bool more = true;
  while (more) {
    const Result<bool> row = batches->Step();
    if (!row) return row.error();
    if (!*row) return {};
    const std::int64_t n = batches->Int(0);
    found.clear();
    for (int priority = 0; priority < static_cast<int>(kPriorities); ++priority) {
      const Status read = ForEachBlock(db, n, IdsOf(n, priority, path), [&](StoredBlock& stored) {
        BlockRecord& block = stored.block;
        block.path = path;
        if (!stored.whole) block.first = next;
        next = block.first + block.count;
        if (block.t_max >= from && block.t_min <= to) found.push_back(std::move(block));
        return true;
      });
      if (!read) return read;
    }
    std::ranges::stable_sort(found, {}, &BlockRecord::first);
    for (const BlockRecord& block : found) more = more && take(block);
  }
  return {};
}

Result<StoredPaths> ReadPaths(Database& db) {
  StoredPaths stored;
  const Status read = ForEach(db, sql::kSelectPaths, [&](const Statement& row) -> Status {
    Columns columns(row);
    PathRecord path;
    path.id = static_cast<PathId>(columns.Number(std::numeric_limits<PathId>::max()));
    path.path = columns.Text();
    path.next =
        static_cast<std::uint64_t>(columns.Number(std::numeric_limits<std::int64_t>::max()));
    stored.live.push_back(columns.Bool());
    if (columns.damaged() || path.id != stored.paths.size() + 1) {
      return store::Damage(db, "path", path.id);
    }
    stored.paths.push_back(std::move(path));
    return {};
  });
  if (!read) return read.error();
  return stored;
}

Status RaiseNexts(Database& db, std::int64_t from, std::vector<PathRecord>& paths,
                  std::vector<WallTime>& t_max) {
  t_max.assign(paths.size(), WallTime::min());
  if (from < 0 || from > kBatchMax) return store::Damage(db, "meta", from);
  Result<Statement> times = db.Prepare(sql::kSelectBatchTimes);
  if (!times) return times.error();
  Result<Statement> late = db.Prepare(sql::kSelectLateBlocks);
  if (!late) return late.error();
  late->BindInt(1, IdsOf(from).first);
  std::int64_t batch = 0;
  BatchTimes batch_times;
  const Status read = ForEach(*late, [&](const Statement& columns) -> Status {
    const std::int64_t of = columns.Int(0) >> kBatchShift;
    if (of != batch) {
      const Result<bool> there = times->BindInt(1, of).Step();
      if (!there) return there.error();
      if (!*there) return store::Damage(db, "batch", of);
      batch = of;
      batch_times = {TimeOf(times->Int(0)), TimeOf(times->Int(1))};
      times->Reset();
    }
    for (const StoredBlock& stored : ReadLateRow(columns, batch_times).blocks) {
      const PathId path = stored.block.path;
      if (Status known = OutOfRange(db, "block", path, paths.size()); !known) return known;
      if (!stored.whole) return store::Damage(db, "block", of);
      PathRecord& record = paths[path - 1];
      record.next = std::max(record.next, stored.block.first + stored.block.count);
      t_max[path - 1] = std::max(t_max[path - 1], stored.block.t_max);
    }
    return {};
  });
  if (!read) return read;
  return RaiseNextsByLosses(db, paths);
}

void RaiseNextsOfDamaged(Database& db, std::int64_t saved, std::vector<PathRecord>& paths) {
  std::map<PathId, std::uint64_t> unknown;  // Blocks since the last one that is whole.
  const auto last_path = static_cast<PathId>(paths.size());
  std::int64_t damaged = 0;  // The row before, if it isn't known what it holds.
  const auto may_reach_to = [&](PathId last) {
    for (PathId path = std::max(PathOf(damaged), PathId{1}); path <= last; ++path) ++unknown[path];
    damaged = 0;
  };
  const auto add = [&](const StoredBlock& stored, std::int64_t batch) {
    const PathId path = stored.block.path;
    if (path == 0 || path > last_path) return;
    if (!stored.whole) {
      if (batch >= saved) ++unknown[path];
      return;
    }
    std::uint64_t& next = paths[path - 1].next;
    const std::uint64_t end = stored.block.first + stored.block.count;
    if (end < next) return;
    next = end;
    unknown.erase(path);
  };
  if (Result<Statement> late = db.Prepare(sql::kSelectLateBlocks)) {
    late->BindInt(1, 0);
    (void)ForEach(*late, [&](const Statement& columns) -> Status {
      const StoredRow row = ReadLateRow(columns, {});
      const std::int64_t batch = row.id >> kBatchShift;
      if (damaged != 0) {
        const bool goes_on = row.id <= IdsOf(damaged >> kBatchShift, PriorityOf(damaged)).last;
        may_reach_to(goes_on ? std::min(PathOf(row.id), last_path) : last_path);
      }
      // What was a bundle may not look like one any more.
      const bool one = row.blocks.size() == 1 && !row.blocks.front().whole;
      if (one && batch >= saved) damaged = row.id;
      if (one) return {};
      for (const StoredBlock& stored : row.blocks) add(stored, batch);
      return {};
    });
    if (damaged != 0) may_reach_to(last_path);
  }
  (void)RaiseNextsByLosses(db, paths);
  for (const auto& [path, blocks] : unknown) paths[path - 1].next += blocks * kBlocksOfPathMax;
}

}  // namespace edgetwin::history
