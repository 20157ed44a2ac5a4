// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device's history in a file, for where there is no network: docs/CARRY_FORMAT.md. Pure; whoever
// has the file open reads and writes it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sync/engine/history.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// Of one record's message.
inline constexpr std::size_t kCarryMessageBytesMax = 512 << 10;
// What blocks fill a part up to; the last one may reach beyond, by kHistoryBlockBytesMax at most.
// With the paths of 500 blocks or losses that is less than a message may have.
inline constexpr std::size_t kCarryPartBytes = 128 << 10;
// What a record has beside its message.
inline constexpr std::size_t kCarryRecordExtraBytes = 9;
inline constexpr std::size_t kCarryPathsMax = kHistoryBlocksMax + kHistoryLossesMax;
inline constexpr const char* kCarryContentType = "application/vnd.edgetwin.carry";

struct CarryHead {
  std::string device;
  WallTime made{};
  std::string software;  // At most 64 bytes.
  HistoryMark known;  // What the device's flash remembers of the cloud's history; inc 0: nothing.
  // What was asked for.
  std::uint64_t since = 0;  // What commits up to this one have is not in it.
  std::string pattern;      // As model::Matches; empty: all properties.
  std::optional<WallTime> from = {}, to = {};
  friend bool operator==(const CarryHead&, const CarryHead&) = default;

  // Nothing but what `since` says is left out.
  bool everything() const { return pattern.empty() && !from && !to; }
};

// Up to where in the device's history something is.
struct CarryPlace {
  std::uint64_t commit = 0;
  std::uint64_t inc = 0;  // The opening that made that commit; 0 with commit 0.
  // The last block of it, by priority, path's id and first ordinal.
  std::uint32_t priority = 0, path = 0;
  std::uint64_t first = 0;
  std::uint64_t ledger = 0;  // 0: in the blocks. Else all of them, and so many losses, + 1.
  friend bool operator==(const CarryPlace&, const CarryPlace&) = default;
};
// "17-00000000000000aa-1-3-500-0", for a URL; nothing when it isn't one.
std::string ToText(const CarryPlace& place);
std::optional<CarryPlace> ParsePlace(std::string_view text);

// Some of the history; refers to nothing in another part.
struct CarryPart {
  std::vector<std::string> paths;  // The property with the pid n of `history` is the n-th, from 1.
  HistoryFrame history;            // Its session and number say nothing.
  CarryPlace end;
  bool last = false;  // The last one.
  friend bool operator==(const CarryPart&, const CarryPart&) = default;
};

struct CarryEnd {
  std::uint64_t parts = 0, blocks = 0, samples = 0, losses = 0;
  friend bool operator==(const CarryEnd&, const CarryEnd&) = default;
};

// The cloud has everything after `since` and up to `end`.
struct CarryReceipt {
  std::string device;
  std::uint64_t since = 0;
  CarryPlace end;
  HistoryMark known;  // The file's, which the cloud's history gave.
  HistoryMark mark;   // With which all of it is there.
  friend bool operator==(const CarryReceipt&, const CarryReceipt&) = default;
};

using CarryContent = std::variant<CarryHead, CarryPart, CarryEnd, CarryReceipt>;

// What a file begins with.
std::string_view CarryMagic();
// One record. Asserts what CarryReader would refuse.
std::string EncodeRecord(const CarryContent& content);

// Cuts a file's bytes into records, in any pieces. Safe on hostile bytes: sizes are checked before
// anything is kept or parsed, counts before they are used; it holds one record, at most. Blocks
// are looked at by nobody here.
class CarryReader {
 public:
  struct Record {
    std::uint64_t offset = 0;  // In the file.
    std::string bytes;         // As they lie there.
    CarryContent content;
  };

  // Of the file, next. Then Next until it gives nothing.
  void Push(std::string_view bytes) { buffer_.append(bytes); }
  // What is whole, checked, and in its place: a head, parts, an end; or one receipt. Nothing: more
  // bytes are needed. kCorrupt or kUnsupported (a later version) with the offset and the reason,
  // from then on; what was given before is sound.
  Result<std::optional<Record>> Next();
  // There are no further bytes. kCorrupt when something is missing.
  Status Finish() const;

  // Up to which everything was sound.
  std::uint64_t offset() const { return offset_; }
  // The end, or the receipt, was there.
  bool complete() const { return complete_; }

 private:
  Result<std::optional<Record>> Read();
  Status Place(const CarryContent& content);

  std::string buffer_;
  std::size_t begin_ = 0;  // In the buffer: what precedes is done with.
  std::uint64_t offset_ = 0;
  bool head_ = false;
  bool complete_ = false;
  bool last_ = false;
  CarryEnd counted_;
  std::optional<Error> damage_;
};

}  // namespace edgetwin::sync
