// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Control of writable properties on the device: who may move what, when a write happens, and what
// becomes of each desired value. Pure: it asks for reads and writes, and is told how they went.
//
// Rules (docs/PROTOCOL.md, "Desired"):
// - Nothing is written before what asks for it (the desired row, the override) is durable.
// - After a restart, an unfinished desired value is read back first, and written only if the device
//   shows another.
// - An override masks desired until it is released or expires; then desired is applied again.
// - Each desired row that stays the newest gets exactly one terminal status; so does one that a
//   newer one replaces here before it had one: superseded, which is known once the newer one is on
//   flash. What its write brings afterwards is nobody's answer.
//
// Deadlines and the wall clock:
// - An override's time is counted by the monotonic clock. What is left of it is handed out each
//   minute (TakeHolds), so that a restart goes on with that much: whatever the wall clock says, an
//   override never lasts longer than what was left, and loses at most a minute of progress a
//   restart. Time spent switched off counts as well, once the clock is trusted: the override then
//   ends at its row's `until` if that comes first.
// - An override begun by an untrusted clock has an `until` that says nothing. Once the clock is
//   trusted, its row is corrected, for people and the cloud; time that it was switched off before
//   is not known and doesn't count.
// - `valid_until` is the cloud's wall time, and becomes a span of the monotonic clock when its
//   value is taken up. By an untrusted clock it can't be judged: writing what is no longer valid
//   and dropping what still is are both wrong. So a desired value with a `valid_until` that is not
//   finished waits then, pending with that reason, until the clock is trusted (by NTP, or by the
//   handshake with the cloud); without one it is applied at once. A span that was begun stands,
//   whatever the clock does later.
//
// At most one piece of work a property, so the twin's properties_max bounds everything here.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "twin/base/clock.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

// Something the shell shall do with a driver, answered by Control::ReadDone or WriteDone with the
// same `ticket`.
struct DriverCall {
  enum class Kind { kRead, kWrite };
  Kind kind = Kind::kWrite;
  std::uint64_t ticket = 0;
  PropertyId id = kNoProperty;
  Value value;  // To write.
  // What asks for it, and its version.
  enum class Cause { kDesired, kOverride, kCommand };
  Cause cause = Cause::kDesired;
  Dot dot;
};

