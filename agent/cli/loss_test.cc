// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/cli/new_file.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::cli {
namespace {

using model::Side;
using testing::ElementsAre;

model::Stored StoreOf(std::uint64_t seq) {
  model::Stored stored;
  for (const char* path : {"tank/level", "tank/secret"}) {
    model::PropertyRecord record;
    record.id = static_cast<model::PropertyId>(stored.properties.size());
    record.def.path = *model::Path::Parse(path);
    record.def.type = model::ValueType::kDouble;
    record.def.local_only = stored.properties.size() == 1;
    stored.properties.push_back(record);
    model::RowChange change;
    change.id = record.id;
    change.row.value = model::Value(1.0);
    change.row.dot = {1, seq};
    stored.rows.push_back(change);
  }
  return stored;
}

model::RowChange HeldAt(double value, std::uint64_t seq) {
  model::RowChange change;
  change.id = static_cast<model::PropertyId>(0);
  change.side = Side::kOverride;
  change.row.value = model::Value(value);
  change.row.dot = {1, seq};
  return change;
}

TEST(LossTest, OfTheSameStoreIsNothingButItsOverrides) {
  model::Stored store = StoreOf(5);
  EXPECT_TRUE(LossLines(Compare(store, store)).empty());
  store.rows.push_back(HeldAt(3, 6));
  const Loss loss = Compare(store, store);
  EXPECT_THAT(loss.overrides, ElementsAre("tank/level at 3"));
  EXPECT_EQ(loss.values, 0u);
}

TEST(LossTest, CountsWhatTheOtherHasNotGotByVersionAndNotByValue) {
  model::Stored store = StoreOf(9);
  store.events_acked = 10;
  for (const std::uint64_t seq : {10, 11, 12}) {
    model::Event event;
    event.dot = {1, seq};
    store.events.push_back(event);
  }
  model::Command command;
  command.id = 77;
  store.commands.push_back(command);
  const Loss loss = Compare(store, StoreOf(5));
  EXPECT_EQ(loss.revision, 12u);
  EXPECT_EQ(loss.kept, 5u);
  EXPECT_EQ(loss.values, 2u);
  EXPECT_THAT(loss.local_only, ElementsAre("tank/secret"));
  EXPECT_EQ(loss.events, 3u);
  EXPECT_EQ(loss.events_unsent, 2u);
  EXPECT_EQ(loss.commands, 1u);
}

TEST(LossTest, OfAResetIsEverything) {
  const Loss loss = Compare(StoreOf(5), {});
  EXPECT_EQ(loss.values, 2u);
  EXPECT_EQ(loss.kept, 0u);
}

TEST(NewFileTest, IsThereWholeOrNotAtAll) {
  const tests::TempDir folder;
  const std::string path = folder.File("new");
  const auto fine = [](const std::string&) { return edgetwin::Status(); };
  const auto wrong = [](const std::string& file) -> edgetwin::Status {
    EXPECT_EQ(tests::ReadFile(file), "wrong");
    return Corrupt("no store");
  };
  EXPECT_FALSE(WriteNewFile(path, "wrong", false, wrong));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing is left behind";
  EXPECT_TRUE(WriteNewFile(path, "first", false, fine));
  const auto taken = WriteNewFile(path, "second", false, fine);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  EXPECT_EQ(tests::ReadFile(path), "first");
  EXPECT_FALSE(WriteNewFile(path, "wrong", true, wrong));
  EXPECT_EQ(tests::ReadFile(path), "first") << "the old one stays until the new one is sound";
  EXPECT_TRUE(WriteNewFile(path, "second", true, fine));
  EXPECT_EQ(tests::ReadFile(path), "second");
}

}  // namespace
}  // namespace edgetwin::cli
