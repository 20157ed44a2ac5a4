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

// Owns nothing of the store but the thread that calls it. Everything but limit() is for the loop's
// thread only.
class StoreThread {
 public:
  // Runs on the store thread, one batch at a time, in the order of Submit.
  using Commit = std::function<Status(const model::Batch&)>;
  // Runs on the loop's thread, in the order of Submit. May Submit, and may destroy the StoreThread.
  using Committed = std::function<void(std::uint64_t token, Status)>;

  // `loop` must outlive it.
  StoreThread(Loop& loop, Commit commit, Committed committed);
  // Finishes what was submitted (waiting for the disk), then joins. `committed` is not called any
  // more.
  ~StoreThread();

  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  // kExhausted when `pending_batches_max` are pending (submitted, and not `committed` yet): keep
  // the batch, merge, and submit it after the next `committed`.
  Status Submit(std::uint64_t token, model::Batch batch);

  // `work` runs on the store thread after everything submitted before; then `done` on the loop's
  // thread, as `committed`. kConflict while another one is pending.
  Status Run(std::function<void()> work, std::function<void()> done);

  static constexpr std::size_t pending_batches_max = 4;
  LimitReport limit() const;  // "pending_batches". Thread-safe.

 private:
  struct Impl;
  // Shared with a delivery that runs while `committed` destroys the StoreThread.
  std::shared_ptr<Impl> impl_;
};

}  // namespace edgetwin::store
