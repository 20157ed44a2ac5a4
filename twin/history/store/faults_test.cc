// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Full disks, media that turn read-only, damaged and missing files.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "twin/history/block.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/child_process.h"

namespace edgetwin::history {
namespace {

// A block that decodes: `count` samples of hardly compressible values.
BlockRecord RealBlock(PathId path, std::uint64_t first, std::size_t count) {
  std::mt19937_64 random(first * 31 + path);
  std::vector<model::Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i].value = model::Value(static_cast<std::int64_t>(random()));
    samples[i].time = At(static_cast<std::int64_t>(first + i));
  }
  return {path,
          Priority::kNormal,
          first,
          static_cast<std::uint32_t>(count),
          samples.front().time,
          samples.back().time,
          EncodeBlock(samples, first).value()};
}

// Four paths with 25 blocks of 40 samples each, about 32 KB.
void MakeHistory(const HistoryStoreOptions& options) {
  auto store = OpenHistory(options);
  HistoryBatch batch;
  for (PathId id = 1; id <= 4; ++id) batch.paths.push_back({id, "p/" + std::to_string(id)});
  ASSERT_TRUE(store->Commit(batch));
  for (std::uint64_t i = 0; i < 25; ++i) {
    batch = {};
    for (PathId id = 1; id <= 4; ++id) batch.blocks.push_back(RealBlock(id, i * 40, 40));
    ASSERT_TRUE(store->Commit(batch));
  }
  ASSERT_TRUE(store->Close({}));
}

class HistoryFaultsTest : public testing::Test {
 protected:
  // Puts the file aside, and what can be read of it into a new one.
  std::unique_ptr<HistoryStore> SalvageAll(std::uint64_t inc, Salvaged& salvaged) {
    const std::string aside = HistoryFile(folder_) + ".corrupt-1";
    std::filesystem::rename(HistoryFile(folder_), aside);
    const std::string before = store::ReadFile(aside);
    auto store = OpenHistory(OptionsFor(folder_, inc));
    const Result<Salvaged> done = Salvage(aside, *store);
    EXPECT_TRUE(done) << done.error().text;
    salvaged = done.value_or(Salvaged());
    EXPECT_EQ(store::ReadFile(aside), before) << "the evidence stays as it is";
    return store;
  }
  TestFolder folder_;
};

TEST_F(HistoryFaultsTest, AFullDiskFailsCommitsUntilThereIsRoomAgainAndTheAuditAddsUp) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=512k"));
    const std::string filler = folder_.path() + "/filler";
    store::WriteFile(filler, std::string(256 << 10, 'f'));
    auto store = OpenHistory(OptionsFor(folder_, 1));
    HistoryBatch batch;
    batch.paths = {{1, "p/1"}};
    ASSERT_TRUE(store->Commit(batch));
    batch = {};
    std::uint64_t next = 0;
    Status done;
    while (next < 100'000) {
      batch.blocks = {BlockOf(1, next, 10, 5'000)};
      if (!(done = store->Commit(batch))) break;
      next += 10;
    }
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::kExhausted) << done.error().text;
    std::filesystem::remove(filler);
    done = store->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    EXPECT_TRUE((*audit)[0].AddsUp());
    EXPECT_EQ((*audit)[0].stored, next + 10);
  });
}

TEST_F(HistoryFaultsTest, AMediumThatIsReadOnlyCanBeInspected) {
  if (!store::CanMountPrivately(folder_.path())) GTEST_SKIP() << "no private mounts here";
  store::RunInChild([&] {
    ASSERT_TRUE(store::MountPrivately(folder_.path(), "size=4m"));
    MakeHistory(OptionsFor(folder_, 1));
    ASSERT_EQ(mount("none", folder_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const auto refused = HistoryStore::Open(OptionsFor(folder_, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().text;
    const auto seen = HistoryStore::Inspect(HistoryFile(folder_));
    ASSERT_TRUE(seen) << seen.error().text;
    EXPECT_EQ(Stored(**seen, 1), 1'000u);
  });
}

TEST_F(HistoryFaultsTest, EveryDamagedPageIsSurvivedAndTheSalvagedHistoryAddsUp) {
  MakeHistory(OptionsFor(folder_, 1));
  const std::string sound = store::ReadFile(HistoryFile(folder_));
  const std::size_t pages = sound.size() / 1'024;
  std::mt19937 random(7);
  std::size_t kept_most = 0;
  for (std::size_t page = 0; page < pages; page += 3) {
    SCOPED_TRACE(page);
    std::filesystem::remove_all(folder_.path());
    std::filesystem::create_directory(folder_.path());
    std::string damaged = sound;
    for (std::size_t i = 0; i < 1'024; ++i) {
      damaged[page * 1'024 + i] = static_cast<char>(random());
    }
    store::WriteFile(HistoryFile(folder_), damaged);
    Salvaged salvaged;
    auto store = SalvageAll(2, salvaged);
    if (salvaged.blocks >= 80) ++kept_most;
    const auto audit = store->Audit();
    ASSERT_TRUE(audit) << audit.error().text;
    std::uint64_t stored = 0;
    for (const PathAudit& path : *audit) {
      EXPECT_TRUE(path.AddsUp());
      stored += path.stored;
      for (const BlockRecord& block : AllBlocks(*store, path.path.id)) {
        EXPECT_EQ(block, RealBlock(block.path, block.first, block.count));
      }
    }
    EXPECT_EQ(stored, salvaged.samples);
  }
  EXPECT_GT(kept_most, pages / 3 / 2) << "most pages are of a few blocks only";
}

TEST_F(HistoryFaultsTest, WhatIsNoHistoryAtAllGivesNothing) {
  store::WriteFile(HistoryFile(folder_), std::string(5'000, 'x'));
  const auto opened = HistoryStore::Open(OptionsFor(folder_, 1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  Salvaged salvaged;
  auto store = SalvageAll(2, salvaged);
  EXPECT_EQ(salvaged.blocks, 0u);
  EXPECT_TRUE(store->paths().empty());
}

}  // namespace
}  // namespace edgetwin::history
