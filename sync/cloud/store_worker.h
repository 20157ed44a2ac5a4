// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The thread that reads and commits the cloud's twins, so that the loop never waits for a disk.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sync/cloud/cloud_store.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"

namespace edgetwin::cloud {

// Its calls and callbacks are the loop thread's only.
class StoreWorker {
 public:
  using Loaded = std::function<void(Result<model::Stored>)>;
  using Listed = std::function<void(Result<std::vector<model::Event>>)>;
  // One status a commit, in their order.
  using Committed = std::function<void(const std::vector<Status>&)>;

  // `store` must outlive this and belongs to the worker's thread until then.
  StoreWorker(Loop& loop, CloudStore& store);
  // Finishes what was submitted, then joins. Callbacks that have not run yet never will.
  ~StoreWorker();

  // kExhausted when loads_waiting_max are waiting already.
  Status Load(std::string device, Loaded loaded);
  // CloudStore::ListEvents; counts as a load.
  Status ListEvents(std::string device, model::Dot before, std::size_t count, Listed listed);

  // One transaction for all, one group at a time: only when not committing(). When the store
  // refuses the group for what one twin's batch holds, the others are committed without that one.
  void Commit(std::vector<TwinCommit> commits, Committed committed);
  bool committing() const;

  static constexpr std::size_t loads_waiting_max = 1'024;
  LimitReport limit() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace edgetwin::cloud
