// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/history/cloud_history.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "cloud_history_sql.h"
#include "sync/cloud/history/cloud_history_impl.h"
#include "twin/base/check.h"
#include "twin/store/columns.h"
#include "twin/store/schema.h"

namespace edgetwin::cloud {
namespace {

using store::Database;
using store::ForEach;
using store::Statement;
using store::Transaction;

constexpr std::int32_t kApplicationId = 0x65646368;  // "edch"
constexpr std::array kMigrations = {store::Migration{1, 1, history_sql::kSchema1}};
constexpr const char* kPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
    "PRAGMA wal_autocheckpoint=4000;";

std::int64_t Ms(WallTime time) {
  return time.time_since_epoch().count();
}
WallTime Wall(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

Error NoHistory(std::string_view path) {
  return NotFound("there is no history of '" + std::string(path) + "'");
}

}  // namespace

CloudHistory::CloudHistory(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CloudHistory::~CloudHistory() = default;

Result<std::unique_ptr<CloudHistory>> CloudHistory::Open(const CloudHistoryOptions& options) {
  EDGETWIN_CHECK(options.inc != 0);
  auto db = Database::Open({.path = options.path, .exclusive = true, .vfs = options.vfs});
  if (!db) return db.error();
  const auto version = store::CheckSchema(*db, kApplicationId, kMigrations.back().version);
  if (!version) return version.error();
  if (Status set = db->Exec(kPragmas); !set) return set.error();
  if (Status done = store::Migrate(*db, kApplicationId, kMigrations, *version); !done) {
    return done.error();
  }
  auto impl = std::make_unique<Impl>(options, *std::move(db));
  const auto done = impl->db.QueryInt("SELECT commits FROM progress");
  if (!done) return done.error();
  impl->commits_done = *done;
  auto insert = impl->db.Prepare(history_sql::kInsertOpening);
  if (!insert) return insert.error();
  if (Status opened = insert->BindUint(1, options.inc).Run(); !opened) return opened.error();
  impl->bytes = impl->db.FileBytes();
  return std::unique_ptr<CloudHistory>(new CloudHistory(std::move(impl)));
}

Result<std::vector<sync::HistoryPutDone>> CloudHistory::Put(std::span<const DevicePut> puts) {
  std::size_t bytes = 0;
  for (const DevicePut& put : puts) {
    for (const auto& block : put.put.blocks) bytes += block.bytes.size() + 200;
  }
  Impl::Counts counts;
  const auto put_all = [&]() -> Result<std::vector<sync::HistoryPutDone>> {
    if (Status room = impl_->MakeRoom(bytes); !room) return room.error();
    auto transaction = Transaction::Begin(impl_->db);
    if (!transaction) return transaction.error();
    const auto commit = impl_->NextCommit();
    if (!commit) return commit.error();
    std::vector<sync::HistoryPutDone> done;
    for (const DevicePut& put : puts) {
      auto one = impl_->PutOne(put, counts);
      if (!one) return one.error();
      one->mark = {impl_->options.inc, static_cast<std::uint64_t>(*commit)};
      done.push_back(*std::move(one));
    }
    if (Status committed = transaction->Commit(); !committed) return committed.error();
    impl_->commits_done = *commit;
    return done;
  };
  auto done = put_all();
  impl_->bytes = impl_->db.FileBytes();
  if (!done) {
    ++impl_->failed_commits;
    return done;
  }
  ++impl_->commits;
  impl_->blocks += counts.blocks;
  impl_->samples += counts.samples;
  impl_->repeated += counts.repeated;
  impl_->refused += counts.refused;
  return done;
}

Result<CloudHistory::Impl::Path> CloudHistory::Impl::FindPath(std::string_view device,
                                                              std::string_view path) {
  auto select = statements.Prepare(history_sql::kSelectPath);
  if (!select) return select.error();
  const auto row = select->BindText(1, device).BindText(2, path).Step();
  if (!row) return row.error();
  if (!*row) return Path{};
  return Path{select->Int(0), select->Int(1)};
}

Result<sync::HistoryLooked> CloudHistory::Look(std::string_view device,
                                               const sync::HistoryLook& look) {
  sync::HistoryLooked looked;
  looked.mark = {impl_->options.inc, static_cast<std::uint64_t>(impl_->commits_done)};
  if (look.known.inc != 0) {
    auto given = impl_->db.Prepare(history_sql::kSelectGiven);
    if (!given) return given.error();
    const auto row = given->BindUint(1, look.known.inc).BindUint(2, look.known.commit).Step();
    if (!row) return row.error();
    looked.continues = *row;
    if (looked.continues) return looked;
  }
  auto select = impl_->db.Prepare(history_sql::kSelectHeld);
  if (!select) return select.error();
  for (std::size_t place = 0; place < look.paths.size(); ++place) {
    const auto path = impl_->FindPath(device, look.paths[place]);
    if (!path) return path.error();
    if (path->id == 0) continue;
    select->BindInt(1, path->id);
    const Status read = ForEach(*select, [&](const Statement& row) -> Status {
      looked.held.push_back({place, row.Uint(0), {row.Uint(1), row.Uint(2)}});
      return {};
    });
    if (!read) return read.error();
  }
  return looked;
}

Status CloudHistory::ReadBlocks(std::string_view device, std::string_view path, WallTime from,
                                WallTime to, const TakeBlock& take) {
  const auto found = impl_->FindPath(device, path);
  if (!found) return found.error();
  if (found->id == 0) return NoHistory(path);
  auto select = impl_->db.Prepare(history_sql::kSelectBlocks);
  if (!select) return select.error();
  const std::int64_t earliest =
      Ms(from) < INT64_MIN + found->span_max_ms ? INT64_MIN : Ms(from) - found->span_max_ms;
  select->BindInt(1, found->id).BindInt(2, earliest).BindInt(3, Ms(to)).BindInt(4, Ms(from));
  while (true) {
    const auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return {};
    history::BlockRecord block;
    block.first = select->Uint(1);
    block.count = static_cast<std::uint32_t>(select->Int(2));
    block.t_min = Wall(select->Int(3));
    block.t_max = Wall(select->Int(4));
    block.bytes = select->Blob(5);
    if (!take(std::move(block), select->Uint(0))) return {};
  }
}

Result<std::vector<HistoryGap>> CloudHistory::Gaps(std::string_view device, std::string_view path) {
  const auto found = impl_->FindPath(device, path);
  if (!found) return found.error();
  if (found->id == 0) return NoHistory(path);
  auto select = impl_->db.Prepare(history_sql::kSelectLosses);
  if (!select) return select.error();
  select->BindInt(1, found->id);
  std::vector<HistoryGap> gaps;
  const Status read = ForEach(*select, [&](const Statement& row) -> Status {
    store::Columns columns(row);
    HistoryGap gap;
    gap.here = columns.Bool();
    gap.record.reason = static_cast<std::uint32_t>(columns.Number(UINT32_MAX));
    gap.record.exact = columns.Bool();
    gap.record.inc = columns.Uint();
    gap.record.first = columns.Uint();
    gap.record.last = columns.Uint();
    gap.record.count = columns.Uint();
    gap.record.from = columns.Time();
    gap.record.to = columns.Time();
    if (columns.damaged()) return store::Damage(impl_->db, "loss", found->id);
    gaps.push_back(gap);
    return {};
  });
  if (!read) return read.error();
  return gaps;
}

Result<bool> CloudHistory::Has(std::string_view device) {
  auto select = impl_->db.Prepare(history_sql::kSelectPaths);
  if (!select) return select.error();
  return select->BindText(1, device).Step();
}

Result<std::vector<HistoryHolding>> CloudHistory::Audit(std::string_view device) {
  std::vector<std::pair<std::int64_t, std::string>> paths;
  auto select = impl_->db.Prepare(history_sql::kSelectPaths);
  if (!select) return select.error();
  select->BindText(1, device);
  const Status listed = ForEach(*select, [&](const Statement& row) -> Status {
    paths.emplace_back(row.Int(0), row.Text(1));
    return {};
  });
  if (!listed) return listed.error();
  auto held = impl_->db.Prepare(history_sql::kSelectHeld);
  if (!held) return held.error();
  auto stored = impl_->db.Prepare(history_sql::kSelectStored);
  if (!stored) return stored.error();
  std::vector<HistoryHolding> audit;
  for (const auto& [id, path] : paths) {
    HistoryHolding holding;
    holding.path = path;
    held->BindInt(1, id);
    const Status spans = ForEach(*held, [&](const Statement& row) -> Status {
      holding.held.push_back({row.Uint(0), row.Uint(1), row.Uint(2)});
      holding.taken += row.Uint(2) - row.Uint(1) + 1;
      return {};
    });
    if (!spans) return spans.error();
    const auto counted = stored->BindInt(1, id).Step();
    if (!counted) return counted.error();
    holding.stored = stored->Uint(0);
    holding.blocks = stored->Uint(1);
    holding.bytes = stored->Uint(2);
    stored->Reset();
    const auto gaps = Gaps(device, path);
    if (!gaps) return gaps.error();
    for (const HistoryGap& gap : *gaps) {
      (gap.here ? holding.evicted : holding.lost_at_device) += gap.record.count;
    }
    audit.push_back(std::move(holding));
  }
  return audit;
}

Result<bool> CloudHistory::EvictBefore(WallTime before) {
  const auto evicted =
      impl_->Evict(Ms(before), static_cast<std::uint32_t>(history::LossReason::kAgeMax),
                   std::numeric_limits<std::uint64_t>::max());
  if (!evicted) return evicted.error();
  return *evicted != 0;
}

CloudHistoryStats CloudHistory::stats() const {
  return {.commits = impl_->commits,
          .failed_commits = impl_->failed_commits,
          .blocks = impl_->blocks,
          .samples = impl_->samples,
          .repeated = impl_->repeated,
          .refused = impl_->refused,
          .evicted = impl_->evicted,
          .bytes = impl_->bytes};
}

}  // namespace edgetwin::cloud
