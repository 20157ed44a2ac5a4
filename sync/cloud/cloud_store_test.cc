// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cloud_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>

#include "twin/model/twin.h"
#include "twin/store/sqlite_db.h"

namespace edgetwin::cloud {
namespace {

using model::Dot;
using model::PropertyId;
using model::Side;
using testing::HasSubstr;

class CloudStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "cloud_store_" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open(std::uint64_t inc = 1, std::uint64_t twins_max = 1'000,
            std::uint64_t events_per_twin_max = 1'000) {
    store_.reset();
    auto store =
        CloudStore::Open({folder_ + "/cloud.db", inc, WallTime(), twins_max, events_per_twin_max});
    ASSERT_TRUE(store.has_value()) << store.error().text;
    store_ = *std::move(store);
  }
  model::Stored Load(std::string_view device = "a") {
    auto stored = store_->LoadTwin(device);
    EXPECT_TRUE(stored.has_value()) << stored.error().text;
    return *std::move(stored);
  }
  Status Commit(std::string device, model::Batch batch, WallTime seen = WallTime()) {
    const TwinCommit commit{std::move(device), seen, std::move(batch)};
    return store_->Commit({&commit, 1});
  }

  static model::PropertyRecord Property(std::uint32_t id, const std::string& path) {
    model::PropertyRecord record;
    record.id = PropertyId{id};
    record.def.path = *model::Path::Parse(path);
    record.def.type = model::ValueType::kDouble;
    record.pid = id + 1;
    return record;
  }
  static model::RowChange Row(std::uint32_t id, Side side, std::uint64_t inc, std::uint64_t seq,
                              model::Value value = model::Value(1.5)) {
    model::RowChange change{PropertyId{id}, side, {}};
    change.row.value = std::move(value);
    change.row.dot = {inc, seq};
    return change;
  }

  static model::Command CommandAt(std::uint64_t id, std::uint64_t seq) {
    model::Command command;
    command.id = id;
    command.dot = {11, seq};
    command.epoch = 3;
    command.name = "write";
    command.path = "pump/speed";
    command.value = model::Value(-0.0);
    command.expires = WallTime(std::chrono::milliseconds(99));
    command.who = "eve";
    command.state = model::CommandState::kUnknown;
    command.result = "it crashed";
    return command;
  }

