// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History as it goes over the wire. docs/PROTOCOL.md, section 21.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "twin/base/clock.h"
#include "twin/model/property.h"

namespace edgetwin::sync {

inline constexpr std::size_t kHistoryBlocksMax = 5'000;  // In one frame.
inline constexpr std::size_t kHistoryLossesMax = 1'000;  // The same.
inline constexpr std::size_t kHistorySpansMax = 20'000;  // In one answer.
inline constexpr std::size_t kHistoryBlockBytesMax = 200 << 10;

// Samples of one property that follow each other, as they lie on flash.
struct WireBlock {
  model::Pid pid = 0;
  std::string bytes;
  friend bool operator==(const WireBlock&, const WireBlock&) = default;
};

// `count` of the property's samples from `first` to `last` are gone. The reason is the number that
// the device's ledger has for it.
struct LossRecord {
  std::uint32_t reason = 0;
  bool exact = true;      // False: at most so many.
  std::uint64_t inc = 0;  // 0: of several.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t count = 0;
  WallTime from{};
  WallTime to{};
  friend bool operator==(const LossRecord&, const LossRecord&) = default;
};
struct WireLoss {
  model::Pid pid = 0;
  LossRecord record;
  friend bool operator==(const WireLoss&, const WireLoss&) = default;
};

// Device → cloud; one is under way at a time.
struct HistoryFrame {
  std::uint32_t session = 0;
  std::uint32_t number = 0;  // In the session.
  std::uint64_t inc = 0;     // The opening of the device's history that committed the blocks.
  std::vector<WireBlock> blocks;
  std::vector<WireLoss> losses;
  friend bool operator==(const HistoryFrame&, const HistoryFrame&) = default;
};

// Ordinals of a property's samples, both included.
struct OrdinalSpan {
  model::Pid pid = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const OrdinalSpan&, const OrdinalSpan&) = default;
};

// What is in the cloud's history durably, or is accounted for there, of one opening of the
// device's.
struct HeldSpans {
  std::uint64_t inc = 0;
  std::vector<OrdinalSpan> spans;
  friend bool operator==(const HeldSpans&, const HeldSpans&) = default;
};

// A place in the life of the cloud's history.
struct HistoryMark {
  std::uint64_t inc = 0;  // Its opening; 0: there was none.
  std::uint64_t commit = 0;
  friend bool operator==(const HistoryMark&, const HistoryMark&) = default;
};

// Cloud → device.
struct HistoryAck {
  std::uint32_t session = 0;
  std::uint32_t number = 0;            // Of the frame; its losses are durable.
  HeldSpans held;                      // Of the properties of its blocks.
  std::vector<std::uint32_t> refused;  // Its blocks that can't be taken, ever; ascending.
  HistoryMark mark;
  friend bool operator==(const HistoryAck&, const HistoryAck&) = default;
};

// Device → cloud, before the first HistoryFrame of a session.
struct HistoryAsk {
  std::uint32_t session = 0;
  HistoryMark known;    // The last one that was told.
  model::Pid from = 0;  // Wanted are intervals of properties from this one on.
  friend bool operator==(const HistoryAsk&, const HistoryAsk&) = default;
};

// Cloud → device.
struct HistoryHeld {
  std::uint32_t session = 0;
  bool continues = false;  // Its history gave `known`; then nothing is in `held`.
  HistoryMark mark;
  std::vector<HeldSpans> held;
  model::Pid next = 0;  // 0: that is all.
  friend bool operator==(const HistoryHeld&, const HistoryHeld&) = default;
};

}  // namespace edgetwin::sync
