// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace edgetwin {
namespace {

using std::chrono::milliseconds;

class EventLoopTest : public testing::Test {
 protected:
  SystemClock clock_;
  EventLoop loop_{clock_};
};

TEST_F(EventLoopTest, PostedTasksOfOneThreadRunInOrder) {
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop_.Post([&seen, i] { seen.push_back(i); });
    loop_.Post([this] { loop_.Stop(); });
  });
  loop_.Run();
  other.join();
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(EventLoopTest, PostWaitsForRoomAndCountsIt) {
  EventLoop small(clock_, 2);
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) small.Post([&] { ++ran; });
    small.Post([&] { small.Stop(); });
  });
  while (small.posted_stats().waits == 0) std::this_thread::yield();
  small.Run();
  other.join();
  EXPECT_EQ(ran, 50);
  EXPECT_EQ(small.posted_stats().peak, 2u);
}

TEST_F(EventLoopTest, CancelledTimersDoNotRun) {
  bool ran = false;
  const auto id = loop_.After(milliseconds(1), [&] { ran = true; });
  loop_.Cancel(id);
  loop_.After(milliseconds(5), [this] { loop_.Stop(); });
  loop_.Run();
  EXPECT_FALSE(ran);
}

TEST_F(EventLoopTest, ATimerMayCancelItself) {
  int ran = 0;
  Loop::Id id{};
  id = loop_.Every(milliseconds(1), [&] {
    loop_.Cancel(id);
    if (++ran == 1) loop_.After(milliseconds(5), [this] { loop_.Stop(); });
  });
  loop_.Run();
  EXPECT_EQ(ran, 1);
}

TEST_F(EventLoopTest, WatchSaysWhichDirectionIsReady) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  unsigned seen = 0;
  loop_.Watch(ends[0], Loop::kReadable, [&](unsigned ready) {
    seen = ready;
    loop_.Stop();
  });
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop_.Run();
  EXPECT_EQ(seen, static_cast<unsigned>(Loop::kReadable));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace edgetwin
