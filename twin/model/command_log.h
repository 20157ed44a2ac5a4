// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud's commands for one device: what was asked for once, and what became of it. Pure.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "twin/base/limit.h"
#include "twin/base/result.h"
#include "twin/model/batch.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

class CommandLog {
 public:
  static constexpr std::uint64_t kOpenMax = 256;
  static constexpr std::size_t kKeptMax = 1'000;  // Open ones included; the oldest go first.

  // `twin` numbers them and must outlive this.
  explicit CommandLog(Twin& twin) : twin_(twin) {}

  // What the store held. Once, after Twin::Load.
  void Load(std::vector<Command> commands);

  // Takes the next seq of the control stream. kExhausted at kOpenMax, kConflict for an id that is
  // known, kInvalid for a name or texts too long.
  Status Add(Command command);
  // The device says what became of it; false when it isn't known here. What was closed as unknown
  // may be known after all; another answer than the first changes nothing.
  bool Answer(std::uint64_t id, CommandState state, Value value, std::string result);
  // Those that are open, up to `seq`, become unknown: none of them will be answered any more, and
  // some may have had their effect. Returns how many.
  std::size_t CloseOpen(const std::string& why, std::uint64_t seq = ~std::uint64_t{0});
  // Our seqs up to `seq` were given before by a store that is no more: those above `held` get new
  // ones.
  void Renumber(std::uint64_t held, std::uint64_t seq);

  // Open ones with a seq above `after`, ascending, until `visit` returns false.
  void ForEachAfter(std::uint64_t after, const std::function<bool(const Command&)>& visit) const;
  const Command* Find(std::uint64_t id) const;
  const std::map<std::uint64_t, Command>& all() const { return by_seq_; }  // By seq.

  Batch TakePending();
  bool pending() const { return !pending_.empty(); }
  LimitReport limit() const { return open_.Report("commands_open"); }

 private:
  Command* Lookup(std::uint64_t id);
  void Trim();
  void Count();

  Twin& twin_;
  Limit open_{kOpenMax};
  std::map<std::uint64_t, Command> by_seq_;
  Batch pending_;
};

}  // namespace edgetwin::model
