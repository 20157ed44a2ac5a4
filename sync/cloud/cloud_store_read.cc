// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <limits>

#include "cloud_store_sql.h"
#include "sync/cloud/cloud_store_impl.h"
#include "sync/cloud/columns.h"

namespace edgetwin::cloud {

using store::Columns;
using store::Damage;
using store::ForEach;
using store::Statement;

Result<model::Lineage> CloudStore::Impl::ReadLineage(const Twin& twin) {
  std::unordered_map<std::int64_t, model::Incarnation> used;
  Statement& select = statements->select_lineage.BindInt(1, twin.id);
  const Status read = ForEach(select, [&](const Statement& row) -> Status {
    used[row.Int(0)] = {0, row.Uint(1), row.Uint(2)};
    return {};
  });
  if (!read) return read.error();
  model::Lineage lineage;
  // The seqs before the oldest opening that is still remembered have no name any more.
  std::uint64_t last = 0;
  for (const auto& [n, entry] : used) {
    if (n < openings.front().n) last = std::max(last, entry.limit);
  }
  for (const Opening& opening : openings) {
    const auto entry = used.find(opening.n);
    if (entry != used.end()) {
      lineage.push_back({opening.inc, entry->second.first_seq, entry->second.limit});
      last = entry->second.limit;
    } else {
      lineage.push_back({opening.inc, last + 1, last});
    }
  }
  return lineage;
}

Status CloudStore::Impl::ReadProperties(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_properties.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    model::PropertyRecord record;
    record.id = static_cast<model::PropertyId>(columns.Number(0xffffffff));
    record.pid = static_cast<model::Pid>(columns.Number(0xffffffff));
    record.def = ReadDef(columns);
    const bool dense = model::Index(record.id) == stored.properties.size();
    if (!dense || record.def.path.empty() || columns.damaged()) {
      return Damage(db, "property", row.Int(0));
    }
    stored.properties.push_back(std::move(record));
    return {};
  });
}

Status CloudStore::Impl::ReadDictionary(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_dictionary.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    model::DictionaryEntry entry;
    entry.pid = static_cast<model::Pid>(columns.Number(0xffffffff));
    entry.id = columns.Property(stored.properties.size());
    entry.withdraws = static_cast<model::Pid>(columns.Number(0xffffffff));
    entry.chain = columns.Uint();
    entry.def = ReadDef(columns);
    const bool dense = entry.pid == stored.dictionary.size() + 1;
    const bool defines = entry.withdraws == 0;
    if (!dense || entry.withdraws >= entry.pid || defines == entry.def.path.empty() ||
        columns.damaged()) {
      return Damage(db, "dictionary", row.Int(0));
    }
    stored.dictionary.push_back(std::move(entry));
    return {};
  });
}

Status CloudStore::Impl::ReadRows(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_rows.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.rows.push_back(columns.Row(stored.properties.size()));
    if (columns.damaged()) return Damage(db, "row", row.Int(0));
    return {};
  });
}

Status CloudStore::Impl::ReadCommands(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_commands.BindInt(1, twin);
  return ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.commands.push_back(columns.Command());
    if (columns.damaged()) return Damage(db, "command", row.Int(0));
    return {};
  });
}

Status CloudStore::Impl::ReadPeer(std::int64_t twin, model::Stored& stored) {
  Statement& cursors = statements->select_cursors.BindInt(1, twin);
  Status read = ForEach(cursors, [&](const Statement& row) -> Status {
    Columns columns(row);
    const std::int64_t stream = columns.Number(model::kStreams - 1);
    if (columns.damaged()) return Damage(db, "cursor", row.Int(0));
    stored.peer_watermark[static_cast<std::size_t>(stream)] = columns.Uint();
    return {};
  });
  if (!read) return read;
  Statement& lineage = statements->select_device_lineage.BindInt(1, twin);
  read = ForEach(lineage, [&](const Statement& row) -> Status {
    stored.peer_lineage.push_back({row.Uint(0), row.Uint(1), row.Uint(2), row.Uint(3)});
    return {};
  });
  if (!read) return read;
  Statement& interest = statements->select_interest.BindInt(1, twin);
  return ForEach(interest, [&](const Statement& row) -> Status {
    stored.interest.patterns.emplace_back(row.Text(0));
    return {};
  });
}

