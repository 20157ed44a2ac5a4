// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "cloud_store_sql.h"
#include "sync/cloud/cloud_store_impl.h"
#include "sync/cloud/columns.h"

namespace edgetwin::cloud {

using store::Statement;
using store::Transaction;

Result<CloudStore::Impl::Twin> CloudStore::Impl::Register(const TwinCommit& commit) {
  Statement& insert = statements->insert_twin;
  insert.BindText(1, commit.device).BindInt(2, commit.seen.time_since_epoch().count());
  const Result<bool> row = insert.Step();
  if (!row) return row.error();
  Twin twin;
  twin.id = insert.Int(0);
  insert.Reset();
  return twin;
}

Status CloudStore::Impl::WriteProperties(std::int64_t twin, const model::Batch& batch) {
  if (batch.dictionary_reset) {
    if (Status done = statements->delete_dictionary.BindInt(1, twin).Run(); !done) return done;
    if (Status done = statements->clear_pids.BindInt(1, twin).Run(); !done) return done;
  }
  for (const model::PropertyRecord& record : batch.properties) {
    Statement& upsert = statements->upsert_property;
    upsert.BindInt(1, twin).BindInt(2, model::Index(record.id)).BindInt(3, record.pid);
    BindDef(upsert, 4, record.def);
    if (Status done = upsert.Run(); !done) return done;
  }
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    Statement& insert = statements->insert_dictionary;
    insert.BindInt(1, twin).BindInt(2, entry.pid).BindInt(3, model::Index(entry.id));
    insert.BindInt(4, entry.withdraws).BindUint(5, entry.chain);
    BindDef(insert, 6, entry.def);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::WriteRows(Twin& twin, const model::Batch& batch) {
  for (const model::RowChange& change : batch.rows) {
    if (change.row.dot == model::Dot{}) {
      Statement& remove = statements->delete_row;
      remove.BindInt(1, twin.id).BindInt(2, model::Index(change.id));
      remove.BindInt(3, static_cast<std::int64_t>(change.side));
      if (Status done = remove.Run(); !done) return done;
      continue;
    }
    Statement& upsert = statements->upsert_row;
    upsert.BindInt(1, twin.id);
    store::BindRow(upsert, 2, change);
    if (Status done = upsert.Run(); !done) return done;
    if (change.side == model::Side::kDesired) twin.head = std::max(twin.head, change.row.dot.seq);
  }
  return {};
}

Status CloudStore::Impl::WriteCommands(Twin& twin, const model::Batch& batch) {
  for (const model::Command& command : batch.commands) {
    Statement& upsert = statements->upsert_command;
    upsert.BindInt(1, twin.id);
    store::BindCommand(upsert, 2, command);
    if (Status done = upsert.Run(); !done) return done;
    twin.head = std::max(twin.head, command.dot.seq);
  }
  for (const std::uint64_t id : batch.commands_gone) {
    Statement& remove = statements->delete_command;
    if (Status done = remove.BindInt(1, twin.id).BindUint(2, id).Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::WriteEvents(std::int64_t twin, const model::Batch& batch,
                                     Written& written) {
  if (batch.events.empty()) return {};
  for (const model::Event& event : batch.events) {
    Statement& insert = statements->insert_event;
    insert.BindInt(1, twin);
    store::BindEvent(insert, 2, event);
    if (Status done = insert.Run(); !done) return done;
    written.events += static_cast<std::uint64_t>(db.changes());
  }
  Statement& trim = statements->trim_events;
  trim.BindInt(1, twin).BindUint(2, events_per_twin_max);
  if (Status done = trim.Run(); !done) return done;
  written.events_dropped += static_cast<std::uint64_t>(db.changes());
  return {};
}

Status CloudStore::Impl::WriteDeviceLineage(std::int64_t twin, const model::Lineage& lineage) {
  if (Status done = statements->delete_device_lineage.BindInt(1, twin).Run(); !done) return done;
  std::int64_t n = 0;
  for (const model::Incarnation& entry : lineage) {
    Statement& insert = statements->insert_device_lineage;
    insert.BindInt(1, twin).BindInt(2, n++).BindUint(3, entry.inc);
    insert.BindUint(4, entry.first_seq).BindUint(5, entry.limit).BindUint(6, entry.kept);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::WriteInterest(std::int64_t twin, const model::Interest& interest) {
  Statement& update = statements->update_interest;
  if (Status done = update.BindInt(1, twin).BindInt(2, interest.version).Run(); !done) return done;
  if (Status done = statements->delete_interest.BindInt(1, twin).Run(); !done) return done;
  std::int64_t n = 0;
  for (const std::string& pattern : interest.patterns) {
    Statement& insert = statements->insert_interest;
    insert.BindInt(1, twin).BindInt(2, n++).BindText(3, pattern);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::WritePeer(std::int64_t twin, const model::Batch& batch) {
  for (std::size_t stream = 0; stream < model::kStreams; ++stream) {
    if (!batch.peer_watermark[stream]) continue;
    Statement& upsert = statements->upsert_cursor;
    upsert.BindInt(1, twin).BindInt(2, static_cast<std::int64_t>(stream));
    if (Status done = upsert.BindUint(3, *batch.peer_watermark[stream]).Run(); !done) return done;
  }
  if (batch.peer_lineage) {
    if (Status done = WriteDeviceLineage(twin, *batch.peer_lineage); !done) return done;
  }
  if (batch.interest) return WriteInterest(twin, *batch.interest);
  return {};
}

// Who speaks for the device, and who may.
Status CloudStore::Impl::WriteStanding(std::int64_t twin, const model::Batch& batch) {
  if (batch.epoch) {
    Statement& update = statements->update_epoch;
    update.BindInt(1, twin).BindUint(2, batch.epoch->counter).BindUint(3, batch.epoch->token);
    if (Status done = update.Run(); !done) return done;
  }
  if (batch.setback) {
    Statement& update = statements->update_setback;
    update.BindInt(1, twin).BindUint(2, batch.setback->floor).BindUint(3, batch.setback->epoch);
    if (Status done = update.Run(); !done) return done;
    for (std::size_t stream = 0; stream < model::kStreams; ++stream) {
      Statement& upsert = statements->upsert_setback_mark;
      upsert.BindInt(1, twin).BindInt(2, static_cast<std::int64_t>(stream));
      upsert.BindUint(3, batch.setback->common[stream]).BindUint(4, batch.setback->told[stream]);
      if (Status done = upsert.Run(); !done) return done;
    }
  }
  if (batch.admission) {
    Statement& update = statements->update_admission;
    update.BindInt(1, twin).BindInt(2, static_cast<std::int64_t>(*batch.admission));
    if (Status done = update.Run(); !done) return done;
  }
  if (batch.claim) {
    Statement& upsert = statements->upsert_claim;
    upsert.BindInt(1, twin).BindUint(2, batch.claim->inc);
    upsert.BindInt(3, batch.claim->at.time_since_epoch().count());
    upsert.BindText(4, batch.claim->why).BindText(5, batch.claim->hardware);
    if (Status done = upsert.Run(); !done) return done;
  }
  if (!batch.superseded) return {};
  if (Status done = statements->delete_superseded.BindInt(1, twin).Run(); !done) return done;
  std::int64_t n = 0;
  for (const std::uint64_t inc : *batch.superseded) {
    Statement& insert = statements->insert_superseded;
    insert.BindInt(1, twin).BindInt(2, n++).BindUint(3, inc);
    if (Status done = insert.Run(); !done) return done;
  }
  return {};
}

Status CloudStore::Impl::Write(Twin& twin, const TwinCommit& commit, Written& written) {
  const std::uint64_t head_before = twin.head;
  if (Status done = WriteProperties(twin.id, commit.batch); !done) return done;
  if (Status done = WriteRows(twin, commit.batch); !done) return done;
  if (Status done = WriteCommands(twin, commit.batch); !done) return done;
  if (Status done = WriteEvents(twin.id, commit.batch, written); !done) return done;
  if (Status done = WritePeer(twin.id, commit.batch); !done) return done;
  if (Status done = WriteStanding(twin.id, commit.batch); !done) return done;
  if (twin.head != head_before) {
    Statement& lineage = statements->upsert_lineage;
    lineage.BindInt(1, twin.id).BindInt(2, openings.back().n);
    lineage.BindUint(3, twin.first_seq).BindUint(4, twin.head);
    if (Status done = lineage.Run(); !done) return done;
  }
  Statement& update = statements->update_twin;
  update.BindInt(1, twin.id).BindInt(2, commit.seen.time_since_epoch().count());
  return update.BindUint(3, twin.head).Run();
}

Status CloudStore::Impl::WriteAll(std::span<const TwinCommit> batch,
                                  std::unordered_map<std::string, Twin>& changed,
                                  Written& written) {
  auto transaction = Transaction::Begin(db);
  if (!transaction) return transaction.error();
  for (const TwinCommit& commit : batch) {
    auto entry = changed.find(commit.device);
    if (entry == changed.end()) {
      const auto known = twins.find(commit.device);
      if (known != twins.end()) {
        entry = changed.emplace(commit.device, known->second).first;
      } else {
        if (twins.size() + changed.size() >= twins_max) {
          return Exhausted("'" + commit.device + "' would be one twin more than twins_max, " +
                           std::to_string(twins_max));
        }
        auto twin = Register(commit);
        if (!twin) return twin.error();
        entry = changed.emplace(commit.device, *twin).first;
      }
    }
    if (Status done = Write(entry->second, commit, written); !done) return done;
  }
  return transaction->Commit();
}

Status CloudStore::Commit(std::span<const TwinCommit> commits) {
  std::unordered_map<std::string, Impl::Twin> changed;
  Impl::Written written;
  if (Status done = impl_->WriteAll(commits, changed, written); !done) {
    ++impl_->failed_commits;
    return done;
  }
  for (auto& [device, twin] : changed) impl_->twins[device] = twin;
  impl_->twins_count = impl_->twins.size();
  ++impl_->commits;
  impl_->events += written.events;
  impl_->events_dropped += written.events_dropped;
  for (const TwinCommit& commit : commits) impl_->rows += commit.batch.rows.size();
  return {};
}

}  // namespace edgetwin::cloud
