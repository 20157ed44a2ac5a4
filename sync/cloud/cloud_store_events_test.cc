// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The events that the cloud keeps of each device.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "sync/cloud/cloud_store.h"

namespace edgetwin::cloud {
namespace {

using model::Dot;
using model::Event;

class CloudStoreEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "cloud_store_events_" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open(std::uint64_t events_per_twin_max = 1'000) {
    store_.reset();
    CloudStoreOptions options;
    options.path = folder_ + "/cloud.db";
    options.inc = ++inc_;
    options.events_per_twin_max = events_per_twin_max;
    auto store = CloudStore::Open(options);
    ASSERT_TRUE(store.has_value()) << store.error().text;
    store_ = *std::move(store);
  }
  static Event At(std::uint64_t inc, std::uint64_t seq, std::string text = "") {
    Event event;
    event.dot = {inc, seq};
    event.kind = "restarted";
    event.text = std::move(text);
    return event;
  }
  void Commit(const std::string& device, std::vector<Event> events) {
    TwinCommit commit;
    commit.device = device;
    commit.batch.events = std::move(events);
    const Status done = store_->Commit({&commit, 1});
    ASSERT_TRUE(done.has_value()) << done.error().text;
  }
  std::vector<Event> List(const std::string& device, Dot before = {}, std::size_t count = 100) {
    auto events = store_->ListEvents(device, before, count);
    EXPECT_TRUE(events.has_value()) << events.error().text;
    return *std::move(events);
  }
  std::vector<std::uint64_t> Seqs(const std::string& device, Dot before = {},
                                  std::size_t count = 100) {
    std::vector<std::uint64_t> seqs;
    for (const Event& event : List(device, before, count)) seqs.push_back(event.dot.seq);
    return seqs;
  }
  using SeqList = std::vector<std::uint64_t>;

  std::string folder_;
  std::uint64_t inc_ = 0;
  std::unique_ptr<CloudStore> store_;
};

TEST_F(CloudStoreEventsTest, EveryFieldComesBackBitForBit) {
  Event event = At(0xffff'ffff'ffff'fff1, 0xffff'ffff'ffff'0000, std::string("a\0b", 3));
  event.time = WallTime(std::chrono::milliseconds(-5));
  event.unsynced = true;
  event.severity = model::Severity::kAlarm;
  event.id = model::PropertyId{4};
  event.value = model::Value(model::Bytes{std::string("\xff\0", 2)});
  event.command = 0xffff'0000'0000'0001;
  Event plain = At(3, 2);
  plain.value = model::Value(-0.0);
  Commit("a", {event, plain});
  Open();
  EXPECT_EQ(List("a"), (std::vector{plain, event}));
  EXPECT_EQ(plain.id, model::kNoProperty);
}

TEST_F(CloudStoreEventsTest, AreListedNewestFirstPageByPage) {
  Commit("a", {At(5, 10), At(5, 11)});
  Commit("a", {At(5, 15), At(5, 20), At(6, 31)});
  Commit("b", {At(9, 1)});
  EXPECT_EQ(Seqs("a"), (SeqList{31, 20, 15, 11, 10}));
  EXPECT_EQ(Seqs("a", {}, 2), (SeqList{31, 20}));
  EXPECT_EQ(Seqs("a", {5, 20}, 2), (SeqList{15, 11}));
  EXPECT_EQ(Seqs("a", {0, 11}, 2), (SeqList{10}));
  EXPECT_EQ(Seqs("a", {5, 10}), SeqList{});
  EXPECT_EQ(Seqs("a", {5, 12}), SeqList{}) << "there is no such event";
  EXPECT_EQ(Seqs("a", {}, 0), SeqList{});
  EXPECT_EQ(Seqs("unknown"), SeqList{});
}

TEST_F(CloudStoreEventsTest, OneThatIsThereAlreadyIsIgnored) {
  Commit("a", {At(5, 10, "first")});
  Commit("a", {At(5, 10, "again"), At(5, 11)});
  Commit("b", {At(5, 10, "of another device")});
  EXPECT_EQ(List("a"), (std::vector{At(5, 11), At(5, 10, "first")}));
  EXPECT_EQ(List("b").size(), 1u);
  EXPECT_EQ(store_->stats().events, 3u);
}

TEST_F(CloudStoreEventsTest, TheSameSeqOfAnotherIncarnationIsAnotherEvent) {
  Commit("a", {At(5, 10), At(5, 11, "lost branch")});
  Commit("a", {At(6, 11, "new branch"), At(6, 12)});
  EXPECT_EQ(List("a"),
            (std::vector{At(6, 12), At(6, 11, "new branch"), At(5, 11, "lost branch"), At(5, 10)}));
  EXPECT_EQ(Seqs("a", {6, 11}), (SeqList{11, 10}));
  EXPECT_EQ(Seqs("a", {5, 11}), (SeqList{10}));
}

TEST_F(CloudStoreEventsTest, PastTheLimitTheOldestGoAndAreCounted) {
  Open(3);
  Commit("a", {At(5, 1), At(5, 2)});
  Commit("b", {At(5, 1)});
  Commit("a", {At(5, 3), At(5, 4)});
  EXPECT_EQ(Seqs("a"), (SeqList{4, 3, 2}));
  EXPECT_EQ(Seqs("b"), (SeqList{1}));
  EXPECT_EQ(store_->stats().events_dropped, 1u);
  Commit("a", {At(5, 4), At(5, 5), At(5, 6), At(5, 7), At(5, 8)});
  EXPECT_EQ(Seqs("a"), (SeqList{8, 7, 6}));
  EXPECT_EQ(store_->stats().events_dropped, 5u);
  EXPECT_EQ(store_->stats().events, 9u);
  Open(1);
  Commit("a", {At(5, 9)});
  EXPECT_EQ(Seqs("a"), (SeqList{9})) << "a lower limit holds for what was kept under the old one";
}

TEST_F(CloudStoreEventsTest, AnotherStoreOfTheDeviceCountsAnewAndItsEventsStay) {
  Open(3);
  Commit("a", {At(5, 1'000), At(5, 1'001), At(5, 1'002)});
  Commit("a", {At(7, 1), At(7, 2)});
  EXPECT_EQ(Seqs("a"), (SeqList{2, 1, 1'002})) << "the oldest is what came first";
}

TEST_F(CloudStoreEventsTest, AFailedCommitKeepsNoneOfThem) {
  std::vector<TwinCommit> commits(2);
  commits[0].device = "a";
  commits[0].batch.events = {At(5, 1)};
  commits[1].device = "b";
  store_.reset();
  CloudStoreOptions options{folder_ + "/cloud.db", 77, WallTime(), 1};
  store_ = *CloudStore::Open(options);
  EXPECT_FALSE(store_->Commit(commits).has_value());
  EXPECT_TRUE(List("a").empty());
  EXPECT_EQ(store_->stats().events, 0u);
}

TEST_F(CloudStoreEventsTest, ANamedFileLayerIsUsed) {
  CloudStoreOptions options;
  options.path = folder_ + "/other.db";
  options.inc = 1;
  options.vfs = "no-such-layer";
  const auto refused = CloudStore::Open(options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text.find("no-such-layer"), std::string::npos) << refused.error().text;
}

}  // namespace
}  // namespace edgetwin::cloud
