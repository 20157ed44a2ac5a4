// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/twin.h"

#include <gtest/gtest.h>

namespace edgetwin::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

PropertyDef Def(const std::string& path, ValueType type = ValueType::kDouble) {
  PropertyDef def;
  def.path = *Path::Parse(path);
  def.type = type;
  def.instance = "plant";
  return def;
}

class TwinTest : public testing::Test {
 protected:
  TwinTest() {
    Stored stored;
    stored.lineage = {{77, 101, 1'100}};
    twin_.Load(std::move(stored));
  }

  PropertyId Define(PropertyDef def) {
    const auto id = twin_.Define(def);
    EXPECT_TRUE(id) << id.error().text;
    return *id;
  }
  Reported Report(PropertyId id, double value, Quality quality = Quality::kGood) {
    Sample sample;
    sample.value = Value(value);
    sample.quality = quality;
    return twin_.Report(id, sample, now_);
  }
  const Row& Reported_(PropertyId id) { return *twin_.row(id, Side::kReported); }
  std::vector<std::uint64_t> StateSeqs(std::uint64_t after = 0) {
    std::vector<std::uint64_t> seqs;
    twin_.ForEachAfter(Stream::kState, after, [&](PropertyId, Side, const Row& row) {
      seqs.push_back(row.dot.seq);
      return true;
    });
    return seqs;
  }

  Twin twin_{Role::kDevice, TwinLimits{.properties_max = 5, .unknown_paths_max = 2}};
  MonoTime now_{seconds(10)};
};

TEST_F(TwinTest, SeqsGoOnWhereTheIncarnationBegins) {
  const PropertyId id = Define(Def("a/b"));
  Report(id, 1);
  EXPECT_EQ(Reported_(id).dot, (Dot{77, 101}));
}

TEST_F(TwinTest, WhatIsOwedIsASuffixInTheOrderOfChanges) {
  const PropertyId a = Define(Def("a/a"));
  const PropertyId b = Define(Def("a/b"));
  Report(a, 1);
  Report(b, 1);
  Report(a, 2);
  EXPECT_EQ(StateSeqs(), (std::vector<std::uint64_t>{102, 103}));
  EXPECT_EQ(StateSeqs(102), (std::vector<std::uint64_t>{103}));
  EXPECT_EQ(twin_.stream_head(Stream::kState), 103u);
}

TEST_F(TwinTest, TheDeadbandHoldsBackSmallChangesOnly) {
  PropertyDef def = Def("a/b");
  def.policy.deadband = 0.5;
  const PropertyId id = Define(def);
  EXPECT_EQ(Report(id, 1.0), Reported::kRow);
  EXPECT_EQ(Report(id, 1.5), Reported::kSuppressed);
  EXPECT_EQ(Report(id, 1.6), Reported::kRow);
  // Measured from the last row, not from the last sample: drift gets through.
  EXPECT_EQ(Report(id, 2.0), Reported::kSuppressed);
  EXPECT_EQ(Report(id, 2.2), Reported::kRow);
  EXPECT_EQ(twin_.last_sample(id).suppressed, 2u);
}

TEST_F(TwinTest, AnUnchangedValueIsSuppressedButAChangedQualityIsNot) {
  const PropertyId id = Define(Def("a/b"));
  Report(id, 1);
  EXPECT_EQ(Report(id, 1), Reported::kSuppressed);
  EXPECT_EQ(Report(id, 1, Quality::kUncertain), Reported::kRow);
}

TEST_F(TwinTest, TheFirstSampleAfterAStartIsAlwaysARow) {
  Twin twin(Role::kDevice);
  Stored stored;
  stored.lineage = {{1, 1, 10}, {2, 11, 20}};
  stored.properties = {{PropertyId{0}, Def("a/b"), 0}};
  Row row;
  row.value = Value(5.0);
  row.dot = {1, 3};
  stored.rows = {{PropertyId{0}, Side::kReported, row}};
  twin.Load(std::move(stored));
  EXPECT_FALSE(twin.confirmed(PropertyId{0}));
  Sample sample;
  sample.value = Value(5.0);
  EXPECT_EQ(twin.Report(PropertyId{0}, sample, now_), Reported::kRow);
  EXPECT_EQ(twin.row(PropertyId{0}, Side::kReported)->dot, (Dot{2, 11}));
}

TEST_F(TwinTest, MinPeriodHoldsTheLatestValueAndThenReportsIt) {
  PropertyDef def = Def("a/b");
  def.policy.min_period = seconds(1);
  const PropertyId id = Define(def);
  EXPECT_EQ(Report(id, 1), Reported::kRow);
  now_ += milliseconds(100);
  EXPECT_EQ(Report(id, 2), Reported::kHeld);
  now_ += milliseconds(100);
  EXPECT_EQ(Report(id, 3), Reported::kHeld);
  ASSERT_TRUE(twin_.NextTick());
  EXPECT_EQ(*twin_.NextTick(), MonoTime(seconds(11)));
  twin_.Tick(MonoTime(milliseconds(10'999)));
  EXPECT_EQ(Reported_(id).value, Value(1.0));
  twin_.Tick(MonoTime(seconds(11)));
  EXPECT_EQ(Reported_(id).value, Value(3.0));
  EXPECT_FALSE(twin_.NextTick());
}

TEST_F(TwinTest, AHeldValueThatCameBackIsNotReported) {
  PropertyDef def = Def("a/b");
  def.policy.min_period = seconds(1);
  const PropertyId id = Define(def);
  Report(id, 1);
  Report(id, 2);
  Report(id, 1);
  const std::uint64_t before = Reported_(id).dot.seq;
  twin_.Tick(now_ + seconds(2));
  EXPECT_EQ(Reported_(id).dot.seq, before);
  EXPECT_FALSE(twin_.NextTick());
}

TEST_F(TwinTest, HeartbeatReportsAnUnchangedValue) {
  PropertyDef def = Def("a/b");
  def.policy.heartbeat = seconds(60);
  const PropertyId id = Define(def);
  Report(id, 1);
  now_ += seconds(59);
  EXPECT_EQ(Report(id, 1), Reported::kSuppressed);
  now_ += seconds(1);
  EXPECT_EQ(Report(id, 1), Reported::kRow);
}

TEST_F(TwinTest, BadQualityKeepsTheLastValue) {
  const PropertyId id = Define(Def("a/b"));
  Report(id, 4);
  EXPECT_EQ(twin_.ReportBad(id, {}, false, now_), Reported::kRow);
  EXPECT_EQ(Reported_(id).value, Value(4.0));
  EXPECT_EQ(Reported_(id).quality, Quality::kBad);
  EXPECT_EQ(twin_.ReportBad(id, {}, false, now_), Reported::kSuppressed);
}

TEST_F(TwinTest, PidsAreDenseAndAChangedMeaningMakesANewOne) {
  const PropertyId a = Define(Def("a/a"));
  const PropertyId b = Define(Def("a/b"));
  Report(a, 7);
  EXPECT_EQ(twin_.pid(a), 1u);
  EXPECT_EQ(twin_.pid(b), 2u);
  const std::uint64_t chain = twin_.chain(2);
  PropertyDef changed = Def("a/a");
  changed.unit = "kPa";
  EXPECT_EQ(Define(changed), a);
  EXPECT_EQ(twin_.pid(a), 3u);
  EXPECT_TRUE(Reported_(a).value.none()) << "a value in another unit must not stand";
  EXPECT_EQ(twin_.FindPid(1), a);
  EXPECT_EQ(twin_.chain(2), chain);
  EXPECT_EQ(twin_.Entry(1).def.unit, "");
  EXPECT_EQ(twin_.Entry(3).def.unit, "kPa");
}

TEST_F(TwinTest, APolicyChangeKeepsPidAndValue) {
  const PropertyId a = Define(Def("a/a"));
  Report(a, 7);
  PropertyDef changed = Def("a/a");
  changed.policy.deadband = 2;
  Define(changed);
  EXPECT_EQ(twin_.pid(a), 1u);
  EXPECT_EQ(Reported_(a).value, Value(7.0));
}

TEST_F(TwinTest, LocalOnlyPropertiesHaveNoPidAndAreInNoStream) {
  PropertyDef def = Def("a/secret");
  def.local_only = true;
  def.writable = true;
  const PropertyId id = Define(def);
  Report(id, 1);
  Row row;
  row.value = Value(2.0);
  twin_.Set(id, Side::kOverride, row);
  EXPECT_EQ(twin_.pid(id), 0u);
  EXPECT_EQ(twin_.dictionary_size(), 0u);
  EXPECT_TRUE(StateSeqs().empty());
  EXPECT_EQ(twin_.stream_head(Stream::kControl), 0u);
  EXPECT_GT(twin_.local_head(), 0u);
}

TEST_F(TwinTest, AnUnknownPathThatTurnsOutLocalOnlyLeavesTheStreams) {
  const PropertyId other = Define(Def("a/c"));
  const PropertyId id = *twin_.FindOrAdd(*Path::Parse("a/b"));
  twin_.Set(id, Side::kStatus, Row{});
  twin_.Set(other, Side::kStatus, Row{});
  PropertyDef def = Def("a/b");
  def.local_only = true;
  ASSERT_EQ(Define(def), id);
  twin_.Set(id, Side::kStatus, Row{});
  const auto only_other = [&](PropertyId seen, Side, const Row&) {
    EXPECT_EQ(seen, other);
    return true;
  };
  twin_.ForEachAfter(Stream::kControl, 0, only_other);
  EXPECT_EQ(twin_.stream_head(Stream::kControl), twin_.row(other, Side::kStatus)->dot.seq);
  EXPECT_EQ(twin_.local_head(), twin_.row(id, Side::kStatus)->dot.seq);
}

TEST_F(TwinTest, SharingOwesControlRowsThatLieBelowThePeersWatermark) {
  PropertyDef def = Def("a/b");
  def.local_only = true;
  const PropertyId id = Define(def);
  twin_.Set(id, Side::kOverride, Row{});
  const PropertyId other = Define(Def("a/c"));
  twin_.Set(other, Side::kStatus, Row{});
  const std::uint64_t watermark = twin_.stream_head(Stream::kControl);
  def.local_only = false;
  Define(def);
  EXPECT_GT(twin_.row(id, Side::kOverride)->dot.seq, watermark);
}

TEST_F(TwinTest, AChangeMadeWhileLocalOnlyMakesANewPidWhenItIsSharedAgain) {
  PropertyDef def = Def("a/b");
  def.unit = "Cel";
  const PropertyId id = Define(def);
  def.local_only = true;
  def.unit = "K";
  Define(def);
  def.local_only = false;
  Define(def);
  EXPECT_EQ(twin_.pid(id), 3u);
  EXPECT_EQ(twin_.Entry(1).def.unit, "Cel");
  EXPECT_EQ(twin_.Entry(2).withdraws, 1u);
  EXPECT_EQ(twin_.Entry(3).def.unit, "K");
}

TEST_F(TwinTest, AfterARestartPidsAreAsTheyWereTold) {
  PropertyDef def = Def("a/b");
  def.unit = "Cel";
  Define(def);
  def.local_only = true;
  def.unit = "K";
  Define(def);
  const Batch batch = twin_.TakePending();
  Stored stored;
  stored.lineage = {{77, 101, 1'100}};
  stored.properties = {batch.properties.back()};
  stored.dictionary = batch.dictionary;
  Twin again(Role::kDevice);
  again.Load(std::move(stored));
  EXPECT_EQ(again.Entry(1).def.unit, "Cel");
  EXPECT_EQ(ChainHash(0, 1, again.Entry(1).def), again.chain(1));
}

TEST_F(TwinTest, AHeldSampleSurvivesAnotherPeriodAndNotAnotherMeaning) {
  PropertyDef def = Def("a/b", ValueType::kString);
  def.policy.min_period = seconds(10);
  const PropertyId id = Define(def);
  const auto say = [&](const char* text) {
    Sample sample;
    sample.value = Value(std::string(text));
    return twin_.Report(id, sample, now_);
  };
  say("one");
  ASSERT_EQ(say("two"), Reported::kHeld);
  def.policy.min_period = seconds(2);
  Define(def);
  now_ += seconds(2);
  twin_.Tick(now_);
  EXPECT_EQ(Reported_(id).value, Value(std::string("two")));
  EXPECT_FALSE(twin_.NextTick());
  ASSERT_EQ(say("three"), Reported::kHeld);
  def.type = ValueType::kInt;
  Define(def);
  EXPECT_FALSE(twin_.NextTick());
  now_ += seconds(60);
  twin_.Tick(now_);
  EXPECT_TRUE(Reported_(id).value.none());
}

TEST_F(TwinTest, SharingALocalOnlyPropertyMovesItsRowsIntoTheStreams) {
  PropertyDef def = Def("a/secret");
  def.local_only = true;
  const PropertyId id = Define(def);
  Report(id, 1);
  def.local_only = false;
  Define(def);
  EXPECT_EQ(twin_.local_head(), 0u);
  Report(id, 2);
  EXPECT_EQ(StateSeqs().size(), 1u);
  def.local_only = true;
  Define(def);
  EXPECT_TRUE(StateSeqs().empty());
}

TEST_F(TwinTest, AnotherInstanceCannotTakeALivePath) {
  Report(Define(Def("a/b")), 1);
  PropertyDef other = Def("a/b");
  other.instance = "thief";
  const auto taken = twin_.Define(other);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
}

TEST_F(TwinTest, PropertiesMaxBitesAndIsCounted) {
  for (int i = 0; i < 5; ++i) Define(Def("a/p" + std::to_string(i)));
  const auto over = twin_.Define(Def("a/p5"));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(twin_.limits()[0].hits, 1u);
  EXPECT_EQ(twin_.limits()[0].used, 5u);
}

TEST_F(TwinTest, UnknownPathsMaxBitesAndIsCounted) {
  EXPECT_TRUE(twin_.FindOrAdd(*Path::Parse("x/1")));
  EXPECT_TRUE(twin_.FindOrAdd(*Path::Parse("x/2")));
  EXPECT_FALSE(twin_.FindOrAdd(*Path::Parse("x/3")));
  EXPECT_EQ(twin_.limits()[1].hits, 1u);
  Define(Def("x/1"));
  EXPECT_TRUE(twin_.FindOrAdd(*Path::Parse("x/3"))) << "a defined path is not unknown any more";
}

TEST_F(TwinTest, AnOlderPeerRowChangesNothing) {
  const PropertyId id = Define(Def("a/b"));
  Row row;
  row.value = Value(1.0);
  row.dot = {9, 10};
  EXPECT_TRUE(twin_.Apply(id, Side::kDesired, row));
  EXPECT_FALSE(twin_.Apply(id, Side::kDesired, row));
  row.dot.seq = 9;
  row.value = Value(2.0);
  EXPECT_FALSE(twin_.Apply(id, Side::kDesired, row));
  EXPECT_EQ(twin_.row(id, Side::kDesired)->value, Value(1.0));
}

TEST_F(TwinTest, AForcedPeerRowStandsThoughItIsOlder) {
  const PropertyId id = Define(Def("a/b"));
  Row row;
  row.value = Value(1.0);
  row.dot = {9, 10};
  ASSERT_TRUE(twin_.Apply(id, Side::kDesired, row));
  row.value = Value(2.0);
  row.dot = {8, 3};
  twin_.Force(id, Side::kDesired, row);
  EXPECT_EQ(*twin_.row(id, Side::kDesired), row);
  row.dot.seq = 4;
  EXPECT_TRUE(twin_.Apply(id, Side::kDesired, row)) << "what follows is compared with it";
}

TEST_F(TwinTest, ARestoredRowStandsOnlyUntilSampledAnew) {
  const PropertyId a = Define(Def("a/a"));
  const PropertyId b = Define(Def("a/b"));
  Report(b, 1);
  Row row;
  row.value = Value(9.0);
  row.dot = {76, 50};
  EXPECT_TRUE(twin_.Restore(a, Side::kReported, row));
  EXPECT_FALSE(twin_.Restore(b, Side::kReported, row)) << "sampled since the start";
  row.dot = {77, 60};
  EXPECT_FALSE(twin_.Restore(a, Side::kReported, row)) << "this incarnation gave no such row";
  EXPECT_EQ(StateSeqs(), (std::vector<std::uint64_t>{50, 101}));
  Report(a, 2);
  EXPECT_EQ(StateSeqs(), (std::vector<std::uint64_t>{101, 102}));
}

TEST_F(TwinTest, ARestoredRowOfAControlSideIsCommittedUnlessItIsOlder) {
  const PropertyId id = Define(Def("a/b"));
  twin_.TakePending();
  Row row;
  row.value = Value(9.0);
  row.dot = {76, 50};
  ASSERT_TRUE(twin_.Restore(id, Side::kOverride, row));
  const Batch batch = twin_.TakePending();
  ASSERT_EQ(batch.rows.size(), 1u);
  EXPECT_EQ(batch.rows[0].row, row);
  EXPECT_EQ(batch.rows[0].replaces, 0u);
  EXPECT_EQ(twin_.stream_head(Stream::kControl), 50u);
  EXPECT_FALSE(twin_.Restore(id, Side::kOverride, row));
  row.dot.seq = 51;
  ASSERT_TRUE(twin_.Restore(id, Side::kOverride, row));
  EXPECT_EQ(twin_.TakePending().rows.at(0).replaces, 50u);
}

TEST_F(TwinTest, NothingIsRestoredToALocalOnlyProperty) {
  PropertyDef def = Def("a/b");
  def.local_only = true;
  const PropertyId id = Define(def);
  Row row;
  row.value = Value(9.0);
  row.dot = {76, 50};
  for (const Side side : {Side::kReported, Side::kStatus, Side::kOverride}) {
    EXPECT_FALSE(twin_.Restore(id, side, row));
    EXPECT_EQ(twin_.row(id, side), nullptr);
  }
}

TEST_F(TwinTest, SeqsGoOnAboveWhatACopyOfTheStoreGave) {
  const PropertyId id = Define(Def("a/b"));
  twin_.Raise(500);
  Report(id, 1);
  EXPECT_EQ(Reported_(id).dot, (Dot{77, 501}));
  twin_.Raise(300);
  Report(id, 2);
  EXPECT_EQ(Reported_(id).dot, (Dot{77, 502})) << "never back";
}

TEST_F(TwinTest, ARenumberedRowIsOwedAnewWithWhatItSaid) {
  const PropertyId a = Define(Def("a/a"));
  const PropertyId b = Define(Def("a/b"));
  Report(a, 1);
  Report(b, 2);
  Row row;
  row.value = Value(3.0);
  twin_.Set(a, Side::kOverride, row);
  twin_.TakePending();
  twin_.Renumber(a, Side::kReported);
  EXPECT_EQ(StateSeqs(), (std::vector<std::uint64_t>{102, 104}));
  EXPECT_EQ(Reported_(a).value, Value(1.0));
  EXPECT_TRUE(twin_.TakePending().rows.empty()) << "reported rows follow the commit window";
  twin_.Renumber(a, Side::kOverride);
  const Batch batch = twin_.TakePending();
  ASSERT_EQ(batch.rows.size(), 1u);
  EXPECT_EQ(batch.rows[0].row.dot.seq, 105u);
  EXPECT_EQ(batch.rows[0].row.value, Value(3.0));
  EXPECT_EQ(batch.rows[0].replaces, 103u);
  EXPECT_EQ(twin_.stream_head(Stream::kControl), 105u);
}

TEST_F(TwinTest, RenumberingARowThatIsNotThereOwesATombstone) {
  const PropertyId id = Define(Def("a/b"));
  twin_.Renumber(id, Side::kReported);
  twin_.Renumber(id, Side::kStatus);
  EXPECT_EQ(StateSeqs(), std::vector<std::uint64_t>{101});
  EXPECT_TRUE(Reported_(id).value.none());
  EXPECT_EQ(twin_.row(id, Side::kStatus)->dot.seq, 102u);
  EXPECT_TRUE(twin_.row(id, Side::kStatus)->value.none());
}

TEST_F(TwinTest, AnUndefinedPropertyLeavesATombstoneThatIsOwed) {
  const PropertyId id = Define(Def("a/b"));
  Report(id, 1);
  twin_.Undefine(id);
  EXPECT_TRUE(Reported_(id).value.none());
  EXPECT_EQ(StateSeqs(101).size(), 1u);
  const std::uint64_t head = twin_.head();
  twin_.Undefine(id);
  EXPECT_EQ(twin_.head(), head) << "once";
  EXPECT_EQ(Report(id, 1), Reported::kRow) << "it came back";
}

TEST(BatchTest, MergingKeepsTheLaterOfARowAndEverythingElse) {
  Batch first;
  Row row;
  row.dot.seq = 1;
  first.rows = {{PropertyId{1}, Side::kReported, row}, {PropertyId{2}, Side::kReported, row}};
  first.peer_watermark[0] = 5;
  first.seq_limit = 10;
  Batch second;
  row.dot.seq = 2;
  second.rows = {{PropertyId{1}, Side::kReported, row}};
  second.seq_limit = 20;
  first.Merge(std::move(second));
  ASSERT_EQ(first.rows.size(), 2u);
  EXPECT_EQ(first.rows[0].id, PropertyId{2});
  EXPECT_EQ(first.rows[1].row.dot.seq, 2u);
  EXPECT_EQ(first.peer_watermark[0], 5u);
  EXPECT_EQ(first.seq_limit, 20u);
}

}  // namespace
}  // namespace edgetwin::model
