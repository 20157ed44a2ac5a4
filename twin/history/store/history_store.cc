// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/history_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include "history_store_sql.h"
#include "twin/base/check.h"
#include "twin/history/block.h"
#include "twin/history/store/aggregates.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/bundle.h"
#include "twin/history/store/ledger.h"
#include "twin/history/store/old_blocks.h"
#include "twin/history/store/open_unchanged.h"
#include "twin/history/store/retention.h"
#include "twin/history/store/withheld.h"
#include "twin/store/columns.h"
#include "twin/store/inspect.h"
#include "twin/store/schema.h"
#include "twin/store/sqlite_db.h"
#include "twin/store/store_files.h"
#include "twin/store/vfs_file.h"

namespace edgetwin::history {
namespace {

using store::Database;
using store::FlashMeter;
using store::Migration;
using store::SchemaVersion;
using store::Statement;
using store::Transaction;
using store::WriteCause;

constexpr std::int32_t kApplicationId = 0x65646869;  // "edhi"
// What is evicted since the cloud has it has a reason of its own, which older readers take for
// damage.
constexpr std::array kMigrations = {Migration{1, 1, sql::kSchema1}, Migration{2, 1, sql::kSchema2},
                                    Migration{3, 3, sql::kSchema3}, Migration{4, 4, sql::kSchema4},
                                    Migration{5, 5, sql::kSchema5}};
constexpr std::chrono::milliseconds kBusyWait{250};  // As twin.db's.

// Measured on ext4, the kernel's write_bytes a sample at 10, 100 and 1,000 samples a second, and
// the file's bytes, of blocks of about 90 bytes: 17.9, 5.9, 4.8 and 2.06 with pages of 1,024; 20.3,
// 6.2, 4.7 and 1.93 with 2,048; 7.3 and 5.1 at the two higher rates, and 1.89, with 4,096.
constexpr std::int64_t kPageBytes = 1'024;

// How many commits there are between two savings of the paths' next ordinals: the next opening
// reads so many batches to find them. A saving writes a page for every 100 paths or so.
constexpr std::int64_t kCommitsBetweenSaves = 64;

// What a block takes in the table at most, with its part of a row. A row that is longer than a page
// begins in one and goes on in pages of its own: at most a page and two parts of one more than its
// bytes (https://www.sqlite.org/fileformat2.html#b_tree_pages). And two rows that follow each other
// have more than a bundle's bytes together.
std::int64_t BytesInTable(const BlockRecord& block) {
  constexpr std::int64_t kOther = 40;  // Id, times, and what SQLite needs for a row.
  static_assert(kBundleBytesMax >= 4 * kPageBytes);
  return 2 * (static_cast<std::int64_t>(block.bytes.size()) + kOther);
}

// Aggregates take this part of bytes_max at most. A row of them has about so many bytes, measured.
constexpr std::uint64_t kAggregatesShare = 8;
constexpr std::uint64_t kAggregateBytes = 48;

constexpr std::string_view kNextsAt = "nexts_at";
constexpr std::string_view kFlashDay = "flash_day";
constexpr std::string_view kFlashBytes = "flash_bytes";
constexpr std::string_view kCarried = "carried";
// How many chunks of nothing but what is withheld are passed over at once.
constexpr int kPassedOverMax = 1'000;

// How many commits there are between two savings of what is delivered: two pages each.
constexpr std::uint64_t kCommitsBetweenDeliveries = 8;

// The WAL's share of bytes_max: it is copied back at half of it, and a commit may take the other
// half.
std::int64_t WalBytes(const HistoryStoreOptions& options) {
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(options.bytes_max / 8), 256 << 10,
                                  4 << 20);
}

Result<SchemaVersion> CheckVersion(Database& db) {
  return store::CheckSchema(db, kApplicationId, kMigrations.back().version);
}

Status Configure(Database& db, const HistoryStoreOptions& options) {
  const Result<std::string> mode = db.QueryText("PRAGMA journal_mode=WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") {
    return Unsupported(db.path() + ": its journal mode stays " + *mode + ", not wal");
  }
  const std::int64_t wal = WalBytes(options);
  // secure_delete, on in Debian, would overwrite what an eviction frees with zeros.
  return db.Exec(
      "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
      "PRAGMA cache_size=-128; PRAGMA wal_autocheckpoint=" +
      std::to_string(wal / 2 / kPageBytes) + "; PRAGMA journal_size_limit=" + std::to_string(wal) +
      ";");
}

Result<Database> OpenDatabase(const HistoryStoreOptions& options) {
  if (Status sound = store::CheckFiles(options.path, options.vfs); !sound) return sound.error();
  const bool had_wal =
      store::VfsFile::HasBytes(options.path, store::VfsFile::Part::kWal, options.vfs);
  Result<Database> db =
      Database::Open({.path = options.path,
                      .exclusive = true,
                      .busy_wait = kBusyWait,
                      .vfs = options.meter == nullptr ? options.vfs : options.meter->vfs()});
  if (!db) return db;
  // Until it is known to be ours, not even closing may change it.
  if (Status set = db->LeaveWalOnClose(had_wal); !set) return set.error();
  if (Status set = db->Exec("PRAGMA page_size=" + std::to_string(kPageBytes)); !set) {
    return set.error();
  }
  const Result<SchemaVersion> version = CheckVersion(*db);
  if (!version) return version.error();
  if (Status set = Configure(*db, options); !set) return set.error();
  const Status migrated = store::Migrate(*db, kApplicationId, kMigrations, *version);
  if (!migrated) return migrated.error();
  if (Status moved = MoveOldBlocks(*db); !moved) return moved.error();
  return db;
}

Result<std::int64_t> ReadMeta(Database& db, std::string_view key) {
  Result<Statement> select = db.Prepare(sql::kSelectMeta);
  if (!select) return select.error();
  const Result<bool> row = select->BindText(1, key).Step();
  if (!row) return row.error();
  return *row ? select->Int(0) : 0;
}

struct LastOpening {
  std::int64_t n = 0;
  std::uint64_t inc = 0;
  WallTime opened{};
  std::uint64_t window_samples = 0;
  bool clean = true;
};

Result<LastOpening> ReadLastOpening(Database& db) {
  Result<Statement> select = db.Prepare(sql::kSelectIncarnation);
  if (!select) return select.error();
  const Result<bool> row = select->Step();
  if (!row) return row.error();
  LastOpening last;
  if (!*row) return last;
  store::Columns columns(*select);
  last.n = columns.Int();
  last.inc = columns.Uint();
  last.opened = columns.Time();
  last.window_samples = static_cast<std::uint64_t>(columns.Number(1 << 30));
  last.clean = columns.Bool();
  if (columns.damaged() || last.n < 1) return store::Damage(db, "incarnation", last.n);
  return last;
}

}  // namespace

