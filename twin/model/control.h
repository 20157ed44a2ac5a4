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
// - Each desired row that stays the newest gets exactly one terminal status.
//
// At most one piece of work a property, so the twin's properties_max bounds everything here.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
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
  void Resume(MonoTime now, WallTime wall);

  // A desired row was applied to the twin; it is acted on once the cloud's control watermark `seq`
  // is durable here.
  void DesiredArrived(PropertyId id, std::uint64_t seq);
  // The cloud's store is another one: its seqs mean nothing any more, and what was not durable yet
  // waits for the new one to want it again.
  void PeerReplaced();
  // Everything from the cloud up to `peer_seq`, and every own control row up to `own_seq`, is
  // durable.
  void Durable(std::uint64_t peer_seq, std::uint64_t own_seq, MonoTime now, WallTime wall);
  // A driver defined the property (again), or its limits changed.
  void Defined(PropertyId id, MonoTime now, WallTime wall);

  // A technician's hold on a value, `duration` long. kInvalid, kUnsupported, kNotFound when the
  // property can't take the value. `done` is called with the effective value once it is written, or
  // with why it was not.
  Status Override(PropertyId id, Value value, std::string who, std::chrono::milliseconds duration,
                  MonoTime now, WallTime wall, OverrideDone done);
  // kNotFound when there is none.
  Status Release(PropertyId id, MonoTime now, WallTime wall);
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

  std::size_t unfinished() const { return work_.size(); }

 private:
  enum class Phase { kWaitDurable, kReading, kWriting, kRetry };

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
  };

  // Looks at the property afresh and begins what there is to do.
  void Evaluate(PropertyId id, bool read_first, MonoTime now, WallTime wall);
  void BeginDesired(PropertyId id, const Row& desired, bool read_first, MonoTime now,
                    WallTime wall);
  bool MayBegin(PropertyId id, const Work& work) const;
  void Step(PropertyId id, Work& work, MonoTime now, WallTime wall);
  void Call(DriverCall::Kind kind, PropertyId id, Work& work);
  void Finish(PropertyId id, Result<Value> result, MonoTime now, WallTime wall);
  void Retry(PropertyId id, Work& work, const Error& error, MonoTime now, WallTime wall);
  void Report(PropertyId id, const Dot& desired, DesiredState state, std::string reason,
              Value effective, WallTime wall);
  void EndHold(PropertyId id, MonoTime now, WallTime wall);
  std::map<PropertyId, Work>::iterator FindTicket(std::uint64_t ticket);

  Twin& twin_;
  const ControlOptions options_;
  std::map<PropertyId, Work> work_;
  std::map<PropertyId, Hold> holds_;
  std::map<PropertyId, std::uint64_t> arrived_;  // Desired rows that wait for their commit, by seq.
  std::map<std::uint64_t, PropertyId> tickets_;
  std::vector<DriverCall> calls_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t own_durable_ = 0;
};

}  // namespace edgetwin::model
