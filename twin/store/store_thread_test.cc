// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/store_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "twin/base/event_loop.h"

namespace edgetwin::store {
namespace {

model::Batch Numbered(std::uint64_t n) {
  model::Batch batch;
  batch.state_durable = n;
  return batch;
}

// A disk that stands still until let go.
class Gate {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(StoreThreadTest, CommitsOffTheLoopAndAnswersOnItInOrder) {
  SystemClock clock;
  EventLoop loop(clock);
  std::vector<std::uint64_t> committed;
  std::vector<std::uint64_t> answered;
  StoreThread thread(
      loop,
      [&, loop_thread = std::this_thread::get_id()](const model::Batch& batch) -> Status {
        EXPECT_NE(std::this_thread::get_id(), loop_thread);
        committed.push_back(*batch.state_durable);
        if (*batch.state_durable == 2) return Exhausted("full");
        return {};
      },
      [&, loop_thread = std::this_thread::get_id()](std::uint64_t token, const Status& status) {
        EXPECT_EQ(std::this_thread::get_id(), loop_thread);
        EXPECT_EQ(status.has_value(), token != 102);
        answered.push_back(token);
        if (token == 103) loop.Stop();
      });
  for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(thread.Submit(100 + n, Numbered(n)));
  loop.Run();
  EXPECT_EQ(committed, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(answered, (std::vector<std::uint64_t>{101, 102, 103}));
}

TEST(StoreThreadTest, RefusesMoreThanItsLimitUntilOneIsCommitted) {
  SystemClock clock;
  EventLoop loop(clock);
  Gate gate;
  std::size_t answered = 0;
  StoreThread thread(
      loop,
      [&](const model::Batch&) -> Status {
        gate.Wait();
        return {};
      },
      [&](std::uint64_t, const Status&) {
        ++answered;
        loop.Stop();
      });
  for (std::size_t i = 0; i < StoreThread::pending_batches_max; ++i) {
    ASSERT_TRUE(thread.Submit(i, Numbered(i)));
  }
  const Status refused = thread.Submit(9, Numbered(9));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(thread.limit().hits, 1u);
  EXPECT_EQ(thread.limit().used, StoreThread::pending_batches_max);
  gate.Open();
  loop.Run();
  ASSERT_GE(answered, 1u);
  EXPECT_TRUE(thread.Submit(9, Numbered(9)));
}

TEST(StoreThreadTest, DestructionFinishesWhatWasSubmittedAndAnswersNoMore) {
  SystemClock clock;
  EventLoop loop(clock);
  Gate gate;
  std::atomic<int> commits{0};
  int answered = 0;
  auto thread = std::make_unique<StoreThread>(
      loop,
      [&](const model::Batch&) -> Status {
        gate.Wait();
        ++commits;
        return {};
      },
      [&](std::uint64_t, const Status&) { ++answered; });
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(thread->Submit(i, Numbered(i)));
  gate.Open();
  thread.reset();
  EXPECT_EQ(commits, 3);
  loop.RunFor(std::chrono::milliseconds(1));
  EXPECT_EQ(answered, 0);
}

TEST(StoreThreadTest, MayBeDestroyedByItsOwnAnswer) {
  SystemClock clock;
  EventLoop loop(clock);
  std::atomic<int> commits{0};
  int answered = 0;
  std::unique_ptr<StoreThread> thread;
  thread = std::make_unique<StoreThread>(
      loop,
      [&](const model::Batch&) -> Status {
        ++commits;
        return {};
      },
      [&](std::uint64_t, const Status&) {
        ++answered;
        thread.reset();
        loop.Stop();
      });
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(thread->Submit(i, Numbered(i)));
  loop.Run();
  EXPECT_EQ(commits, 4);
  EXPECT_EQ(answered, 1);
}

TEST(StoreThreadTest, AnAnswerMaySubmitTheNextBatch) {
  SystemClock clock;
  EventLoop loop(clock);
  std::unique_ptr<StoreThread> thread;
  std::uint64_t last = 0;
  thread = std::make_unique<StoreThread>(
      loop, [](const model::Batch&) -> Status { return {}; },
      [&](std::uint64_t token, const Status&) {
        last = token;
        if (token == 1'000) return loop.Stop();
        EXPECT_TRUE(thread->Submit(token + 1, Numbered(token + 1)));
      });
  ASSERT_TRUE(thread->Submit(1, Numbered(1)));
  loop.Run();
  EXPECT_EQ(last, 1'000u);
  EXPECT_EQ(thread->limit().peak, 1u);
}

TEST(StoreThreadTest, OtherWorkTakesItsTurnBetweenTheBatchesOneAtATime) {
  SystemClock clock;
  EventLoop loop(clock);
  Gate gate;
  std::vector<std::string> happened;
  StoreThread thread(
      loop,
      [&](const model::Batch& batch) -> Status {
        if (*batch.state_durable == 1) gate.Wait();
        happened.push_back("batch");
        return {};
      },
      [&](std::uint64_t token, const Status&) {
        if (token == 2) loop.Stop();
      });
  ASSERT_TRUE(thread.Submit(1, Numbered(1)));
  bool answered = false;
  ASSERT_TRUE(thread.Run([&] { happened.push_back("work"); },
                         [&, loop_thread = std::this_thread::get_id()] {
                           EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                           answered = true;
                         }));
  const Status second = thread.Run([] {}, [] {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(thread.Submit(2, Numbered(2)));
  gate.Open();
  loop.Run();
  EXPECT_TRUE(answered);
  EXPECT_EQ(happened, (std::vector<std::string>{"batch", "work", "batch"}));
  EXPECT_TRUE(thread.Run([] {}, [] {})) << "the first one is done";
}

}  // namespace
}  // namespace edgetwin::store