struct HistoryStore::Impl {
  Impl(HistoryStoreOptions options_in, Database db_in)
      : options(std::move(options_in)), db(std::move(db_in)) {}

  Status Load();
  Status DrawIncarnation(const LastOpening& last);
  std::vector<Loss> TakenBy(const LastOpening& last) const;

  Status Check(const HistoryBatch& batch, std::vector<std::uint64_t>& nexts) const;
  Status MakeRoom(const HistoryBatch& batch);
  Result<std::int64_t> UsedPages();
  Result<std::int64_t> IncarnationOf(std::uint64_t inc);
  Status SaveDelivery();
  Status Write(const HistoryBatch& batch, const std::vector<std::uint64_t>& nexts, bool last);
  Status WritePaths(const HistoryBatch& batch);
  Status SaveNexts(const HistoryBatch& batch, const std::vector<std::uint64_t>& nexts);
  Status WriteClean(const HistoryBatch& batch);
  Status Commit(const HistoryBatch& batch, bool last);
  void Count();
  std::int64_t PagesMax() const {
    return (static_cast<std::int64_t>(options.bytes_max) - WalBytes(options)) / kPageBytes;
  }

  AccountLimits Limits() const {
    return {options.ledger_records_max,
            static_cast<std::int64_t>(options.bytes_max / kAggregatesShare / kAggregateBytes)};
  }

  const HistoryStoreOptions options;
  Database db;
  std::vector<PathRecord> paths;
  std::vector<bool> live;            // As it is in the file.
  std::vector<bool> sampled;         // Since the opening.
  std::vector<WallTime> t_max;       // While opening only.
  std::vector<std::uint64_t> saved;  // What the file says of each path's next ordinal.
  std::int64_t incarnation = 0;
  std::int64_t last_batch = 0;
  std::int64_t nexts_at = 0;
  FlashDay flash_day;
  Oldest oldest;
  Delivery delivery;
  std::int64_t carried = 0;
  Withheld withheld;

  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
  std::atomic<std::uint64_t> blocks{0};
  std::atomic<std::uint64_t> file_bytes{0};
  std::atomic<std::uint64_t> lost{0};
};

