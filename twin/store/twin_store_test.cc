// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/twin_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "twin/store/store_test_support.h"

namespace edgetwin::store {
namespace {

constexpr std::uint64_t kInc = 0xaaaa'0000'0000'0001u;

model::PropertyDef FullDef() {
  model::PropertyDef def;
  def.path = PathOf("plant/tank-1/level");
  def.type = model::ValueType::kDouble;
  def.unit = "m\xc2\xb3";
  def.decimals = 3;
  def.writable = true;
  def.min = -0.0;
  def.max = std::numeric_limits<double>::infinity();
  def.policy = {0.25, std::chrono::milliseconds(100), std::chrono::hours(24)};
  def.alarm = {-std::numeric_limits<double>::infinity(), -0.0, 1e-300, std::chrono::hours(2)};
  def.description = "It's the \"level\"";
  def.instance = "modbus-1";
  def.source = "unit 3 holding 12 u16";
  return def;
}

model::Batch SeqLimit(std::uint64_t limit) {
  model::Batch batch;
  batch.seq_limit = limit;
  return batch;
}

model::Batch Checkpoint() {
  model::Batch batch;
  batch.checkpoint = true;
  return batch;
}

// Something in every field.
model::Batch FullBatch(std::uint64_t inc) {
  model::Batch batch = Doubles(40);
  batch.properties[0].def = FullDef();
  batch.properties[1].def.local_only = true;
  batch.properties[1].def.min = std::numeric_limits<double>::quiet_NaN();
  batch.properties[1].pid = 0;
  batch.properties[2].def = {};
  batch.properties[2].def.path = PathOf("plant/only-desired");
  batch.properties[3].def.alarm.high = std::numeric_limits<double>::max();
  batch.dictionary = {{1, model::PropertyId{0}, 0, FullDef(), ~std::uint64_t{0}},
                      {2, model::PropertyId{2}, 0, batch.properties[2].def, 5},
                      {3, model::PropertyId{0}, 1, {}, 6}};
  batch.rows = HardRows(40, inc);
  batch.state_durable = 77;
  batch.peer_watermark = {1, 2, ~std::uint64_t{0}, 4};
  batch.epoch = {3, 0xffff'ffff'ffff'ffffu};
  batch.peer_lineage = {{9, 1, 10, 4}, {8, 11, ~std::uint64_t{0}, ~std::uint64_t{0}}};
  batch.seq_floor = 76;
  batch.events = HardEvents(40, inc);
  batch.events.back().dot.inc = ~inc;  // Its seq is of nobody's lineage.
  batch.events_acked = 1'003;
  batch.commands = HardCommands();
  batch.alarms = HardAlarms();
  batch.holds = {{model::PropertyId{3}, std::chrono::milliseconds(1)},
                 {model::PropertyId{39}, std::chrono::milliseconds::max()}};
  batch.scope_held = 0xffff'fffe;
  batch.interest = model::Interest{0xffff'ffff, {"plant/**", "", "\xc3\xa9?"}};
  return batch;
}

void ExpectHolds(const model::Stored& stored, const model::Batch& batch) {
  // NaN limits are not equal to themselves: compared by their text instead.
  ASSERT_EQ(stored.properties.size(), batch.properties.size());
  for (std::size_t i = 0; i < stored.properties.size(); ++i) {
    model::PropertyRecord a = stored.properties[i];
    model::PropertyRecord b = batch.properties[i];
    EXPECT_EQ(a.def.min.has_value(), b.def.min.has_value());
    EXPECT_EQ(model::Value(a.def.min.value_or(0)), model::Value(b.def.min.value_or(0)));
    a.def.min = b.def.min = 0;
    EXPECT_EQ(a, b) << "property " << i;
  }
  EXPECT_EQ(stored.dictionary, batch.dictionary);
  EXPECT_EQ(stored.rows, batch.rows);
  EXPECT_EQ(stored.state_durable, batch.state_durable);
  for (std::size_t s = 0; s < model::kStreams; ++s) {
    EXPECT_EQ(stored.peer_watermark[s], batch.peer_watermark[s]);
  }
  EXPECT_EQ(stored.epoch, batch.epoch);
  EXPECT_EQ(stored.peer_lineage, batch.peer_lineage);
  EXPECT_EQ(stored.seq_floor, batch.seq_floor);
  EXPECT_EQ(stored.events, batch.events);
  EXPECT_EQ(stored.events_acked, batch.events_acked);
  EXPECT_EQ(stored.commands, batch.commands);
  EXPECT_EQ(stored.alarms, batch.alarms);
  EXPECT_EQ(stored.holds, batch.holds);
  EXPECT_EQ(stored.interest, batch.interest);
  EXPECT_EQ(stored.scope_held, batch.scope_held);
}

model::Stored Reopened(const std::string& path, std::uint64_t inc) {
  return OpenStore(path, inc)->TakeStored();
}

model::Stored Inspected(const std::string& path) {
  Result<model::Stored> stored = TwinStore::Inspect(path);
  EXPECT_TRUE(stored) << stored.error().text;
  return std::move(*stored);
}

TEST(TwinStoreTest, EverythingInABatchComesBackFromTheTail) {
  TestFolder folder;
  const model::Batch batch = FullBatch(kInc);
  auto store = OpenStore(folder.db(), kInc);
  ASSERT_TRUE(store->Commit(batch));
  EXPECT_EQ(store->stats().tail_records, 1u);
  store.reset();
  ExpectHolds(Inspected(folder.db()), batch);
  ExpectHolds(Reopened(folder.db(), 2), batch);
  ExpectHolds(Reopened(folder.db(), 3), batch);
}

TEST(TwinStoreTest, ACheckpointFoldsTheTailAndChangesNothing) {
  TestFolder folder;
  const model::Batch batch = FullBatch(kInc);
  auto store = OpenStore(folder.db(), kInc);
  ASSERT_TRUE(store->Commit(batch));
  ASSERT_TRUE(store->Commit(Checkpoint()));
  EXPECT_EQ(store->stats().tail_records, 0u);
  EXPECT_EQ(store->stats().checkpoints, 1u);
  store.reset();
  ExpectHolds(Inspected(folder.db()), batch);
  ExpectHolds(Reopened(folder.db(), 2), batch);
}

TEST(TwinStoreTest, ReplayGivesTheSameAsFolding) {
  TestFolder tail_folder;
  TestFolder folded_folder;
  TwinStoreOptions folding{.path = folded_folder.db(), .inc = kInc, .tail_records_max = 3};
  auto replayed = OpenStore(tail_folder.db(), kInc);
  auto folded = OpenStore(folding);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    model::Batch batch = seq == 1 ? Doubles(5) : model::Batch();
    const auto id = static_cast<std::uint32_t>(seq % 5);
    batch.rows = {Reported(id, model::Value(static_cast<double>(seq) / 8), {kInc, seq})};
    batch.peer_watermark[seq % 4] = seq;
    if (seq % 6 == 0) batch.seq_limit = 5'000'000 + seq;
    if (seq % 7 == 0) batch.state_durable = seq;
    batch.events = {EventAt(seq, kInc)};
    batch.events_acked = seq - 1;
    if (seq % 7 == 0) batch.events_floor = seq;
    if (seq % 8 == 0) batch.seq_floor = seq;
    model::Command command;
    command.id = ~seq;
    command.dot.seq = seq % 3;
    batch.commands = {command};
    if (seq > 3) batch.commands_gone = {~(seq - 3)};
    model::AlarmRecord alarm = HardAlarms()[1];
    alarm.id = model::PropertyId{id};
    alarm.raised = alarm.acknowledged = seq >= 16;
    alarm.raised = seq == 19;
    batch.alarms = {alarm};
    batch.holds = {{model::PropertyId{id}, std::chrono::milliseconds(seq < 18 ? 99 : 0)}};
    ASSERT_TRUE(replayed->Commit(batch));
    ASSERT_TRUE(folded->Commit(batch));
  }
  EXPECT_EQ(replayed->stats().tail_records, 20u);
  EXPECT_EQ(folded->stats().checkpoints, 5u);
  replayed.reset();
  folded.reset();
  const model::Stored a = Inspected(tail_folder.db());
  const model::Stored b = Inspected(folded_folder.db());
  EXPECT_EQ(a.rows.size(), 5u);
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.peer_watermark, b.peer_watermark);
  EXPECT_EQ(a.state_durable, b.state_durable);
  EXPECT_EQ(a.state_durable, 14u);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.events.size(), 6u) << "15 to 20";
  EXPECT_EQ(a.commands, b.commands);
  EXPECT_EQ(a.commands.size(), 3u);
  EXPECT_EQ(a.alarms, b.alarms);
  EXPECT_EQ(a.alarms.size(), 1u);
  EXPECT_EQ(a.holds, b.holds);
  EXPECT_EQ(a.holds.size(), 2u);
  EXPECT_EQ(a.events_acked, b.events_acked);
  EXPECT_EQ(a.seq_floor, b.seq_floor);
  EXPECT_EQ(a.seq_floor, 16u);
  EXPECT_EQ(a.lineage, b.lineage);
  EXPECT_EQ(a.lineage.back().limit, 5'000'018u);
}

TEST(TwinStoreTest, TheTailIsFoldedPastItsBytes) {
  TestFolder folder;
  auto store = OpenStore({.path = folder.db(), .inc = kInc, .tail_bytes_max = 2'000});
  ASSERT_TRUE(store->Commit(Doubles(1)));
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    model::Batch batch;
    batch.rows = {Reported(0, model::Value(std::string(900, 'x')), {kInc, seq})};
    ASSERT_TRUE(store->Commit(batch));
  }
  EXPECT_EQ(store->stats().checkpoints, 1u);
  EXPECT_EQ(store->stats().tail_records, 2u);
}

TEST(TwinStoreTest, ReopensWithAHigherFirstSeq) {
  TestFolder folder;
  EXPECT_EQ(Reopened(folder.db(), 7).lineage, (model::Lineage{{7, 1, 1 << 20}}));
  const model::Stored second = Reopened(folder.db(), 8);
  EXPECT_EQ(second.lineage, (model::Lineage{{7, 1, 1 << 20}, {8, (1 << 20) + 1, 2 << 20}}));
}

TEST(TwinStoreTest, UnusedSeqsAreGivenBackByALowerLimit) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 7);
  ASSERT_TRUE(store->Commit(SeqLimit(100)));
  store.reset();
  EXPECT_EQ(Reopened(folder.db(), 8).lineage.back().first_seq, 101u);
}

