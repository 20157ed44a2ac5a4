// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What tests of history's store share.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "twin/history/block.h"
#include "twin/history/store/history_store.h"
#include "twin/store/store_test_support.h"

namespace edgetwin::history {

using store::TestFolder;

inline std::string HistoryFile(const TestFolder& folder) {
  return folder.path() + "/history.db";
}

inline WallTime At(std::int64_t seconds) {
  return WallTime(std::chrono::milliseconds(1'790'000'000'000 + seconds * 1'000));
}

inline HistoryStoreOptions OptionsFor(const TestFolder& folder, std::uint64_t inc) {
  HistoryStoreOptions options;
  options.path = HistoryFile(folder);
  options.inc = inc;
  options.now = At(static_cast<std::int64_t>(inc) * 1'000'000);
  options.window_samples_max = 50;
  return options;
}

inline std::unique_ptr<HistoryStore> OpenHistory(const HistoryStoreOptions& options) {
  Result<std::unique_ptr<HistoryStore>> store = HistoryStore::Open(options);
  EXPECT_TRUE(store) << store.error().text;
  return store ? std::move(*store) : nullptr;
}

// Samples `first` to first + count - 1 of a path, one a second: a real block of about so many
// bytes, 40 at least. The same for the same arguments.
inline BlockRecord BlockOf(PathId path, std::uint64_t first, std::uint32_t count,
                           std::size_t bytes = 20, Priority priority = Priority::kNormal) {
  std::mt19937_64 random(first * 31 + path);
  std::vector<model::Sample> samples(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    samples[i].time = At(static_cast<std::int64_t>(first + i));
    samples[i].value = model::Value(static_cast<std::int64_t>(first));
    if (bytes < 100) continue;
    std::string noise(bytes / count, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    samples[i].value = model::Value(model::Bytes{std::move(noise)});
  }
  Result<std::string> block = EncodeBlock(samples, first);
  EXPECT_TRUE(block) << block.error().text;
  return {path,
          priority,
          first,
          count,
          samples.front().time,
          samples.back().time,
          block.value_or(std::string())};
}

inline std::vector<BlockRecord> AllBlocks(HistoryStore& store, PathId path,
                                          WallTime from = WallTime::min(),
                                          WallTime to = WallTime::max()) {
  std::vector<BlockRecord> blocks;
  const Status read = store.ReadBlocks(path, from, to, [&](const BlockRecord& block) {
    blocks.push_back(block);
    return true;
  });
  EXPECT_TRUE(read) << read.error().text;
  return blocks;
}

// Stored and lost samples of a path, of which there must be `next`, each once.
inline std::uint64_t Lost(HistoryStore& store, PathId path) {
  const Result<std::vector<Loss>> losses = store.Losses();
  EXPECT_TRUE(losses) << losses.error().text;
  std::uint64_t lost = 0;
  for (const Loss& loss : *losses) lost += loss.path == path ? loss.count : 0;
  return lost;
}

inline std::uint64_t Stored(HistoryStore& store, PathId path) {
  std::uint64_t stored = 0;
  for (const BlockRecord& block : AllBlocks(store, path)) stored += block.count;
  return stored;
}

}  // namespace edgetwin::history