Status HistoryStore::Impl::Load() {
  Result<StoredPaths> stored = ReadPaths(db);
  if (!stored) return stored.error();
  paths = std::move(stored->paths);
  live = std::move(stored->live);
  sampled.assign(paths.size(), false);
  for (const PathRecord& path : paths) saved.push_back(path.next);
  const Result<std::int64_t> at = ReadMeta(db, kNextsAt);
  if (!at) return at.error();
  nexts_at = *at;
  const Result<std::int64_t> day = ReadMeta(db, kFlashDay);
  if (!day) return day.error();
  const Result<std::int64_t> bytes = ReadMeta(db, kFlashBytes);
  if (!bytes) return bytes.error();
  flash_day = {*day, static_cast<std::uint64_t>(*bytes)};
  const Result<std::int64_t> newest = db.QueryInt(sql::kSelectLastBatch);
  if (!newest) return newest.error();
  // Evictions may have taken the newest ones.
  if (Status read = delivery.Load(db); !read) return read;
  const Result<std::int64_t> last_carried = ReadMeta(db, kCarried);
  if (!last_carried) return last_carried.error();
  carried = *last_carried;
  if (Status read = withheld.Load(db); !read) return read;
  last_batch = std::max({*newest, nexts_at, delivery.newest()});
  return RaiseNexts(db, nexts_at, paths, t_max);
}

// What an opening that ended unclean had in memory, at most.
std::vector<Loss> HistoryStore::Impl::TakenBy(const LastOpening& last) const {
  std::vector<Loss> losses;
  if (last.clean || last.window_samples == 0) return losses;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!live[i]) continue;
    const WallTime from = t_max[i] == WallTime::min() ? last.opened : t_max[i];
    losses.push_back({.path = paths[i].id,
                      .reason = LossReason::kUncleanStop,
                      .exact = false,
                      .inc = last.inc,
                      .first = paths[i].next,
                      .last = paths[i].next + last.window_samples - 1,
                      .count = last.window_samples,
                      .from = std::min(from, options.now),
                      .to = std::max(from, options.now)});
  }
  return losses;
}

Status HistoryStore::Impl::DrawIncarnation(const LastOpening& last) {
  const std::vector<Loss> taken = TakenBy(last);
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (Status done = AddLosses(db, taken, options.ledger_records_max); !done) return done;
  incarnation = last.n + 1;
  Result<Statement> insert = db.Prepare(sql::kInsertIncarnation);
  if (!insert) return insert.error();
  insert->BindInt(1, incarnation).BindUint(2, options.inc);
  insert->BindInt(3, options.now.time_since_epoch().count());
  insert->BindUint(4, options.window_samples_max);
  if (Status done = insert->Run(); !done) return done;
  Result<Statement> prune = db.Prepare(sql::kDeleteIncarnations);
  if (!prune) return prune.error();
  if (Status done = prune->BindInt(1, incarnation).Run(); !done) return done;
  if (Status done = transaction->Commit(); !done) return done;
  for (const Loss& loss : taken) paths[loss.path - 1].next = loss.last + 1;
  Count();
  return {};
}

