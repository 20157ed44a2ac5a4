// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/store_worker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "twin/base/event_loop.h"

namespace edgetwin::cloud {
namespace {

class StoreWorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "store_worker_" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    store_ = *CloudStore::Open({folder_ + "/cloud.db", 1, WallTime(), 100});
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static TwinCommit CommitOf(const std::string& device, std::uint32_t property = 0) {
    TwinCommit commit;
    commit.device = device;
    model::PropertyRecord record;
    record.id = model::PropertyId{property};
    record.def.path = *model::Path::Parse("a/b");
    commit.batch.properties = {record};
    return commit;
  }

  std::string folder_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  std::unique_ptr<CloudStore> store_;
};

TEST_F(StoreWorkerTest, LoadsSeeTheCommitsBeforeThem) {
  StoreWorker worker(loop_, *store_);
  std::size_t properties = 99;
  worker.Commit({CommitOf("a")}, [](const std::vector<Status>& results) {
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].has_value());
  });
  EXPECT_TRUE(worker.committing());
  ASSERT_TRUE(worker
                  .Load("a",
                        [&](Result<model::Stored> stored) {
                          properties = stored->properties.size();
                          loop_.Stop();
                        })
                  .has_value());
  loop_.Run();
  EXPECT_EQ(properties, 1u);
  EXPECT_FALSE(worker.committing());
}

TEST_F(StoreWorkerTest, ListsEventsAsALoadDoes) {
  StoreWorker worker(loop_, *store_);
  TwinCommit commit = CommitOf("a");
  commit.batch.events.resize(3);
  for (std::uint64_t i = 0; i < 3; ++i) commit.batch.events[i].dot = {5, i + 1};
  worker.Commit({commit}, [](const std::vector<Status>&) {});
  std::vector<model::Event> listed;
  const auto take = [&](Result<std::vector<model::Event>> events) {
    listed = *std::move(events);
    loop_.Stop();
  };
  ASSERT_TRUE(worker.ListEvents("a", {5, 3}, 1, take).has_value());
  EXPECT_EQ(worker.limit().used, 1u);
  loop_.Run();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].dot.seq, 2u);
  EXPECT_EQ(worker.limit().used, 0u);
}

TEST_F(StoreWorkerTest, FinishesWhatWasSubmittedButCallsNobodyAnyMore) {
  {
    StoreWorker worker(loop_, *store_);
    worker.Commit({CommitOf("a"), CommitOf("b")},
                  [](const std::vector<Status>&) { FAIL() << "called after the end"; });
  }
  loop_.RunFor(std::chrono::milliseconds(20));
  EXPECT_EQ(store_->ListTwins()->size(), 2u);
}

TEST_F(StoreWorkerTest, LoadsPastTheLimitAreRefused) {
  StoreWorker worker(loop_, *store_);
  std::size_t loaded = 0;
  for (std::size_t i = 0; i < StoreWorker::loads_waiting_max; ++i) {
    ASSERT_TRUE(worker.Load("a", [&](Result<model::Stored>) { ++loaded; }).has_value());
  }
  const Status refused = worker.Load("a", [&](Result<model::Stored>) { ++loaded; });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(worker.limit().hits, 1u);
  while (loaded < StoreWorker::loads_waiting_max) loop_.RunFor(std::chrono::milliseconds(5));
  EXPECT_EQ(worker.limit().used, 0u);
}

}  // namespace
}  // namespace edgetwin::cloud
