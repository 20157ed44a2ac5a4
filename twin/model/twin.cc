// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/twin.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "twin/base/check.h"
#include "twin/base/guard.h"

namespace edgetwin::model {
namespace {

std::uint32_t Key(PropertyId id, Side side) {
  return Index(id) * static_cast<std::uint32_t>(kSides) + static_cast<std::uint32_t>(side);
}
PropertyId IdOf(std::uint32_t key) {
  return PropertyId{key / static_cast<std::uint32_t>(kSides)};
}
Side SideOf(std::uint32_t key) {
  return static_cast<Side>(key % kSides);
}

bool WithinDeadband(const Value& a, const Value& b, double deadband) {
  if (a == b) return true;
  if (deadband <= 0 || a.type() != b.type()) return false;
  const auto x = a.AsNumber();
  const auto y = b.AsNumber();
  return x && y && std::fabs(*x - *y) <= deadband;
}

// Little-endian, whatever the machine.
void Put(std::string& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i) & 0xff);
}

void Put(std::string& to, std::string_view text) {
  Put(to, text.size(), 4);
  to += text;
}

void Put(std::string& to, const std::optional<double>& number) {
  to += number ? '\1' : '\0';
  Put(to, std::bit_cast<std::uint64_t>(number.value_or(0.0)), 8);
}

}  // namespace

std::uint64_t ChainHash(std::uint64_t before, Pid pid, const PropertyDef& def) {
  std::string bytes;
  Put(bytes, before, 8);
  Put(bytes, pid, 4);
  Put(bytes, static_cast<std::uint64_t>(def.type), 1);
  Put(bytes, def.decimals ? static_cast<std::uint64_t>(*def.decimals) + 1 : 0, 1);
  Put(bytes, def.writable ? 1 : 0, 1);
  Put(bytes, def.min);
  Put(bytes, def.max);
  Put(bytes, def.path.text());
  Put(bytes, def.unit);
  Put(bytes, def.description);
  return XXH64(bytes.data(), bytes.size(), 0);
}

std::uint64_t ChainHash(std::uint64_t before, const DictionaryEntry& entry) {
  if (entry.withdraws == 0) return ChainHash(before, entry.pid, entry.def);
  std::string bytes;
  Put(bytes, before, 8);
  Put(bytes, entry.pid, 4);
  Put(bytes, entry.withdraws, 4);
  return XXH64(bytes.data(), bytes.size(), 0);
}

namespace {

// Whether anything of the property may leave the device.
bool Private(const PropertyDef& def) {
  return def.local_only && On(Guard::kLocalOnlyBarrier);
}

}  // namespace

Twin::Twin(Role role, TwinLimits limits)
    : role_(role),
      properties_limit_(limits.properties_max),
      unknown_limit_(limits.unknown_paths_max),
      dictionary_limit_(2 * limits.dictionary_max) {}

void Twin::Load(Stored stored) {
  EDGETWIN_CHECK(properties_.empty());
  for (PropertyRecord& record : stored.properties) {
    EDGETWIN_CHECK(Index(record.id) == properties_.size());
    Property& property = properties_.emplace_back();
    property.def = std::move(record.def);
    property.pid = record.pid;
    by_path_.emplace(property.def.path.text(), record.id);
    if (property.def.type != ValueType::kNone) ++defined_;
  }
  for (DictionaryEntry& entry : stored.dictionary) {
    EDGETWIN_CHECK(entry.pid == by_pid_.size() + 1);
    by_pid_.push_back(entry.id);
    chains_.push_back(entry.chain);
    if (entry.withdraws != 0) {
      withdrawals_.emplace(entry.pid, entry.withdraws);
      withdrawn_.insert(entry.withdraws);
      continue;
    }
    const Property& property = at(entry.id);
    if (property.pid != entry.pid || !SameOnWire(property.def, entry.def)) {
      past_entries_.emplace(entry.pid, std::move(entry.def));
    }
  }
  std::sort(stored.rows.begin(), stored.rows.end(),
            [](const RowChange& a, const RowChange& b) { return a.row.dot.seq < b.row.dot.seq; });
  for (RowChange& change : stored.rows) Place(change.id, change.side, std::move(change.row));
  lineage_ = std::move(stored.lineage);
  if (!lineage_.empty()) head_ = std::max(head_, lineage_.back().first_seq - 1);
  properties_limit_.Use(defined_);
  unknown_limit_.Use(properties_.size() - defined_);
  dictionary_limit_.Use(dictionary_size());
}

