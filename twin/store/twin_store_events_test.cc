// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is forgotten and what is remembered of it: events, commands, alarms, holds, promises.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

constexpr std::uint64_t kInc = 7;

model::RowChange OwnControl(std::uint32_t id, model::Side side, std::uint64_t seq) {
  model::RowChange change = Reported(id, model::Value(1.0), {kInc, seq});
  change.side = side;
  change.row.control = std::make_shared<const model::ControlInfo>();
  return change;
}

model::Batch Events(std::uint64_t from, std::uint64_t to) {
  model::Batch batch;
  for (std::uint64_t seq = from; seq <= to; ++seq) batch.events.push_back(EventAt(seq, kInc));
  return batch;
}

std::vector<std::uint64_t> Seqs(const model::Stored& stored) {
  std::vector<std::uint64_t> seqs;
  for (const model::Event& event : stored.events) seqs.push_back(event.dot.seq);
  return seqs;
}

// Whether folded at once or replayed, the outcome must be the same.
class TwinStoreEventsTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { Open(kInc); }
  void Open(std::uint64_t inc) {
    store_.reset();
    store_ = OpenStore(folder_.db(), inc);
    ASSERT_NE(store_, nullptr);
  }
  void Commit(model::Batch batch) {
    batch.checkpoint = GetParam();
    const Status done = store_->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
  }
  model::Stored Closed() {
    store_.reset();
    Result<model::Stored> stored = TwinStore::Inspect(folder_.db());
    EXPECT_TRUE(stored) << stored.error().text;
    return *std::move(stored);
  }
  // `kept` of the incarnation before the one that a new opening draws.
  std::uint64_t KeptAfterReopening() {
    Open(inc_++);
    const model::Lineage lineage = store_->TakeStored().lineage;
    EXPECT_EQ(lineage.back().kept, 0u);
    EXPECT_EQ(Closed().lineage, lineage) << "it must be durable";
    Open(inc_++);
    EXPECT_EQ(lineage[lineage.size() - 2], store_->TakeStored().lineage[lineage.size() - 2]);
    return lineage[lineage.size() - 2].kept;
  }

  TestFolder folder_;
  std::unique_ptr<TwinStore> store_;
  std::uint64_t inc_ = 100;
};
INSTANTIATE_TEST_SUITE_P(ReplayedAndFolded, TwinStoreEventsTest, testing::Bool(),
                         [](const auto& run) { return run.param ? "Folded" : "Replayed"; });

TEST_P(TwinStoreEventsTest, EventsUpToTheFloorAreForgottenAndNoOthers) {
  Commit(Events(1, 6));
  model::Batch floor = Events(7, 8);
  floor.events_floor = 4;
  Commit(floor);
  EXPECT_EQ(Seqs(Closed()), (std::vector<std::uint64_t>{5, 6, 7, 8}));
  Open(8);
  floor = {};
  floor.events_floor = 7;
  Commit(floor);
  EXPECT_EQ(Seqs(Closed()), (std::vector<std::uint64_t>{8}));
}

TEST_P(TwinStoreEventsTest, TheFloorComparesSeqsWithoutASign) {
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 63;
  model::Batch batch;
  batch.events = {EventAt(kHigh - 1), EventAt(kHigh), EventAt(kHigh + 1)};
  Commit(batch);
  EXPECT_EQ(Seqs(Closed()), (std::vector{kHigh - 1, kHigh, kHigh + 1}));
  Open(8);
  model::Batch floor;
  floor.events_floor = kHigh;
  Commit(floor);
  EXPECT_EQ(Seqs(Closed()), (std::vector{kHigh + 1}));
}

TEST_P(TwinStoreEventsTest, AnEventThatIsCommittedAgainIsThereOnce) {
  Commit(Events(1, 3));
  Commit(Events(2, 4));
  EXPECT_EQ(Seqs(Closed()), (std::vector<std::uint64_t>{1, 2, 3, 4}));
}

TEST_P(TwinStoreEventsTest, ACommandIsReplacedByIdAndForgottenWhenGone) {
  std::vector<model::Command> commands = HardCommands();
  commands.resize(3);
  model::Batch batch;
  batch.commands = commands;
  Commit(batch);
  commands[1].state = model::CommandState::kDone;
  commands[1].result = "done";
  batch.commands = {commands[1]};
  batch.commands_gone = {commands[0].id};
  Commit(batch);
  EXPECT_EQ(Closed().commands, (std::vector{commands[1], commands[2]}));
  Open(8);
  batch = {};
  batch.commands_gone = {commands[2].id};
  Commit(batch);
  EXPECT_EQ(Closed().commands, (std::vector{commands[1]}));
}

TEST_P(TwinStoreEventsTest, AnAlarmIsForgottenOnceItIsNeitherRaisedNorUnacknowledged) {
  Commit(Doubles(40));
  model::Batch batch;
  batch.alarms = {HardAlarms()[2], HardAlarms()[3]};
  Commit(batch);
  model::AlarmRecord over = HardAlarms()[2];
  over.raised = false;
  over.acknowledged = true;
  batch.alarms = {over};
  Commit(batch);
  EXPECT_EQ(Closed().alarms, (std::vector{HardAlarms()[3]}));
}

