// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "twin/store/columns.h"
#include "twin/store/tail_codec.h"
#include "twin_store_sql.h"

namespace edgetwin::store {
namespace {

using model::AlarmRecord;
using model::Batch;
using model::Command;
using model::Event;
using model::HoldRecord;
using model::RowChange;

std::uint64_t KeyOf(const RowChange& change) {
  return std::uint64_t{model::Index(change.id)} * model::kSides +
         static_cast<std::uint64_t>(change.side);
}
std::uint64_t KeyOf(const AlarmRecord& alarm) {
  return std::uint64_t{model::Index(alarm.id)} * 2 + static_cast<std::uint64_t>(alarm.kind);
}
std::uint64_t KeyOf(const HoldRecord& hold) {
  return model::Index(hold.id);
}
std::uint64_t KeyOf(const Event& event) {
  return event.dot.seq;
}
std::uint64_t KeyOf(const Command& command) {
  return command.id;
}

// Puts later entries over earlier ones of the same key: model::Batch::Merge would look at all of
// them each time.
template <class Entry>
class Overlay {
 public:
  void Add(Entry entry) {
    const auto [found, added] = index_.emplace(KeyOf(entry), entries_.size());
    if (added)
      entries_.push_back(std::move(entry));
    else
      entries_[found->second] = std::move(entry);
  }
  void Add(std::vector<Entry> entries) {
    for (Entry& entry : entries) Add(std::move(entry));
  }
  std::vector<Entry> Take() { return std::move(entries_); }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::size_t> index_;
};

void TakeLater(std::optional<std::uint64_t>& to, const std::optional<std::uint64_t>& later) {
  if (later) to = later;
}

// Takes record after record.
class Folding {
 public:
  void Add(Batch record) {
    rows_.Add(std::move(record.rows));
    alarms_.Add(std::move(record.alarms));
    holds_.Add(std::move(record.holds));
    events_.Add(std::move(record.events));
    for (Command& command : record.commands) {
      gone_.erase(command.id);
      commands_.insert_or_assign(command.id, std::move(command));
    }
    for (const std::uint64_t id : record.commands_gone) {
      commands_.erase(id);
      gone_.insert(id);
    }
    TakeLater(counters_.seq_limit, record.seq_limit);
    TakeLater(counters_.state_durable, record.state_durable);
    TakeLater(counters_.seq_floor, record.seq_floor);
    TakeLater(counters_.events_acked, record.events_acked);
    TakeLater(counters_.events_floor, record.events_floor);
    for (std::size_t s = 0; s < model::kStreams; ++s) {
      TakeLater(counters_.peer_watermark[s], record.peer_watermark[s]);
    }
  }

  Batch Finish() && {
    Batch batch = std::move(counters_);
    batch.rows = rows_.Take();
    batch.alarms = alarms_.Take();
    batch.holds = holds_.Take();
    batch.events = events_.Take();
    if (batch.events_floor) {
      std::erase_if(batch.events, [floor = *batch.events_floor](const Event& event) {
        return event.dot.seq <= floor;
      });
    }
    for (auto& [id, command] : commands_) batch.commands.push_back(std::move(command));
    batch.commands_gone.assign(gone_.begin(), gone_.end());
    return batch;
  }

 private:
  Overlay<RowChange> rows_;
  Overlay<AlarmRecord> alarms_;
  Overlay<HoldRecord> holds_;
  Overlay<Event> events_;
  std::map<std::uint64_t, Command> commands_;
  std::set<std::uint64_t> gone_;
  Batch counters_;
};

// `changes` over `held`, without those that are to be forgotten, by key.
template <class Entry, class Forgotten>
void Lay(std::vector<Entry>& held, const std::vector<Entry>& changes, Forgotten forgotten) {
  Overlay<Entry> overlay;
  overlay.Add(std::move(held));
  overlay.Add(changes);
  held = overlay.Take();
  std::erase_if(held, forgotten);
  std::ranges::sort(held, {}, [](const Entry& entry) { return KeyOf(entry); });
}

template <class Entry>
bool AllKnown(const std::vector<Entry>& entries, std::size_t properties) {
  return std::ranges::all_of(
      entries, [&](const Entry& entry) { return model::Index(entry.id) < properties; });
}

Status CheckProperties(const Database& db, const Batch& folded, std::size_t properties) {
  const bool events_known = std::ranges::all_of(folded.events, [&](const Event& event) {
    return event.id == model::kNoProperty || model::Index(event.id) < properties;
  });
  if (events_known && AllKnown(folded.rows, properties) && AllKnown(folded.alarms, properties) &&
      AllKnown(folded.holds, properties)) {
    return {};
  }
  return Corrupt(db.path() + ": its tail speaks of a property that is not one of its " +
                 std::to_string(properties));
}

}  // namespace

Status AppendTail(Database& db, std::int64_t n, std::string_view body) {
  Result<Statement> insert = db.Prepare(sql::kInsertTail);
  if (!insert) return insert.error();
  return insert->BindInt(1, n).BindBlob(2, body).Run();
}

Status ClearTail(Database& db) {
  return db.Exec(std::string(sql::kDeleteTail));
}

Result<Tail> ReadTail(Database& db) {
  Tail tail;
  Folding folding;
  const Status read = ForEach(db, sql::kSelectTail, [&](const Statement& row) -> Status {
    Result<Batch> batch = DecodeTail(row.Blob(1));
    if (!batch) return Corrupt(db.path() + ": " + batch.error().text);
    tail.promised = std::max(tail.promised, Promised(*batch));
    folding.Add(*std::move(batch));
    tail.last_n = row.Int(0);
    tail.bytes += row.Blob(1).size();
    ++tail.records;
    return {};
  });
  if (!read) return read.error();
  tail.folded = std::move(folding).Finish();
  return tail;
}

Status Replay(const Database& db, const Batch& folded, model::Stored& stored) {
  if (Status known = CheckProperties(db, folded, stored.properties.size()); !known) return known;
  Lay(stored.rows, folded.rows, IsRemoval);
  Lay(stored.alarms, folded.alarms, IsOver);
  Lay(stored.holds, folded.holds, IsSpent);
  const std::uint64_t floor = folded.events_floor.value_or(0);
  Lay(stored.events, folded.events, [floor](const Event& event) { return event.dot.seq <= floor; });
  Lay(stored.commands, folded.commands, [&](const Command& command) {
    return std::ranges::binary_search(folded.commands_gone, command.id);
  });
  std::ranges::stable_sort(stored.commands, {}, [](const Command& c) { return c.dot.seq; });
  for (std::size_t s = 0; s < model::kStreams; ++s) {
    stored.peer_watermark[s] = folded.peer_watermark[s].value_or(stored.peer_watermark[s]);
  }
  stored.state_durable = folded.state_durable.value_or(stored.state_durable);
  stored.seq_floor = folded.seq_floor.value_or(stored.seq_floor);
  stored.events_acked = folded.events_acked.value_or(stored.events_acked);
  if (folded.seq_limit && stored.lineage.empty()) {
    return Corrupt(db.path() + ": its tail has a limit for no incarnation");
  }
  if (folded.seq_limit) stored.lineage.back().limit = *folded.seq_limit;
  return {};
}

std::uint64_t Promised(const Batch& batch) {
  std::uint64_t highest = 0;
  for (const RowChange& change : batch.rows) {
    const bool ours = change.side == model::Side::kStatus || change.side == model::Side::kOverride;
    if (ours) highest = std::max(highest, change.row.dot.seq);
  }
  for (const Event& event : batch.events) highest = std::max(highest, event.dot.seq);
  return highest;
}

}  // namespace edgetwin::store