TEST(TwinStoreTest, TheLimitNeverFallsBelowTheSeqOfARow) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 7);
  model::Batch batch = Doubles(2);
  batch.rows = {Reported(0, model::Value(1.0), {7, 500}),
                Reported(1, model::Value(1.0), {6, 9'000})};
  ASSERT_TRUE(store->Commit(batch));
  ASSERT_TRUE(store->Commit(SeqLimit(100)));
  store.reset();
  EXPECT_EQ(Reopened(folder.db(), 8).lineage.back().first_seq, 501u)
      << "the other row is of somebody else's incarnation";
}

TEST(TwinStoreTest, ARowAboveTheLimitRaisesIt) {
  TestFolder folder;
  auto store = OpenStore({.path = folder.db(), .inc = 7, .seq_reserve = 10});
  model::Batch batch = Doubles(1);
  batch.rows = {Reported(0, model::Value(1.0), {7, 5'000})};
  ASSERT_TRUE(store->Commit(batch));
  store.reset();
  EXPECT_EQ(Reopened(folder.db(), 8).lineage.back().first_seq, 5'001u);
}

TEST(TwinStoreTest, TheLineageKeepsItsNewestEntriesAndDropsUnusedOnesFirst) {
  TestFolder folder;
  for (std::uint64_t inc = 1; inc <= 70; ++inc) {
    auto store = OpenStore({.path = folder.db(), .inc = inc, .seq_reserve = 10});
    const std::uint64_t first_seq = store->TakeStored().lineage.back().first_seq;
    if (inc >= 10 && inc < 14) {  // Used nothing, gives all back.
      ASSERT_TRUE(store->Commit(SeqLimit(first_seq - 1)));
    }
  }
  const model::Lineage lineage = Inspected(folder.db()).lineage;
  ASSERT_EQ(lineage.size(), model::kLineageMax);
  EXPECT_EQ(lineage.front().inc, 3u) << "70 - 4 unused ones - 64";
  EXPECT_EQ(lineage.back().inc, 70u);
  const auto unused = [](const model::Incarnation& entry) { return entry.limit < entry.first_seq; };
  EXPECT_TRUE(std::ranges::none_of(lineage, unused));
  EXPECT_EQ(lineage.back().limit, 660u);
}

TEST(TwinStoreTest, RunningOutOfSeqsIsSaidRatherThanWrapped) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), 7);
  ASSERT_TRUE(store->Commit(SeqLimit(~std::uint64_t{0} - 5)));
  store.reset();
  const auto refused = TwinStore::Open({.path = folder.db(), .inc = 8});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
}

TEST(TwinStoreTest, ADictionaryResetForgetsEveryPidBeforeTheBatchAddsItsOwn) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), kInc);
  ASSERT_TRUE(store->Commit(FullBatch(kInc)));
  model::Batch reset;
  reset.dictionary_reset = true;
  reset.properties = {Property(5, model::ValueType::kInt)};
  reset.properties[0].pid = 1;
  reset.dictionary = {{1, model::PropertyId{5}, 0, reset.properties[0].def, 99}};
  ASSERT_TRUE(store->Commit(reset));
  store.reset();
  const model::Stored stored = Inspected(folder.db());
  EXPECT_EQ(stored.dictionary, reset.dictionary);
  for (const model::PropertyRecord& record : stored.properties) {
    EXPECT_EQ(record.pid, record.id == model::PropertyId{5} ? 1u : 0u);
  }
}