TEST_P(TwinStoreEventsTest, AHoldWithNothingLeftIsForgotten) {
  Commit(Doubles(2));
  model::Batch batch;
  batch.holds = {{model::PropertyId{0}, std::chrono::milliseconds(60'000)},
                 {model::PropertyId{1}, std::chrono::milliseconds(60'000)}};
  Commit(batch);
  batch.holds = {{model::PropertyId{0}, std::chrono::milliseconds(0)},
                 {model::PropertyId{1}, std::chrono::milliseconds(59'000)}};
  Commit(batch);
  const std::vector<model::HoldRecord> holds = Closed().holds;
  ASSERT_EQ(holds.size(), 1u);
  EXPECT_EQ(holds[0].id, model::PropertyId{1});
  EXPECT_EQ(holds[0].left, std::chrono::milliseconds(59'000));
}

TEST_P(TwinStoreEventsTest, ANewInterestReplacesTheOneBefore) {
  model::Batch batch;
  batch.interest = model::Interest{3, {"a/*", "b/*"}};
  Commit(batch);
  batch.interest = model::Interest{4, {"c/*"}};
  Commit(batch);
  EXPECT_EQ(Closed().interest, *batch.interest);
}

TEST_P(TwinStoreEventsTest, ARowWithoutADotIsRemovedAndMayComeBack) {
  model::Batch batch = Doubles(2);
  batch.rows = {Reported(0, model::Value(1.0), {kInc, 1}),
                Reported(1, model::Value(1.0), {kInc, 2})};
  Commit(batch);
  batch = {};
  batch.rows = {{model::PropertyId{0}, model::Side::kReported, {}}};
  Commit(batch);
  EXPECT_EQ(Closed().rows.size(), 1u);
  Open(8);
  batch.rows.push_back(Reported(0, model::Value(2.0), {8, 2'000'000}));
  Commit(batch);
  EXPECT_EQ(Closed().rows.size(), 2u);
}

TEST_P(TwinStoreEventsTest, NoEventNorSeqFloorLiesAboveWhereTheNextOpeningBegins) {
  Commit(Events(3'000'000, 3'000'000));
  Open(8);
  EXPECT_EQ(store_->TakeStored().lineage.back().first_seq, 3'000'001u);
  model::Batch batch;
  batch.seq_floor = 9'000'000;
  Commit(batch);
  Open(9);
  EXPECT_EQ(store_->TakeStored().lineage.back().first_seq, 9'000'001u);
}

TEST_P(TwinStoreEventsTest, NothingPromisedMeansNothingKept) {
  model::Batch batch = Doubles(2);
  batch.rows = {Reported(0, model::Value(1.0), {kInc, 90}),
                OwnControl(1, model::Side::kDesired, 95)};
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 0u) << "reported and desired rows are no promises";
}

TEST_P(TwinStoreEventsTest, KeptIsTheHighestSeqOfControlRowsAndEventsThatWereHere) {
  model::Batch batch = Doubles(2);
  batch.rows = {Reported(0, model::Value(1.0), {kInc, 90}), OwnControl(0, model::Side::kStatus, 50),
                OwnControl(1, model::Side::kOverride, 60)};
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 60u);
  batch = {};
  batch.rows = {OwnControl(0, model::Side::kStatus, 70)};
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 70u);
  Commit(Events(71, 75));
  EXPECT_EQ(KeptAfterReopening(), 75u);
  EXPECT_EQ(KeptAfterReopening(), 75u) << "an opening that promised nothing kept the rest";
}

TEST_P(TwinStoreEventsTest, WhatWasForgottenOrRemovedStillCountsAsKept) {
  Commit(Doubles(1));
  model::Batch batch = Events(10, 20);
  batch.rows = {OwnControl(0, model::Side::kStatus, 21)};
  Commit(batch);
  batch = {};
  batch.events_floor = 20;
  batch.events_acked = 20;
  batch.rows = {{model::PropertyId{0}, model::Side::kStatus, {}}};
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 21u);
}

TEST_P(TwinStoreEventsTest, TheSeqFloorAndAcknowledgedEventsCountAsKept) {
  Commit(Events(5, 5));
  model::Batch batch;
  batch.seq_floor = 800;
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 800u);
  batch = {};
  batch.events_acked = 900;
  Commit(batch);
  EXPECT_EQ(KeptAfterReopening(), 900u);
}

TEST(TwinStoreEventsCostTest, AnEventACommandAndAHoldTakeOneTailRecordEach) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), kInc);
  ASSERT_TRUE(store->Commit(Doubles(1)));
  std::vector<model::Batch> batches(6);
  batches[0] = Events(1, 1);
  batches[1].events_acked = 1;
  batches[2].commands = {HardCommands()[0]};
  batches[3].alarms = {HardAlarms()[1]};
  batches[4].holds = {{model::PropertyId{0}, std::chrono::milliseconds(1)}};
  batches[5].seq_floor = 1;
  std::uint64_t records = 0;
  for (const model::Batch& batch : batches) {
    ASSERT_TRUE(store->Commit(batch));
    EXPECT_EQ(store->stats().tail_records, ++records);
  }
  EXPECT_EQ(store->stats().checkpoints, 0u);
}

}  // namespace
}  // namespace edgetwin::store
