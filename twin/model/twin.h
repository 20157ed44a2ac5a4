// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The twin in memory: properties, and the rows of their sides in the order of their changes. Pure:
// no clock, no I/O. The device's and the cloud's twins are the same class in two roles.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/limit.h"
#include "twin/model/batch.h"
#include "twin/model/row.h"

namespace edgetwin::model {

enum class Role { kDevice, kCloud };

struct TwinLimits {
  std::uint64_t properties_max = 20'000;
  std::uint64_t unknown_paths_max = 1'000;  // Paths that somebody desires and no driver knows.
  // Entries after which the dictionary is begun anew as soon as the cloud has all of it. Twice as
  // many are never given out or taken. Should be a multiple of properties_max.
  std::uint64_t dictionary_max = 60'000;
};

// What became of one sample.
enum class Reported {
  kRow,         // It is the reported row now.
  kSuppressed,  // Within the deadband: the row stands.
  kHeld,        // Too soon after the last row: becomes one when min_period has passed.
};

// What a driver read last, whether or not it became a row.
struct LastSample {
  Value value;
  WallTime time{};
  MonoTime at{};  // When it came in.
  Quality quality = Quality::kGood;
  std::uint64_t samples = 0;     // Since the start.
  std::uint64_t suppressed = 0;  // Of these, by the deadband.
};

// SINGLE-THREADED. Every change of an own row takes the next seq; rows of a stream are kept in the
// order of seq, so that what is owed to a peer is a suffix.
class Twin {
 public:
  explicit Twin(Role role, TwinLimits limits = {});

  // What the store held. Once, before anything else. Reported rows of a device are unconfirmed
  // until they are sampled anew.
  void Load(Stored stored);

  // --- Properties ---

  // Device: makes a property known, or changes its definition (new pid when what the peer is told
  // changes; the reported row is emptied when type, unit or decimals change). kConflict when
  // another instance has the path, kExhausted at properties_max, or when it needs an entry beyond
  // twice dictionary_max.
  Result<PropertyId> Define(const PropertyDef& def);
  // Device: no driver knows the property any more: its reported row becomes a tombstone. Its pid
  // and rows of other sides stay.
  void Undefine(PropertyId id);
  // The property of `path`, made without a type when nobody knows it. kExhausted at
  // unknown_paths_max.
  Result<PropertyId> FindOrAdd(const Path& path);
  // Cloud: takes one entry of the device's dictionary. Entries come in the order of pids; one that
  // is held already is ignored. Returns false when it leaves a gap, or contradicts its chain. One
  // that withdraws a property empties its rows.
  bool TakeEntry(DictionaryEntry entry);
  // Device: the dictionary from `common` on is given up; `entries`, which continue it, were given
  // out by a copy of this store that is no more. What is shared and not among them gets a new pid
  // after them. False when they don't continue it.
  bool AdoptDictionary(Pid common, const std::vector<DictionaryEntry>& entries);
  // Device: whether the dictionary is beyond its limit, and mostly of definitions that are past.
  bool DictionaryFull() const;
  // Device: what is shared gets the numbers from 1 on, all else is forgotten; rows stay as they
  // are. Only when the cloud has taken every entry: what it was not told of is lost.
  void RenewDictionary();
  // Device: entries that a later one of the same property overrules are dropped, and the others get
  // the numbers from 1 on; rows stay as they are. Only for a cloud that holds no entry. False when
  // there are none to drop.
  bool CompactDictionary();
  // Cloud: the device begins its dictionary anew. No property has a number until it is told again;
  // definitions and rows stay.
  void ForgetDictionary();

  Role role() const { return role_; }
  std::size_t size() const { return properties_.size(); }
  PropertyId Find(std::string_view path) const;  // kNoProperty when there is none.
  PropertyId FindPid(Pid pid) const;             // The same; also of a pid that was withdrawn.
  PropertyId FindGiven(Pid pid) const;           // Withdrawn or not.
  const PropertyDef& def(PropertyId id) const { return at(id).def; }
  Pid pid(PropertyId id) const { return at(id).pid; }
  bool defined(PropertyId id) const { return at(id).def.type != ValueType::kNone; }

  // Entries of the wire dictionary, and the chain hash over the first n of them (0 for n = 0).
  Pid dictionary_size() const { return static_cast<Pid>(chains_.size()); }
  std::uint64_t chain(Pid n) const { return n == 0 ? 0 : chains_[n - 1]; }
  DictionaryEntry Entry(Pid pid) const;

  // --- Rows ---

  // The row, or null when there is none.
  const Row* row(PropertyId id, Side side) const;

  // Device: one sample from a driver, through the property's report policy.
  Reported Report(PropertyId id, Sample sample, MonoTime now);
  // Device: the last value stays, of bad quality.
  Reported ReportBad(PropertyId id, WallTime time, bool unsynced, MonoTime now);
  // Device: turns held samples whose min_period has passed into rows.
  void Tick(MonoTime now);
  std::optional<MonoTime> NextTick() const;
  const LastSample& last_sample(PropertyId id) const { return at(id).last; }
  // Sampled since the start.
  bool confirmed(PropertyId id) const { return at(id).last.samples > 0; }
  // When the last sample becomes a row, if min_period holds it back.
  std::optional<MonoTime> held_until(PropertyId id) const { return at(id).held_until; }

  // An own row of a control side: takes the next seq, and is in the next TakePending. `row.dot` is
  // set here.
  void Set(PropertyId id, Side side, Row row);

  // A peer's row, unless the one held is as new or newer (by seq). Not in TakePending: its receiver
  // commits it together with its watermark.
  bool Apply(PropertyId id, Side side, Row row);
  // Device: a row of ours that only the cloud kept. It stands unless it is older than what is here,
  // or a reported one that was sampled since the start. Reported rows here up to the seq
  // `overruled` count as older.
  bool Restore(PropertyId id, Side side, Row row, std::uint64_t overruled = 0);
  // A row of the peer that it sends as the truth, whatever we held.
  void Force(PropertyId id, Side side, Row row);