// That paths, blocks and losses follow what there is without gaps and overlaps. `nexts`: where each
// path then is.
Status HistoryStore::Impl::Check(const HistoryBatch& batch,
                                 std::vector<std::uint64_t>& nexts) const {
  for (const PathRecord& path : paths) nexts.push_back(path.next);
  for (const NewPath& path : batch.paths) {
    if (path.id > kPathIdMax) {
      return Exhausted(db.path() + " has no room for one more path, '" + path.path + "', after " +
                       std::to_string(kPathIdMax));
    }
    if (path.id != nexts.size() + 1) {
      return Invalid("the batch's new path '" + path.path + "' has the id " +
                     std::to_string(path.id) + ", not " + std::to_string(nexts.size() + 1));
    }
    nexts.push_back(0);
  }
  struct Range {
    PathId path;
    std::uint64_t first;
    std::uint64_t end;
  };
  std::vector<Range> ranges;
  for (const BlockRecord& block : batch.blocks) {
    ranges.push_back({block.path, block.first, block.first + block.count});
  }
  if (last_batch >= kBatchMax) {
    return Exhausted(db.path() + " has had as many commits as it has numbers for");
  }
  std::vector<std::size_t> blocks_of(nexts.size() + 1);
  for (const BlockRecord& block : batch.blocks) {
    if (block.path < blocks_of.size() && ++blocks_of[block.path] > kBlocksOfPathMax) {
      return Invalid("the batch has more than " + std::to_string(kBlocksOfPathMax) +
                     " blocks of path " + std::to_string(block.path));
    }
  }
  for (const Loss& loss : batch.losses) ranges.push_back({loss.path, loss.first, loss.last + 1});
  std::ranges::sort(ranges, {},
                    [](const Range& range) { return std::pair(range.path, range.first); });
  for (const Range& range : ranges) {
    if (range.path == 0 || range.path > nexts.size()) {
      return Invalid("the batch has a block of the unknown path " + std::to_string(range.path));
    }
    std::uint64_t& next = nexts[range.path - 1];
    if (range.first != next || range.end <= range.first) {
      return Invalid("the batch goes on with sample " + std::to_string(range.first) + " of path " +
                     std::to_string(range.path) + ", not " + std::to_string(next));
    }
    next = range.end;
  }
  for (const PathId id : batch.live) {
    if (id == 0 || id > nexts.size()) return Invalid("the batch has an unknown live path");
  }
  return {};
}

Result<std::int64_t> HistoryStore::Impl::UsedPages() {
  const Result<std::int64_t> all = db.QueryInt("PRAGMA page_count");
  if (!all) return all;
  const Result<std::int64_t> unused = db.QueryInt("PRAGMA freelist_count");
  if (!unused) return unused;
  return *all - *unused;
}

// Evicts until the batch fits in; SQLite itself then keeps the file from growing past its cap.
Status HistoryStore::Impl::MakeRoom(const HistoryBatch& batch) {
  const FlashMeter::Scope scope(options.meter, WriteCause::kLedger);
  std::int64_t bytes = 24 * kPageBytes;  // Ledger, splits of pages, each priority's last row.
  for (const BlockRecord& block : batch.blocks) bytes += BytesInTable(block);
  const std::int64_t needed = bytes / kPageBytes + 1;
  while (true) {
    const Result<std::int64_t> used = UsedPages();
    if (!used) return used.error();
    if (*used + needed <= PagesMax()) return {};
    const Result<std::int64_t> evicted =
        EvictSome(db, delivery, oldest, LossReason::kBytesMax, Limits());
    if (!evicted) return evicted.error();
    if (*evicted == 0) {
      return Exhausted(db.path() + ": a commit of " + std::to_string(bytes) +
                       " bytes does not fit into bytes_max, " + std::to_string(options.bytes_max));
    }
  }
}

Status HistoryStore::Impl::WritePaths(const HistoryBatch& batch) {
  const Status inserted = store::RunForEach(db, sql::kInsertPath, batch.paths,
                                            [](Statement& insert, const NewPath& path) {
                                              insert.BindInt(1, path.id).BindText(2, path.path);
                                            });
  if (!inserted) return inserted;
  return store::RunForEach(db, sql::kUpdateLive, batch.live, [](Statement& update, PathId id) {
    update.BindInt(1, id).BindInt(2, 1);
  });
}

Status HistoryStore::Impl::SaveNexts(const HistoryBatch& batch,
                                     const std::vector<std::uint64_t>& nexts) {
  Result<Statement> update = db.Prepare(sql::kUpdateNext);
  if (!update) return update.error();
  for (std::size_t i = 0; i < nexts.size(); ++i) {
    if (i < saved.size() && saved[i] == nexts[i]) continue;
    update->BindInt(1, static_cast<std::int64_t>(i) + 1).BindUint(2, nexts[i]);
    if (Status done = update->Run(); !done) return done;
  }
  Result<Statement> meta = db.Prepare(sql::kUpsertMeta);
  if (!meta) return meta.error();
  if (batch.flash) {
    if (Status done = meta->BindText(1, kFlashDay).BindInt(2, batch.flash->day).Run(); !done) {
      return done;
    }
    meta->BindText(1, kFlashBytes).BindUint(2, batch.flash->bytes);
    if (Status done = meta->Run(); !done) return done;
  }
  return meta->BindText(1, kNextsAt).BindInt(2, last_batch + 1).Run();
}

