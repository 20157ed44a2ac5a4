// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/alarms.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "twin/base/utf8.h"

namespace edgetwin::model {
namespace {

using std::chrono::microseconds;

constexpr std::array<AlarmKind, 2> kBoth = {AlarmKind::kHigh, AlarmKind::kLow};

const std::optional<double>& LimitOf(const PropertyDef& def, AlarmKind kind) {
  return kind == AlarmKind::kHigh ? def.alarm.high : def.alarm.low;
}

bool Beyond(const PropertyDef& def, AlarmKind kind, double number) {
  const double limit = *LimitOf(def, kind);
  return kind == AlarmKind::kHigh ? number > limit : number < limit;
}

bool CameBack(const PropertyDef& def, AlarmKind kind, double number) {
  const double limit = *LimitOf(def, kind);
  return kind == AlarmKind::kHigh ? number <= limit - def.alarm.hysteresis
                                  : number >= limit + def.alarm.hysteresis;
}

// "tank/level is 92.1 cm".
std::string Shown(const PropertyDef& def, const Value& value) {
  return def.path.text() + " is " + Format(value, def.decimals) +
         (def.unit.empty() ? "" : " " + def.unit);
}

// "its high limit of 90".
std::string LimitShown(const PropertyDef& def, AlarmKind kind) {
  return "its " + std::string(ToString(kind)) + " limit of " + Format(Value(*LimitOf(def, kind)));
}

}  // namespace

void Alarms::Load(std::vector<AlarmRecord> records) {
  for (AlarmRecord& record : records) {
    const Key key{record.id, record.kind};
    if (record.raised || !record.acknowledged) records_.insert_or_assign(key, std::move(record));
  }
}

AlarmRecord* Alarms::Raised(const Key& key) {
  const auto found = records_.find(key);
  return found == records_.end() || !found->second.raised ? nullptr : &found->second;
}

void Alarms::OnSample(PropertyId id, const Value& value, Quality quality, MonoTime now,
                      WallTime wall, bool unsynced) {
  const PropertyDef& def = twin_.def(id);
  if (!def.alarm.high && !def.alarm.low) return;
  const bool known = quality == Quality::kGood || quality == Quality::kUncertain;
  const std::optional<double> number = known ? value.AsNumber() : std::nullopt;
  if (!number || std::isnan(*number)) return Pause(id, now);
  // What is over comes before what begins: a value may jump from one end to the other.
  for (const AlarmKind kind : kBoth) {
    if (!LimitOf(def, kind) || Raised({id, kind}) == nullptr) continue;
    if (!CameBack(def, kind, *number)) continue;
    End({id, kind}, value, Shown(def, value) + ", back within " + LimitShown(def, kind), wall,
        unsynced);
  }
  for (const AlarmKind kind : kBoth) {
    if (LimitOf(def, kind)) Judge({id, kind}, value, *number, now, wall, unsynced);
  }
}

void Alarms::Judge(const Key& key, const Value& value, double number, MonoTime now, WallTime wall,
                   bool unsynced) {
  const PropertyDef& def = twin_.def(key.first);
  if (Raised(key) != nullptr) return;
  if (!Beyond(def, key.second, number)) return StopWaiting(key);
  const auto [found, begins] = waits_.try_emplace(key);
  Wait& wait = found->second;
  if (begins) {
    wait.left = def.alarm.delay;
    wait.limits = def.alarm;
  }
  wait.value = value;
  if (!wait.due) {
    wait.due = now + wait.left;
    due_.emplace(*wait.due, key);
  }
  if (*wait.due <= now) Raise(key, value, wall, unsynced);
}

void Alarms::Raise(const Key& key, const Value& value, WallTime wall, bool unsynced) {
  const auto& [id, kind] = key;
  const PropertyDef& def = twin_.def(id);
  AlarmRecord record;
  record.id = id;
  record.kind = kind;
  record.raised = true;
  record.since = wall;
  record.value = value;
  Save(key, record);
  Tell("alarm_raised", Severity::kAlarm, id, value,
       Shown(def, value) + (kind == AlarmKind::kHigh ? ", above " : ", below ") +
           LimitShown(def, kind),
       wall, unsynced);
  StopWaiting(key);
}

void Alarms::End(const Key& key, const Value& value, std::string_view text, WallTime wall,
                 bool unsynced) {
  AlarmRecord record = records_.at(key);
  record.raised = false;
  record.since = wall;
  Save(key, record);
  Tell("alarm_cleared", Severity::kInfo, key.first, value, text, wall, unsynced);
}

void Alarms::Pause(PropertyId id, MonoTime now) {
  for (const AlarmKind kind : kBoth) {
    const Key key{id, kind};
    const auto found = waits_.find(key);
    if (found == waits_.end() || !found->second.due) continue;
    Wait& wait = found->second;
    due_.erase({*wait.due, key});
    // Until now the last value known was beyond the limit.
    wait.left = std::max<microseconds>(*wait.due - now, microseconds(0));
    wait.due.reset();
  }
}

void Alarms::StopWaiting(const Key& key) {
  const auto found = waits_.find(key);
  if (found == waits_.end()) return;
  if (found->second.due) due_.erase({*found->second.due, key});
  waits_.erase(found);
}

void Alarms::Defined(PropertyId id, MonoTime now, WallTime wall) {
  const PropertyDef& def = twin_.def(id);
  const LastSample& last = twin_.last_sample(id);  // None when it means something else by now.
  for (const AlarmKind kind : kBoth) {
    const Key key{id, kind};
    const auto wait = waits_.find(key);
    if (wait != waits_.end() && (last.samples == 0 || !(wait->second.limits == def.alarm))) {
      StopWaiting(key);
    }
    if (LimitOf(def, kind) || Raised(key) == nullptr) continue;
    End(key, {}, def.path.text() + " has no " + std::string(ToString(kind)) + " limit any more",
        wall, !clock_trusted_);
  }
  if (last.samples > 0) OnSample(id, last.value, last.quality, now, wall, !clock_trusted_);
}

void Alarms::Undefined(PropertyId id, WallTime wall) {
  for (const AlarmKind kind : kBoth) {
    const Key key{id, kind};
    StopWaiting(key);
    if (Raised(key) == nullptr) continue;
    End(key, {},
        "no driver has " + twin_.def(id).path.text() + " any more; its " +
            std::string(ToString(kind)) + " alarm is over",
        wall, !clock_trusted_);
  }
}

Status Alarms::Acknowledge(PropertyId id, std::optional<AlarmKind> kind, std::string_view who,
                           WallTime wall) {
  const std::string name = ToUtf8(who, kAlarmWhoBytesMax);
  const std::string& path = twin_.def(id).path.text();
  bool any = false;
  for (const AlarmKind each : kBoth) {
    const auto found = records_.find({id, each});
    if ((kind && *kind != each) || found == records_.end()) continue;
    AlarmRecord record = found->second;
    if (record.acknowledged) continue;
    any = true;
    record.acknowledged = true;
    record.who = name;
    Save({id, each}, record);
    Tell("alarm_acknowledged", Severity::kInfo, id, record.value,
         name + " acknowledged the " + std::string(ToString(each)) + " alarm of " + path, wall,
         !clock_trusted_);
  }
  if (any) return {};
  return NotFound("'" + path + "' has no " +
                  (kind ? std::string(ToString(*kind)) + " alarm" : std::string("alarm")) +
                  " that waits to be acknowledged");
}

void Alarms::Tick(MonoTime now, WallTime wall) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const Key key = due_.begin()->second;
    Raise(key, Value(waits_.at(key).value), wall, !clock_trusted_);
  }
}