  std::string folder_;
  std::unique_ptr<CloudStore> store_;
};

TEST_F(CloudStoreTest, KeepsEveryFieldBitForBit) {
  Open(0xffff'ffff'ffff'fff1);
  model::Batch batch;
  batch.properties = {Property(0, "pump/speed"), Property(1, "pump/name")};
  batch.properties[0].def.unit = "1/min";
  batch.properties[0].def.decimals = 3;
  batch.properties[0].def.writable = true;
  batch.properties[0].def.min = -0.0;
  batch.properties[0].def.max = std::numeric_limits<double>::infinity();
  batch.properties[0].def.description = "how fast";
  batch.properties[1].def.type = model::ValueType::kString;
  batch.dictionary = {{1, PropertyId{0}, 0, batch.properties[0].def, 0xffff'0000'0000'0001},
                      {2, PropertyId{1}, 0, batch.properties[1].def, 7},
                      {3, PropertyId{0}, 1, {}, 8}};
  const double odd_nan = std::bit_cast<double>(0x7ff8'0000'0000'0bad);
  batch.rows = {Row(0, Side::kReported, 0xaaaa'aaaa'aaaa'aaaa, 5, model::Value(odd_nan)),
                Row(0, Side::kDesired, 0xffff'ffff'ffff'fff1, 1, model::Value(-0.0)),
                Row(0, Side::kStatus, 3, 6, model::Value(3.0)),
                Row(0, Side::kOverride, 3, 7, model::Value()),
                Row(1, Side::kReported, 3, 8, model::Value(std::string("\0\xc3\xa9", 3))),
                Row(1, Side::kDesired, 0xffff'ffff'ffff'fff1, 2,
                    model::Value(model::Bytes{std::string("\xff\0", 2)}))};
  batch.rows[0].row.time = WallTime(std::chrono::milliseconds(-5));
  batch.rows[0].row.quality = model::Quality::kStale;
  batch.rows[0].row.unsynced = true;
  model::ControlInfo info;
  info.refers_to = {0xffff'ffff'ffff'fff1, 1};
  info.state = model::DesiredState::kRejected;
  info.note = "too fast";
  info.until = WallTime(std::chrono::milliseconds(99));
  batch.rows[2].row.control = std::make_shared<const model::ControlInfo>(info);
  batch.peer_watermark = {6, 0xffff'ffff'ffff'ffff, {}, {}};
  batch.epoch = model::Epoch{3, 0xffff'ffff'0000'0000};
  batch.peer_lineage =
      model::Lineage{{9, 1, 4, 3}, {0xaaaa'aaaa'aaaa'aaaa, 5, 100, 0xffff'ffff'ffff'fff0}};
  batch.setback = model::Setback{
      0xffff'ffff'ffff'0001, {1, 0xffff'ffff'ffff'0000, 2, 3}, 8, {4, 5, 0xffff'ffff'ffff'000f, 6}};
  batch.interest = model::Interest{0xffff'ffff, {"pump/**", ""}};
  batch.superseded = std::vector<std::uint64_t>{7, 0xffff'ffff'ffff'ffff, 3};
  batch.admission = model::Admission::kDecommissioned;
  batch.claim = model::Claim{0xffff'ffff'ffff'ff01, WallTime(std::chrono::milliseconds(-7)),
                             std::string("it's \0 old", 10), "board 3"};
  batch.commands = {CommandAt(0xffff'ffff'ffff'0000, 3), CommandAt(5, 4)};
  ASSERT_TRUE(Commit("a", batch).has_value());

  Open(2);
  const model::Stored stored = Load();
  ASSERT_EQ(stored.properties.size(), 2u);
  EXPECT_EQ(stored.properties[0].def, batch.properties[0].def);
  EXPECT_TRUE(std::signbit(*stored.properties[0].def.min));
  EXPECT_EQ(stored.properties[1].pid, 2u);
  ASSERT_EQ(stored.dictionary.size(), 3u);
  EXPECT_EQ(stored.dictionary[0].chain, 0xffff'0000'0000'0001);
  EXPECT_EQ(stored.dictionary[0].def, batch.dictionary[0].def);
  EXPECT_EQ(stored.dictionary[2].withdraws, 1u);
  EXPECT_EQ(stored.dictionary[2].def, model::PropertyDef());
  ASSERT_EQ(stored.rows.size(), batch.rows.size());
  for (const model::RowChange& change : batch.rows) {
    const auto found = std::find_if(stored.rows.begin(), stored.rows.end(), [&](const auto& row) {
      return row.id == change.id && row.side == change.side;
    });
    ASSERT_NE(found, stored.rows.end());
    EXPECT_TRUE(found->row == change.row) << ToString(change.side);
  }
  EXPECT_EQ(stored.peer_watermark[0], 6u);
  EXPECT_EQ(stored.peer_watermark[1], 0xffff'ffff'ffff'ffff);
  EXPECT_EQ(stored.epoch, *batch.epoch);
  EXPECT_EQ(stored.peer_lineage, *batch.peer_lineage);
  EXPECT_EQ(stored.setback, batch.setback);
  EXPECT_EQ(stored.interest, batch.interest);
  EXPECT_EQ(stored.superseded, batch.superseded);
  EXPECT_EQ(stored.admission, batch.admission);
  EXPECT_EQ(stored.claim, batch.claim);
  EXPECT_EQ(stored.commands, batch.commands);
}

TEST_F(CloudStoreTest, WhatABatchDoesNotSayStaysAsItIs) {
  Open();
  model::Batch batch;
  batch.setback = model::Setback{5, {3, 2, 1, 0}, 4, {1, 1, 0, 0}};
  batch.interest = model::Interest{2, {"a/*"}};
  batch.superseded = std::vector<std::uint64_t>{7};
  batch.admission = model::Admission::kNextClaimant;
  batch.claim = model::Claim{9, WallTime(), "no", ""};
  batch.commands = {CommandAt(5, 1)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  ASSERT_TRUE(Commit("a", {}).has_value());
  const model::Stored kept = Load();
  EXPECT_EQ(kept.setback, batch.setback);
  EXPECT_EQ(kept.interest, batch.interest);
  EXPECT_EQ(kept.superseded, batch.superseded);
  EXPECT_EQ(kept.admission, batch.admission);
  EXPECT_EQ(kept.claim, batch.claim);
  EXPECT_EQ(kept.commands, batch.commands);
  batch = {};
  batch.setback = model::Setback{};
  batch.interest = model::Interest{};
  batch.superseded.emplace();
  batch.admission = model::Admission::kNormal;
  batch.claim = model::Claim{};
  ASSERT_TRUE(Commit("a", batch).has_value());
  const model::Stored cleared = Load();
  EXPECT_EQ(cleared.setback, model::Setback{});
  EXPECT_EQ(cleared.interest, model::Interest{});
  EXPECT_TRUE(cleared.superseded.empty());
  EXPECT_EQ(cleared.admission, model::Admission::kNormal);
  EXPECT_EQ(cleared.claim, model::Claim{});
}

TEST_F(CloudStoreTest, ACommandIsReplacedByIdAndForgottenWhenGone) {
  Open();
  model::Batch batch;
  batch.commands = {CommandAt(5, 2), CommandAt(6, 1)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  ASSERT_TRUE(Commit("b", batch).has_value());
  batch.commands = {CommandAt(5, 2)};
  batch.commands[0].state = model::CommandState::kFailed;
  batch.commands[0].result = "no";
  batch.commands_gone = {6};
  ASSERT_TRUE(Commit("a", batch).has_value());
  EXPECT_EQ(Load("a").commands, batch.commands);
  ASSERT_EQ(Load("b").commands.size(), 2u);
  EXPECT_EQ(Load("b").commands[0].id, 6u) << "by dot";
}

TEST_F(CloudStoreTest, ACommandTakesASeqLikeARow) {
  Open(11);
  model::Batch batch;
  batch.commands = {CommandAt(5, 9)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 9}}));
  batch.commands[0].state = model::CommandState::kDone;
  Open(12);
  ASSERT_TRUE(Commit("a", batch).has_value());
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 9}, {12, 10, 9}}))
      << "its answer takes none";
}

TEST_F(CloudStoreTest, EachOpeningIsAnIncarnationThatBeginsAboveTheLastCommittedSeq) {
  Open(11);
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 0}}));
  model::Batch batch;
  batch.properties = {Property(0, "a/b")};
  batch.rows = {Row(0, Side::kDesired, 11, 1)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  batch.rows = {Row(0, Side::kDesired, 11, 4)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 4}}));
  Open(12);
  Open(13);
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 4}, {12, 5, 4}, {13, 5, 4}}));
  batch.rows = {Row(0, Side::kDesired, 13, 5)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  Open(14);
  EXPECT_EQ(Load("a").lineage, (model::Lineage{{11, 1, 4}, {12, 5, 4}, {13, 5, 5}, {14, 6, 5}}));
  EXPECT_EQ(model::IncOf(Load("a").lineage, 5), 13u);
  EXPECT_EQ(Load("unknown").lineage.back(), (model::Incarnation{14, 1, 0}));
}

TEST_F(CloudStoreTest, ATwinGoesOnWhereItWasAfterManyOpenings) {
  Open(1);
  model::Batch batch;
  batch.properties = {Property(0, "a/b")};
  batch.rows = {Row(0, Side::kDesired, 1, 7)};
  ASSERT_TRUE(Commit("a", batch).has_value());
  for (std::uint64_t inc = 2; inc < 80; ++inc) Open(inc);
  const model::Lineage lineage = Load("a").lineage;
  EXPECT_EQ(lineage.size(), model::kLineageMax);
  EXPECT_EQ(lineage.back(), (model::Incarnation{79, 8, 7}));
}

TEST_F(CloudStoreTest, AFailedCommitLeavesNothingOfAnyTwin) {
  Open(1, 2);
  std::vector<TwinCommit> commits(3);
  for (std::size_t i = 0; i < 3; ++i) {
    commits[i].device = std::string(1, static_cast<char>('a' + i));
    commits[i].batch.properties = {Property(0, "a/b")};
  }
  const Status refused = store_->Commit(commits);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(store_->ListTwins()->empty());
  EXPECT_EQ(store_->stats().failed_commits, 1u);
  commits.pop_back();
  EXPECT_TRUE(store_->Commit(commits).has_value());
  EXPECT_EQ(store_->ListTwins()->size(), 2u);
  EXPECT_TRUE(Commit("a", commits[0].batch).has_value()) << "a known twin needs no room";
}

TEST_F(CloudStoreTest, ListsTwinsByDevice) {
  Open();
  model::Batch batch;
  batch.properties = {Property(0, "a/b"), Property(1, "a/c")};
  batch.peer_watermark = {4, 9, {}, {}};
  const WallTime noon(std::chrono::hours(12));
  ASSERT_TRUE(Commit("b", batch, noon).has_value());
  ASSERT_TRUE(Commit("a", {}, noon).has_value());
  ASSERT_TRUE(Commit("b", {}, WallTime()).has_value());
  const auto list = store_->ListTwins();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].device, "a");
  EXPECT_EQ((*list)[1].state, 9u);
  EXPECT_EQ((*list)[1].control, 4u);
  EXPECT_EQ((*list)[1].properties, 2u);
  EXPECT_EQ((*list)[1].seen, noon) << "the latest stands";
}

