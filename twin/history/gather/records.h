// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What history consists of: blocks of samples, and the account of samples that are gone.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/clock.h"
#include "twin/history/gather/bucket.h"

namespace edgetwin::history {

// How dear a property's samples are: the lowest are evicted first.
enum class Priority : std::uint8_t { kLow = 0, kNormal = 1, kHigh = 2 };
inline constexpr std::size_t kPriorities = 3;
std::string_view ToString(Priority priority);

// A path's number in one history.db, dense from 1.
using PathId = std::uint32_t;

// Why samples are gone.
enum class LossReason : std::uint8_t {
  kUncleanStop = 0,     // They had not been committed when the process ended.
  kBytesMax = 1,        // Evicted, since the file is at its byte cap.
  kAgeMax = 2,          // Evicted, since they are older than they need to be.
  kNotStored = 3,       // They could not be committed for longer than memory lasts.
  kDamaged = 4,         // They were in a part of the file that can't be read any more.
  kFileLost = 5,        // The file went away while it was in use.
  kDelivered = 6,       // Evicted, since the cloud has them: no loss.
  kPeerRolledBack = 7,  // Evicted since the cloud had them, which has lost them since.
};
inline constexpr std::size_t kLossReasons = 8;
std::string_view ToString(LossReason reason);

// Samples of one property are numbered from 0 on over all openings of its store; inc tells apart
// what two branches of a store that was set back have numbered alike.

// One row of the loss ledger: count of the samples from first to last are gone for this reason.
struct Loss {
  PathId path = 0;
  LossReason reason = LossReason::kBytesMax;
  // False: at most so many are gone; nobody knows how many there were.
  bool exact = true;
  std::uint64_t inc = 0;  // 0: of several.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t count = 0;  // Less than last - first + 1 once records that don't touch were merged.
  WallTime from{};          // All of them were sampled in [from, to].
  WallTime to{};
  friend bool operator==(const Loss&, const Loss&) = default;
};

// One block, and what is asked of it without decoding it.
struct BlockRecord {
  PathId path = 0;
  Priority priority = Priority::kNormal;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  WallTime t_min{};  // Time stamps need not ascend.
  WallTime t_max{};
  std::string bytes;
  friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
};

struct NewPath {
  PathId id = 0;
  std::string path;
};

// What is left of a path's samples of one hour that were evicted.
struct Aggregate {
  PathId path = 0;
  Bucket hour;  // From its full hour on, UTC.
  friend bool operator==(const Aggregate&, const Aggregate&) = default;
};

// What was written to flash on a day, for the next opening to go on with.
struct FlashDay {
  std::int64_t day = 0;  // Since 1970, UTC.
  std::uint64_t bytes = 0;
  friend bool operator==(const FlashDay&, const FlashDay&) = default;
};

// What becomes durable together.
struct HistoryBatch {
  std::vector<NewPath> paths;  // With the ids that follow those that the store has.
  std::vector<BlockRecord> blocks;
  std::vector<Loss> losses;
  std::vector<Aggregate> aggregates;  // Of another file that this one takes the place of.
  std::vector<PathId> live;           // That have samples for the first time since the opening.
  std::optional<FlashDay> flash;      // Kept with every 64th commit and the last one only.
  std::uint64_t inc = 0;              // The opening that committed the blocks before; 0: this one.

  bool empty() const {
    return paths.empty() && blocks.empty() && losses.empty() && aggregates.empty() && live.empty();
  }
};

// A path as the store knows it.
struct PathRecord {
  PathId id = 0;
  std::string path;
  std::uint64_t next = 0;  // The ordinal of its next sample.
};

}  // namespace edgetwin::history