PropertyId Twin::Add(const Path& path) {
  const PropertyId id{static_cast<std::uint32_t>(properties_.size())};
  Property& property = properties_.emplace_back();
  property.def.path = path;
  by_path_.emplace(property.def.path.text(), id);
  return id;
}

// by_path_ views the text of the definition's path, so it lets go of it first.
void Twin::Redefine(PropertyId id, PropertyDef def) {
  Property& property = at(id);
  by_path_.erase(property.def.path.text());
  property.def = std::move(def);
  by_path_.emplace(property.def.path.text(), id);
}

void Twin::UnlinkAll(PropertyId id) {
  for (const Side side : kEverySide) {
    if (Own(side) && row(id, side) != nullptr) Unlink(Key(id, side), ListOf(id, side));
  }
}

void Twin::LinkAll(PropertyId id) {
  for (const Side side : kEverySide) {
    if (Own(side) && row(id, side) != nullptr) LinkBySeq(Key(id, side), ListOf(id, side));
  }
}

void Twin::Record(PropertyId id) {
  pending_.properties.push_back({id, at(id).def, at(id).pid});
}

// Gives the property its place in the wire dictionary.
void Twin::Commission(PropertyId id) {
  Property& property = at(id);
  property.pid = static_cast<Pid>(by_pid_.size() + 1);
  by_pid_.push_back(id);
  chains_.push_back(ChainHash(chain(dictionary_size()), property.pid, property.def));
  dictionary_limit_.Use(dictionary_size());
  pending_.dictionary.push_back({property.pid, id, 0, property.def, chains_.back()});
}

// Its number says no more than that it was one: the peer forgets the property.
void Twin::Withdraw(PropertyId id) {
  DictionaryEntry entry;
  entry.pid = static_cast<Pid>(by_pid_.size() + 1);
  entry.id = id;
  entry.withdraws = std::exchange(at(id).pid, 0);
  entry.chain = ChainHash(chain(dictionary_size()), entry);
  by_pid_.push_back(id);
  chains_.push_back(entry.chain);
  withdrawals_.emplace(entry.pid, entry.withdraws);
  withdrawn_.insert(entry.withdraws);
  pending_.dictionary.push_back(std::move(entry));
}

void Twin::Hold(PropertyId id, MonoTime until) {
  Unhold(id);
  at(id).held_until = until;
  held_.insert({until, id});
}

void Twin::Unhold(PropertyId id) {
  std::optional<MonoTime>& until = at(id).held_until;
  if (until) held_.erase({*until, id});
  until.reset();
}

// Withdrawing is always possible: nothing may stay shared for want of room.
Status Twin::CheckRoom(const PropertyDef& def, bool known) {
  if (!known && !properties_limit_.Fits(defined_ + 1)) {
    properties_limit_.Hit();
    return Exhausted("'" + def.path.text() + "' would be property number " +
                     std::to_string(defined_ + 1) + "; properties_max is " +
                     std::to_string(properties_limit_.max()));
  }
  if (Private(def) || dictionary_limit_.Fits(std::uint64_t{dictionary_size()} + 1)) return {};
  const PropertyId id = Find(def.path.text());
  const Pid told = id == kNoProperty ? 0 : pid(id);
  if (told != 0 && SameOnWire(Entry(told).def, def)) return {};
  dictionary_limit_.Hit();
  return Exhausted("'" + def.path.text() + "' would be definition number " +
                   std::to_string(dictionary_size() + 1) + "; dictionary_max allows " +
                   std::to_string(dictionary_limit_.max()) +
                   " until the cloud has taken them and the dictionary can begin anew");
}

