// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The thread that reads and writes the cloud's history, so that the loop never waits for a disk.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/cloud/history/cloud_history.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"

namespace edgetwin::cloud {

// Its calls and callbacks are the loop thread's only.
class CloudHistoryWorker {
 public:
  struct Options {
    std::chrono::milliseconds age_max{0};  // Older samples go; 0: none for their age.
  };

  // `history` must outlive this and belongs to the worker's thread until then.
  CloudHistoryWorker(Loop& loop, CloudHistory& history, Options options);
  // Finishes what was submitted, then joins. Callbacks that have not run yet never will.
  ~CloudHistoryWorker();

  // While one transaction is being synced, the next one gathers, of all devices. kExhausted when
  // puts_waiting_bytes_max wait already.
  Status Put(std::string device, sync::HistoryPut put,
             std::function<void(Result<sync::HistoryPutDone>)> done);

  // `work` runs on the thread, then `done` on the loop. kExhausted when questions_max wait already.
  Status Ask(std::function<void(CloudHistory&)> work, std::function<void()> done);

  static constexpr std::size_t questions_max = 1'024;
  static constexpr std::uint64_t puts_waiting_bytes_max = 64 << 20;
  CloudHistoryStats stats() const;
  std::vector<LimitReport> limits() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace edgetwin::cloud