// Who speaks for the device, and who may.
Status CloudStore::Impl::ReadStanding(std::int64_t twin, model::Stored& stored) {
  Statement& select = statements->select_twin.BindInt(1, twin);
  Status read = ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.epoch.counter = columns.Uint();
    stored.epoch.token = columns.Uint();
    stored.setback.floor = columns.Uint();
    stored.setback.epoch = columns.Uint();
    stored.interest.version = static_cast<std::uint32_t>(columns.Number(0xffffffff));
    stored.admission = columns.Enum(model::Admission::kAnyone);
    return columns.damaged() ? Status(Damage(db, "twin", twin)) : Status();
  });
  if (!read) return read;
  if (!read) return read;
  Statement& marks = statements->select_setback_marks.BindInt(1, twin);
  read = ForEach(marks, [&](const Statement& row) -> Status {
    Columns columns(row);
    const auto stream = static_cast<std::size_t>(columns.Number(model::kStreams - 1));
    if (columns.damaged()) return Damage(db, "setback_mark", row.Int(0));
    stored.setback.common[stream] = columns.Uint();
    stored.setback.told[stream] = columns.Uint();
    return {};
  });
  if (!read) return read;
  Statement& superseded = statements->select_superseded.BindInt(1, twin);
  read = ForEach(superseded, [&](const Statement& row) -> Status {
    stored.superseded.push_back(row.Uint(0));
    return {};
  });
  if (!read) return read;
  Statement& claim = statements->select_claim.BindInt(1, twin);
  return ForEach(claim, [&](const Statement& row) -> Status {
    Columns columns(row);
    stored.claim.inc = columns.Uint();
    stored.claim.at = columns.Time();
    stored.claim.why = columns.Text();
    stored.claim.hardware = columns.Text();
    return {};
  });
}

Result<model::Stored> CloudStore::LoadTwin(std::string_view device) {
  model::Stored stored;
  const auto found = impl_->twins.find(std::string(device));
  const Impl::Twin twin = found == impl_->twins.end() ? Impl::Twin{} : found->second;
  auto lineage = impl_->ReadLineage(twin);
  if (!lineage) return lineage.error();
  stored.lineage = *std::move(lineage);
  if (Status read = impl_->ReadProperties(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadDictionary(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadRows(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadCommands(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadPeer(twin.id, stored); !read) return read.error();
  if (Status read = impl_->ReadStanding(twin.id, stored); !read) return read.error();
  return stored;
}

// Its n; 0 when it isn't there.
Result<std::int64_t> CloudStore::Impl::PlaceOf(std::int64_t twin, model::Dot event) {
  Statement& select = statements->select_event_place;
  select.BindInt(1, twin).BindUint(2, event.seq).BindUint(3, event.inc);
  std::int64_t place = 0;
  const Status read = ForEach(select, [&](const Statement& row) -> Status {
    place = row.Int(0);
    return {};
  });
  if (!read) return read.error();
  return place;
}

Result<std::vector<model::Event>> CloudStore::ListEvents(std::string_view device, model::Dot before,
                                                         std::size_t count) {
  std::vector<model::Event> events;
  const auto found = impl_->twins.find(std::string(device));
  if (found == impl_->twins.end()) return events;
  const std::int64_t twin = found->second.id;
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
  if (before.seq != 0) {
    const Result<std::int64_t> place = impl_->PlaceOf(twin, before);
    if (!place) return place.error();
    end = *place;
  }
  Statement& select = impl_->statements->select_events;
  select.BindInt(1, twin).BindInt(2, end);
  select.BindInt(
      3, static_cast<std::int64_t>(std::min<std::uint64_t>(count, impl_->events_per_twin_max)));
  const Status read = ForEach(select, [&](const Statement& row) -> Status {
    Columns columns(row);
    events.push_back(columns.Event(model::Index(model::kNoProperty)));
    if (columns.damaged()) return Damage(impl_->db, "event", row.Int(1));
    return {};
  });
  if (!read) return read.error();
  return events;
}

}  // namespace edgetwin::cloud
