// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Gathers samples in memory until they are committed as blocks. Pure: no clock, no I/O.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/limit.h"
#include "twin/history/gather/open_samples.h"
#include "twin/history/gather/records.h"
#include "twin/model/row.h"

namespace edgetwin::history {

struct RecorderOptions {
  std::size_t block_samples_max = 512;
  // By OpenSamples::used_bytes, which encoding hardly exceeds. With one more value it must fit into
  // a frame of the sync protocol.
  std::size_t block_bytes_max = 32 << 10;
  // Of one path, not committed: what an unclean stop may take. At least block_samples_max.
  std::size_t samples_max = 4'096;
  // Of everything that is not committed, as it lies in memory. Past half of it what isn't encoded
  // yet is; past all of it the oldest blocks of the lowest priority are dropped.
  std::uint64_t bytes_max = 16 << 20;
  // Encoded bytes in one commit.
  std::uint64_t batch_bytes_max = 96 << 10;
  // How long a sample stays in memory, by priority, lowest first: what a power loss takes.
  std::array<std::chrono::milliseconds, kPriorities> window{
      std::chrono::minutes(5), std::chrono::minutes(2), std::chrono::seconds(10)};
};

// SINGLE-THREADED. Paths have slots here, dense from 0 in the order of Define, whatever their ids
// in the store are.
class Recorder {
 public:
  using Slot = std::uint32_t;

  explicit Recorder(RecorderOptions options);

  // The path's slot; the same for the same path.
  Slot Define(std::string_view path);

  void Record(Slot slot, Priority priority, const model::Sample& sample, MonoTime now);

  // There is a store, opened as `inc`, with these paths: samples go on from their `next`. What was
  // recorded before has its ordinals given now; what was committed to another store before and
  // isn't in this one is lost by `missing`, as an upper bound.
  void Attach(std::uint64_t inc, const std::vector<PathRecord>& stored, LossReason missing,
              WallTime now);
  // There is none any more: a batch that is out has failed.
  void Detach();
  bool attached() const { return inc_ != 0; }

  // What is due, or nothing. Then Committed before the next one. `everything`: due or not, for a
  // stop; repeat while it gives something.
  std::optional<HistoryBatch> Take(MonoTime now, bool everything = false);
  // How the batch that Take gave fared; one that failed is taken again after `retry_period`.
  void Committed(bool durable, MonoTime now);
  static constexpr std::chrono::seconds retry_period{5};

  // When Take next has something; nothing before another sample comes.
  std::optional<MonoTime> NextTake() const;

  // A longer window writes less, in larger blocks. From the next sample on.
  void SetWindow(Priority priority, std::chrono::milliseconds window);

  // Of a path, what isn't known to be committed, as blocks, by ordinals.
  std::vector<BlockRecord> Unstored(Slot slot) const;
  // What was dropped here, and isn't known to be committed.
  std::vector<Loss> UnstoredLosses(Slot slot) const;
  std::optional<Slot> Find(std::string_view path) const;
  std::uint64_t next(Slot slot) const { return paths_[slot].next; }
  std::uint64_t held(Slot slot) const { return paths_[slot].held; }  // Samples in memory.
  // 0 while the store doesn't have it.
  PathId id(Slot slot) const { return paths_[slot].known ? paths_[slot].id : 0; }
  const std::string& path(Slot slot) const { return paths_[slot].path; }
  std::size_t size() const { return paths_.size(); }

  std::uint64_t dropped() const { return dropped_; }  // Samples, since the start.
  std::vector<LimitReport> limits() const;            // Thread-safe.

 private:
  struct PathState {
    std::string path;
    PathId id = 0;
    bool known = false;  // The store has it, by `id` …
    bool live = false;   // … and knows that it had samples since the opening.
    bool told = false;   // The batch that is out says so.
    Priority priority = Priority::kNormal;
    std::uint64_t next = 0;       // Of the next sample.
    std::uint64_t committed = 0;  // Everything before is in the store, one way or another.
    std::uint64_t in_flight = 0;  // Everything before is there or in the batch that is out.
    OpenSamples open;
    std::uint64_t held = 0;           // Samples, open and sealed.
    std::vector<BlockRecord> sealed;  // Few, and mostly none: an empty deque takes 576 bytes.
    std::vector<Loss> losses;         // By ordinals; none touches the next one.
  };

  void Seal(PathState& path);
  void SealLargest();
  void Drop(PathState& path);
  bool DropLowest();
  void AddLoss(PathState& path, Loss loss);
  void Renumber(PathState& path, std::uint64_t next);
  void Forget(PathState& path);  // What is committed.
  void TakeFrom(PathState& path, HistoryBatch& batch, std::uint64_t& bytes);
  void Due(MonoTime at) { due_ = due_ ? std::min(*due_, at) : at; }
  Loss LossOf(const BlockRecord& block) const;
  void KeepWithinLimits(PathState& path);
  void Account();

  const RecorderOptions options_;
  std::array<std::chrono::milliseconds, kPriorities> window_;
  std::uint64_t inc_ = 0;
  PathId last_id_ = 0;  // Given to a path of this store.
  std::vector<PathState> paths_;
  std::map<std::string, Slot, std::less<>> slots_;
  std::array<std::optional<MonoTime>, kPriorities> window_end_;
  std::optional<MonoTime> due_;  // A new path, a full block.
  std::optional<MonoTime> retry_;
  bool out_ = false;
  std::uint64_t open_bytes_ = 0;
  std::uint64_t sealed_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  Limit bytes_limit_;
  Limit samples_limit_;
};

}  // namespace edgetwin::history
