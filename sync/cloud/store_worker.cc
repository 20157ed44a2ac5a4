// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/store_worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::cloud {
namespace {

// Whether another batch of the same group may succeed where the group failed.
bool IsOneBatchsFault(const Error& error) {
  return error.code == ErrorCode::kInvalid || error.code == ErrorCode::kConflict;
}

// Commits all, or, when one batch spoils it, halves until that one stands alone.
void CommitGroup(CloudStore& store, std::span<const TwinCommit> commits,
                 std::span<Status> results) {
  if (commits.empty()) return;
  const Status done = store.Commit(commits);
  if (done || commits.size() == 1 || !IsOneBatchsFault(done.error())) {
    for (Status& result : results) result = done;
    return;
  }
  const std::size_t half = commits.size() / 2;
  CommitGroup(store, commits.first(half), results.first(half));
  CommitGroup(store, commits.subspan(half), results.subspan(half));
}

}  // namespace

struct StoreWorker::Impl {
  using Job = std::function<Loop::Task()>;  // Runs on the thread; what it returns runs on the loop.

  Impl(Loop& loop_in, CloudStore& store_in) : loop(loop_in), store(store_in) {}

  void Run(const std::weak_ptr<Impl>& self) {
    std::unique_lock lock(mutex);
    while (true) {
      ready.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      loop.Post([self, done = job()] {
        if (const auto alive = self.lock()) done();
      });
      lock.lock();
    }
  }

  void Submit(Job job) {
    {
      std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    }
    ready.notify_one();
  }

  // `read` on the thread, and `done` with what it gave on the loop.
  template <class ReadFrom, class Done>
  Status Read(ReadFrom read, Done done) {
    if (!loads_limit.Fits(loads + 1)) {
      loads_limit.Hit();
      return Exhausted("the store is busy: " + std::to_string(loads) + " reads wait for it");
    }
    loads_limit.Use(++loads);
    Submit([this, read = std::move(read), done = std::move(done)]() -> Loop::Task {
      auto result = std::make_shared<decltype(read(store))>(read(store));
      return [this, result, done] {
        loads_limit.Use(--loads);
        done(std::move(*result));
      };
    });
    return {};
  }

  Loop& loop;
  CloudStore& store;
  Limit loads_limit{loads_waiting_max};
  // The loop's.
  std::size_t loads = 0;
  bool committing = false;
  // Shared.
  std::mutex mutex;
  std::condition_variable ready;
  std::deque<Job> jobs;
  bool stopping = false;
  std::thread thread;
};

StoreWorker::StoreWorker(Loop& loop, CloudStore& store)
    : impl_(std::make_shared<Impl>(loop, store)) {
  // A plain pointer for the thread: the destructor joins it before it lets go of the Impl.
  impl_->thread =
      std::thread([impl = impl_.get(), self = std::weak_ptr<Impl>(impl_)] { impl->Run(self); });
}

StoreWorker::~StoreWorker() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->ready.notify_one();
  impl_->thread.join();
}

Status StoreWorker::Load(std::string device, Loaded loaded) {
  return impl_->Read(
      [device = std::move(device)](CloudStore& store) { return store.LoadTwin(device); },
      std::move(loaded));
}

Status StoreWorker::ListEvents(std::string device, model::Dot before, std::size_t count,
                               Listed listed) {
  return impl_->Read([device = std::move(device), before,
                      count](CloudStore& store) { return store.ListEvents(device, before, count); },
                     std::move(listed));
}

void StoreWorker::Commit(std::vector<TwinCommit> commits, Committed committed) {
  EDGETWIN_CHECK(!impl_->committing);
  impl_->committing = true;
  Impl* impl = impl_.get();
  auto group = std::make_shared<const std::vector<TwinCommit>>(std::move(commits));
  impl_->Submit([impl, group, committed = std::move(committed)]() -> Loop::Task {
    auto results = std::make_shared<std::vector<Status>>(group->size());
    CommitGroup(impl->store, *group, *results);
    return [impl, results, committed] {
      impl->committing = false;
      committed(*results);
    };
  });
}

bool StoreWorker::committing() const {
  return impl_->committing;
}
LimitReport StoreWorker::limit() const {
  return impl_->loads_limit.Report("loads_waiting");
}

}  // namespace edgetwin::cloud