Result<PropertyId> Twin::Define(const PropertyDef& def) {
  EDGETWIN_CHECK(role_ == Role::kDevice);
  if (const Status ok = Check(def); !ok) return ok.error();
  if (def.type == ValueType::kNone) {
    return Invalid("property '" + def.path.text() + "' needs a type");
  }
  PropertyId id = Find(def.path.text());
  const bool known = id != kNoProperty && defined(id);
  if (known && !at(id).def.instance.empty() && at(id).def.instance != def.instance &&
      at(id).last.samples > 0) {
    return Conflict("'" + def.path.text() + "' belongs to driver '" + at(id).def.instance +
                    "' already; driver '" + def.instance + "' cannot have it too");
  }
  if (const Status room = CheckRoom(def, known); !room) return room.error();
  if (id == kNoProperty) id = Add(def.path);
  Property& property = at(id);
  if (known && property.def == def) return id;

  const PropertyDef before = property.def;
  const bool told = property.pid != 0;
  const bool crossed = Private(before) != Private(def);
  const bool same_meaning = known && !crossed && SameMeaning(before, def);
  if (property.held_until) {
    const MonoTime until = property.reported_at + def.policy.min_period;
    Unhold(id);
    if (same_meaning) Hold(id, until);
  }
  if (told && (Private(def) || !SameOnWire(before, def))) {
    past_entries_.emplace(property.pid, before);
  }
  // The rows change lists: they leave the old one under the old definition.
  if (crossed) UnlinkAll(id);
  Redefine(id, def);
  if (crossed) LinkAll(id);
  if (!known) ++defined_;
  properties_limit_.Use(defined_);
  unknown_limit_.Use(properties_.size() - defined_);

  // The peer knows the pid as it was told, which may be longer ago than the last definition.
  const bool as_told = told && SameOnWire(Entry(property.pid).def, def);
  if (!Private(def) && !as_told) Commission(id);
  if (Private(def) && told) Withdraw(id);
  Record(id);
  // What the peer was not shown lies below its watermark: it needs a new place to be owed.
  if (crossed && !Private(def)) {
    for (const Side side : {Side::kStatus, Side::kOverride}) {
      if (const Row* own = row(id, side)) Set(id, side, Row(*own));
    }
  }
  if ((known || property.reported.dot.seq != 0) && !same_meaning) {
    Row row;
    row.time = property.reported.time;
    row.quality = Quality::kStale;
    row.dot = NextDot();
    property.last = {};
    // With the definition: after a crash, an old value must not be taken for one of the new
    // meaning.
    pending_.rows.push_back({id, Side::kReported, row});
    Place(id, Side::kReported, std::move(row));
  }
  return id;
}

void Twin::Undefine(PropertyId id) {
  Property& property = at(id);
  Unhold(id);
  if (property.reported.dot.seq == 0 || property.reported.value.none()) return;
  Row row;
  row.time = property.reported.time;
  row.quality = Quality::kBad;
  row.dot = NextDot();
  property.last = {};
  Place(id, Side::kReported, std::move(row));
}

Result<PropertyId> Twin::FindOrAdd(const Path& path) {
  if (const PropertyId id = Find(path.text()); id != kNoProperty) return id;
  const std::uint64_t unknown = properties_.size() - defined_;
  if (!unknown_limit_.Fits(unknown + 1)) {
    unknown_limit_.Hit();
    return Exhausted("'" + path.text() + "' would be unknown path number " +
                     std::to_string(unknown + 1) + "; unknown_paths_max is " +
                     std::to_string(unknown_limit_.max()));
  }
  const PropertyId id = Add(path);
  unknown_limit_.Use(unknown + 1);
  Record(id);
  return id;
}

bool Twin::TakeEntry(DictionaryEntry entry) {
  EDGETWIN_CHECK(role_ == Role::kCloud);
  if (entry.pid == 0 || entry.pid > dictionary_size() + 1) return false;
  const std::uint64_t hash = ChainHash(chain(entry.pid - 1), entry);
  if (entry.pid <= dictionary_size()) return chain(entry.pid) == hash;
  if (!dictionary_limit_.Fits(entry.pid)) {
    dictionary_limit_.Hit();
    return false;
  }
  entry.chain = hash;
  if (entry.withdraws != 0) {
    entry.id = FindPid(entry.withdraws);
    if (entry.id == kNoProperty) return false;
    withdrawals_.emplace(entry.pid, entry.withdraws);
    withdrawn_.insert(entry.withdraws);
    if (at(entry.id).pid == entry.withdraws) Purge(entry.id);
  } else {
    entry.id = Find(entry.def.path.text());
    const bool known = entry.id != kNoProperty && defined(entry.id);
    if (!known && !properties_limit_.Fits(defined_ + 1)) {
      properties_limit_.Hit();
      return false;
    }
    if (entry.id == kNoProperty) entry.id = Add(entry.def.path);
    Property& property = at(entry.id);
    if (!known) ++defined_;
    if (property.pid != 0) past_entries_.emplace(property.pid, property.def);
    Redefine(entry.id, entry.def);
    property.pid = entry.pid;
  }
  by_pid_.push_back(entry.id);
  chains_.push_back(hash);
  Record(entry.id);
  pending_.dictionary.push_back(std::move(entry));
  properties_limit_.Use(defined_);
  dictionary_limit_.Use(dictionary_size());
  return true;
}

