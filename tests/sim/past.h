// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// I11 as code: which samples a device's history has committed, as the simulation saw it, held
// against what the cloud and the device have in the end.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "sync/cloud/history/cloud_history.h"
#include "tests/sim/invariants.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::sim {

// Of one device id, whatever machines have it.
class Past {
 public:
  // The machine's store has this block, in the opening `inc`. `surely`: it said so; else it may
  // have.
  void Committed(std::size_t machine, std::uint64_t inc, const std::string& path,
                 const history::BlockRecord& block, bool surely);
  // The machine's store has this block, as it is opened; what it was committed as is known.
  void Kept(std::size_t machine, const std::string& path, const history::BlockRecord& block);
  // The machine's medium is another one: what its store has is said anew.
  void Forget(std::size_t machine);
  // Blocks of the path were passed over, or may have been: it wasn't shared.
  void NotShared(const std::string& path) { not_shared_.insert(path); }

  // At rest: all that the machine's store has of what was always shared is in the cloud, each
  // sample once and as it was, or in the machine's ledger; and the cloud has nothing else.
  void Check(std::size_t machine, history::HistoryStore& store, cloud::CloudHistory& cloud,
             const std::string& device, Invariants& invariants) const;

 private:
  // Path, ordinal, inc.
  using Name = std::tuple<std::string, std::uint64_t, std::uint64_t>;
  struct Sample {
    std::uint64_t content = 0;
    std::set<std::size_t> machines;  // Whose stores surely have it.
  };

  std::map<Name, Sample> samples_;
  std::set<std::string> not_shared_;
};

}  // namespace edgetwin::sim
