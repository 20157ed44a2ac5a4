// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/store/bundle.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "twin/base/bytes.h"
#include "twin/base/zstd.h"
#include "twin/history/crc32.h"
#include "twin/history/store/blocks.h"
#include "twin/history/store/history_test_support.h"
#include "twin/history/store/salvage.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::history {
namespace {

std::vector<Bundled> Some() {
  return {{7, 12, 900, "first"},
          {7, 500, 0, ""},
          {9, 3, ~std::uint64_t{0}, "third"},
          {kPathIdMax, 1u << 31, 5, "last"}};
}

// What the row's columns say: of its first block.
Bundled RowOf(const std::vector<Bundled>& blocks, std::string_view bytes) {
  return {blocks[0].path, blocks[0].after_ms, blocks[0].before_ms, bytes};
}

// With the head's checksum made right again.
std::string Resealed(std::string bytes, std::size_t head) {
  const std::uint32_t checksum = Crc32(std::string_view(bytes).substr(0, head));
  for (unsigned i = 0; i < 4; ++i) bytes[head + i] = static_cast<char>(checksum >> 8 * i);
  return bytes;
}

TEST(BundleTest, WhatComesOutIsWhatWentIn) {
  const std::vector<Bundled> blocks = Some();
  const std::string bytes = Bundle(blocks);
  const auto out = Unbundle(RowOf(blocks, bytes));
  ASSERT_TRUE(out) << out.error().text;
  EXPECT_TRUE(*out == blocks);
}

TEST(BundleTest, WhatBlocksHaveInCommonIsThereOnce) {
  // The times of a hundred properties that were read at once.
  std::vector<std::string> bytes;
  std::vector<Bundled> blocks;
  std::mt19937 random(7);
  std::string common(80, '\0');
  for (char& c : common) c = static_cast<char>(random());
  for (PathId path = 1; path <= 100; ++path) {
    bytes.push_back(common);
    for (int i = 0; i < 80; ++i) bytes.back() += static_cast<char>(random());
  }
  for (PathId path = 1; path <= 100; ++path) blocks.push_back({path, 0, 0, bytes[path - 1]});
  const std::string packed = Bundle(blocks);
  EXPECT_LT(packed.size(), 100u * 100u);
  std::string unpacked;
  const auto plain = Unpack(packed, unpacked);
  ASSERT_TRUE(plain);
  EXPECT_GT(plain->size(), 160u * 100u);
  const auto out = Unbundle(RowOf(blocks, *plain));
  ASSERT_TRUE(out) << out.error().text;
  EXPECT_TRUE(*out == blocks);
}

TEST(BundleTest, WhatIsPackedGrowsByNoMoreThanSixtyFour) {
  const std::string zeros(100'000, '\0');
  const std::vector<Bundled> blocks = {{1, 0, 0, zeros}, {2, 0, 0, "x"}};
  EXPECT_EQ(Bundle(blocks)[0], '\x81');
  const std::string frame = ZstdPack(zeros, 1).value();
  for (const std::uint64_t size : {std::uint64_t{100'000}, std::uint64_t{0}, std::uint64_t{99'999},
                                   std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    ByteWriter hostile;
    hostile.Byte(0x82);
    hostile.Varint(size);
    hostile.Raw(frame);
    std::string unpacked;
    EXPECT_FALSE(Unpack(hostile.bytes(), unpacked)) << size;
    EXPECT_LE(unpacked.capacity(), 64 * frame.size()) << size;
  }
}

TEST(BundleTest, OneBlockAloneIsAsItIsInEarlierVersions) {
  const BlockRecord block = BlockOf(3, 0, 5);
  const std::vector<Bundled> alone = {{3, 1, 2, block.bytes}};
  EXPECT_EQ(Bundle(alone), block.bytes);
  const auto out = Unbundle(alone[0]);
  ASSERT_TRUE(out);
  EXPECT_TRUE(*out == alone);
}

// The example of docs/HISTORY.md.
TEST(BundleTest, ItsBytesAreThoseOfTheDocument) {
  const std::vector<Bundled> blocks = {{3, 20, 980, "A"}, {5, 25, 980, "BC"}};
  const std::string expected(
      "\x81\x02\x00\x00\x00\x01\x02\x0a\x00\x02\x00\x00\x00\x00"
      "ABC",
      17);
  EXPECT_EQ(Bundle(blocks), Resealed(expected, 10));
}

TEST(BundleTest, NoDamageOfItsHeadGoesUnnoticed) {
  const std::vector<Bundled> blocks = Some();
  const std::string whole = Bundle(blocks);
  const std::size_t head = whole.size() - 14;  // Up to the blocks, which have their own checksum.
  for (std::size_t at = 1; at < head; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      const auto out = Unbundle(RowOf(blocks, bytes));
      ASSERT_FALSE(out) << at << "." << bit;
      EXPECT_EQ(out.error().code, ErrorCode::kCorrupt);
    }
  }
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(Unbundle(RowOf(blocks, whole.substr(0, size)))) << size;
  }
  EXPECT_FALSE(Unbundle(RowOf(blocks, whole + 'x')));
}

TEST(BundleTest, WhatNobodyWroteIsRefusedThoughItsChecksumIsRight) {
  const Bundled row{kPathIdMax, 0, 0, {}};
  const auto refused = [&row](std::string bytes) {
    bytes += std::string(4, '\0');
    Bundled of = row;
    const std::string sealed = Resealed(bytes, bytes.size() - 4);
    of.bytes = sealed;
    const auto out = Unbundle(of);
    return out ? std::string("none") : out.error().text;
  };
  EXPECT_NE(refused({'\x81', '\1', 0, 0, 0, 0}).find("fewer than two"), std::string::npos);
  EXPECT_NE(refused({'\x81', '\x7f', 0, 0, 0, 0}).find("more blocks than bytes"),
            std::string::npos);
  EXPECT_NE(refused({'\x81', '\2', 0, 2, 0, 0, 0, 0, 0, 0}).find("isn't the row's"),
            std::string::npos);
  EXPECT_NE(refused({'\x81', '\2', 0, 0, 0, 0, 1, 0, 0, 0}).find("no path"), std::string::npos);
  EXPECT_NE(refused({'\x81', '\2', 0, 0, 0, 0, 0, 0, 0, 9}).find("too early"), std::string::npos);
}

class BundledStoreTest : public testing::Test {
 protected:
  // One commit of `paths` paths, each with some blocks of about so many bytes.
  void Fill(PathId paths, int blocks, std::size_t bytes) {
    store_ = OpenHistory(OptionsFor(folder_, 1));
    HistoryBatch batch;
    std::mt19937 random(5);
    for (PathId path = 1; path <= paths; ++path) {
      batch.paths.push_back({path, "plant/" + std::to_string(path)});
      std::uint64_t next = 0;
      for (int i = 0; i < blocks; ++i) {
        const auto count = static_cast<std::uint32_t>(1 + random() % 9);
        batch.blocks.push_back(BlockOf(path, next, count, random() % (2 * bytes + 1)));
        next += batch.blocks.back().count;
      }
    }
    blocks_ = batch.blocks;
    ASSERT_TRUE(store_->Commit(batch));
  }
  std::vector<BlockRecord> Expected(PathId path) const {
    std::vector<BlockRecord> of;
    for (const BlockRecord& block : blocks_) {
      if (block.path == path) of.push_back(block);
    }
    return of;
  }
  std::int64_t Query(const std::string& select) {
    auto db = store::Database::Open({.path = HistoryFile(folder_)});
    return db->QueryInt(select).value_or(-1);
  }

