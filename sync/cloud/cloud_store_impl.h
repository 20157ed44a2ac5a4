// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What CloudStore is made of, for its own files only.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sync/cloud/cloud_store.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {

struct CloudStore::Impl {
  using Database = store::Database;
  using Statement = store::Statement;

  // What is kept in memory of every twin.
  struct Twin {
    std::int64_t id = 0;
    std::uint64_t head = 0;
    std::uint64_t first_seq = 1;  // Of this opening.
  };

  // What a commit did, for the statistics.
  struct Written {
    std::uint64_t events = 0;
    std::uint64_t events_dropped = 0;
  };

  struct Opening {
    std::int64_t n = 0;
    std::uint64_t inc = 0;
  };

  // Every statement, prepared once.
  struct Statements {
    Statement insert_twin, select_twins, select_twin, update_twin;
    Statement update_epoch, update_setback, update_admission, update_interest;
    Statement upsert_lineage, select_lineage;
    Statement delete_device_lineage, insert_device_lineage, select_device_lineage;
    Statement upsert_cursor, select_cursors;
    Statement upsert_setback_mark, select_setback_marks;
    Statement upsert_property, select_properties, clear_pids;
    Statement delete_dictionary, insert_dictionary, select_dictionary;
    Statement upsert_row, delete_row, select_rows;
    Statement insert_event, trim_events, select_events, select_event_place;
    Statement upsert_command, delete_command, select_commands;
    Statement delete_interest, insert_interest, select_interest;
    Statement delete_superseded, insert_superseded, select_superseded;
    Statement upsert_claim, select_claim;
  };

  explicit Impl(Database database) : db(std::move(database)) {}

  // cloud_store.cc
  Status Prepare();
  Status BeginOpening(const CloudStoreOptions& options);
  Status LoadTwins();
  // cloud_store_write.cc. They belong into a transaction.
  Result<Twin> Register(const TwinCommit& commit);
  Status Write(Twin& twin, const TwinCommit& commit, Written& written);
  Status WriteProperties(std::int64_t twin, const model::Batch& batch);
  Status WriteRows(Twin& twin, const model::Batch& batch);
  Status WriteCommands(Twin& twin, const model::Batch& batch);
  Status WriteEvents(std::int64_t twin, const model::Batch& batch, Written& written);
  Status WritePeer(std::int64_t twin, const model::Batch& batch);
  Status WriteDeviceLineage(std::int64_t twin, const model::Lineage& lineage);
  Status WriteInterest(std::int64_t twin, const model::Interest& interest);
  Status WriteStanding(std::int64_t twin, const model::Batch& batch);
  Status WriteAll(std::span<const TwinCommit> commits,
                  std::unordered_map<std::string, Twin>& changed, Written& written);
  // cloud_store_read.cc
  Result<model::Lineage> ReadLineage(const Twin& twin);
  Status ReadProperties(std::int64_t twin, model::Stored& stored);
  Status ReadDictionary(std::int64_t twin, model::Stored& stored);
  Status ReadRows(std::int64_t twin, model::Stored& stored);
  Status ReadCommands(std::int64_t twin, model::Stored& stored);
  Status ReadPeer(std::int64_t twin, model::Stored& stored);
  Status ReadStanding(std::int64_t twin, model::Stored& stored);
  Result<std::int64_t> PlaceOf(std::int64_t twin, model::Dot event);

  Database db;  // Before the statements: it must outlive them.
  std::optional<Statements> statements;
  std::uint64_t twins_max = 0;
  std::uint64_t events_per_twin_max = 0;
  std::vector<Opening> openings;  // The newest kLineageMax, ascending; the last one is ours.
  std::unordered_map<std::string, Twin> twins;
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> failed_commits{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> twins_count{0};
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> events_dropped{0};
};

}  // namespace edgetwin::cloud
