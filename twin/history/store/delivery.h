// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Which commits are with the cloud, and which blocks go to it next.

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "twin/base/result.h"
#include "twin/history/gather/records.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {

// Ordinals of one path's samples, both included.
struct OrdinalInterval {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// A place in the life of the cloud's history, as it told it. inc 0: none.
struct CloudMark {
  std::uint64_t inc = 0;
  std::uint64_t commit = 0;
  friend bool operator==(const CloudMark&, const CloudMark&) = default;
};

enum class DeliveryOrder : std::uint8_t { kNewest = 0, kOldest = 1 };

// Blocks of one opening that the cloud doesn't have yet, and ledger records that it wasn't told.
// Neither: there are none.
struct Undelivered {
  std::uint64_t inc = 0;
  std::vector<BlockRecord> blocks;
  std::vector<Loss> losses;
};

// SINGLE-THREADED, as its database. What it knows is in memory first; Save makes it durable.
class Delivery {
 public:
  Status Load(store::Database& db);
  // Within the caller's transaction; then Saved once that is committed.
  Status Save(store::Database& db) const;
  void Saved();
  // Whether losing what isn't saved would cost more than a save does.
  bool SaveIsDue() const {
    return unsaved_bytes_ >= kUnsavedBytesMax || told_.size() >= kUnsavedToldMax;
  }
  bool dirty() const { return dirty_; }

  // What isn't delivered yet, of about `bytes_max` at most but one block in any case. It is on its
  // way then, and what was before is not any more. kCorrupt for a block that isn't whole.
  Result<Undelivered> Take(store::Database& db, DeliveryOrder order, std::size_t bytes_max);
  // What Take gave last is with the cloud.
  void Delivered();
  // Nothing is.
  void Anew();
  void SetMark(const CloudMark& mark);
  const CloudMark& mark() const { return mark_; }

  // The batches from `first` to `last` are with the cloud, however they got there.
  void DeliveredAll(std::int64_t first, std::int64_t last);
  // The first batch from this one on that isn't delivered as a whole.
  std::int64_t SkipDelivered(std::int64_t batch) const;

  bool OnItsWay(std::int64_t batch) const;
  bool Has(std::int64_t batch, const BlockRecord& block) const;
  // The last batch that anything is known of; 0: of none.
  std::int64_t newest() const {
    return std::max(spans_.empty() ? 0 : spans_.back().last, part_ ? part_->batch : 0);
  }
  // The first batch that is all with the cloud; 0: there is none.
  Result<std::int64_t> Oldest(store::Database& db) const;
  // Of the opening that committed the batch.
  static Result<std::uint64_t> IncOf(store::Database& db, std::int64_t batch);

 private:
  struct Span {
    std::int64_t first = 0;
    std::int64_t last = 0;
  };
  // Ascending; none touches the next one.
  using Spans = std::vector<Span>;
  // Up to which block of a batch, in the order of the table.
  struct Part {
    std::int64_t batch = 0;
    std::tuple<int, PathId, std::uint64_t> block;
  };
  static constexpr std::uint64_t kUnsavedBytesMax = 1 << 20;
  static constexpr std::size_t kUnsavedToldMax = 1'000;

  static void Add(Spans& spans, std::int64_t batch);
  static bool Contains(const Spans& spans, std::int64_t batch);
  static Result<std::int64_t> NextBatch(store::Database& db, const Spans& spans,
                                        DeliveryOrder order);
  // False when the chunk is full: there is more of the batch.
  Result<bool> ReadBatch(store::Database& db, std::int64_t batch, std::size_t bytes_max,
                         std::size_t& bytes, Undelivered& chunk);
  Status Join(store::Database& db);

  Spans spans_;
  std::optional<Part> part_;
  CloudMark mark_;
  std::vector<Loss> told_;  // Not saved yet.
  bool dirty_ = false;
  std::uint64_t unsaved_bytes_ = 0;

  // On its way.
  std::vector<std::int64_t> batches_out_;
  std::optional<Part> part_out_;
  std::vector<Loss> losses_out_;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace edgetwin::history