// Cloud: what the device told of the property is none of our business any more.
void Twin::Purge(PropertyId id) {
  Property& property = at(id);
  past_entries_.emplace(property.pid, property.def);
  property.pid = 0;
  PropertyDef def;
  def.path = property.def.path;
  Redefine(id, std::move(def));
  --defined_;
  for (const Side side : kEverySide) {
    if (Own(side) || row(id, side) == nullptr) continue;
    Slot(id, side) = Row{};
    pending_.rows.push_back({id, side, Row{}});
  }
}

void Twin::ClearDictionary() {
  by_pid_.clear();
  chains_.clear();
  past_entries_.clear();
  withdrawals_.clear();
  withdrawn_.clear();
  pending_.dictionary.clear();
  pending_.dictionary_reset = true;
  for (Property& property : properties_) property.pid = 0;
  dictionary_limit_.Use(0);
}

bool Twin::DictionaryFull() const {
  const std::uint64_t n = dictionary_size();
  return n > dictionary_limit_.max() / 2 && n > defined_ + defined_ / 4;
}

void Twin::RenewDictionary() {
  EDGETWIN_CHECK(role_ == Role::kDevice);
  ClearDictionary();
  for (std::uint32_t i = 0; i < properties_.size(); ++i) {
    const PropertyDef& def = properties_[i].def;
    if (def.type != ValueType::kNone && !Private(def)) Commission(PropertyId{i});
    Record(PropertyId{i});
  }
}

bool Twin::CompactDictionary() {
  EDGETWIN_CHECK(role_ == Role::kDevice);
  std::map<PropertyId, Pid> newest;  // Its definition; withdrawn or not.
  for (Pid pid = 1; pid <= dictionary_size(); ++pid) {
    if (!withdrawals_.contains(pid)) newest[by_pid_[pid - 1]] = pid;
  }
  std::vector<DictionaryEntry> kept;
  std::map<Pid, Pid> moved;
  for (Pid pid = 1; pid <= dictionary_size(); ++pid) {
    DictionaryEntry entry = Entry(pid);
    const Pid defined = entry.withdraws == 0 ? pid : entry.withdraws;
    if (newest.at(entry.id) != defined) continue;
    entry.pid = static_cast<Pid>(kept.size() + 1);
    if (entry.withdraws != 0) entry.withdraws = moved.at(defined);
    moved[pid] = entry.pid;
    entry.chain = ChainHash(kept.empty() ? chain(0) : kept.back().chain, entry);
    kept.push_back(std::move(entry));
  }
  if (kept.size() == dictionary_size()) return false;
  EDGETWIN_CHECK(AdoptDictionary(0, kept));
  return true;
}

void Twin::ForgetDictionary() {
  EDGETWIN_CHECK(role_ == Role::kCloud);
  ClearDictionary();
  ForEachProperty([this](PropertyId id) { Record(id); });
}

