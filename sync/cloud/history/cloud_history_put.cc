// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What CloudHistory writes, and what it lets go.

#include <algorithm>
#include <limits>
#include <utility>

#include "cloud_history_sql.h"
#include "sync/cloud/history/cloud_history_impl.h"
#include "twin/base/guard.h"
#include "twin/history/block.h"
#include "twin/store/columns.h"

namespace edgetwin::cloud {
namespace {

using store::ForEach;
using store::Statement;
using store::Transaction;
using sync::OrdinalSet;

constexpr std::int64_t kEvictedMax = 1'000;  // Blocks in one transaction.
// Room is made for more than the next put, but not by letting go of much more than it needs.
constexpr std::uint64_t kEvictedShare = 64;
// Above the last ordinal that a signed integer has in its order, which SQL compares by. A property
// sampled each microsecond gets there in 292,000 years.
constexpr std::uint64_t kOrdinalMax = std::numeric_limits<std::int64_t>::max();

std::int64_t Ms(WallTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

Result<std::int64_t> CloudHistory::Impl::NextCommit() {
  auto update = statements.Prepare(history_sql::kUpdateProgress);
  if (!update) return update.error();
  const std::int64_t commit = commits_done + 1;
  if (Status done = update->BindInt(1, commit).Run(); !done) return done.error();
  return commit;
}

Result<std::int64_t> CloudHistory::Impl::PathIdOf(std::string_view device, std::string_view path) {
  const auto found = FindPath(device, path);
  if (!found) return found.error();
  if (found->id != 0) return found->id;
  auto insert = statements.Prepare(history_sql::kInsertPath);
  if (!insert) return insert.error();
  if (Status done = insert->BindText(1, device).BindText(2, path).Run(); !done) return done.error();
  return db.QueryInt("SELECT last_insert_rowid()");
}

Result<sync::HistoryPutDone> CloudHistory::Impl::PutOne(const DevicePut& put, Counts& counts) {
  sync::HistoryPutDone done;
  const Counts before = counts;
  for (const sync::HistoryPut::Block& block : put.put.blocks) {
    const auto path = PathIdOf(put.device, block.path);
    if (!path) return path.error();
    auto held = PutBlock(*path, put.put.inc, block.bytes, counts);
    if (!held) return held.error();
    if (!*held) ++counts.refused;
    done.held.push_back(*held);
  }
  for (const sync::HistoryPut::Loss& loss : put.put.losses) {
    const auto path = PathIdOf(put.device, loss.path);
    if (!path) return path.error();
    if (Status taken = PutLoss(*path, loss.record); !taken) return taken.error();
  }
  done.repeated = counts.repeated - before.repeated;
  done.samples = counts.samples - before.samples;
  return done;
}

// Nothing: it can't be taken.
Result<std::optional<OrdinalSet::Interval>> CloudHistory::Impl::PutBlock(
    std::int64_t path, std::uint64_t inc, const std::string& block_bytes, Counts& counts) {
  const auto block = history::DecodeBlock(block_bytes);
  const bool whole = block && inc != 0 && block->first_ordinal < kOrdinalMax &&
                     block->samples.size() <= kOrdinalMax - block->first_ordinal;
  if (!whole) return std::optional<OrdinalSet::Interval>();
  const std::uint64_t first = block->first_ordinal;
  const std::uint64_t last = first + block->samples.size() - 1;
  bool taken = false;
  auto held = Hold(path, inc, first, last, taken);
  if (!held) return held.error();
  if (!taken) {
    if (*held) ++counts.repeated;
    return held;
  }
  const auto [earliest, latest] =
      std::ranges::minmax_element(block->samples, {}, &model::Sample::time);
  const std::int64_t t_min = Ms(earliest->time);
  const std::int64_t t_max = Ms(latest->time);
  auto insert = statements.Prepare(history_sql::kInsertBlock);
  if (!insert) return insert.error();
  insert->BindInt(1, path).BindUint(2, inc).BindUint(3, first);
  insert->BindInt(4, static_cast<std::int64_t>(block->samples.size()));
  insert->BindInt(5, t_min).BindInt(6, t_max).BindBlob(7, block_bytes);
  if (Status done = insert->Run(); !done) return done.error();
  // Time stamps may be anything: their distance may be more than there is room for.
  const auto span = static_cast<std::uint64_t>(t_max) - static_cast<std::uint64_t>(t_min);
  auto update = statements.Prepare(history_sql::kUpdateSpanMax);
  if (!update) return update.error();
  update->BindInt(1, path).BindInt(
      2, static_cast<std::int64_t>(std::min<std::uint64_t>(span, INT64_MAX)));
  if (Status done = update->Run(); !done) return done.error();
  ++counts.blocks;
  counts.samples += block->samples.size();
  return held;
}

// The interval that has them then. `taken`: none of them was held before; nothing, and not taken,
// when some of them were.
Result<std::optional<OrdinalSet::Interval>> CloudHistory::Impl::Hold(
    std::int64_t path, std::uint64_t inc, std::uint64_t first, std::uint64_t last, bool& taken) {
  using Interval = OrdinalSet::Interval;
  taken = false;
  auto around = statements.Prepare(history_sql::kSelectHeldAround);
  if (!around) return around.error();
  const auto row = around->BindInt(1, path).BindUint(2, inc).BindUint(3, first).Step();
  if (!row) return row.error();
  Interval joined{first, last};
  if (*row) {
    const Interval before{around->Uint(0), around->Uint(1)};
    if (last <= before.last) return std::optional(before);
    if (first <= before.last) return std::optional<Interval>();
    if (before.last + 1 == first) joined.first = before.first;
  }
  auto after = statements.Prepare(history_sql::kSelectHeldFrom);
  if (!after) return after.error();
  after->BindInt(1, path).BindUint(2, inc).BindUint(3, first).BindUint(4, last + 1);
  bool overlaps = false;
  const Status read = ForEach(*after, [&](const Statement& next) -> Status {
    overlaps = overlaps || next.Uint(0) <= last;
    joined.last = next.Uint(1);
    return {};
  });
  if (!read) return read.error();
  if (overlaps) return std::optional<Interval>();
  // With this guard off, an acknowledgement is a watermark, as it is for other streams.
  if (!On(Guard::kOrdinalIntervals)) joined.first = 0;
  auto remove = statements.Prepare(history_sql::kDeleteHeld);
  if (!remove) return remove.error();
  remove->BindInt(1, path).BindUint(2, inc).BindUint(3, joined.first).BindUint(4, last + 1);
  if (Status done = remove->Run(); !done) return done.error();
  auto insert = statements.Prepare(history_sql::kInsertHeld);
  if (!insert) return insert.error();
  insert->BindInt(1, path).BindUint(2, inc).BindUint(3, joined.first).BindUint(4, joined.last);
  if (Status done = insert->Run(); !done) return done.error();
  taken = true;
  return std::optional(joined);
}

// The device merges its records: a new one stands for all of those that it spans.
Status CloudHistory::Impl::PutLoss(std::int64_t path, const sync::LossRecord& record) {
  if (record.last > kOrdinalMax) return {};
  const auto bind = [&](Statement& statement) -> Statement& {
    return statement.BindInt(1, path).BindInt(2, record.reason).BindInt(3, record.exact);
  };
  auto around = statements.Prepare(history_sql::kSelectLossAround);
  if (!around) return around.error();
  const auto row = bind(*around).BindUint(4, record.first).BindUint(5, record.last).Step();
  if (!row) return row.error();
  const bool same = *row && around->Uint(0) == record.first;
  // An older one that comes late; one that begins alike may have grown in count only.
  if (*row && !same) return {};
  around->Reset();
  auto remove = statements.Prepare(history_sql::kDeleteLossesWithin);
  if (!remove) return remove.error();
  if (Status done = bind(*remove).BindUint(4, record.first).BindUint(5, record.last).Run(); !done) {
    return done;
  }
  auto insert = statements.Prepare(history_sql::kInsertLoss);
  if (!insert) return insert.error();
  insert->BindInt(1, path).BindInt(2, 0).BindInt(3, record.reason).BindInt(4, record.exact);
  insert->BindUint(5, record.inc).BindUint(6, record.first).BindUint(7, record.last);
  insert->BindUint(8, record.count).BindInt(9, Ms(record.from)).BindInt(10, Ms(record.to));
  return insert->Run();
}

Status CloudHistory::Impl::EvictOne(const Stored& block, std::uint32_t reason) {
  auto remove = statements.Prepare(history_sql::kDeleteBlock);
  if (!remove) return remove.error();
  if (Status done = remove->BindInt(1, block.id).Run(); !done) return done;
  const std::uint64_t last = block.first + block.count - 1;
  if (block.first > 0) {
    auto extend = statements.Prepare(history_sql::kExtendLoss);
    if (!extend) return extend.error();
    extend->BindInt(1, block.path).BindInt(2, reason).BindUint(3, block.inc);
    extend->BindUint(4, last).BindUint(5, block.count);
    extend->BindInt(6, block.t_min_ms).BindInt(7, block.t_max_ms).BindUint(8, block.first - 1);
    if (Status done = extend->Run(); !done) return done;
    if (db.changes() > 0) return {};
  }
  auto insert = statements.Prepare(history_sql::kInsertLoss);
  if (!insert) return insert.error();
  insert->BindInt(1, block.path).BindInt(2, 1).BindInt(3, reason).BindInt(4, 1);
  insert->BindUint(5, block.inc).BindUint(6, block.first).BindUint(7, last);
  insert->BindUint(8, block.count).BindInt(9, block.t_min_ms).BindInt(10, block.t_max_ms);
  return insert->Run();
}

Result<std::size_t> CloudHistory::Impl::Evict(std::int64_t before_ms, std::uint32_t reason,
                                              std::uint64_t bytes_wanted) {
  auto transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  auto select = statements.Prepare(history_sql::kSelectOldest);
  if (!select) return select.error();
  select->BindInt(1, before_ms).BindInt(2, kEvictedMax);
  std::vector<Stored> oldest;
  std::uint64_t bytes_found = 0;
  const Status read = ForEach(*select, [&](const Statement& row) -> Status {
    if (bytes_found >= bytes_wanted) return {};
    oldest.push_back({row.Int(0), row.Int(1), row.Uint(2), row.Uint(3), row.Uint(4), row.Int(5),
                      row.Int(6), row.Uint(7)});
    bytes_found += oldest.back().bytes;
    return {};
  });
  if (!read) return read.error();
  std::uint64_t count = 0;
  for (const Stored& block : oldest) {
    if (Status done = EvictOne(block, reason); !done) return done.error();
    count += block.count;
  }
  if (Status done = transaction->Commit(); !done) return done.error();
  evicted += count;
  return oldest.size();
}

Status CloudHistory::Impl::MakeRoom(std::size_t bytes_needed) {
  if (options.bytes_max == 0) return {};
  while (true) {
    const auto pages = db.QueryInt("PRAGMA page_count");
    const auto unused = db.QueryInt("PRAGMA freelist_count");
    const auto page_bytes = db.QueryInt("PRAGMA page_size");
    for (const auto* number : {&pages, &unused, &page_bytes}) {
      if (!*number) return number->error();
    }
    const auto used = static_cast<std::uint64_t>((*pages - *unused) * *page_bytes);
    if (used + bytes_needed <= options.bytes_max) return {};
    const std::uint64_t missing = used + bytes_needed - options.bytes_max;
    const auto gone = Evict(std::numeric_limits<std::int64_t>::max(),
                            static_cast<std::uint32_t>(history::LossReason::kBytesMax),
                            std::max(missing, options.bytes_max / kEvictedShare));
    if (!gone) return gone.error();
    if (*gone == 0) {
      return Exhausted(db.path() + ": " + std::to_string(bytes_needed) +
                       " bytes of history don't fit into its " + std::to_string(options.bytes_max));
    }
  }
}

}  // namespace edgetwin::cloud