struct ControlOptions {
  std::chrono::milliseconds retry_min{1'000};  // After a write that failed for now; doubles …
  std::chrono::milliseconds retry_max{60'000};
};

class Control {
 public:
  using OverrideDone = std::function<void(Result<Value>)>;

  // `twin` must outlive it.
  Control(Twin& twin, ControlOptions options = {});

  // After Twin::Load: takes up overrides and desired values that a stop or crash left unfinished.
  // `trusted` as in SetClockTrusted; `holds`: what the store kept of TakeHolds. An override without
  // one there has all of its time left.
  void Resume(MonoTime now, WallTime wall, bool trusted, const std::vector<HoldRecord>& holds);

  // Whether the `wall` of later calls can be trusted; acted on by the next Tick. True until said
  // otherwise.
  void SetClockTrusted(bool trusted);

  // A desired row was applied to the twin; it is acted on once it is durable: when the cloud's
  // watermark has reached `seq`, and batch number `batch` is on flash.
  struct Arrival {
    std::uint64_t seq = 0;
    std::uint64_t batch = 0;
    // It repeats, under another version, the value wanted before, which may have been written.
    bool known = false;
    // The desired row that it took the place of; seq 0: none, or nothing was wanted.
    Dot replaced = {};
  };
  // What was wanted until now, and had no terminal status, is superseded: that status is pending in
  // the twin, for the batch that commits the new row.
  void DesiredArrived(PropertyId id, Arrival arrival, WallTime wall);
  // The property left the interest: nothing is wanted of it any more as far as we know. What is
  // under way with the driver ends as it ends.
  void DesiredGone(PropertyId id);
  // The cloud's store is another one: its seqs mean nothing any more, and what was not durable yet
  // waits for the new one to want it again.
  void PeerReplaced();
  // Everything from the cloud up to `peer_seq`, every own control row up to `own_seq`, and all
  // batches up to number `batch` are durable.
  struct DurableMarks {
    std::uint64_t peer_seq = 0;
    std::uint64_t own_seq = 0;
    std::uint64_t batch = 0;
  };
  void Durable(const DurableMarks& marks, MonoTime now, WallTime wall);
  // A driver defined the property (again), or its limits changed.
  void Defined(PropertyId id, MonoTime now, WallTime wall);

  // A technician's hold on a value, `duration` long. kInvalid, kUnsupported, kNotFound when the
  // property can't take the value. `done` is called with the effective value once it is written, or
  // with why it was not.
  Status Override(PropertyId id, Value value, std::string who, std::chrono::milliseconds duration,
                  MonoTime now, WallTime wall, OverrideDone done);
  // kNotFound when there is none.
  Status Release(PropertyId id, MonoTime now, WallTime wall);
  // The store was set back: whether they should hold is not known any more. Returns how many ended.
  std::size_t DropOverrides(MonoTime now, WallTime wall);
  // The override in force, or null.
  const Row* override_row(PropertyId id) const;
  std::chrono::milliseconds override_left(PropertyId id, MonoTime now) const;

  void ReadDone(std::uint64_t ticket, Result<Value> result, MonoTime now, WallTime wall);
  void WriteDone(std::uint64_t ticket, Result<Value> result, MonoTime now, WallTime wall);

  // Due retries, expiries of overrides and of valid_until.
  void Tick(MonoTime now, WallTime wall);
  std::optional<MonoTime> NextTick() const;

  // What the drivers shall do now.
  std::vector<DriverCall> TakeCalls();
  // What is left of overrides, for Batch::holds: at the start of each (for the batch that commits
  // its row), every minute, and 0 at its end. Those that changed since the last call, one a
  // property.
  std::vector<HoldRecord> TakeHolds();

  std::size_t unfinished() const { return work_.size(); }

 private:
  enum class Phase { kWaitDurable, kWaitClock, kWaitDriver, kReading, kWriting, kRetry };

  struct Work {
    Phase phase = Phase::kWaitDurable;
    Dot dot;      // Of the desired or override row that is being applied …
    Value value;  // … and its value: the row may be a newer one by now, and not durable yet.
    bool for_override = false;
    bool silent = false;  // Applied once already: no second status.
    bool read_first = false;
    std::uint64_t ticket = 0;
    MonoTime due{};  // Of the retry.
    std::chrono::milliseconds backoff{0};
    MonoTime expires = MonoTime::max();  // Of the desired value.
    OverrideDone done;
  };

  struct Hold {
    MonoTime until{};
    MonoTime record_due{};    // When what is left is handed out again.
    bool check_wall = false;  // Its time switched off is not counted yet.
    bool written = false;     // The device shows it, or did.
  };

  // At the device, before it is written.
  enum class Look {
    kNot,    // Nobody can have written what is desired since it was written last, if ever.
    kBack,   // It may be written already; what was applied is finished.
    kAgain,  // It may be written already, and what was applied may have been undone since.
  };

  // Looks at the property afresh and begins what there is to do.
  void Evaluate(PropertyId id, Look look, MonoTime now, WallTime wall);
  void Supersede(PropertyId id, const Dot& replaced, WallTime wall);
  void BeginDesired(PropertyId id, const Row& desired, bool read_first, MonoTime now,
                    WallTime wall);
  bool Left(PropertyId id) const;
  bool MayBegin(PropertyId id, const Work& work) const;
  void Step(PropertyId id, Work& work, MonoTime now, WallTime wall);
  void Call(DriverCall::Kind kind, PropertyId id, Work& work);
  void Finish(PropertyId id, Result<Value> result, MonoTime now, WallTime wall);
  void Retry(PropertyId id, Work& work, const Error& error, MonoTime now, WallTime wall);
  void Report(PropertyId id, const Dot& desired, DesiredState state, std::string reason,
              Value effective, WallTime wall);
  void Expire(PropertyId id, WallTime wall);
  void ResumeHold(PropertyId id, const HoldRecord* kept, MonoTime now, WallTime wall);
  void EndHold(PropertyId id, MonoTime now, WallTime wall);
  // The clock is trusted now: what waited for that.
  void CountOnClock(MonoTime now, WallTime wall);
  void TickHolds(MonoTime now, WallTime wall);
  DesiredState StateOf(PropertyId id, const Dot& desired) const;
  // The work that waits for this answer; work_.end() if none does any more.
  std::map<PropertyId, Work>::iterator FindTicket(std::uint64_t ticket, MonoTime now,
                                                  WallTime wall);

  Twin& twin_;
  const ControlOptions options_;
  std::map<PropertyId, Work> work_;
  std::map<PropertyId, Hold> holds_;
  std::map<PropertyId, Arrival> arrived_;  // Desired rows that wait for their commit.
  // Local-only properties, and those that were: what comes for them next is no new wish, perhaps.
  std::set<PropertyId> local_only_, was_local_only_;
  // Calls that are out: one a property, since a driver may do the second one first. The work may be
  // gone already; then nobody wants the answer.
  std::map<std::uint64_t, PropertyId> tickets_;
  std::set<PropertyId> out_;
  std::vector<DriverCall> calls_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t own_durable_ = 0;
  std::map<PropertyId, std::chrono::milliseconds> changed_holds_;
  bool clock_trusted_ = true;
  bool clock_news_ = false;  // It has become trusted since the last Tick.
};

}  // namespace edgetwin::model