bool Twin::AdoptDictionary(Pid common, const std::vector<DictionaryEntry>& entries) {
  EDGETWIN_CHECK(role_ == Role::kDevice && common <= dictionary_size());
  std::uint64_t hash = chain(common);
  Pid next = common;
  for (const DictionaryEntry& entry : entries) {
    hash = ChainHash(hash, entry);
    if (entry.pid != ++next || entry.chain != hash || entry.withdraws >= entry.pid) return false;
  }
  std::vector<DictionaryEntry> kept;
  for (Pid pid = 1; pid <= common; ++pid) kept.push_back(Entry(pid));
  kept.insert(kept.end(), entries.begin(), entries.end());

  ClearDictionary();
  for (DictionaryEntry& entry : kept) {
    if (entry.withdraws != 0) {
      entry.id = by_pid_[entry.withdraws - 1];
      if (at(entry.id).pid == entry.withdraws) at(entry.id).pid = 0;
      withdrawals_.emplace(entry.pid, entry.withdraws);
      withdrawn_.insert(entry.withdraws);
    } else {
      entry.id = Find(entry.def.path.text());
      if (entry.id == kNoProperty) entry.id = Add(entry.def.path);
      at(entry.id).pid = entry.pid;  // Of several, the last one is what the peer takes it for.
      past_entries_.emplace(entry.pid, entry.def);
    }
    by_pid_.push_back(entry.id);
    chains_.push_back(entry.chain);
    pending_.dictionary.push_back(std::move(entry));
  }
  for (std::uint32_t i = 0; i < properties_.size(); ++i) {
    const PropertyId id{i};
    const Property& property = properties_[i];
    const bool shared = property.def.type != ValueType::kNone && !Private(property.def);
    const bool as_told = property.pid != 0 && SameOnWire(Entry(property.pid).def, property.def);
    if (as_told) past_entries_.erase(property.pid);
    const bool told = property.pid != 0;
    if (shared && !as_told) Commission(id);
    // It knows the property no more, and has forgotten what it was told of it.
    for (const Side side : kEverySide) {
      if (shared && !told && Own(side) && row(id, side) != nullptr) Renumber(id, side);
    }
    // The peer's value is of something else.
    if (shared && told && !as_told && row(id, Side::kReported) == nullptr) {
      Row none;
      none.quality = Quality::kStale;
      none.dot = NextDot();
      pending_.rows.push_back({id, Side::kReported, none});
      Place(id, Side::kReported, std::move(none));
    }
    if (Private(property.def) && property.pid != 0) Withdraw(id);
    Record(id);
  }
  unknown_limit_.Use(properties_.size() - defined_);
  dictionary_limit_.Use(dictionary_size());
  return true;
}

PropertyId Twin::Find(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? kNoProperty : found->second;
}

PropertyId Twin::FindPid(Pid pid) const {
  if (pid == 0 || pid > by_pid_.size()) return kNoProperty;
  return withdrawals_.contains(pid) || withdrawn_.contains(pid) ? kNoProperty : by_pid_[pid - 1];
}

PropertyId Twin::FindGiven(Pid pid) const {
  if (pid == 0 || pid > by_pid_.size() || withdrawals_.contains(pid)) return kNoProperty;
  return by_pid_[pid - 1];
}

DictionaryEntry Twin::Entry(Pid pid) const {
  EDGETWIN_CHECK(pid >= 1 && pid <= by_pid_.size());
  DictionaryEntry entry;
  entry.pid = pid;
  entry.id = by_pid_[pid - 1];
  entry.chain = chains_[pid - 1];
  if (const auto withdrawn = withdrawals_.find(pid); withdrawn != withdrawals_.end()) {
    entry.withdraws = withdrawn->second;
    return entry;
  }
  const auto past = past_entries_.find(pid);
  entry.def = past == past_entries_.end() ? at(entry.id).def : past->second;
  // The rest is this device's own business.
  entry.def.local_only = false;
  entry.def.policy = {};
  entry.def.alarm = {};
  entry.def.instance.clear();
  entry.def.source.clear();
  return entry;
}

const Row* Twin::row(PropertyId id, Side side) const {
  const Property& property = at(id);
  const Row* row = &property.reported;
  if (side != Side::kReported) {
    if (!property.control) return nullptr;
    row = &property.control->rows[static_cast<std::size_t>(side)];
  }
  return row->dot == Dot{} ? nullptr : row;
}

Row& Twin::Slot(PropertyId id, Side side) {
  Property& property = at(id);
  if (side == Side::kReported) return property.reported;
  if (!property.control) property.control = std::make_unique<ControlRows>();
  return property.control->rows[static_cast<std::size_t>(side)];
}

Row& Twin::RowAt(std::uint32_t key) {
  return Slot(IdOf(key), SideOf(key));
}
const Row& Twin::RowAt(std::uint32_t key) const {
  const Property& property = at(IdOf(key));
  const Side side = SideOf(key);
  return side == Side::kReported ? property.reported
                                 : property.control->rows[static_cast<std::size_t>(side)];
}
Twin::Link& Twin::LinkAt(std::uint32_t key) {
  return const_cast<Link&>(static_cast<const Twin*>(this)->LinkAt(key));  // NOLINT
}
const Twin::Link& Twin::LinkAt(std::uint32_t key) const {
  const Property& property = at(IdOf(key));
  const Side side = SideOf(key);
  return side == Side::kReported ? property.link
                                 : property.control->links[static_cast<std::size_t>(side)];
}