// Only paths that had samples in this opening are expected to have some in the next one.
Status HistoryStore::Impl::WriteClean(const HistoryBatch& batch) {
  for (const BlockRecord& block : batch.blocks) {
    if (block.path <= sampled.size()) sampled[block.path - 1] = true;
  }
  Result<Statement> update = db.Prepare(sql::kUpdateLive);
  if (!update) return update.error();
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (!live[i] || sampled[i]) continue;
    update->BindInt(1, static_cast<std::int64_t>(i) + 1).BindInt(2, 0);
    if (Status done = update->Run(); !done) return done;
  }
  Result<Statement> clean = db.Prepare(sql::kUpdateClean);
  if (!clean) return clean.error();
  return clean->BindInt(1, incarnation).Run();
}

Status HistoryStore::Impl::Write(const HistoryBatch& batch, const std::vector<std::uint64_t>& nexts,
                                 bool last) {
  const FlashMeter::Scope scope(options.meter,
                                batch.blocks.empty() ? WriteCause::kOther : WriteCause::kBlocks);
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (Status done = WritePaths(batch); !done) return done;
  if (!batch.blocks.empty()) {
    const Result<std::int64_t> of = IncarnationOf(batch.inc);
    if (!of) return of.error();
    const Status done = WriteBatch(db, last_batch + 1, *of, batch.blocks);
    if (!done) return done;
  }
  if (Status done = AddLosses(db, batch.losses, options.ledger_records_max); !done) return done;
  if (Status done = AddAggregates(db, batch.aggregates, Limits().aggregates_max); !done) {
    return done;
  }
  const bool save = last || last_batch + 1 - nexts_at >= kCommitsBetweenSaves;
  if (save) {
    if (Status done = SaveNexts(batch, nexts); !done) return done;
  }
  if (last) {
    if (Status done = WriteClean(batch); !done) return done;
  }
  const bool deliveries = delivery.dirty() && (last || commits % kCommitsBetweenDeliveries == 0);
  if (deliveries) {
    if (Status done = delivery.Save(db); !done) return done;
  }
  if (Status done = transaction->Commit(); !done) return done;
  if (deliveries) delivery.Saved();
  if (save) {
    saved = nexts;
    nexts_at = last_batch + 1;
  }
  return {};
}

// The incarnation's number, of a file that blocks were copied from as well.
Result<std::int64_t> HistoryStore::Impl::IncarnationOf(std::uint64_t inc) {
  if (inc == 0 || inc == options.inc) return incarnation;
  Result<Statement> select = db.Prepare(sql::kSelectIncarnationOf);
  if (!select) return select.error();
  const Result<bool> row = select->BindUint(1, inc).Step();
  if (!row) return row.error();
  if (*row) return select->Int(0);
  select->Reset();
  Result<Statement> insert = db.Prepare(sql::kInsertForeignIncarnation);
  if (!insert) return insert.error();
  if (Status done = insert->BindUint(1, inc).Run(); !done) return done.error();
  return db.QueryInt("SELECT min(n) FROM incarnation");
}

Status HistoryStore::Impl::SaveDelivery() {
  const FlashMeter::Scope scope(options.meter, WriteCause::kLedger);
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (Status done = delivery.Save(db); !done) return done;
  if (Status done = transaction->Commit(); !done) return done;
  delivery.Saved();
  return {};
}

Status HistoryStore::Impl::Commit(const HistoryBatch& batch, bool last) {
  std::vector<std::uint64_t> nexts;
  Status done = Check(batch, nexts);
  if (done && db.Moved()) done = NotFound(db.path() + " was moved or deleted while it was open");
  if (done) done = MakeRoom(batch);
  if (done) done = Write(batch, nexts, last);
  Count();
  if (!done) {
    ++failed_commits;
    return done;
  }
  for (const NewPath& path : batch.paths) {
    paths.push_back({path.id, path.path, 0});
    live.push_back(true);
    sampled.push_back(true);
    if (saved.size() < paths.size()) saved.push_back(0);
  }
  for (std::size_t i = 0; i < nexts.size(); ++i) paths[i].next = nexts[i];
  for (const BlockRecord& block : batch.blocks) sampled[block.path - 1] = true;
  for (const PathId id : batch.live) live[id - 1] = sampled[id - 1] = true;
  if (!batch.blocks.empty()) ++last_batch;
  blocks += batch.blocks.size();
  ++commits;
  return {};
}