TEST(TwinStoreTest, ABatchThatCouldNotBeReadAgainIsRefusedWhole) {
  TestFolder folder;
  auto store = OpenStore(folder.db(), kInc);
  model::Batch gap;
  gap.properties = {Property(1, model::ValueType::kInt)};
  model::Batch stranger = Doubles(1);
  stranger.rows = {Reported(1, model::Value(1.0), {kInc, 1})};
  model::Batch pid_gap = Doubles(1);
  pid_gap.dictionary = {{2, model::PropertyId{0}, 0, {}, 1}};
  model::Batch withdraws_itself = Doubles(1);
  withdraws_itself.dictionary = {{1, model::PropertyId{0}, 1, {}, 1}};
  model::Batch event_of_nothing = Doubles(1);
  event_of_nothing.events = {EventAt(1)};
  event_of_nothing.events[0].id = model::PropertyId{1};
  model::Batch alarm_of_nothing;
  alarm_of_nothing.alarms = {HardAlarms()[1]};
  model::Batch hold_of_nothing;
  hold_of_nothing.holds = {{model::PropertyId{0}, std::chrono::milliseconds(1)}};
  const std::vector<model::Batch> refusals = {gap,
                                              stranger,
                                              pid_gap,
                                              withdraws_itself,
                                              event_of_nothing,
                                              alarm_of_nothing,
                                              hold_of_nothing};
  for (const model::Batch& batch : refusals) {
    const Status refused = store->Commit(batch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << refused.error().text;
  }
  EXPECT_EQ(store->stats().failed_commits, refusals.size());
  store.reset();
  EXPECT_TRUE(Inspected(folder.db()).properties.empty());
}

TEST(TwinStoreTest, InspectWritesNothingAndSeesTheWalOfACrash) {
  TestFolder folder;
  TestFolder crashed;
  const model::Batch batch = FullBatch(kInc);
  {
    auto store = OpenStore(folder.db(), kInc);
    ASSERT_TRUE(store->Commit(batch));
    // What a crash now would leave.
    std::filesystem::copy_file(folder.db(), crashed.db());
    std::filesystem::copy_file(folder.db() + "-wal", crashed.db() + "-wal");
    ASSERT_GT(std::filesystem::file_size(crashed.db() + "-wal"), 10'000u);
  }
  const auto before = Snapshot(crashed.path());
  ExpectHolds(Inspected(crashed.db()), batch);
  EXPECT_EQ(Snapshot(crashed.path()), before);

  // A torn end is cut where SQLite cuts it: the last commit is gone, whatever byte of it is
  // missing.
  std::string wal = ReadFile(crashed.db() + "-wal");
  wal.resize(wal.size() - 1);
  WriteFile(crashed.db() + "-wal", wal);
  const model::Stored torn = Inspected(crashed.db());
  EXPECT_TRUE(torn.properties.empty());
  EXPECT_EQ(torn.lineage.size(), 1u);
  const model::Stored opened = Reopened(crashed.db(), 2);
  EXPECT_TRUE(opened.properties.empty());
  EXPECT_EQ(opened.lineage.front(), torn.lineage.front());
}

TEST(TwinStoreTest, SmallCommitsCostFewBytes) {
  TestFolder folder;
  constexpr std::uint32_t kProperties = 1'000;
  auto store = OpenStore(folder.db(), kInc);
  ASSERT_TRUE(store->Commit(Doubles(kProperties)));
  const auto written = [] {
    // What the process gave to write(2) and pwrite(2): the bytes at the level of SQLite's VFS.
    std::ifstream io("/proc/self/io");
    for (std::string key; io >> key;) {
      std::uint64_t bytes = 0;
      io >> bytes;
      if (key == "wchar:") return bytes;
    }
    return std::uint64_t{0};
  };
  if (written() == 0) GTEST_SKIP() << "no /proc/self/io";
  std::uint64_t seq = 0;
  const auto bytes_a_value = [&](std::uint32_t values, int commits) {
    const std::uint64_t before = written();
    for (int i = 0; i < commits; ++i) {
      model::Batch batch;
      for (std::uint32_t id = 0; id < values; ++id) {
        ++seq;
        batch.rows.push_back(
            Reported(id, model::Value(static_cast<double>(seq % 9'000) / 100), {kInc, seq}));
      }
      EXPECT_TRUE(store->Commit(batch));
    }
    return static_cast<double>(written() - before) / commits / values;
  };
  EXPECT_LE(bytes_a_value(1, 200), 1'500);
  EXPECT_LE(bytes_a_value(1'000, 20), 12);
}

}  // namespace
}  // namespace edgetwin::store
