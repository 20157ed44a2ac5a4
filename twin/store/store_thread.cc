// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/store_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::store {

// Results come back through an eventfd that the loop watches, not through Loop::Post: Post waits
// while the loop's queue is full, and the destructor, on the loop's thread, waits for this thread:
// each would wait for the other.
struct StoreThread::Impl : std::enable_shared_from_this<StoreThread::Impl> {
  struct Submission {
    std::uint64_t token = 0;
    model::Batch batch;
    std::function<void()> work;  // Instead of a batch.
    std::function<void()> done;
  };
  struct Outcome {
    std::uint64_t token = 0;
    Status status;
    std::function<void()> done;
  };

  Impl(Loop& loop_in, Commit commit_in, Committed committed_in)
      : loop(loop_in), commit(std::move(commit_in)), committed(std::move(committed_in)) {
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    EDGETWIN_CHECK(wake_fd >= 0);
  }
  ~Impl() { close(wake_fd); }

  void Run();
  void Deliver();
  std::optional<Outcome> TakeOutcome();

  Loop& loop;
  const Commit commit;
  const Committed committed;
  int wake_fd = -1;
  Loop::Id watch = Loop::Id::kNone;
  std::uint64_t pending = 0;  // Loop thread only: submitted, not delivered.
  bool working = false;       // Loop thread only: work is submitted and not done.
  bool closed = false;        // Loop thread only.
  Limit pending_limit{pending_batches_max};

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Submission> submitted;
  std::deque<Outcome> outcomes;
  bool finish = false;

  std::thread thread;
};

void StoreThread::Impl::Run() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [this] { return finish || !submitted.empty(); });
    if (submitted.empty()) return;
    Submission next = std::move(submitted.front());
    submitted.pop_front();
    lock.unlock();
    Status status;
    if (next.work) {
      next.work();
    } else {
      status = commit(next.batch);
    }
    next.batch = {};  // Freed here rather than under the lock or on the loop.
    lock.lock();
    outcomes.push_back({next.token, std::move(status), std::move(next.done)});
    const std::uint64_t one = 1;
    const ssize_t written = write(wake_fd, &one, sizeof one);
    // EAGAIN: the counter is full, so the loop is about to wake anyway.
    EDGETWIN_CHECK(written == sizeof one || errno == EAGAIN);
  }
}

std::optional<StoreThread::Impl::Outcome> StoreThread::Impl::TakeOutcome() {
  std::lock_guard lock(mutex);
  if (outcomes.empty()) return {};
  Outcome outcome = std::move(outcomes.front());
  outcomes.pop_front();
  return outcome;
}

void StoreThread::Impl::Deliver() {
  const std::shared_ptr<Impl> self = shared_from_this();
  std::uint64_t wakes = 0;
  const ssize_t got = read(wake_fd, &wakes, sizeof wakes);
  EDGETWIN_CHECK(got == sizeof wakes || errno == EAGAIN);
  while (!closed) {
    std::optional<Outcome> outcome = TakeOutcome();
    if (!outcome) return;
    if (outcome->done) {
      working = false;
      outcome->done();
      continue;
    }
    pending_limit.Use(--pending);
    committed(outcome->token, std::move(outcome->status));
  }
}

StoreThread::StoreThread(Loop& loop, Commit commit, Committed committed)
    : impl_(std::make_shared<Impl>(loop, std::move(commit), std::move(committed))) {
  Impl& impl = *impl_;
  impl.watch = loop.Watch(impl.wake_fd, Loop::kReadable, [&impl](unsigned) { impl.Deliver(); });
  impl.thread = std::thread([&impl] { impl.Run(); });
}

StoreThread::~StoreThread() {
  impl_->closed = true;
  impl_->loop.Cancel(impl_->watch);
  {
    std::lock_guard lock(impl_->mutex);
    impl_->finish = true;
  }
  impl_->changed.notify_one();
  impl_->thread.join();
}

Status StoreThread::Submit(std::uint64_t token, model::Batch batch) {
  Impl& impl = *impl_;
  if (!impl.pending_limit.Fits(impl.pending + 1)) {
    impl.pending_limit.Hit();
    return Exhausted(std::to_string(pending_batches_max) + " batches wait for the store already");
  }
  impl.pending_limit.Use(++impl.pending);
  {
    std::lock_guard lock(impl.mutex);
    impl.submitted.push_back({.token = token, .batch = std::move(batch), .work = {}, .done = {}});
  }
  impl.changed.notify_one();
  return {};
}

Status StoreThread::Run(std::function<void()> work, std::function<void()> done) {
  Impl& impl = *impl_;
  if (impl.working) return Conflict("the store is busy with such work already");
  impl.working = true;
  {
    std::lock_guard lock(impl.mutex);
    impl.submitted.push_back(
        {.token = 0, .batch = {}, .work = std::move(work), .done = std::move(done)});
  }
  impl.changed.notify_one();
  return {};
}

LimitReport StoreThread::limit() const {
  return impl_->pending_limit.Report("pending_batches");
}

}  // namespace edgetwin::store