void HistoryStore::Impl::Count() {
  file_bytes = db.FileBytes();
  const Result<std::int64_t> sum =
      db.QueryInt("SELECT coalesce(sum(count), 0) FROM loss WHERE reason != 6");
  // What can't be read shows wherever it matters.
  if (sum) lost = static_cast<std::uint64_t>(*sum);
}

HistoryStore::HistoryStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HistoryStore::~HistoryStore() = default;

Result<std::unique_ptr<HistoryStore>> HistoryStore::Open(const HistoryStoreOptions& options) {
  EDGETWIN_CHECK(options.inc != 0 && options.bytes_max >= kHistoryBytesMin);
  Result<Database> db = OpenDatabase(options);
  if (!db) return store::Explained(options.path, options.vfs, db.error());
  auto impl = std::make_unique<Impl>(options, std::move(*db));
  const Result<LastOpening> last = ReadLastOpening(impl->db);
  if (!last) return last.error();
  if (Status loaded = impl->Load(); !loaded) {
    return store::Explained(options.path, options.vfs, loaded.error());
  }
  if (Status drawn = impl->DrawIncarnation(*last); !drawn) return drawn.error();
  if (Status set = impl->db.LeaveWalOnClose(false); !set) return set.error();
  const std::string cap = "PRAGMA max_page_count=" + std::to_string(impl->PagesMax());
  if (Status set = impl->db.Exec(cap); !set) return set.error();
  return std::unique_ptr<HistoryStore>(new HistoryStore(std::move(impl)));
}

Result<std::unique_ptr<HistoryStore>> HistoryStore::Inspect(const std::string& path,
                                                            const std::string& vfs) {
  Result<Database> db = OpenUnchanged(path, vfs);
  if (!db) return store::Explained(path, vfs, db.error());
  const Result<SchemaVersion> version = CheckVersion(*db);
  if (!version) return store::Explained(path, vfs, version.error());
  if (version->version == 0) return NotFound(path + " is a database that holds nothing yet");
  const Result<bool> old = HasOldBlocks(*db);
  if (!old) return store::Explained(path, vfs, old.error());
  if (*old) {
    return Unsupported(path +
                       " has blocks of an earlier version, which edgetwind moves when it starts");
  }
  HistoryStoreOptions options;
  options.path = path;
  options.vfs = vfs;
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*db));
  if (Status loaded = impl->Load(); !loaded) return store::Explained(path, vfs, loaded.error());
  return std::unique_ptr<HistoryStore>(new HistoryStore(std::move(impl)));
}

std::uint64_t HistoryStore::inc() const {
  return impl_->options.inc;
}
FlashDay HistoryStore::flash_day() const {
  return impl_->flash_day;
}
const std::vector<PathRecord>& HistoryStore::paths() const {
  return impl_->paths;
}

Status HistoryStore::Commit(const HistoryBatch& batch) {
  if (batch.empty()) return {};
  return impl_->Commit(batch, false);
}

Status HistoryStore::Close(const HistoryBatch& batch) {
  return impl_->Commit(batch, true);
}

Status HistoryStore::ReadBlocks(PathId path, WallTime from, WallTime to,
                                const std::function<bool(const BlockRecord&)>& take) {
  return ReadBlocksOf(impl_->db, path, from, to, take);
}

Status HistoryStore::ReadAggregates(PathId path, WallTime from, WallTime to,
                                    const std::function<void(const Bucket&)>& take) {
  return history::ReadAggregates(impl_->db, path, from, to, take);
}

Result<std::vector<Loss>> HistoryStore::Losses() {
  return ReadLosses(impl_->db);
}

Result<Undelivered> HistoryStore::TakeUndelivered(const DeliveryRequest& request) {
  Delivery& delivery = impl_->delivery;
  if (request.held) {
    delivery.Anew();
    Result<Transaction> transaction = Transaction::Begin(impl_->db);
    if (!transaction) return transaction.error();
    const auto held = [&](PathId id) {
      const auto path = std::ranges::find(*request.held, impl_->paths.at(id - 1).path,
                                          &DeliveryRequest::HeldPath::path);
      return path == request.held->end() ? std::span<const OrdinalInterval>() : path->intervals;
    };
    Status done = SettleDelivered(impl_->db, impl_->options.ledger_records_max, held);
    if (done) done = transaction->Commit();
    if (!done) return done.error();
    impl_->Count();
  }
  if (request.delivered) delivery.Delivered();
  if (request.mark.inc != 0) delivery.SetMark(request.mark);
  if (delivery.SaveIsDue()) {
    if (Status saved = impl_->SaveDelivery(); !saved) return saved.error();
  }
  // A chunk of nothing but what is withheld would look as if there was no more.
  for (int chunks = 0;; ++chunks) {
    Result<Undelivered> taken = delivery.Take(impl_->db, request.order, request.bytes_max);
    if (!taken || impl_->withheld.Erase(impl_->paths, taken->blocks) == 0) return taken;
    if (!taken->blocks.empty() || !taken->losses.empty() || chunks == kPassedOverMax) return taken;
    delivery.Delivered();
  }
}