  // --- Order ---

  const Lineage& lineage() const { return lineage_; }
  void SetLineage(Lineage lineage) { lineage_ = std::move(lineage); }
  std::uint64_t head() const { return head_; }  // The last seq given.
  // The next seq is above `seq`: it, and all before it, were given by a copy of this store.
  void Raise(std::uint64_t seq) { head_ = std::max(head_, seq); }
  // The own row takes the next seq, so that it is owed (again). Without a row, a tombstone does.
  void Renumber(PropertyId id, Side side);
  // The next seq, for something of ours in `stream` that is no row: an event, a command.
  Dot TakeDot(Stream stream);
  // Such things are held from before the start: the stream reaches up to `seq`.
  void Reaches(Stream stream, std::uint64_t seq);
  // Highest seq of what is ours in the stream; 0 when there is nothing.
  std::uint64_t stream_head(Stream stream) const {
    return std::max(Tail(ListOf(stream)), reaches_[ListOf(stream)]);
  }
  std::uint64_t local_head() const { return Tail(kLocalList); }

  // Own rows of `stream` with seq above `after`, ascending, until `visit` returns false.
  using Visit = std::function<bool(PropertyId, Side, const Row&)>;
  void ForEachAfter(Stream stream, std::uint64_t after, const Visit& visit) const;
  // The same for reported rows of local-only properties.
  void ForEachLocalAfter(std::uint64_t after, const Visit& visit) const;
  void ForEachProperty(const std::function<void(PropertyId)>& visit) const;

  // New and changed definitions and own control rows since the last call: to be committed at once.
  Batch TakePending();
  bool pending() const { return !pending_.empty(); }
  const Batch& pending_batch() const { return pending_; }

  std::vector<LimitReport> limits() const;

 private:
  static constexpr std::uint32_t kNoKey = 0xffffffff;
  static constexpr std::size_t kLocalList = kStreams;

  // A row's place in its list: keys are 4 * property + side.
  struct Link {
    std::uint32_t previous = kNoKey;
    std::uint32_t next = kNoKey;
    bool linked = false;
  };
  struct List {
    std::uint32_t first = kNoKey;
    std::uint32_t last = kNoKey;
  };
  struct ControlRows {
    std::array<Row, kSides> rows;  // [0] unused.
    std::array<Link, kSides> links;
  };
  struct Property {
    PropertyDef def;
    Pid pid = 0;
    Row reported;
    Link link;
    LastSample last;
    MonoTime reported_at{};
    std::optional<MonoTime> held_until;  // When held_sample becomes a row.
    Sample held_sample;
    std::unique_ptr<ControlRows> control;
  };

  const Property& at(PropertyId id) const { return properties_[Index(id)]; }
  Property& at(PropertyId id) { return properties_[Index(id)]; }
  static std::size_t ListOf(Stream stream) { return static_cast<std::size_t>(stream); }
  std::size_t ListOf(PropertyId id, Side side) const;
  bool Own(Side side) const;
  std::uint64_t Tail(std::size_t list) const;
  Row& RowAt(std::uint32_t key);
  const Row& RowAt(std::uint32_t key) const;
  Link& LinkAt(std::uint32_t key);
  const Link& LinkAt(std::uint32_t key) const;
  void Unlink(std::uint32_t key, std::size_t list);
  void LinkBySeq(std::uint32_t key, std::size_t list);
  void Walk(std::size_t list, std::uint64_t after, const Visit& visit) const;

  Row& Slot(PropertyId id, Side side);
  void Place(PropertyId id, Side side, Row row);
  void Commission(PropertyId id);
  void Withdraw(PropertyId id);
  void Purge(PropertyId id);
  void Hold(PropertyId id, MonoTime until);
  void Unhold(PropertyId id);
  void ReportRow(PropertyId id, Sample sample, MonoTime now);
  PropertyId Add(const Path& path);
  void Record(PropertyId id);
  void Redefine(PropertyId id, PropertyDef def);
  void ClearDictionary();
  Status CheckRoom(const PropertyDef& def, bool known);
  void UnlinkAll(PropertyId id);
  void LinkAll(PropertyId id);
  Dot NextDot();

  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  const Role role_;
  Limit properties_limit_;
  Limit unknown_limit_;
  Limit dictionary_limit_;
  std::uint64_t defined_ = 0;
  std::deque<Property> properties_;
  std::unordered_map<std::string_view, PropertyId, PathHash> by_path_;  // Views into defs' paths.
  std::vector<PropertyId> by_pid_;                                      // [pid - 1].
  std::vector<std::uint64_t> chains_;                                   // [pid - 1].
  // Pids whose property has another definition by now, as they were told.
  std::unordered_map<Pid, PropertyDef> past_entries_;
  std::unordered_map<Pid, Pid> withdrawals_;  // Pids of entries that withdraw, and which.
  std::unordered_set<Pid> withdrawn_;
  std::array<List, kStreams + 1> lists_{};
  std::array<std::uint64_t, kStreams> reaches_{};  // By what is no row.
  Lineage lineage_;
  std::uint64_t head_ = 0;
  std::set<std::pair<MonoTime, PropertyId>> held_;
  Batch pending_;
};

// The chain hash after `entry`, given the one before it; docs/PROTOCOL.md says over which bytes.
std::uint64_t ChainHash(std::uint64_t before, Pid pid, const PropertyDef& def);
std::uint64_t ChainHash(std::uint64_t before, const DictionaryEntry& entry);

}  // namespace edgetwin::model
