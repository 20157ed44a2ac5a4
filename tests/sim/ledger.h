// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a store must hold, by the batches that it said were durable: held against what it holds
// whenever it is opened, and against what is promised on the wire.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/model/batch.h"

namespace edgetwin::sim {

class Ledger {
 public:
  using Key = std::pair<std::uint32_t, model::Side>;

  void Apply(const model::Batch& batch);
  // The store was opened, and holds this. A cloud's tells nothing of its events then.
  void Opened(const model::Stored& stored);
  // What of `stored` is not as it must be; empty when nothing.
  std::string Differs(const model::Stored& stored) const;

  const model::Row* Find(std::string_view path, model::Side side) const;
  std::uint64_t watermark(model::Stream stream) const {
    return watermark_[static_cast<std::size_t>(stream)];
  }
  std::uint64_t seq_limit() const { return seq_limit_; }
  model::Pid dictionary_n() const { return static_cast<model::Pid>(chains_.size()); }
  bool HasEntry(model::Pid pid, std::uint64_t chain) const {
    return pid >= 1 && pid <= chains_.size() && chains_[pid - 1] == chain;
  }
  const model::Epoch& epoch() const { return epoch_; }
  const std::map<std::uint64_t, model::Command>& commands() const { return commands_; }
  bool HasEvent(std::uint64_t seq) const { return events_.contains(seq); }
  std::uint64_t events_floor() const { return events_floor_; }
  // The highest seq of what a device's store has promised: its control rows and events.
  std::uint64_t Kept() const;
  const model::Setback& setback() const { return setback_; }  // A cloud's.
  const model::Lineage& peer_lineage() const { return peer_lineage_; }
  const std::map<Key, model::Row>& rows() const { return rows_; }
  const std::string& path(std::uint32_t id) const { return paths_[id]; }
  // Whether a desired or override row with this value was ever in the store.
  bool WasDurable(const model::Value& value) const;

 private:
  std::vector<std::string> paths_;  // By property id.
  std::map<std::string, std::uint32_t, std::less<>> ids_;
  std::map<Key, model::Row> rows_;
  std::array<std::uint64_t, model::kStreams> watermark_{};
  std::uint64_t seq_limit_ = 0;
  std::vector<std::uint64_t> chains_;  // By pid - 1.
  model::Epoch epoch_;
  model::Setback setback_;
  model::Lineage peer_lineage_;
  std::map<std::uint64_t, model::Command> commands_;
  std::set<std::uint64_t> events_;
  std::uint64_t events_floor_ = 0;
  std::set<std::string> asked_;  // Values of desired and override rows so far.
};

// A ledger, and what may or may not have become durable: the commits that failed, or were under way
// when the machine stopped.
class DoubtfulLedger {
 public:
  void Committed(const model::Batch& batch) {
    sure_.Apply(batch);
    doubt_.clear();
  }
  void Failed(const model::Batch& batch) { doubt_.push_back(batch); }
  // Opening decides. What is wrong, or empty.
  std::string Opened(const model::Stored& stored);

  const Ledger& sure() const { return sure_; }
  // The counter of the newest epoch that an opening may find.
  std::uint64_t NewestEpoch() const;
  // Whether an opening may find that entry of the dictionary.
  bool HasEntry(model::Pid pid, std::uint64_t chain) const;

 private:
  Ledger sure_;
  std::vector<model::Batch> doubt_;
};

}  // namespace edgetwin::sim