Result<Walked> HistoryStore::Walk(const WalkRequest& request) const {
  Result<Walked> walked = history::Walk(impl_->db, impl_->delivery, request);
  if (walked) impl_->withheld.Erase(impl_->paths, walked->blocks);
  return walked;
}

std::int64_t HistoryStore::carried() const {
  return impl_->carried;
}

Status HistoryStore::SetCarried(std::int64_t commit) {
  const FlashMeter::Scope scope(impl_->options.meter, WriteCause::kLedger);
  Result<Statement> upsert = impl_->db.Prepare(sql::kUpsertMeta);
  if (!upsert) return upsert.error();
  const Status saved = upsert->BindText(1, kCarried).BindInt(2, commit).Run();
  if (saved) impl_->carried = commit;
  return saved;
}

Status HistoryStore::TakeReceipt(const Receipt& receipt) {
  Delivery& delivery = impl_->delivery;
  if (delivery.mark() == receipt.mark) return {};  // It was taken already.
  if (!(delivery.mark() == receipt.known)) {
    return Conflict("the device has heard of the cloud since that file was made: they know better");
  }
  if (receipt.end.commit <= receipt.since) return {};
  if (Status known = CheckPlace(impl_->db, receipt.end); !known) return known;
  const std::int64_t last = receipt.all_of_end ? receipt.end.commit : receipt.end.commit - 1;
  if (last > receipt.since) delivery.DeliveredAll(receipt.since + 1, last);
  delivery.SetMark(receipt.mark);
  return impl_->SaveDelivery();
}

Status HistoryStore::Withhold(const std::string& path, std::uint64_t before) {
  const FlashMeter::Scope scope(impl_->options.meter, WriteCause::kLedger);
  return impl_->withheld.Set(impl_->db, path, before);
}

const std::map<std::string, std::uint64_t>& HistoryStore::withheld() const {
  return impl_->withheld.all();
}

CloudMark HistoryStore::cloud_mark() const {
  return impl_->delivery.mark();
}

Result<bool> HistoryStore::EvictBefore(WallTime before) {
  const FlashMeter::Scope scope(impl_->options.meter, WriteCause::kLedger);
  const auto evicted = EvictSomeBefore(impl_->db, impl_->delivery, before, impl_->Limits());
  if (!evicted) return evicted.error();
  impl_->Count();
  return *evicted != 0;
}

Result<std::vector<PathAudit>> HistoryStore::Audit() {
  std::vector<PathAudit> audit;
  for (const PathRecord& path : impl_->paths) audit.push_back({.path = path});
  const Status counted = ForEachBlockOfAll(
      impl_->db, [&](PathId id, bool whole, std::uint32_t count, std::size_t bytes) -> Status {
        if (!whole || id == 0 || id > audit.size()) return store::Damage(impl_->db, "block", id);
        PathAudit& path = audit[id - 1];
        path.stored += count;
        path.bytes += bytes;
        ++path.blocks;
        return {};
      });
  if (!counted) return counted.error();
  const Result<std::vector<Loss>> losses = ReadLosses(impl_->db);
  if (!losses) return losses.error();
  for (const Loss& loss : *losses) {
    if (loss.path == 0 || loss.path > audit.size()) {
      return store::Damage(impl_->db, "loss", loss.path);
    }
    PathAudit& path = audit[loss.path - 1];
    const bool delivered = loss.reason == LossReason::kDelivered;
    (delivered ? path.delivered : loss.exact ? path.lost : path.lost_at_most) += loss.count;
  }
  return audit;
}

HistoryStoreStats HistoryStore::stats() const {
  return {.commits = impl_->commits,
          .failed_commits = impl_->failed_commits,
          .blocks = impl_->blocks,
          .file_bytes = impl_->file_bytes,
          .lost = impl_->lost};
}

}  // namespace edgetwin::history
