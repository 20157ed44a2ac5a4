// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Every sample of the last weeks on flash: history.db. Apart from twin.db in all: file,
// incarnation, byte cap and faults, so that a full history never fails a twin's commit.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/history/store/delivery.h"
#include "twin/history/store/walk.h"
#include "twin/store/flash_meter.h"

namespace edgetwin::history {

// The least that bytes_max may be: the WAL's share, and room to move in.
inline constexpr std::uint64_t kHistoryBytesMin = 1 << 20;

struct HistoryStoreOptions {
  std::string path;       // The database file; its folder must exist.
  std::uint64_t inc = 0;  // This opening's random incarnation; not 0.
  WallTime now{};         // Of the opening.
  // How many samples of one path are at most in memory, not committed: kept for the next opening,
  // which counts that many as lost when this one doesn't end with Close.
  std::uint64_t window_samples_max = 4'096;
  std::uint64_t bytes_max = 256 << 20;  // Of database and WAL together.
  std::size_t ledger_records_max = 4'096;
  std::string vfs = {};  // SQLite's file layer by name; empty: the default.
  store::FlashMeter* meter =
      nullptr;  // Counts what is written, over `vfs`; must outlive the store.
};

// Readable from any thread.
struct HistoryStoreStats {
  std::uint64_t commits = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t blocks = 0;      // Committed since the opening.
  std::uint64_t file_bytes = 0;  // Database and WAL.
  std::uint64_t lost = 0;        // Samples, by the ledger: at most so many.
};

// What the one that delivers asks for, in this order: `held`, `delivered`, `mark`, the next blocks.
struct DeliveryRequest {
  // Nothing counts as delivered any more; the cloud has these, and of what was evicted because it
  // had more, it has lost the rest.
  struct HeldPath {
    std::string path;
    std::vector<OrdinalInterval> intervals;  // Ascending.
  };
  std::optional<std::vector<HeldPath>> held = {};
  bool delivered = false;  // What was taken last is with the cloud.
  CloudMark mark = {};     // To be remembered with it; inc 0: no news.
  DeliveryOrder order = DeliveryOrder::kNewest;
  std::size_t bytes_max = 0;
};

// The cloud has what commits after `since` hold, up to `end`, from a file that carried it.
struct Receipt {
  std::int64_t since = 0;
  WalkPlace end = {};
  bool all_of_end = false;  // Everything of its last commit, too.
  CloudMark known = {};     // As it was when the file was made.
  CloudMark mark = {};      // That the cloud gives for all of it.
};

// Of one path: stored + delivered + lost + lost_at_most is next, or samples are gone that nobody
// accounts for.
struct PathAudit {
  PathRecord path;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t stored = 0;        // Samples.
  std::uint64_t delivered = 0;     // To the cloud, and evicted since.
  std::uint64_t lost = 0;          // By exact records.
  std::uint64_t lost_at_most = 0;  // By upper bounds.

  bool AddsUp() const { return stored + delivered + lost + lost_at_most == path.next; }
};

// Synchronous, for one thread at a time; one exclusive connection (WAL, synchronous=FULL).
class HistoryStore {
 public:
  // Opens or creates the file and draws the incarnation. When the opening before did not end with
  // Close, what it may have had in memory is in the ledger before this returns: for each path that
  // had samples, window_samples_max ordinals that will not be used again, as an upper bound.
  //
  // Errors as of TwinStore::Open; the file is untouched then. Reads no block but those of the last
  // commits: what else is damaged shows when it is read.
  static Result<std::unique_ptr<HistoryStore>> Open(const HistoryStoreOptions& options);

  // For looking at it while nobody has it open: changes nothing, and Commit, Close and evictions
  // fail. What an unclean stop took is not in the ledger yet. kNotFound when there is none.
  static Result<std::unique_ptr<HistoryStore>> Inspect(const std::string& path,
                                                       const std::string& vfs = {});

  // Without Close: as if the process had died.
  ~HistoryStore();

  std::uint64_t inc() const;
  // By id, which is dense from 1.
  const std::vector<PathRecord>& paths() const;

  // As it was kept before this opening.
  FlashDay flash_day() const;

  // Makes the batch durable; on failure nothing of it is, as of TwinStore::Commit. A path's blocks
  // and exact losses follow its `next` without a gap or an overlap, in any order; kInvalid
  // otherwise.
  // kNotFound: the file was moved or deleted while it was open; nothing can be stored there.
  Status Commit(const HistoryBatch& batch);

  // The last commit: nothing is in memory any more. To be destroyed next.
  Status Close(const HistoryBatch& batch);

  // Hands over every block of the path that may have samples in [from, to], in the order of
  // ordinals, until `take` says false.
  Status ReadBlocks(PathId path, WallTime from, WallTime to,
                    const std::function<bool(const BlockRecord&)>& take);

  // What evictions left: of each hour that begins in [from, to], ascending. Its samples are those
  // that aren't in blocks any more.
  Status ReadAggregates(PathId path, WallTime from, WallTime to,
                        const std::function<void(const Bucket&)>& take);

  // By path and first ordinal; with what was evicted because the cloud has it.
  Result<std::vector<Loss>> Losses();

  // The blocks that go to the cloud next. What is given is not evicted before the next call. That
  // something is delivered becomes durable with a later commit: a crash takes it back, and it is
  // given again. kCorrupt when a block isn't whole.
  Result<Undelivered> TakeUndelivered(const DeliveryRequest& request);
  // As last remembered; inc 0: none.
  CloudMark cloud_mark() const;

  // What the cloud doesn't have, without what is withheld; changes nothing. Errors as of
  // history::Walk.
  Result<Walked> Walk(const WalkRequest& request) const;
  // Which commit was the last one that was carried away in a file; 0: none. Durable when
  // SetCarried returns.
  std::int64_t carried() const;
  Status SetCarried(std::int64_t commit);
  // Takes it for delivered, durably. kConflict, and nothing is changed, when the cloud was heard
  // since the file was made, and so knows better, or when it is about another history.
  Status TakeReceipt(const Receipt& receipt);

  // Samples of the path with ordinals below `before` never leave, durably: TakeUndelivered passes
  // over blocks that begin there as if they were delivered. By path, since it may have no id yet.
  Status Withhold(const std::string& path, std::uint64_t before);
  const std::map<std::string, std::uint64_t>& withheld() const;

  // Evicts, some at a time, what was sampled before `before`; whether there may be more. By whole
  // commits: what was sampled later in the same one keeps it a little longer.
  Result<bool> EvictBefore(WallTime before);

  // By id. Reads the whole file: kCorrupt, too, for a block whose checksum is wrong.
  Result<std::vector<PathAudit>> Audit();

  HistoryStoreStats stats() const;

 private:
  struct Impl;
  explicit HistoryStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::history
