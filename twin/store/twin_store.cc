// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/twin_store.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "twin/base/check.h"
#include "twin/base/guard.h"
#include "twin/store/backup.h"
#include "twin/store/inspect.h"
#include "twin/store/schema.h"
#include "twin/store/sqlite_db.h"
#include "twin/store/store_files.h"
#include "twin/store/tables.h"
#include "twin/store/tail_codec.h"
#include "twin/store/vfs_file.h"

namespace edgetwin::store {
namespace {

// A WAL commit writes whole pages, and one changed value touches one page. Measured on ext4 with
// one double a commit, folds and checkpoints included (WAL of 1 MiB): 1,289 bytes at VFS level and
// 5,390 in the kernel, against 4,437 and 8,540 with pages of 4,096; with 1,000 doubles a
// commit 13.8 and 18.3 bytes a value against 27.4 and 31.5.
constexpr char kBeforeFirstRead[] = "PRAGMA page_size=1024;";

// FULL: every commit is synced. The WAL is copied back at 2 MiB, so that a page changed often is
// written to the database once for many commits; it then is used again from its start, without
// growing (a sync of a file that doesn't grow needs no journal commit of the file system), and one
// huge commit leaves at most 4 MiB behind. secure_delete, on in Debian, would overwrite what a fold
// frees with zeros: flash wear for nothing.
constexpr char kConfigure[] =
    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2048; PRAGMA journal_size_limit=4194304;"
    "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-256;";

// Long enough for an Inspect to finish its copy, short enough to be told at once that another
// daemon runs.
constexpr std::chrono::milliseconds kBusyWait{250};

Status Configure(Database& db) {
  const Result<std::string> mode = db.QueryText("PRAGMA journal_mode=WAL");
  if (!mode) return mode.error();
  if (*mode != "wal")
    return Unsupported(db.path() + ": its journal mode stays " + *mode + ", not wal");
  return db.Exec(kConfigure);
}

Result<Database> OpenDatabase(const TwinStoreOptions& options) {
  if (Status sound = CheckFiles(options.path, options.vfs); !sound) return sound.error();
  const bool had_wal = VfsFile::HasBytes(options.path, VfsFile::Part::kWal, options.vfs);
  Result<Database> db =
      Database::Open({.path = options.path,
                      .exclusive = true,
                      .busy_wait = kBusyWait,
                      .vfs = options.meter == nullptr ? options.vfs : options.meter->vfs()});
  if (!db) return db;
  // Until it is known to be ours, sound and opened, not even closing may change it.
  if (Status set = db->LeaveWalOnClose(had_wal); !set) return set.error();
  if (Status set = db->Exec(kBeforeFirstRead); !set) return set.error();
  const Result<SchemaVersion> version = CheckContent(*db);
  if (!version) return version.error();
  if (Status set = Configure(*db); !set) return set.error();
  const Status migrated = Migrate(*db, kTwinApplicationId, TwinMigrations(), *version);
  if (!migrated) return migrated.error();
  return db;
}

// The newest kLineageMax entries. Those whose every seq was given back go first: no row and no peer
// can know of them more than their inc. The current one, the last, always stays.
void Prune(model::Lineage& lineage) {
  for (auto entry = lineage.begin();
       lineage.size() > model::kLineageMax && entry + 1 != lineage.end();) {
    entry = entry->limit < entry->first_seq ? lineage.erase(entry) : entry + 1;
  }
  if (lineage.size() <= model::kLineageMax) return;
  lineage.erase(lineage.begin(), lineage.end() - model::kLineageMax);
}

// Of what the store's own incarnations used or reserved, those that it was set back behind
// included.
std::uint64_t HighestSeq(const model::Stored& stored) {
  std::uint64_t highest = stored.seq_floor;
  for (const model::Incarnation& entry : stored.lineage) highest = std::max(highest, entry.limit);
  return highest;
}

// How many numbers from 0 are known after adding `added` to the `known` first ones; nothing when
// that leaves a gap.
std::optional<std::size_t> Extend(std::size_t known, std::vector<std::uint32_t> added) {
  std::ranges::sort(added);
  for (const std::uint32_t number : added) {
    if (number > known) return {};
    if (number == known) ++known;
  }
  return known;
}

// That all of the batch is of the `properties` that there will be.
Status CheckProperties(const model::Batch& batch, std::size_t properties) {
  const auto check = [properties](const auto& entries, const char* what) -> Status {
    for (const auto& entry : entries) {
      if (model::Index(entry.id) < properties) continue;
      return Invalid(std::string("the batch has ") + what + " of the unknown property " +
                     std::to_string(model::Index(entry.id)));
    }
    return {};
  };
  for (const model::Event& event : batch.events) {
    if (event.id == model::kNoProperty) continue;
    if (Status known = check(std::span(&event, 1), "an event"); !known) return known;
  }
  if (Status known = check(batch.rows, "a row"); !known) return known;
  if (Status known = check(batch.alarms, "an alarm"); !known) return known;
  return check(batch.holds, "a hold");
}

}  // namespace

struct TwinStore::Impl {
  Impl(TwinStoreOptions options_in, Database db_in)
      : options(std::move(options_in)), db(std::move(db_in)) {}

