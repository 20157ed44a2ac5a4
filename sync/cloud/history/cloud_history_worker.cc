// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/history/cloud_history_worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace edgetwin::cloud {
namespace {

constexpr std::chrono::minutes kEvictPeriod{10};
// In one round, of 1,000 blocks at most each: the thread has other work.
constexpr int kEvictionsInARound = 64;

std::uint64_t BytesOf(const sync::HistoryPut& put) {
  std::uint64_t bytes = 0;
  for (const auto& block : put.blocks) bytes += block.bytes.size() + block.path.size() + 64;
  return bytes + put.losses.size() * 128;
}

}  // namespace

struct CloudHistoryWorker::Impl {
  using Job = std::function<Loop::Task()>;  // Runs on the thread; what it returns runs on the loop.
  using PutAnswer = std::function<void(Result<sync::HistoryPutDone>)>;

  Impl(Loop& loop_in, CloudHistory& history_in, Options options_in)
      : loop(loop_in), history(history_in), options(options_in) {}

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

  void SubmitPuts() {
    if (putting || waiting.empty()) return;
    putting = true;
    auto puts = std::make_shared<std::vector<DevicePut>>(std::exchange(waiting, {}));
    auto answers = std::make_shared<std::vector<PutAnswer>>(std::exchange(waiting_answers, {}));
    const std::uint64_t bytes = std::exchange(gathered_bytes, 0);
    Submit([this, puts, answers, bytes]() -> Loop::Task {
      auto done = std::make_shared<Result<std::vector<sync::HistoryPutDone>>>(history.Put(*puts));
      return [this, done, answers, bytes] {
        waiting_bytes -= bytes;
        bytes_limit.Use(waiting_bytes);
        putting = false;
        SubmitPuts();
        for (std::size_t i = 0; i < answers->size(); ++i) {
          if (*done) {
            (*answers)[i](std::move((**done)[i]));
          } else {
            (*answers)[i](done->error());
          }
        }
      };
    });
  }

  void EvictOld() {
    // A clock that isn't trusted would make everything look too old, or nothing.
    const Result<WallTime> wall = loop.clock().Wall();
    if (options.age_max.count() == 0 || !wall) return;
    Submit([this, before = *wall - options.age_max]() -> Loop::Task {
      for (int i = 0; i < kEvictionsInARound; ++i) {
        const Result<bool> more = history.EvictBefore(before);
        if (!more || !*more) break;
      }
      return [] {};
    });
  }

  Loop& loop;
  CloudHistory& history;
  const Options options;
  // The loop's.
  std::vector<DevicePut> waiting;
  std::vector<PutAnswer> waiting_answers;
  std::uint64_t gathered_bytes = 0;  // Of `waiting`.
  std::uint64_t waiting_bytes = 0;   // And of those that are out.
  std::size_t questions = 0;
  bool putting = false;
  Limit bytes_limit{puts_waiting_bytes_max};
  Limit questions_limit{questions_max};
  Loop::Id evicting = Loop::Id::kNone;
  // Shared.
  std::mutex mutex;
  std::condition_variable ready;
  std::deque<Job> jobs;
  bool stopping = false;
  std::thread thread;
};

CloudHistoryWorker::CloudHistoryWorker(Loop& loop, CloudHistory& history, Options options)
    : impl_(std::make_shared<Impl>(loop, history, options)) {
  // A plain pointer for the thread: the destructor joins it before it lets go of the Impl.
  impl_->thread =
      std::thread([impl = impl_.get(), self = std::weak_ptr<Impl>(impl_)] { impl->Run(self); });
  impl_->evicting = loop.Every(kEvictPeriod, [impl = impl_.get()] { impl->EvictOld(); });
}

CloudHistoryWorker::~CloudHistoryWorker() {
  impl_->loop.Cancel(impl_->evicting);
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->ready.notify_one();
  impl_->thread.join();
}

Status CloudHistoryWorker::Put(std::string device, sync::HistoryPut put,
                               std::function<void(Result<sync::HistoryPutDone>)> done) {
  const std::uint64_t bytes = BytesOf(put);
  if (!impl_->bytes_limit.Fits(impl_->waiting_bytes + bytes)) {
    impl_->bytes_limit.Hit();
    return Exhausted("too much history waits to be stored");
  }
  impl_->waiting_bytes += bytes;
  impl_->bytes_limit.Use(impl_->waiting_bytes);
  impl_->gathered_bytes += bytes;
  impl_->waiting.push_back({std::move(device), std::move(put)});
  impl_->waiting_answers.push_back(std::move(done));
  impl_->SubmitPuts();
  return {};
}

Status CloudHistoryWorker::Ask(std::function<void(CloudHistory&)> work,
                               std::function<void()> done) {
  if (!impl_->questions_limit.Fits(impl_->questions + 1)) {
    impl_->questions_limit.Hit();
    return Exhausted("too many questions wait for the history; try again");
  }
  impl_->questions_limit.Use(++impl_->questions);
  impl_->Submit(
      [impl = impl_.get(), work = std::move(work), done = std::move(done)]() -> Loop::Task {
        work(impl->history);
        return [impl, done] {
          impl->questions_limit.Use(--impl->questions);
          done();
        };
      });
  return {};
}

CloudHistoryStats CloudHistoryWorker::stats() const {
  return impl_->history.stats();
}

std::vector<LimitReport> CloudHistoryWorker::limits() const {
  return {impl_->bytes_limit.Report("history_waiting_bytes"),
          impl_->questions_limit.Report("history_questions")};
}

}  // namespace edgetwin::cloud
