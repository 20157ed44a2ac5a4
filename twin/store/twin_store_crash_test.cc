// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A store whose process or power goes at any instant: rows, watermarks and counters agree
// afterwards.

#include <gtest/gtest.h>

#include <csignal>
#include <random>
#include <string>

#include "twin/store/child_process.h"
#include "twin/store/store_test_support.h"
#include "twin/store/twin_store.h"

namespace edgetwin::store {
namespace {

constexpr std::uint32_t kProperties = 20;

// Step n sets every row, every counter and the epoch to n.
model::Batch Step(std::uint64_t n, std::uint64_t inc, std::uint64_t first_seq) {
  model::Batch batch;
  for (std::uint32_t id = 0; id < kProperties; ++id) {
    batch.rows.push_back(Reported(id, model::Value(static_cast<std::int64_t>(n)),
                                  {inc, first_seq + n * kProperties + id}));
  }
  batch.peer_watermark[0] = n;
  batch.state_durable = n;
  if (n % 3 == 0) batch.epoch = {n, n};
  batch.checkpoint = n % 17 == 0;
  return batch;
}

// The step that the store is at, everything in it agreeing.
std::uint64_t StepOf(const model::Stored& stored) {
  const std::uint64_t n = stored.state_durable;
  EXPECT_EQ(stored.peer_watermark[0], n);
  EXPECT_EQ(stored.epoch.counter, n / 3 * 3);
  EXPECT_EQ(stored.rows.size(), n == 0 ? 0 : kProperties);
  for (const model::RowChange& change : stored.rows) {
    EXPECT_EQ(change.row.value, model::Value(static_cast<std::int64_t>(n)));
    EXPECT_LE(change.row.dot.seq, stored.lineage.back().limit);
  }
  return n;
}

// Commits steps after the store's own for ever, and tells of each in the pipe.
[[noreturn]] void CommitUntilKilled(const std::string& path, std::uint64_t inc, int pipe_fd) {
  const auto store = OpenStore({.path = path, .inc = inc, .tail_records_max = 11});
  const model::Stored stored = store->TakeStored();
  std::uint64_t n = stored.state_durable;
  if (stored.properties.empty() && !store->Commit(Doubles(kProperties))) _exit(1);
  const std::uint64_t first_seq = stored.lineage.back().first_seq - n * kProperties;
  while (true) {
    ++n;
    if (!store->Commit(Step(n, inc, first_seq))) _exit(1);
    if (write(pipe_fd, &n, sizeof n) != sizeof n) _exit(1);
  }
}

// Kills a committing child after it told of `steps` steps; the last step told of.
std::uint64_t CommitAndKill(const std::string& path, std::uint64_t inc, int steps) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    CommitUntilKilled(path, inc, ends[1]);
  }
  close(ends[1]);
  std::uint64_t told = 0;
  std::uint64_t n = 0;
  while (steps-- > 0 && read(ends[0], &n, sizeof n) == sizeof n) told = n;
  kill(child, SIGKILL);
  while (read(ends[0], &n, sizeof n) == sizeof n) told = n;
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child must not end by itself";
  return told;
}

TEST(TwinStoreCrashTest, AKillInMidCommitLosesNothingToldOfAndTearsNothing) {
  TestFolder folder;
  std::mt19937 random(1);
  for (std::uint64_t inc = 1; inc <= 60; ++inc) {
    const std::uint64_t told = CommitAndKill(folder.db(), inc, static_cast<int>(random() % 40));
    // Killed before the file was made: nothing was told of either.
    const Result<model::Stored> stored = TwinStore::Inspect(folder.db());
    if (!stored) {
      ASSERT_EQ(stored.error().code, ErrorCode::kNotFound) << stored.error().text;
      ASSERT_EQ(told, 0u);
      continue;
    }
    const std::uint64_t found = StepOf(*stored);
    ASSERT_GE(found, told);
    ASSERT_FALSE(HasFailure()) << "incarnation " << inc;
  }
  const auto store = OpenStore(folder.db(), 100);
  EXPECT_GT(StepOf(store->TakeStored()), 100u);
}

TEST(TwinStoreCrashTest, AWalTornAtAnyByteIsReadTheSameByInspectAndOpen) {
  TestFolder folder;
  std::string db;
  std::string wal;
  {
    auto store = OpenStore(folder.db(), 1);
    ASSERT_TRUE(store->Commit(Doubles(kProperties)));
    for (std::uint64_t n = 1; n <= 60; ++n) ASSERT_TRUE(store->Commit(Step(n, 1, 1)));
    db = ReadFile(folder.db() + "");
    wal = ReadFile(folder.db() + "-wal");
  }
  std::mt19937 random(2);
  std::uint64_t most = 0;
  for (int i = 0; i < 150; ++i) {
    TestFolder torn;
    WriteFile(torn.db(), db);
    std::string cut = wal.substr(0, random() % (wal.size() + 1));
    // Every other time the write was not cut but reached the flash as garbage.
    if (i % 2 == 0 && !cut.empty()) cut[random() % cut.size()] ^= 0x40;
    WriteFile(torn.db() + "-wal", cut);
    const Result<model::Stored> inspected = TwinStore::Inspect(torn.db());
    const Result<std::unique_ptr<TwinStore>> opened =
        TwinStore::Open({.path = torn.db(), .inc = 2});
    ASSERT_TRUE(opened) << opened.error().text;
    const model::Stored stored = (*opened)->TakeStored();
    if (!inspected) {
      EXPECT_EQ(inspected.error().code, ErrorCode::kNotFound) << inspected.error().text;
      EXPECT_EQ(stored.lineage.size(), 1u) << "the schema itself was cut";
      continue;
    }
    EXPECT_EQ(StepOf(*inspected), StepOf(stored));
    EXPECT_EQ(inspected->properties, stored.properties);
    EXPECT_EQ(inspected->rows, stored.rows);
    most = std::max(most, StepOf(stored));
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
  EXPECT_GT(most, 40u);
}

}  // namespace
}  // namespace edgetwin::store
