// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The alarms of a device's properties, by the limits in their definitions. Pure: (sample or time,
// now) → records to commit and events to send.
//
// - An alarm is raised once the value has been beyond its limit for `delay` without interruption,
//   and over once the value has come back to the limit less `hysteresis`, or further.
// - What says nothing about the value (bad or stale quality, no value, NaN) changes nothing: what
//   is raised stays so, and the time until the next sample that does say something does not count
//   towards `delay`. Of uncertain quality, a value counts.
// - An alarm that is over is remembered until somebody has acknowledged it. Raised again before
//   that, it is a new one.
// - Delays are of the monotonic clock, and begin anew with a restart. Wall times are for people.
//
// Properties that are local-only have alarms as well; that their events stay here is the matter of
// who sends them.

#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/base/clock.h"
#include "twin/model/alarm.h"
#include "twin/model/event.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

inline constexpr std::size_t kAlarmWhoBytesMax = 100;

// SINGLE-THREADED. At most two alarms a property, so the twin's properties_max bounds everything
// here but the events that TakeEvents was not called for: each call adds four at most for each
// property it concerns.
class Alarms {
 public:
  // `twin`, whose definitions it goes by, must outlive it.
  explicit Alarms(const Twin& twin) : twin_(twin) {}

  // What the store held; once, before anything else. Raises no event: these were told before.
  void Load(std::vector<AlarmRecord> records);

  // Whether the wall times given to the other methods are to be trusted; events say so. True until
  // said otherwise.
  void SetClockTrusted(bool trusted) { clock_trusted_ = trusted; }

  // Every sample of a property, whether or not it became a row. `wall` and `unsynced` as of the
  // sample.
  void OnSample(PropertyId id, const Value& value, Quality quality, MonoTime now, WallTime wall,
                bool unsynced);
  // A driver defined the property (again), or its limits changed. An alarm whose limit is no more
  // is over; by a limit that moved, the last sample is judged anew.
  void Defined(PropertyId id, MonoTime now, WallTime wall);
  // No driver knows the property any more: its alarms are over.
  void Undefined(PropertyId id, WallTime wall);

  // Somebody has seen the property's alarms, or that of `kind`. kNotFound when none is there that
  // nobody had acknowledged.
  Status Acknowledge(PropertyId id, std::optional<AlarmKind> kind, std::string_view who,
                     WallTime wall);

  // Raises what has lasted its delay.
  void Tick(MonoTime now, WallTime wall);
  std::optional<MonoTime> NextTick() const;

  // Raised or not yet acknowledged; by property, high before low.
  std::vector<AlarmRecord> records() const;

  // Records that changed since the last call, as they are now, for Batch::alarms.
  std::vector<AlarmRecord> TakeChanges();
  // What happened since the last call, in order; without dots. Kinds: "alarm_raised",
  // "alarm_cleared", "alarm_acknowledged".
  std::vector<Event> TakeEvents();

 private:
  using Key = std::pair<PropertyId, AlarmKind>;

  // Beyond its limit, and not raised yet.
  struct Wait {
    std::chrono::microseconds left{0};  // Of the delay, when `due` is not set.
    std::optional<MonoTime> due;        // Not set while nothing is known of the value.
    Value value;                        // The last one beyond.
    AlarmLimits limits;                 // That it began with.
  };

  void Judge(const Key& key, const Value& value, double number, MonoTime now, WallTime wall,
             bool unsynced);
  void Raise(const Key& key, const Value& value, WallTime wall, bool unsynced);
  void End(const Key& key, const Value& value, std::string_view text, WallTime wall, bool unsynced);
  void Pause(PropertyId id, MonoTime now);
  void StopWaiting(const Key& key);
  AlarmRecord* Raised(const Key& key);
  void Save(const Key& key, const AlarmRecord& record);
  void Tell(std::string kind, Severity severity, PropertyId id, Value value, std::string_view text,
            WallTime wall, bool unsynced);

  const Twin& twin_;
  bool clock_trusted_ = true;
  std::map<Key, AlarmRecord> records_;
  std::map<Key, Wait> waits_;
  std::set<std::pair<MonoTime, Key>> due_;
  std::map<Key, AlarmRecord> changes_;
  std::vector<Event> events_;
};

}  // namespace edgetwin::model
