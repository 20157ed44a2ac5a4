// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The thread that commits, so that the loop never waits for a sync.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "twin/base/limit.h"
#include "twin/base/loop.h"
#include "twin/model/batch.h"

namespace edgetwin::store {

// Owns nothing of the store but the thread that calls it. `commit` runs on that thread, one batch
// at a time.
class StoreThread {
 public:
  using Commit = std::function<Status(const model::Batch&)>;
  using Committed = std::function<void(std::uint64_t token, Status)>;

  // `committed` runs on the loop's thread, in the order of Submit.
  StoreThread(Loop& loop, Commit commit, Committed committed);
  // Finishes what was submitted, then joins. `committed` is not called any more.
  ~StoreThread();

  // Loop thread only. kExhausted when `pending_batches_max` are waiting already: keep the batch,
  // merge, and submit it after the next `committed`.
  Status Submit(std::uint64_t token, model::Batch batch);

  static constexpr std::size_t pending_batches_max = 4;
  LimitReport limit() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace edgetwin::store
