// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's partial twin on flash: twin.db.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/store/flash_meter.h"

namespace edgetwin::store {

struct TwinStoreOptions {
  std::string path;                     // The database file; its folder must exist.
  std::uint64_t inc = 0;                // This opening's random incarnation; not 0.
  std::uint64_t seq_reserve = 1 << 20;  // How many seqs the opening reserves.
  std::size_t tail_records_max =
      1'000;  // A commit past either of these folds the tail into the rows.
  std::size_t tail_bytes_max = 256 << 10;
  std::string vfs =
      {};  // SQLite's file layer by name, for simulations that lose writes; empty: the default.
  FlashMeter* meter = nullptr;  // Counts what is written, over `vfs`. Must outlive the store.
  // Whose store it is: kept with it, so that it isn't restored on another device. Empty: what it
  // says of that stays.
  std::string device = {};
};

// What it costs and how it fares. Readable from any thread.
struct TwinStoreStats {
  std::uint64_t commits = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t tail_records = 0;
  std::uint64_t file_bytes = 0;  // Database and WAL.
};

// Synchronous, for one thread at a time. One exclusive connection (WAL, synchronous=FULL): a second
// opener gets kConflict with the holder's pid if it can be told. Every SQLite return code is looked
// at.
class TwinStore {
 public:
  // Opens or creates the file; then draws the incarnation: (inc, first_seq = highest limit, or
  // seq_floor, so far + 1, limit = first_seq + seq_reserve - 1) is durable before this returns, and
  // in the same transaction `kept` of the one before it: the highest seq of a status or override
  // row or an event that was ever committed, and at least events_acked and seq_floor. The lineage
  // is cut to the newest kLineageMax entries, entries that reserved but never used a seq first.
  //
  // kInvalid: a database of another application.
  // kUnsupported: the store was written by a newer release whose min_reader is above ours;
  // untouched. kCorrupt: not a database, truncated, or failing its checks; untouched (see
  // Quarantine). kConflict: somebody has it open. kPermission, kExhausted (disk full), kUnavailable
  // (I/O error).
  static Result<std::unique_ptr<TwinStore>> Open(const TwinStoreOptions& options);

  // For inspection while the daemon is down: writes nothing, draws no incarnation, same lock and
  // same errors. `vfs` as in TwinStoreOptions.
  static Result<model::Stored> Inspect(const std::string& path, const std::string& vfs = {});

  // Moves a store that can't be opened (with its -wal and -shm) aside, to "PATH.corrupt-1", "-2",
  // …; at most `kept_max` such names, past that kExhausted. Returns the new name. Never deletes.
  static constexpr int kKeptMax = 9;
  static Result<std::string> Quarantine(const std::string& path, int kept_max = kKeptMax);

  // Puts a copy that BackupTo made (or the files of a stopped store, -wal beside them) in the place
  // of the store `path`, which is moved aside to "PATH.before-restore-1", "-2", …, at most kKeptMax
  // such names, and never deleted. Returns that name, or nothing when there was no store. Whenever
  // the power goes, `path` is the old store or the restored one; only an old one that can't be
  // opened is moved file by file. The new file has mode 0600 and the owner of the old one, or of
  // the folder.
  //
  // The restored store is an older image of itself: the next Open draws a new incarnation, and the
  // protocol finds out what it lacks.
  //
  // Errors about `backup` as of Inspect; kCorrupt also when integrity_check fails. kConflict:
  // somebody has either store open. kExhausted (names, disk full), kPermission, kUnavailable. After
  // an error the store at `path` is as it was; only one that can't be opened may be moved aside.
  static Result<std::string> RestoreFrom(const std::string& backup, const std::string& path);

  // The store as Image gives it, of one that nobody has open; errors as of Inspect.
  static Result<std::string> ImageOf(const std::string& path);

  // Whether the store was last opened for `device`, or doesn't say for whom. Errors as of Inspect.
  static Result<bool> IsOf(const std::string& path, const std::string& device);

  // Makes room for a new store at `path`: the old one is moved to "PATH.before-reset-1", "-2", …,
  // at most kKeptMax such names, which is returned; or it is gone for good. Any store, also one
  // that can't be opened. kNotFound: there is none. kConflict: somebody has it open. kExhausted
  // (names), kPermission, kUnavailable.
  static Result<std::string> PutAside(const std::string& path);
  static Status Remove(const std::string& path);

  ~TwinStore();

  // What was in the store, tail replayed. Moves it out; call once.
  model::Stored TakeStored();

  // Makes the batch durable. Small batches append one compact tail record (rows, counters, events,
  // commands, alarms and holds, a few bytes a value) and are folded into the tables at a
  // checkpoint. On failure nothing of it is durable and the store stays usable: kExhausted (disk
  // full), kUnavailable (I/O error, read-only), kCorrupt; kInvalid for a batch that would leave the
  // store unreadable (property ids or pids with gaps, anything of unknown properties). Only after
  // an I/O error in the last sync it may still come back if the process dies before the next
  // commit: commit it again.
  //
  // seq_limit is taken as given, lower or higher, but never below the seq of a row or event of this
  // incarnation. A row whose dot is (0, 0) is removed. What only a cloud knows (superseded,
  // admission, claim) is not kept.
  Status Commit(const model::Batch& batch);

  // A consistent copy of everything committed, synced, into a new file of mode 0600. kConflict when
  // there is a file of that name. On failure nothing is left there: kExhausted (disk full),
  // kPermission, kUnavailable, kCorrupt. Reads and writes the whole store meanwhile.
  Status BackupTo(const std::string& path);

  // The same as the bytes of a database file, without writing anything: it takes as much memory
  // as the store twice. kExhausted: there isn't as much. Also kUnavailable, kCorrupt.
  Result<std::string> Image();

  TwinStoreStats stats() const;

 private:
  struct Impl;
  explicit TwinStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::store