bool Twin::Own(Side side) const {
  return (side == Side::kDesired) == (role_ == Role::kCloud);
}

std::size_t Twin::ListOf(PropertyId id, Side side) const {
  // Nothing of a local-only property may leave the device, its control sides included.
  if (Private(at(id).def)) return kLocalList;
  return ListOf(StreamOf(side));
}

std::uint64_t Twin::Tail(std::size_t list) const {
  const std::uint32_t last = lists_[list].last;
  return last == kNoKey ? 0 : RowAt(last).dot.seq;
}

void Twin::Unlink(std::uint32_t key, std::size_t list) {
  Link& link = LinkAt(key);
  if (!link.linked) return;
  (link.previous == kNoKey ? lists_[list].first : LinkAt(link.previous).next) = link.next;
  (link.next == kNoKey ? lists_[list].last : LinkAt(link.next).previous) = link.previous;
  link = {};
}

void Twin::LinkBySeq(std::uint32_t key, std::size_t list) {
  const std::uint64_t seq = RowAt(key).dot.seq;
  std::uint32_t before = lists_[list].last;
  while (before != kNoKey && RowAt(before).dot.seq > seq) before = LinkAt(before).previous;
  Link& link = LinkAt(key);
  link.linked = true;
  link.previous = before;
  link.next = before == kNoKey ? lists_[list].first : LinkAt(before).next;
  (link.previous == kNoKey ? lists_[list].first : LinkAt(link.previous).next) = key;
  (link.next == kNoKey ? lists_[list].last : LinkAt(link.next).previous) = key;
}

// Puts a row where it belongs, with the dot it has.
void Twin::Place(PropertyId id, Side side, Row row) {
  const std::uint32_t key = Key(id, side);
  Row& slot = Slot(id, side);
  if (!Own(side)) {
    slot = std::move(row);
    return;
  }
  const std::size_t list = ListOf(id, side);
  Unlink(key, list);
  slot = std::move(row);
  head_ = std::max(head_, slot.dot.seq);
  LinkBySeq(key, list);
}

Dot Twin::NextDot() {
  ++head_;
  return {lineage_.empty() ? 0 : lineage_.back().inc, head_};
}

Dot Twin::TakeDot(Stream stream) {
  const Dot dot = NextDot();
  reaches_[ListOf(stream)] = dot.seq;
  return dot;
}

void Twin::Reaches(Stream stream, std::uint64_t seq) {
  std::uint64_t& reached = reaches_[ListOf(stream)];
  reached = std::max(reached, seq);
  head_ = std::max(head_, seq);
}

void Twin::ReportRow(PropertyId id, Sample sample, MonoTime now) {
  Property& property = at(id);
  Unhold(id);
  property.reported_at = now;
  const std::uint32_t key = Key(id, Side::kReported);
  const std::size_t list = ListOf(id, Side::kReported);
  Unlink(key, list);
  Row& row = property.reported;
  row.value = std::move(sample.value);
  row.time = sample.time;
  row.quality = sample.quality;
  row.unsynced = sample.unsynced;
  row.dot = NextDot();
  LinkBySeq(key, list);
}

Reported Twin::Report(PropertyId id, Sample sample, MonoTime now) {
  Property& property = at(id);
  EDGETWIN_CHECK(sample.value.type() == property.def.type || sample.value.none());
  const ReportPolicy& policy = property.def.policy;
  LastSample& last = property.last;
  const bool first = last.samples == 0;
  last.value = sample.value;
  last.time = sample.time;
  last.at = now;
  last.quality = sample.quality;
  ++last.samples;

  const Row& row = property.reported;
  const bool same_quality = row.quality == sample.quality && row.unsynced == sample.unsynced;
  if (!first && same_quality) {
    const bool heartbeat =
        policy.heartbeat.count() > 0 && now - property.reported_at >= policy.heartbeat;
    if (!heartbeat && WithinDeadband(row.value, sample.value, policy.deadband)) {
      ++last.suppressed;
      if (property.held_until) property.held_sample = std::move(sample);
      return Reported::kSuppressed;
    }
    const MonoTime earliest = property.reported_at + policy.min_period;
    if (now < earliest) {
      property.held_sample = std::move(sample);
      Hold(id, earliest);
      return Reported::kHeld;
    }
  }
  ReportRow(id, std::move(sample), now);
  return Reported::kRow;
}