  TestFolder folder_;
  std::unique_ptr<HistoryStore> store_;
  std::vector<BlockRecord> blocks_;
};

TEST_F(BundledStoreTest, EachPathIsFoundWhereverItsBlocksLieInRows) {
  Fill(300, 4, 300);
  for (PathId path = 1; path <= 300; ++path) ASSERT_EQ(AllBlocks(*store_, path), Expected(path));
  ASSERT_TRUE(store_->Close({}));
  store_.reset();
  EXPECT_EQ(Query("SELECT max(length(bytes)) <= 16384 + 64 FROM block"), 1);
  // About 1,200 blocks of 300 bytes.
  EXPECT_LT(Query("SELECT count(*) FROM block"), 30);
}

TEST_F(BundledStoreTest, PagesAreFilled) {
  Fill(1'000, 1, 150);
  std::size_t bytes = 0;
  for (const BlockRecord& block : blocks_) bytes += block.bytes.size();
  ASSERT_TRUE(store_->Close({}));
  store_.reset();
  const std::int64_t rows = Query("SELECT sum(length(bytes)) FROM block");
  const std::int64_t pages =
      Query("SELECT count(*) FROM dbstat WHERE name = 'block' AND pagetype != 'internal'");
  if (pages < 0) GTEST_SKIP() << "this SQLite has no dbstat";
  EXPECT_LT(pages * 1'024, rows * 106 / 100);
  EXPECT_LT(static_cast<std::size_t>(rows), bytes * 105 / 100);
}

TEST_F(BundledStoreTest, OfADamagedRowAllPathsThatItMayHaveHadAreNumberedOnBehindIt) {
  Fill(100, 1, 150);
  store_.reset();  // As if the power went: the file doesn't say how far each path's blocks reach.
  {
    auto db = store::Database::Open({.path = HistoryFile(folder_)});
    ASSERT_TRUE(db);
    ASSERT_GT(db->QueryInt("SELECT count(*) FROM block").value(), 1);
    ASSERT_TRUE(
        db->Exec("UPDATE block SET bytes = x'81020000000102' WHERE id = "
                 "(SELECT min(id) FROM block)"));
  }
  ASSERT_FALSE(HistoryStore::Open(OptionsFor(folder_, 2)));
  const std::string aside = HistoryFile(folder_) + ".corrupt-1";
  std::filesystem::rename(HistoryFile(folder_), aside);
  auto fresh = OpenHistory(OptionsFor(folder_, 2));
  const auto salvaged = Salvage(aside, *fresh, {});
  ASSERT_TRUE(salvaged) << salvaged.error().text;
  EXPECT_GT(salvaged->blocks, 0u);
  EXPECT_LT(salvaged->blocks, 100u);
  for (const PathRecord& path : fresh->paths()) {
    const BlockRecord last = Expected(path.id).back();
    EXPECT_GE(path.next, last.first + last.count) << path.path;
  }
  const auto audit = fresh->Audit();
  ASSERT_TRUE(audit);
  for (const PathAudit& path : *audit) EXPECT_TRUE(path.AddsUp()) << path.path.path;
}

TEST_F(BundledStoreTest, EvictionTakesWholeRowsAndEachOfTheirBlocksIsInTheLedger) {
  HistoryStoreOptions options = OptionsFor(folder_, 1);
  options.bytes_max = kHistoryBytesMin;
  store_ = OpenHistory(options);
  std::vector<std::uint64_t> nexts(41, 0);
  for (int commit = 0; commit < 150; ++commit) {
    HistoryBatch batch;
    for (PathId path = 1; path <= 40; ++path) {
      if (commit == 0) batch.paths.push_back({path, "plant/" + std::to_string(path)});
      const auto priority = static_cast<Priority>(path % kPriorities);
      batch.blocks.push_back(BlockOf(path, nexts[path], 10, 250, priority));
      nexts[path] += 10;
    }
    const Status done = store_->Commit(batch);
    ASSERT_TRUE(done) << done.error().text;
  }
  const auto audit = store_->Audit();
  ASSERT_TRUE(audit);
  std::uint64_t lost = 0;
  for (const PathAudit& path : *audit) {
    EXPECT_TRUE(path.AddsUp()) << path.path.path;
    EXPECT_EQ(path.lost_at_most, 0u);
    lost += path.lost;
    // The lowest priority goes first, and the highest is all there.
    if (path.path.id % kPriorities == 2) {
      EXPECT_EQ(path.lost, 0u) << path.path.path;
    }
  }
  EXPECT_GT(lost, 1'000u);
}

}  // namespace
}  // namespace edgetwin::history