TEST_F(CloudStoreTest, AWithdrawnPropertyLosesTheDevicesRowsAndItsPid) {
  Open();
  model::Twin twin(model::Role::kCloud);
  twin.Load(Load());
  model::DictionaryEntry entry;
  entry.pid = 1;
  entry.def = Property(0, "a/b").def;
  ASSERT_TRUE(twin.TakeEntry(entry));
  model::Batch batch = twin.TakePending();
  batch.rows = {Row(0, Side::kReported, 5, 5), Row(0, Side::kDesired, 1, 1)};
  ASSERT_TRUE(Commit("a", batch).has_value());

  model::Twin loaded(model::Role::kCloud);
  loaded.Load(Load());
  model::DictionaryEntry withdrawal;
  withdrawal.pid = 2;
  withdrawal.withdraws = 1;
  ASSERT_TRUE(loaded.TakeEntry(withdrawal));
  ASSERT_TRUE(Commit("a", loaded.TakePending()).has_value());
  const model::Stored stored = Load();
  ASSERT_EQ(stored.dictionary.size(), 2u);
  EXPECT_EQ(stored.dictionary[1].withdraws, 1u);
  EXPECT_EQ(stored.dictionary[1].id, PropertyId{0});
  EXPECT_EQ(stored.properties[0].pid, 0u);
  EXPECT_EQ(stored.properties[0].def.type, model::ValueType::kNone);
  ASSERT_EQ(stored.rows.size(), 1u) << "only our own row stays";
  EXPECT_EQ(stored.rows[0].side, Side::kDesired);

  model::Twin again(model::Role::kCloud);
  again.Load(stored);
  EXPECT_EQ(again.dictionary_size(), 2u);
}