std::optional<MonoTime> Alarms::NextTick() const {
  if (due_.empty()) return {};
  return due_.begin()->first;
}

std::vector<AlarmRecord> Alarms::records() const {
  std::vector<AlarmRecord> records;
  records.reserve(records_.size());
  for (const auto& [key, record] : records_) records.push_back(record);
  return records;
}

void Alarms::Save(const Key& key, const AlarmRecord& record) {
  changes_.insert_or_assign(key, record);
  if (record.raised || !record.acknowledged) {
    records_.insert_or_assign(key, record);
  } else {
    records_.erase(key);
  }
}

std::vector<AlarmRecord> Alarms::TakeChanges() {
  std::vector<AlarmRecord> changes;
  changes.reserve(changes_.size());
  for (auto& [key, record] : changes_) changes.push_back(std::move(record));
  changes_.clear();
  return changes;
}

void Alarms::Tell(std::string kind, Severity severity, PropertyId id, Value value,
                  std::string_view text, WallTime wall, bool unsynced) {
  Event event;
  event.time = wall;
  event.unsynced = unsynced;
  event.severity = severity;
  event.kind = std::move(kind);
  event.id = id;
  event.value = std::move(value);
  event.text = ToUtf8(text, kEventTextBytesMax);
  events_.push_back(std::move(event));
}

std::vector<Event> Alarms::TakeEvents() {
  return std::exchange(events_, {});
}

}  // namespace edgetwin::model
