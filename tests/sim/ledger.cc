// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/ledger.h"

#include <algorithm>

namespace edgetwin::sim {
namespace {

using model::Index;

std::string Name(const model::Dot& dot) {
  return std::to_string(dot.seq);
}

// What stays the same when an int becomes a double.
std::string Spell(const model::Value& value) {
  const auto number = value.AsNumber();
  return number ? std::to_string(*number) : model::ToJson(value);
}

bool Asks(model::Side side) {
  return side == model::Side::kDesired || side == model::Side::kOverride;
}

}  // namespace

void Ledger::Apply(const model::Batch& batch) {
  if (batch.dictionary_reset) chains_.clear();
  for (const model::PropertyRecord& record : batch.properties) {
    if (Index(record.id) >= paths_.size()) paths_.resize(Index(record.id) + 1);
    paths_[Index(record.id)] = record.def.path.text();
    ids_[record.def.path.text()] = Index(record.id);
  }
  for (const model::DictionaryEntry& entry : batch.dictionary) {
    if (entry.pid > chains_.size()) chains_.resize(entry.pid);
    chains_[entry.pid - 1] = entry.chain;
  }
  for (const model::RowChange& change : batch.rows) {
    const Key key(Index(change.id), change.side);
    if (change.row.dot == model::Dot{}) {
      rows_.erase(key);
    } else {
      rows_[key] = change.row;
      if (Asks(change.side)) asked_.insert(Spell(change.row.value));
    }
  }
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    if (batch.peer_watermark[i]) watermark_[i] = *batch.peer_watermark[i];
  }
  if (batch.seq_limit) seq_limit_ = *batch.seq_limit;
  if (batch.epoch) epoch_ = *batch.epoch;
  if (batch.setback) setback_ = *batch.setback;
  if (batch.peer_lineage) peer_lineage_ = *batch.peer_lineage;
  for (const model::Event& event : batch.events) events_.insert(event.dot.seq);
  if (batch.events_floor) {
    events_floor_ = std::max(events_floor_, *batch.events_floor);
    events_.erase(events_.begin(), events_.upper_bound(*batch.events_floor));
  }
  for (const model::Command& command : batch.commands) commands_[command.id] = command;
  for (const std::uint64_t id : batch.commands_gone) commands_.erase(id);
}

void Ledger::Opened(const model::Stored& stored) {
  Ledger before = std::exchange(*this, {});
  events_floor_ = before.events_floor_;
  asked_ = std::move(before.asked_);
  for (const model::PropertyRecord& record : stored.properties) {
    paths_.push_back(record.def.path.text());
    ids_[record.def.path.text()] = Index(record.id);
  }
  for (const model::DictionaryEntry& entry : stored.dictionary) chains_.push_back(entry.chain);
  for (const model::RowChange& change : stored.rows) {
    rows_[{Index(change.id), change.side}] = change.row;
    if (Asks(change.side)) asked_.insert(Spell(change.row.value));
  }
  watermark_ = stored.peer_watermark;
  if (!stored.lineage.empty()) seq_limit_ = stored.lineage.back().limit;
  epoch_ = stored.epoch;
  setback_ = stored.setback;
  peer_lineage_ = stored.peer_lineage;
  for (const model::Command& command : stored.commands) commands_[command.id] = command;
  if (stored.events.empty()) events_ = std::move(before.events_);
  for (const model::Event& event : stored.events) events_.insert(event.dot.seq);
}

std::string Ledger::Differs(const model::Stored& stored) const {
  if (stored.peer_watermark != watermark_) return "a watermark differs";
  if (!(stored.epoch == epoch_)) return "the epoch differs";
  if (stored.properties.size() != paths_.size()) {
    return std::to_string(stored.properties.size()) + " properties instead of " +
           std::to_string(paths_.size());
  }
  if (stored.dictionary.size() != chains_.size()) {
    return std::to_string(stored.dictionary.size()) + " dictionary entries instead of " +
           std::to_string(chains_.size());
  }
  for (const model::DictionaryEntry& entry : stored.dictionary) {
    if (entry.chain != chains_[entry.pid - 1]) return "the dictionary's chain differs";
  }
  if (!(stored.peer_lineage == peer_lineage_)) return "the peer's lineage differs";
  std::size_t found = 0;
  for (const model::RowChange& change : stored.rows) {
    const auto known = rows_.find({Index(change.id), change.side});
    const std::string name = paths_[Index(change.id)] + " " + std::string(ToString(change.side));
    if (known == rows_.end()) return name + " " + Name(change.row.dot) + " was never committed";
    ++found;
    if (!(known->second == change.row)) {
      return name + " is " + Name(change.row.dot) + " " + model::ToJson(change.row.value) +
             " instead of " + Name(known->second.dot) + " " + model::ToJson(known->second.value);
    }
  }
  if (found != rows_.size()) {
    for (const auto& [key, row] : rows_) {
      const auto same = [&key](const model::RowChange& change) {
        return Index(change.id) == key.first && change.side == key.second;
      };
      if (std::ranges::none_of(stored.rows, same)) {
        return paths_[key.first] + " " + std::string(ToString(key.second)) + " is missing";
      }
    }
  }
  if (stored.commands.size() != commands_.size()) {
    return std::to_string(stored.commands.size()) + " commands instead of " +
           std::to_string(commands_.size());
  }
  for (const model::Command& command : stored.commands) {
    const auto known = commands_.find(command.id);
    if (known == commands_.end()) return "a command was never committed";
    if (!(known->second == command)) return "a command differs: " + command.name;
  }
  return {};
}

bool Ledger::WasDurable(const model::Value& value) const {
  return asked_.contains(Spell(value));
}

std::uint64_t Ledger::Kept() const {
  std::uint64_t kept = events_.empty() ? 0 : *events_.rbegin();
  for (const auto& [key, row] : rows_) {
    const bool promised =
        key.second == model::Side::kStatus || key.second == model::Side::kOverride;
    if (promised) kept = std::max(kept, row.dot.seq);
  }
  return kept;
}

const model::Row* Ledger::Find(std::string_view path, model::Side side) const {
  const auto id = ids_.find(path);
  if (id == ids_.end()) return nullptr;
  const auto row = rows_.find({id->second, side});
  return row == rows_.end() ? nullptr : &row->second;
}

std::uint64_t DoubtfulLedger::NewestEpoch() const {
  std::uint64_t newest = sure_.epoch().counter;
  for (const model::Batch& batch : doubt_) {
    if (batch.epoch) newest = std::max(newest, batch.epoch->counter);
  }
  return newest;
}

bool DoubtfulLedger::HasEntry(model::Pid pid, std::uint64_t chain) const {
  return sure_.HasEntry(pid, chain) || std::ranges::any_of(doubt_, [&](const model::Batch& batch) {
           return std::ranges::any_of(batch.dictionary, [&](const model::DictionaryEntry& entry) {
             return entry.pid == pid && entry.chain == chain;
           });
         });
}

std::string DoubtfulLedger::Opened(const model::Stored& stored) {
  const std::string sure = sure_.Differs(stored);
  bool right = sure.empty();
  Ledger possible = sure_;
  for (std::size_t i = 0; i < doubt_.size() && !right; ++i) {
    possible.Apply(doubt_[i]);
    right = possible.Differs(stored).empty();
    // Each failed batch is part of the one after it.
  }
  doubt_.clear();
  sure_ = std::move(possible);
  sure_.Opened(stored);
  return right ? std::string() : sure;
}

}  // namespace edgetwin::sim