Reported Twin::ReportBad(PropertyId id, WallTime time, bool unsynced, MonoTime now) {
  Sample sample;
  sample.value = at(id).last.samples > 0 ? at(id).last.value : at(id).reported.value;
  sample.time = time;
  sample.quality = Quality::kBad;
  sample.unsynced = unsynced;
  return Report(id, std::move(sample), now);
}

void Twin::Tick(MonoTime now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    const PropertyId id = held_.begin()->second;
    Property& property = at(id);
    Unhold(id);
    Sample sample = std::move(property.held_sample);
    if (WithinDeadband(property.reported.value, sample.value, property.def.policy.deadband)) {
      continue;
    }
    ReportRow(id, std::move(sample), now);
  }
}

std::optional<MonoTime> Twin::NextTick() const {
  if (held_.empty()) return {};
  return held_.begin()->first;
}

void Twin::Set(PropertyId id, Side side, Row row) {
  EDGETWIN_CHECK(Own(side) && side != Side::kReported);
  const Row* before = this->row(id, side);
  const std::uint64_t replaces = before == nullptr ? 0 : before->dot.seq;
  row.dot = NextDot();
  pending_.rows.push_back({id, side, row, replaces});
  Place(id, side, std::move(row));
}

bool Twin::Apply(PropertyId id, Side side, Row row) {
  EDGETWIN_CHECK(!Own(side));
  Row& slot = Slot(id, side);
  if (On(Guard::kDotComparison) && slot.dot.seq >= row.dot.seq) return false;
  slot = std::move(row);
  return true;
}

void Twin::Force(PropertyId id, Side side, Row row) {
  EDGETWIN_CHECK(!Own(side));
  Slot(id, side) = std::move(row);
}

bool Twin::Restore(PropertyId id, Side side, Row row, std::uint64_t overruled) {
  EDGETWIN_CHECK(role_ == Role::kDevice && Own(side));
  const Row* held = this->row(id, side);
  if (Private(at(id).def)) return false;
  const bool newer = held != nullptr && held->dot.seq >= row.dot.seq &&
                     (side != Side::kReported || held->dot.seq > overruled);
  if (newer) return false;
  if (side == Side::kReported && confirmed(id)) return false;
  // Only what earlier incarnations gave can come back; a later seq would be a forgery.
  if (!lineage_.empty() && row.dot.inc == lineage_.back().inc) return false;
  pending_.rows.push_back({id, side, row, held == nullptr ? 0 : held->dot.seq});
  Place(id, side, std::move(row));
  return true;
}

void Twin::Renumber(PropertyId id, Side side) {
  EDGETWIN_CHECK(Own(side));
  const Row* held = row(id, side);
  Row again = held == nullptr ? Row() : *held;
  if (side != Side::kReported) return Set(id, side, std::move(again));
  again.dot = NextDot();
  Place(id, side, std::move(again));
}

void Twin::Walk(std::size_t list, std::uint64_t after, const Visit& visit) const {
  std::uint32_t key = lists_[list].last;
  std::uint32_t from = kNoKey;
  while (key != kNoKey && RowAt(key).dot.seq > after) {
    from = key;
    key = LinkAt(key).previous;
  }
  for (key = from; key != kNoKey; key = LinkAt(key).next) {
    if (!visit(IdOf(key), SideOf(key), RowAt(key))) return;
  }
}

void Twin::ForEachAfter(Stream stream, std::uint64_t after, const Visit& visit) const {
  Walk(ListOf(stream), after, visit);
}

void Twin::ForEachLocalAfter(std::uint64_t after, const Visit& visit) const {
  Walk(kLocalList, after, visit);
}

void Twin::ForEachProperty(const std::function<void(PropertyId)>& visit) const {
  for (std::uint32_t i = 0; i < properties_.size(); ++i) visit(PropertyId{i});
}

Batch Twin::TakePending() {
  return std::exchange(pending_, Batch{});
}

std::vector<LimitReport> Twin::limits() const {
  return {properties_limit_.Report("properties"), unknown_limit_.Report("unknown_paths"),
          dictionary_limit_.Report("dictionary_entries")};
}

}  // namespace edgetwin::model
