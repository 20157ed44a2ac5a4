// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/manual_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace edgetwin::driver::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class ManualLoopTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  ManualLoop loop_{clock_};
  MonoTime begin_ = clock_.Now();
};

TEST_F(ManualLoopTest, RunsTimersInTheirOrderAtTheirTime) {
  std::vector<milliseconds> ran;
  const auto note = [&] {
    ran.push_back(std::chrono::duration_cast<milliseconds>(clock_.Now() - begin_));
  };
  loop_.After(milliseconds(30), note);
  loop_.After(milliseconds(10), [&] {
    note();
    loop_.After(milliseconds(5), note);
  });
  loop_.After(milliseconds(31), note);
  loop_.Run(milliseconds(30));
  EXPECT_THAT(ran, ElementsAre(milliseconds(10), milliseconds(15), milliseconds(30)));
  EXPECT_EQ(clock_.Now() - begin_, milliseconds(30));
  EXPECT_EQ(loop_.pending(), 1u);
}

TEST_F(ManualLoopTest, APeriodicTimerMayCancelItself) {
  int runs = 0;
  Loop::Id id = Loop::Id::kNone;
  id = loop_.Every(seconds(1), [&] {
    if (++runs == 3) loop_.Cancel(id);
  });
  loop_.Run(seconds(10));
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(loop_.pending(), 0u);
}

TEST_F(ManualLoopTest, DeliversPostedTasksAndReadyDescriptors) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  bool posted = false;
  unsigned ready = 0;
  loop_.Post([&] { posted = true; });
  const Loop::Id id =
      loop_.Watch(fds[0], Loop::kReadable, [&](unsigned directions) { ready = directions; });
  loop_.Run(milliseconds(1));
  EXPECT_TRUE(posted);
  EXPECT_EQ(ready, 0u);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  loop_.Run(milliseconds(1));
  EXPECT_EQ(ready, unsigned{Loop::kReadable});
  loop_.Cancel(id);
  close(fds[0]);
  close(fds[1]);
}

}  // namespace
}  // namespace edgetwin::driver::testing