  Status Load();
  Status DrawIncarnation();

  Status Check(const model::Batch& batch) const;
  Status Write(const model::Batch& batch);
  Status WriteTables(const model::Batch& batch);
  Status Fold(const model::Batch& batch);
  void Remember(const model::Batch& batch);
  std::uint64_t HighestOwnSeq(const model::Batch& batch) const;
  void CountBytes();

  const TwinStoreOptions options;
  Database db;
  model::Stored stored;
  Tail tail;  // Its `folded` is emptied after the opening.

  std::vector<std::int8_t> decimals;  // Of each property, kUnknownDecimals for none.
  std::size_t dictionary_entries = 0;
  std::uint64_t limit = 0;            // The durable one.
  std::uint64_t highest_own_seq = 0;  // Of this incarnation's rows and events.
  std::uint64_t promised = 0;         // The highest Promised of every commit there was.

  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
  std::atomic<std::uint64_t> checkpoints{0};
  std::atomic<std::uint64_t> tail_records{0};
  std::atomic<std::uint64_t> file_bytes{0};
};

Status TwinStore::Impl::Load() {
  Result<Tail> read_tail = ReadTail(db);
  if (!read_tail) return read_tail.error();
  tail = std::move(*read_tail);
  Result<model::Stored> read = ReadStored(db, tail);
  if (!read) return read.error();
  stored = std::move(*read);
  for (const model::PropertyRecord& record : stored.properties) {
    decimals.push_back(static_cast<std::int8_t>(record.def.decimals.value_or(kUnknownDecimals)));
  }
  dictionary_entries = stored.dictionary.size();
  const Result<std::uint64_t> folded = ReadPromised(db);
  if (!folded) return folded.error();
  promised = std::max(*folded, tail.promised);
  return {};
}

Status TwinStore::Impl::DrawIncarnation() {
  const std::uint64_t highest = HighestSeq(stored);
  if (highest > std::numeric_limits<std::uint64_t>::max() - options.seq_reserve) {
    return Exhausted(options.path + ": no seqs are left above " + std::to_string(highest));
  }
  if (!stored.lineage.empty()) {
    // Events that were acknowledged and forgotten were here, too.
    stored.lineage.back().kept = std::max({promised, stored.events_acked, stored.seq_floor});
  }
  if (On(Guard::kIncDraw) || stored.lineage.empty()) {
    stored.lineage.push_back({options.inc, highest + 1, highest + options.seq_reserve});
  } else {
    stored.lineage.back().limit = highest + options.seq_reserve;
  }
  Prune(stored.lineage);
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (tail.records != 0) {
    if (Status done = WriteFolded(db, tail.folded); !done) return done;
    if (Status done = WritePromised(db, promised); !done) return done;
    if (Status done = ClearTail(db); !done) return done;
  }
  if (Status done = WriteLineage(db, Owner::kSelf, stored.lineage); !done) return done;
  if (!options.device.empty()) {
    if (Status done = WriteDeviceMark(db, DeviceMark(options.device)); !done) return done;
  }
  if (Status done = transaction->Commit(); !done) return done;
  tail = {};
  limit = stored.lineage.back().limit;
  CountBytes();
  return {};
}

Status TwinStore::Impl::Check(const model::Batch& batch) const {
  std::vector<std::uint32_t> added;
  for (const model::PropertyRecord& record : batch.properties) {
    added.push_back(model::Index(record.id));
    const int digits = record.def.decimals.value_or(0);
    if (digits < 0 || digits > model::kDecimalsMax) {
      return Invalid("property " + record.def.path.text() + " has " + std::to_string(digits) +
                     " decimals");
    }
  }
  const std::optional<std::size_t> properties = Extend(decimals.size(), added);
  if (!properties) return Invalid("the batch's new properties leave a gap in the ids");
  added.clear();
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    added.push_back(entry.pid - 1);
    if (entry.withdraws >= entry.pid) {
      return Invalid("pid " + std::to_string(entry.pid) + " withdraws " +
                     std::to_string(entry.withdraws) + ", which doesn't stand before it");
    }
    if (model::Index(entry.id) < *properties) continue;
    return Invalid("pid " + std::to_string(entry.pid) + " is of the unknown property " +
                   std::to_string(model::Index(entry.id)));
  }
  if (!Extend(batch.dictionary_reset ? 0 : dictionary_entries, added)) {
    return Invalid("the batch's new dictionary entries leave a gap in the pids");
  }
  return CheckProperties(batch, *properties);
}

