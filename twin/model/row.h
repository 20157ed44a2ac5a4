// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Rows of the twin: one value of one side of one property, with its version.

#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "twin/base/clock.h"
#include "twin/model/property.h"
#include "twin/model/value.h"

namespace edgetwin::model {

// One writer a side: the device writes reported, status and override; the cloud writes desired.
enum class Side : std::uint8_t { kReported = 0, kDesired = 1, kStatus = 2, kOverride = 3 };
inline constexpr std::size_t kSides = 4;
inline constexpr std::array<Side, kSides> kEverySide = {Side::kReported, Side::kDesired,
                                                        Side::kStatus, Side::kOverride};
std::string_view ToString(Side side);

// Each row belongs to one stream; a peer holds everything of a stream up to its watermark.
enum class Stream : std::uint8_t { kControl = 0, kState = 1, kEvents = 2, kHistory = 3 };
inline constexpr std::size_t kStreams = 4;
std::string_view ToString(Stream stream);
inline Stream StreamOf(Side side) {
  return side == Side::kReported ? Stream::kState : Stream::kControl;
}

// The version of a row: incarnation (one opening of a store) and position in that store's order of
// changes. seq alone orders a store's rows, since it grows over all of its incarnations; 0 is
// before everything.
struct Dot {
  std::uint64_t inc = 0;
  std::uint64_t seq = 0;
  friend bool operator==(const Dot&, const Dot&) = default;
};

// One incarnation: seqs from first_seq to limit may have been published under it.
struct Incarnation {
  std::uint64_t inc = 0;
  std::uint64_t first_seq = 1;
  std::uint64_t limit = 0;
  // The highest seq of what was promised (control and event rows) that was on flash when the next
  // opening began; of the device's incarnations only. A copy of the store taken before lacks some.
  std::uint64_t kept = 0;
  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};
using Lineage = std::vector<Incarnation>;  // Ascending; the last one is the current.
inline constexpr std::size_t kLineageMax = 64;

// The incarnation that `seq` belongs to, or 0 when the lineage doesn't reach back that far. Limits
// play no part: the current one grows while it is being used.
std::uint64_t IncOf(const Lineage& lineage, std::uint64_t seq);

// Whether the store of `lineage`, whose newest seq is `head`, can have given (inc, seq): false for
// another store, and for an older copy of the one that gave it.
bool Gave(const Lineage& lineage, std::uint64_t inc, std::uint64_t seq, std::uint64_t head);

// The cloud's fencing token; ordered by counter.
struct Epoch {
  std::uint64_t counter = 0;  // 0: none issued yet.
  std::uint64_t token = 0;
  friend bool operator==(const Epoch&, const Epoch&) = default;
};

enum class Quality : std::uint8_t {
  kGood = 0,
  kUncertain = 1,  // Read, but doubtful: the driver says so.
  kBad = 2,        // Could not be read; the value is the last one known.
  kStale = 3,      // From before the last start, not read anew yet.
};
std::string_view ToString(Quality quality);

// Where a desired value stands (status side).
enum class DesiredState : std::uint8_t {
  kNone = 0,
  kPending = 1,
  kApplied = 2,      // Terminal: the driver wrote it, or found it there.
  kRejected = 3,     // Terminal: see the reason.
  kMasked = 4,       // A local override stands above it.
  kSuperseded = 5,   // Terminal: a newer desired came before it was applied.
  kExpired = 6,      // Terminal: its valid_until passed before it was applied.
  kUnknownPath = 7,  // Terminal until such a property appears.
};
std::string_view ToString(DesiredState state);
bool IsTerminal(DesiredState state);

// What rows of the control sides carry beyond a value.
struct ControlInfo {
  Dot refers_to;                             // Status: the desired row it speaks of.
  DesiredState state = DesiredState::kNone;  // Status.
  std::string note;  // Status: the reason; desired and override: who. At most kNoteBytesMax.
  WallTime until{};  // Desired: valid_until; override: its end; 0 for none.
  friend bool operator==(const ControlInfo&, const ControlInfo&) = default;
};
inline constexpr std::size_t kNoteBytesMax = 512;

struct Row {
  Value value;  // None in a reported, desired or override row: a tombstone. Status: the effective
                // value.
  Dot dot;
  WallTime time{};  // When the value was sampled, wanted, decided.
  Quality quality = Quality::kGood;
  bool unsynced = false;                       // The clock was not trusted when `time` was taken.
  std::shared_ptr<const ControlInfo> control;  // Null for reported rows.

  const ControlInfo& info() const;  // An empty one when there is none.
};
bool operator==(const Row& a, const Row& b);

// What a driver hands over.
struct Sample {
  Value value;
  WallTime time{};
  Quality quality = Quality::kGood;
  bool unsynced = false;
};

}  // namespace edgetwin::model
