// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud's twins of all devices on disk: cloud.db.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/result.h"
#include "twin/model/batch.h"

namespace edgetwin::cloud {

struct CloudStoreOptions {
  std::string path;       // The database file; its folder must exist.
  std::uint64_t inc = 0;  // This opening's random incarnation; not 0.
  WallTime opened{};
  std::uint64_t twins_max = 100'000;
  std::uint64_t events_per_twin_max = 10'000;  // The oldest go when one more comes.
  std::string vfs = {};  // SQLite's file layer by name, for simulations; empty: the default.
};

// One twin's part of a commit. A device that the store doesn't know is registered.
struct TwinCommit {
  std::string device;
  WallTime seen{};  // When the device was last heard; the store keeps the latest.
  model::Batch batch;
};

// What the list of twins shows.
struct TwinSummary {
  std::string device;
  WallTime registered{};
  WallTime seen{};
  std::uint64_t state = 0;  // Watermarks of the device's streams.
  std::uint64_t control = 0;
  std::uint64_t head = 0;  // Our last seq.
  std::uint64_t epoch = 0;
  std::uint64_t properties = 0;
  model::Admission admission = model::Admission::kNormal;
  model::Claim claim;  // The last one that was refused.
};

struct CloudStoreStats {
  std::uint64_t commits = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t rows = 0;  // Written since the opening.
  std::uint64_t twins = 0;
  std::uint64_t events = 0;          // New ones since the opening.
  std::uint64_t events_dropped = 0;  // Since the opening, past events_per_twin_max.
};

// Synchronous, for one thread at a time. One exclusive connection (WAL, synchronous=FULL): a second
// opener gets kConflict.
//
// The cloud commits before it sends, so unlike a device's store this one reserves no seqs: in a
// twin's lineage the limit of an incarnation is the last seq that was committed under it, be it of
// a desired row or a command. Every opening is an incarnation of every twin; one that gave a twin
// no seq stands in its lineage with limit = first_seq - 1.
class CloudStore {
 public:
  // Opens or creates the file and makes this opening durable.
  //
  // kUnsupported: written by a newer release; untouched. kCorrupt: not a database, or failing its
  // checks; untouched. kInvalid: another application's database. kConflict: somebody has it open.
  // kPermission, kExhausted (disk full), kUnavailable (I/O error).
  static Result<std::unique_ptr<CloudStore>> Open(const CloudStoreOptions& options);
  ~CloudStore();

  // By device, ascending.
  Result<std::vector<TwinSummary>> ListTwins();

  // The twin as stored, without its events; its lineage ends with this opening. A device that was
  // never committed has an empty one.
  Result<model::Stored> LoadTwin(std::string_view device);

  // The device's events, the newest first, at most `count`: those that arrived before the one
  // `before`, or from the newest when its seq is 0. Its inc may be 0, for the last one of that seq.
  // Nothing when that one isn't here (any more), or the device isn't known. Their property ids are
  // those of LoadTwin.
  Result<std::vector<model::Event>> ListEvents(std::string_view device, model::Dot before,
                                               std::size_t count);

  // Makes all of it durable in one transaction, or none of it: then the store stays usable.
  // kExhausted (disk full, twins_max), kUnavailable (I/O error), kCorrupt. A row whose dot is
  // (0, 0) is removed. An event that is there already, by its dot, is ignored. What only a device
  // has means nothing here: `seq_limit`, `state_durable`, `events_acked`, `events_floor`, `alarms`,
  // `holds`, `scope_held` and `checkpoint`.
  Status Commit(std::span<const TwinCommit> commits);

  CloudStoreStats stats() const;

 private:
  struct Impl;
  explicit CloudStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::cloud