std::uint64_t TwinStore::Impl::HighestOwnSeq(const model::Batch& batch) const {
  std::uint64_t highest = highest_own_seq;
  for (const model::RowChange& change : batch.rows) {
    if (change.row.dot.inc == options.inc) highest = std::max(highest, change.row.dot.seq);
  }
  for (const model::Event& event : batch.events) {
    if (event.dot.inc == options.inc) highest = std::max(highest, event.dot.seq);
  }
  return highest;
}

Status TwinStore::Impl::WriteTables(const model::Batch& batch) {
  if (batch.dictionary_reset) {
    if (Status done = ResetDictionary(db); !done) return done;
  }
  if (!batch.properties.empty()) {
    if (Status done = WriteProperties(db, batch.properties); !done) return done;
  }
  if (!batch.dictionary.empty()) {
    if (Status done = WriteDictionary(db, batch.dictionary); !done) return done;
  }
  if (batch.epoch) {
    if (Status done = WriteEpoch(db, *batch.epoch); !done) return done;
  }
  if (batch.interest) {
    if (Status done = WriteInterest(db, *batch.interest); !done) return done;
  }
  if (batch.scope_held) {
    if (Status done = WriteScopeHeld(db, *batch.scope_held); !done) return done;
  }
  if (batch.peer_lineage) return WriteLineage(db, Owner::kPeer, *batch.peer_lineage);
  return {};
}

// The tail and, above it, the batch, into the tables.
Status TwinStore::Impl::Fold(const model::Batch& batch) {
  if (tail.records != 0) {
    const Result<Tail> older = ReadTail(db);
    if (!older) return older.error();
    if (Status done = WriteFolded(db, older->folded); !done) return done;
    if (Status done = ClearTail(db); !done) return done;
  }
  if (Status done = WriteFolded(db, batch); !done) return done;
  return WritePromised(db, std::max(promised, Promised(batch)));
}

