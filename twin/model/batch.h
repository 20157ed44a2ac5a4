// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What one atomic commit of a twin's store changes, and what opening the store gives back.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "twin/model/alarm.h"
#include "twin/model/event.h"
#include "twin/model/row.h"

namespace edgetwin::model {

// A property as the store keeps it.
struct PropertyRecord {
  PropertyId id = kNoProperty;
  PropertyDef def;
  Pid pid = 0;  // Its current number on the wire.
};

// One entry of the wire dictionary, in the order of pids. `chain` is the hash over this entry and
// all before it.
struct DictionaryEntry {
  Pid pid = 0;
  PropertyId id = kNoProperty;
  // The property that had this number is local-only now: the peer forgets what it knows of it. Such
  // an entry defines nothing. 0: it defines a property.
  Pid withdraws = 0;
  // What the peer is told of it: path, type, unit, decimals, writable, min, max, description.
  PropertyDef def;
  std::uint64_t chain = 0;
};

struct RowChange {
  PropertyId id = kNoProperty;
  Side side = Side::kReported;
  Row row;
  // Own control rows: the seq of the row that this one replaces, which is what a crash would leave
  // in the store; 0 for none. Not stored.
  std::uint64_t replaces = 0;
};

// Device: how long an override still holds, apart from its row, which a minute's progress must not
// change. 0: it is over.
struct HoldRecord {
  PropertyId id = kNoProperty;
  std::chrono::milliseconds left{0};
};

// Which of the cloud's properties the device holds: path patterns, none for all of them.
struct Interest {
  std::uint32_t version = 0;
  std::vector<std::string> patterns;
  friend bool operator==(const Interest&, const Interest&) = default;
};

// Cloud: who may speak for the device.
enum class Admission : std::uint8_t {
  kNormal = 0,
  kNextClaimant = 1,    // An operator lets the next one in that says Hello, whoever is there now.
  kDecommissioned = 2,  // Nobody.
  kAnyone = 3,          // An operator takes kDecommissioned back: like kNextClaimant, but for
                        // whoever it was last as well.
};
// Cloud: the last one who was not let in.
struct Claim {
  std::uint64_t inc = 0;  // 0: nobody.
  WallTime at{};
  std::string why;
  std::string hardware;  // As it labels itself; says nothing, but helps people.
  friend bool operator==(const Claim&, const Claim&) = default;
};
inline constexpr std::size_t kSupersededMax = 256;

// Cloud: the last time that the device's store was set back.
struct Setback {
  // Seqs up to here were given by the branch that is gone; 0: the device has shown that it knows.
  std::uint64_t floor = 0;
  // What the store that it has now shares with that branch ends here, for each stream.
  std::array<std::uint64_t, kStreams> common{};
  // The counter of the epoch that it began: who presents an older one has not heard of it …
  std::uint64_t epoch = 0;  // 0: there never was one.
  // … and shares no more than this with us: what lies above was told again under later seqs.
  std::array<std::uint64_t, kStreams> told{};
  friend bool operator==(const Setback&, const Setback&) = default;
};

// Everything in a batch becomes durable together or not at all.
struct Batch {
  std::vector<PropertyRecord> properties;   // New or changed.
  std::vector<DictionaryEntry> dictionary;  // New.
  std::vector<RowChange> rows;
  std::optional<std::uint64_t> seq_limit;      // Of the current incarnation.
  std::optional<std::uint64_t> state_durable;  // Every reported row up to this seq is in the store.
  // Device: it knows that everything up to this seq that it does not hold is lost.
  std::optional<std::uint64_t> seq_floor;
  // What we hold of the peer's streams.
  std::array<std::optional<std::uint64_t>, kStreams> peer_watermark;
  std::optional<Epoch> epoch;
  std::optional<Lineage> peer_lineage;
  std::vector<Event> events;  // New: own ones on the device, received ones in the cloud.
  std::optional<std::uint64_t> events_acked;  // Device: events up to this seq are with the cloud.
  std::optional<std::uint64_t> events_floor;  // Device: forget the events up to this seq.
  std::vector<Command> commands;              // New or changed, whole; by id.
  std::vector<std::uint64_t> commands_gone;   // Ids of those to forget; after `commands`.
  std::vector<AlarmRecord> alarms;   // Changed; neither raised nor unacknowledged: forget it.
  std::vector<HoldRecord> holds;     // Changed; nothing left: forget it.
  std::optional<Interest> interest;  // Own on the device, the device's in the cloud.
  // Device: the version of the interest whose rows are all here.
  std::optional<std::uint32_t> scope_held;
  // Cloud: incarnations of branches that were given up; a claim of one of them is a clone's.
  std::optional<std::vector<std::uint64_t>> superseded;
  std::optional<Setback> setback;  // Cloud.
  std::optional<Admission> admission;
  std::optional<Claim> claim;
  // Forget every pid and entry first: the peer's store is another one.
  bool dictionary_reset = false;
  bool checkpoint = false;  // Fold the tail into the rows (see storage.md).

  bool empty() const;
  // Adds what `later` changes; for one row, the later one wins.
  void Merge(Batch later);
};

// A twin as its store holds it.
struct Stored {
  std::vector<PropertyRecord> properties;   // Ascending ids, dense from 0.
  std::vector<DictionaryEntry> dictionary;  // Ascending pids, dense from 1.
  std::vector<RowChange> rows;
  Lineage lineage;  // Ours; the last entry is the incarnation of this opening.
  std::array<std::uint64_t, kStreams> peer_watermark{};
  std::uint64_t state_durable = 0;  // Of the incarnation before this opening.
  std::uint64_t seq_floor = 0;
  Epoch epoch;
  Lineage peer_lineage;
  std::vector<Event> events;  // Device: by seq, those not forgotten. The cloud reads its own.
  std::uint64_t events_acked = 0;
  std::vector<Command> commands;  // By dot. Device: with its answer not acknowledged yet, or young.
  std::vector<AlarmRecord> alarms;
  std::vector<HoldRecord> holds;
  Interest interest;
  std::uint32_t scope_held = 0;
  std::vector<std::uint64_t> superseded;
  Setback setback;
  Admission admission = Admission::kNormal;
  Claim claim;
};

}  // namespace edgetwin::model