TEST_F(CloudStoreTest, TwinsDoNotMix) {
  Open();
  for (const char* device : {"a", "b"}) {
    model::Batch batch;
    batch.properties = {Property(0, std::string(device) + "/x")};
    batch.rows = {Row(0, Side::kReported, 1, 1, model::Value(std::string(device)))};
    ASSERT_TRUE(Commit(device, batch).has_value());
  }
  model::Batch reset;
  reset.dictionary_reset = true;
  reset.rows = {{PropertyId{0}, Side::kReported, {}}};
  ASSERT_TRUE(Commit("a", reset).has_value());
  EXPECT_TRUE(Load("a").rows.empty());
  EXPECT_EQ(Load("b").rows.size(), 1u);
  EXPECT_EQ(Load("b").properties[0].pid, 1u);
}

TEST_F(CloudStoreTest, ASecondOpenerIsRefused) {
  Open();
  const auto second = CloudStore::Open({folder_ + "/cloud.db", 2, WallTime(), 10});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(CloudStoreTest, ForeignAndNewerFilesAreRefusedUntouched) {
  Open();
  store_.reset();
  {
    auto db = store::Database::Open({.path = folder_ + "/cloud.db"});
    ASSERT_TRUE(db->Exec("UPDATE meta SET value = 99").has_value());
  }
  auto newer = CloudStore::Open({folder_ + "/cloud.db", 2, WallTime(), 10});
  ASSERT_FALSE(newer.has_value());
  EXPECT_EQ(newer.error().code, ErrorCode::kUnsupported) << newer.error().text;
  {
    auto db = store::Database::Open({.path = folder_ + "/other.db"});
    ASSERT_TRUE(db->Exec("PRAGMA application_id=7; CREATE TABLE t (x)").has_value());
  }
  auto foreign = CloudStore::Open({folder_ + "/other.db", 2, WallTime(), 10});
  EXPECT_EQ(foreign.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace edgetwin::cloud
