// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated machine: a disk with its troubles, and the time that its commits take.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/sim/disk.h"
#include "tests/sim/random.h"
#include "tests/sim/schedule.h"
#include "tests/sim/vfs.h"
#include "twin/model/batch.h"

namespace edgetwin::sim {

class Machine {
 public:
  // `schedule` must outlive it.
  Machine(Schedule& schedule, std::function<WallTime()> wall, Random random);

  Disk& disk() { return disk_; }
  const Disk& disk() const { return disk_; }
  const std::string& vfs_name() const { return vfs_.name(); }
  Random& random() { return random_; }

  // --- Troubles ---

  // Some calls fail from now on, for `length`; or the next one does.
  void FailCalls(std::chrono::microseconds length, bool once);
  // No room for more, for `length`.
  void FillDisk(std::chrono::microseconds length);
  void SlowDown(std::chrono::microseconds length);
  // The machine stops in the middle of the `calls`th change or sync of the disk from now.
  void StopInCall(std::uint64_t calls) { stop_in_ = calls; }
  bool will_stop() const { return stop_in_ != 0; }
  void Calm();

  // Called with each change or sync of the disk before it takes effect, ahead of all troubles; what
  // it answers goes, unless that is kOk.
  void SetProbe(Disk::Hook probe) { probe_ = std::move(probe); }

  // From asking for a commit to its execution, and from that to its answer.
  std::chrono::microseconds CommitTakes();

 private:
  DiskAnswer Answer(DiskCall call, std::string_view name, std::uint64_t number);

  Schedule& schedule_;
  Random random_;
  Disk disk_;
  Vfs vfs_;
  Disk::Hook probe_;
  MonoTime failing_until_{};
  bool fail_once_ = false;
  DiskCall failing_ = DiskCall::kWrite;
  MonoTime slow_until_{};
  std::uint64_t full_until_ = 0;  // Which filling is the last one.
  std::uint64_t stop_in_ = 0;     // 0: not.
};

// Up to `rows` of the store's rows of `side` with another value, and all else as it was. `other`
// gives values of a type; null: they follow from what was there.
model::Batch Rotten(const model::Stored& stored, model::Side side, std::size_t rows, Random& random,
                    const std::function<model::Value(model::ValueType)>& other);

}  // namespace edgetwin::sim