Status TwinStore::Impl::Write(const model::Batch& batch) {
  const bool holds_tail = HoldsTail(batch);
  const std::string record = holds_tail ? EncodeTail(batch, decimals) : std::string();
  const bool fold = batch.checkpoint || tail.records + 1 > options.tail_records_max ||
                    tail.bytes + record.size() > options.tail_bytes_max;
  const FlashMeter::Scope scope(options.meter,
                                fold ? WriteCause::kCheckpoint : WriteCause::kCommit);
  Result<Transaction> transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  if (Status done = WriteTables(batch); !done) return done;
  Tail next = tail;
  if (fold) {
    if (Status done = Fold(batch); !done) return done;
    next = {};
  } else if (holds_tail) {
    if (Status done = AppendTail(db, ++next.last_n, record); !done) return done;
    ++next.records;
    next.bytes += record.size();
  }
  if (Status done = transaction->Commit(); !done) return done;
  tail = next;
  if (fold) ++checkpoints;
  return {};
}

// What later commits are checked and encoded by. Only of batches that are durable.
void TwinStore::Impl::Remember(const model::Batch& batch) {
  for (const model::PropertyRecord& record : batch.properties) {
    const std::size_t index = model::Index(record.id);
    if (index >= decimals.size()) decimals.resize(index + 1, kUnknownDecimals);
    decimals[index] = static_cast<std::int8_t>(record.def.decimals.value_or(kUnknownDecimals));
  }
  if (batch.dictionary_reset) dictionary_entries = 0;
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    dictionary_entries = std::max<std::size_t>(dictionary_entries, entry.pid);
  }
  highest_own_seq = HighestOwnSeq(batch);
  promised = std::max(promised, Promised(batch));
  limit = batch.seq_limit.value_or(limit);
}

void TwinStore::Impl::CountBytes() {
  tail_records = tail.records;
  file_bytes = db.FileBytes();
}

TwinStore::TwinStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TwinStore::~TwinStore() = default;

Result<std::unique_ptr<TwinStore>> TwinStore::Open(const TwinStoreOptions& options) {
  EDGETWIN_CHECK(options.inc != 0 && options.seq_reserve != 0);
  Result<Database> db = OpenDatabase(options);
  if (!db) return Explained(options.path, options.vfs, db.error());
  auto impl = std::make_unique<Impl>(options, std::move(*db));
  if (Status loaded = impl->Load(); !loaded) return loaded.error();
  if (Status drawn = impl->DrawIncarnation(); !drawn) return drawn.error();
  if (Status set = impl->db.LeaveWalOnClose(false); !set) return set.error();
  return std::unique_ptr<TwinStore>(new TwinStore(std::move(impl)));
}

model::Stored TwinStore::TakeStored() {
  return std::exchange(impl_->stored, {});
}

Status TwinStore::Commit(const model::Batch& batch) {
  if (batch.empty()) return {};
  Status done = impl_->Check(batch);
  if (done) {
    // No row may lie above the limit: the next opening starts there, and would use its seq again.
    const std::uint64_t floor = impl_->HighestOwnSeq(batch);
    if (batch.seq_limit.value_or(impl_->limit) < floor) {
      model::Batch raised = batch;
      raised.seq_limit = floor;
      return Commit(raised);
    }
    done = impl_->Write(batch);
  }
  if (!done) {
    ++impl_->failed_commits;
    return done;
  }
  impl_->Remember(batch);
  ++impl_->commits;
  impl_->CountBytes();
  return {};
}

Status TwinStore::BackupTo(const std::string& path) {
  const FlashMeter::Scope scope(impl_->options.meter, WriteCause::kBackup);
  return BackUp(impl_->db, path, impl_->options.vfs);
}

Result<std::string> TwinStore::Image() {
  return CopyOut(impl_->db);
}

TwinStoreStats TwinStore::stats() const {
  return {.commits = impl_->commits,
          .failed_commits = impl_->failed_commits,
          .checkpoints = impl_->checkpoints,
          .tail_records = impl_->tail_records,
          .file_bytes = impl_->file_bytes};
}

}  // namespace edgetwin::store
