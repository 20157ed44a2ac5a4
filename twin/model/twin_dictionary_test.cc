// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the device tells of its properties, and what it takes back.

#include <gtest/gtest.h>

#include <memory>

#include "twin/model/twin.h"

namespace edgetwin::model {
namespace {

PropertyDef Def(const std::string& path) {
  PropertyDef def;
  def.path = *Path::Parse(path);
  def.type = ValueType::kDouble;
  return def;
}

class DictionaryTest : public testing::Test {
 protected:
  DictionaryTest() {
    Stored stored;
    stored.lineage = {{77, 1, 1'000}};
    device_.Load(std::move(stored));
    stored = {};
    stored.lineage = {{88, 1, 1'000}};
    cloud_.Load(std::move(stored));
  }

  PropertyId Define(PropertyDef def) {
    const auto id = device_.Define(def);
    EXPECT_TRUE(id) << id.error().text;
    return *id;
  }
  PropertyId Define(const std::string& path, bool local_only) {
    PropertyDef def = Def(path);
    def.local_only = local_only;
    return Define(def);
  }
  // Tells the cloud what it doesn't know yet.
  bool Tell(const Twin& device, Twin& cloud) {
    while (cloud.dictionary_size() < device.dictionary_size()) {
      if (!cloud.TakeEntry(device.Entry(cloud.dictionary_size() + 1))) return false;
    }
    return cloud.chain(cloud.dictionary_size()) == device.chain(device.dictionary_size());
  }
  static Row MakeRow(double value, std::uint64_t seq) {
    Row row;
    row.value = Value(value);
    row.dot = {77, seq};
    return row;
  }
  static std::unique_ptr<Twin> Reloaded(const Batch& batch,
                                        const std::vector<PropertyRecord>& records) {
    Stored stored;
    stored.lineage = {{99, 2'000, 3'000}};
    stored.properties = records;
    stored.dictionary = batch.dictionary;
    auto twin = std::make_unique<Twin>(Role::kDevice);
    twin->Load(std::move(stored));
    return twin;
  }

  Twin device_{Role::kDevice};
  Twin cloud_{Role::kCloud};
};

// docs/PROTOCOL.md, P-5.4 and P-5.10.
TEST(ChainHashTest, IsThatOfThePage) {
  PropertyDef level = Def("tank/level");
  level.unit = "cm";
  level.decimals = 1;
  PropertyDef position = Def("valve/position");
  position.unit = "%";
  position.writable = true;
  position.min = 0;
  position.max = 100;
  position.description = "Inlet";
  const std::uint64_t first = ChainHash(0, 1, level);
  EXPECT_EQ(first, 0x525956f67dcebe61u);
  const std::uint64_t second = ChainHash(first, 2, position);
  EXPECT_EQ(second, 0x7fa08e276c31002bu);
  DictionaryEntry withdrawal;
  withdrawal.pid = 3;
  withdrawal.withdraws = 1;
  EXPECT_EQ(ChainHash(second, withdrawal), 0xddee611a91a7debcu);
}

TEST_F(DictionaryTest, EntriesAreTakenInOrderAndOnce) {
  Define("a/a", false);
  Define("a/b", false);
  EXPECT_FALSE(cloud_.TakeEntry(device_.Entry(2))) << "a gap";
  EXPECT_TRUE(cloud_.TakeEntry(device_.Entry(1)));
  EXPECT_TRUE(cloud_.TakeEntry(device_.Entry(1)));
  EXPECT_TRUE(cloud_.TakeEntry(device_.Entry(2)));
  EXPECT_EQ(cloud_.chain(2), device_.chain(2));
  DictionaryEntry other = device_.Entry(1);
  other.def.unit = "K";
  EXPECT_FALSE(cloud_.TakeEntry(other)) << "it contradicts the chain";
}

TEST_F(DictionaryTest, WhatIsThisDevicesOwnBusinessStandsInNoEntry) {
  PropertyDef def = Def("a/a");
  def.policy.deadband = 3;
  def.alarm.high = 90;
  def.instance = "plant";
  def.source = "unit 3";
  Define(def);
  EXPECT_EQ(device_.Entry(1).def, Def("a/a"));
}

TEST_F(DictionaryTest, APropertyThatBecomesLocalOnlyIsWithdrawn) {
  const PropertyId id = Define("a/a", false);
  Define("a/b", false);
  device_.TakePending();
  Define("a/a", true);
  EXPECT_EQ(device_.pid(id), 0u);
  ASSERT_EQ(device_.dictionary_size(), 3u);
  const DictionaryEntry entry = device_.Entry(3);
  EXPECT_EQ(entry.withdraws, 1u);
  EXPECT_EQ(entry.id, id);
  EXPECT_EQ(entry.def, PropertyDef()) << "nothing that is local-only now may be told";
  EXPECT_EQ(entry.chain, ChainHash(device_.chain(2), entry));
  EXPECT_EQ(device_.FindPid(1), kNoProperty);
  EXPECT_EQ(device_.FindPid(3), kNoProperty);
  EXPECT_EQ(device_.Find("a/a"), id);
  const Batch batch = device_.TakePending();
  ASSERT_EQ(batch.dictionary.size(), 1u);
  EXPECT_EQ(batch.dictionary[0].withdraws, 1u);
  ASSERT_EQ(batch.properties.size(), 1u);
  EXPECT_EQ(batch.properties[0].pid, 0u);
}

TEST_F(DictionaryTest, WhatNeverWasSharedIsNotWithdrawn) {
  Define("a/a", true);
  PropertyDef def = Def("a/a");
  def.local_only = true;
  def.unit = "K";
  Define(def);
  EXPECT_EQ(device_.dictionary_size(), 0u);
}

TEST_F(DictionaryTest, AWithdrawalPurgesWhatTheDeviceToldAndKeepsWhatTheCloudWants) {
  Define("a/a", false);
  Define("a/b", false);
  ASSERT_TRUE(Tell(device_, cloud_));
  const PropertyId id = cloud_.Find("a/a");
  const PropertyId other = cloud_.Find("a/b");
  for (const Side side : {Side::kReported, Side::kStatus, Side::kOverride}) {
    ASSERT_TRUE(cloud_.Apply(id, side, MakeRow(1, 5)));
    ASSERT_TRUE(cloud_.Apply(other, side, MakeRow(1, 6)));
  }
  cloud_.Set(id, Side::kDesired, MakeRow(2, 0));
  cloud_.TakePending();
  Define("a/a", true);
  ASSERT_TRUE(Tell(device_, cloud_));
  EXPECT_FALSE(cloud_.defined(id));
  EXPECT_EQ(cloud_.pid(id), 0u);
  EXPECT_EQ(cloud_.FindPid(1), kNoProperty);
  EXPECT_EQ(cloud_.Find("a/a"), id);
  for (const Side side : {Side::kReported, Side::kStatus, Side::kOverride}) {
    EXPECT_EQ(cloud_.row(id, side), nullptr) << ToString(side);
    EXPECT_NE(cloud_.row(other, side), nullptr) << ToString(side);
  }
  EXPECT_EQ(cloud_.row(id, Side::kDesired)->value, Value(2.0));
  const Batch batch = cloud_.TakePending();
  ASSERT_EQ(batch.rows.size(), 3u) << "the store forgets them in the same batch";
  for (const RowChange& change : batch.rows) {
    EXPECT_EQ(change.id, id);
    EXPECT_EQ(change.row, Row());
  }
  EXPECT_EQ(batch.dictionary.size(), 1u);
}

TEST_F(DictionaryTest, WhatIsSharedAgainIsAnotherNumber) {
  const PropertyId id = Define("a/a", false);
  Define("a/a", true);
  Define("a/a", false);
  EXPECT_EQ(device_.pid(id), 3u);
  ASSERT_TRUE(Tell(device_, cloud_));
  const PropertyId there = cloud_.Find("a/a");
  EXPECT_TRUE(cloud_.defined(there));
  EXPECT_EQ(cloud_.pid(there), 3u);
  EXPECT_EQ(cloud_.FindPid(3), there);
  EXPECT_EQ(cloud_.FindPid(1), kNoProperty);
  // Toggling on and on stays consistent on both sides.
  for (int i = 0; i < 3; ++i) {
    Define("a/a", true);
    ASSERT_TRUE(Tell(device_, cloud_));
    EXPECT_FALSE(cloud_.defined(there));
    Define("a/a", false);
    ASSERT_TRUE(Tell(device_, cloud_));
    EXPECT_EQ(cloud_.pid(there), device_.pid(id));
  }
}

TEST_F(DictionaryTest, AnEntryThatWithdrawsWhatIsNotThereIsRefused) {
  Define("a/a", false);
  Define("a/a", true);
  ASSERT_TRUE(Tell(device_, cloud_));
  DictionaryEntry entry;
  entry.pid = 3;
  for (const Pid withdraws : {1u, 2u, 3u, 9u}) {
    entry.withdraws = withdraws;
    EXPECT_FALSE(cloud_.TakeEntry(entry)) << withdraws;
  }
  EXPECT_EQ(cloud_.dictionary_size(), 2u);
}

TEST_F(DictionaryTest, WithdrawalsAreTheSameAfterARestart) {
  const PropertyId id = Define("a/a", false);
  Define("a/b", false);
  Define("a/a", true);
  const Batch batch = device_.TakePending();
  const std::vector<PropertyRecord> records = {{id, device_.def(id), 0},
                                               {PropertyId{1}, device_.def(PropertyId{1}), 2}};
  const auto reloaded = Reloaded(batch, records);
  const Twin& device = *reloaded;
  EXPECT_EQ(device.FindPid(1), kNoProperty);
  EXPECT_EQ(device.FindPid(2), PropertyId{1});
  EXPECT_EQ(device.Entry(1).def, Def("a/a")) << "as it was told";
  EXPECT_EQ(device.Entry(3).withdraws, 1u);
  EXPECT_TRUE(Tell(device, cloud_)) << "a new cloud can be told all of it";
}

// --- A dictionary that a copy of this store gave out ---

// Six definitions of two properties, one of them withdrawn.
class FullDictionaryTest : public testing::Test {
 protected:
  FullDictionaryTest() {
    Stored stored;
    stored.lineage = {{77, 1, 1'000}};
    device_.Load(std::move(stored));
    EXPECT_TRUE(Redefine("a/level", 1, false));
    EXPECT_TRUE(Redefine("a/secret", 2, false));
    EXPECT_TRUE(Redefine("a/secret", 2, true));
    for (int unit = 3; unit < 6; ++unit) EXPECT_TRUE(Redefine("a/level", unit, false));
  }

  Result<PropertyId> Redefine(const std::string& path, int unit, bool local_only) {
    PropertyDef def = Def(path);
    def.unit = std::to_string(unit);
    def.local_only = local_only;
    return device_.Define(def);
  }

  Twin device_{Role::kDevice, {.dictionary_max = 5}};
};

TEST_F(FullDictionaryTest, BeginsAnewWithWhatIsShared) {
  ASSERT_TRUE(device_.DictionaryFull());
  Sample sample;
  sample.value = Value(1.5);
  device_.Report(device_.Find("a/level"), sample, MonoTime{});
  const Row row = *device_.row(device_.Find("a/level"), Side::kReported);
  device_.RenewDictionary();
  EXPECT_FALSE(device_.DictionaryFull());
  EXPECT_EQ(device_.dictionary_size(), 1u);
  EXPECT_EQ(device_.pid(device_.Find("a/level")), 1u);
  EXPECT_EQ(device_.pid(device_.Find("a/secret")), 0u);
  EXPECT_EQ(device_.Entry(1).def.unit, "5");
  EXPECT_EQ(*device_.row(device_.Find("a/level"), Side::kReported), row) << "nothing is owed anew";
  EXPECT_TRUE(device_.pending_batch().dictionary_reset);
  EXPECT_EQ(device_.pending_batch().dictionary.size(), 1u);
}

TEST_F(FullDictionaryTest, GivesOutNoMoreThanTwiceItsLimitAndStillWithdraws) {
  for (int unit = 6; unit < 10; ++unit) ASSERT_TRUE(Redefine("a/level", unit, false));
  ASSERT_EQ(device_.dictionary_size(), 10u);
  const auto refused = Redefine("a/level", 10, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(device_.def(device_.Find("a/level")).unit, "9");
  EXPECT_TRUE(Redefine("a/level", 9, false)) << "as it was told";
  const LimitReport limit = device_.limits().back();
  EXPECT_EQ(limit.name, "dictionary_entries");
  EXPECT_EQ(limit.hits, 1u);
  EXPECT_EQ(limit.used, 10u);
  EXPECT_TRUE(Redefine("a/level", 10, true));
  EXPECT_EQ(device_.pid(device_.Find("a/level")), 0u);
}

TEST_F(FullDictionaryTest, IsNotBegunAnewForDefinitionsThatAreInUse) {
  device_.RenewDictionary();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(Redefine("b/p" + std::to_string(i), 1, false));
  EXPECT_EQ(device_.dictionary_size(), 7u);
  EXPECT_FALSE(device_.DictionaryFull());
}

TEST_F(FullDictionaryTest, TheCloudTakesNoMoreThanTwiceItsLimitAndForgetsButTheNumbers) {
  Twin cloud(Role::kCloud, {.dictionary_max = 2});
  cloud.Load({});
  for (Pid pid = 1; pid <= 4; ++pid) ASSERT_TRUE(cloud.TakeEntry(device_.Entry(pid)));
  EXPECT_FALSE(cloud.TakeEntry(device_.Entry(5)));
  EXPECT_EQ(cloud.limits().back().hits, 1u);
  const PropertyId level = cloud.Find("a/level");
  Row row;
  row.value = Value(2.5);
  row.dot = {77, 9};
  ASSERT_TRUE(cloud.Apply(level, Side::kReported, row));
  cloud.TakePending();
  cloud.ForgetDictionary();
  EXPECT_EQ(cloud.dictionary_size(), 0u);
  EXPECT_EQ(cloud.pid(level), 0u);
  EXPECT_EQ(*cloud.row(level, Side::kReported), row);
  EXPECT_TRUE(cloud.pending_batch().dictionary_reset);
  device_.RenewDictionary();
  EXPECT_TRUE(cloud.TakeEntry(device_.Entry(1)));
  EXPECT_EQ(cloud.FindPid(1), level);
}

TEST_F(FullDictionaryTest, CompactedItTellsEachPropertyOnceAndOfWithdrawalsThoseThatStand) {
  ASSERT_TRUE(device_.CompactDictionary());
  ASSERT_EQ(device_.dictionary_size(), 3u);
  EXPECT_EQ(device_.Entry(1).def.path.text(), "a/secret");
  EXPECT_EQ(device_.Entry(2).withdraws, 1u);
  EXPECT_EQ(device_.Entry(3).def.unit, "5");
  EXPECT_EQ(device_.pid(device_.Find("a/level")), 3u);
  EXPECT_EQ(device_.pid(device_.Find("a/secret")), 0u);
  EXPECT_TRUE(device_.pending_batch().dictionary_reset);
  device_.TakePending();
  EXPECT_FALSE(device_.CompactDictionary());
  EXPECT_TRUE(device_.pending_batch().empty()) << "nothing to drop, nothing to write";

  ASSERT_TRUE(Redefine("a/secret", 2, false));
  ASSERT_TRUE(device_.CompactDictionary());
  ASSERT_EQ(device_.dictionary_size(), 2u);
  EXPECT_EQ(device_.pid(device_.Find("a/level")), 1u);
  EXPECT_EQ(device_.Entry(2).def.path.text(), "a/secret");
}

TEST_F(FullDictionaryTest, CompactedItCostsTheCloudThatForgotItNoRow) {
  Twin cloud(Role::kCloud);
  cloud.Load({});
  ASSERT_TRUE(Redefine("a/secret", 2, false));
  const auto tell = [&] {
    for (Pid pid = 1; pid <= device_.dictionary_size(); ++pid) {
      EXPECT_TRUE(cloud.TakeEntry(device_.Entry(pid)));
    }
  };
  tell();
  const PropertyId secret = cloud.Find("a/secret");
  Row row;
  row.value = Value(2.5);
  row.dot = {77, 9};
  ASSERT_TRUE(cloud.Apply(secret, Side::kReported, row));
  cloud.ForgetDictionary();
  ASSERT_TRUE(device_.CompactDictionary());
  tell();
  EXPECT_EQ(*cloud.row(secret, Side::kReported), row);
  EXPECT_EQ(cloud.FindPid(device_.pid(device_.Find("a/secret"))), secret);
  // What is kept to itself since is withdrawn there all the same.
  ASSERT_TRUE(Redefine("a/secret", 2, true));
  cloud.ForgetDictionary();
  EXPECT_FALSE(device_.CompactDictionary());
  tell();
  EXPECT_EQ(cloud.row(secret, Side::kReported), nullptr);
}

class AdoptTest : public DictionaryTest {
 protected:
  AdoptTest() {
    Stored stored;
    stored.lineage = {{66, 1, 1'000}};
    copy_.Load(std::move(stored));
    Define("a/common", false);
    EXPECT_TRUE(copy_.Define(Def("a/common")));
  }

  std::vector<DictionaryEntry> Copied(Pid after) const {
    std::vector<DictionaryEntry> entries;
    for (Pid pid = after + 1; pid <= copy_.dictionary_size(); ++pid) {
      entries.push_back(copy_.Entry(pid));
    }
    return entries;
  }
  // The cloud, which was told by the copy, takes the device's for the continuation.
  void ExpectContinues() {
    ASSERT_TRUE(Tell(copy_, cloud_));
    EXPECT_EQ(device_.chain(cloud_.dictionary_size()), cloud_.chain(cloud_.dictionary_size()));
    EXPECT_TRUE(Tell(device_, cloud_));
    device_.ForEachProperty([&](PropertyId id) {
      if (device_.pid(id) == 0 || !device_.defined(id)) return;
      const PropertyId there = cloud_.FindPid(device_.pid(id));
      ASSERT_NE(there, kNoProperty) << device_.def(id).path.text();
      EXPECT_TRUE(SameOnWire(cloud_.def(there), device_.def(id)));
    });
  }

  Twin copy_{Role::kDevice};
};

TEST_F(AdoptTest, WhatTheCopyDidNotTellGetsNumbersAfterItsOwn) {
  const PropertyId mine = Define("a/mine", false);
  ASSERT_EQ(device_.pid(mine), 2u);
  ASSERT_TRUE(copy_.Define(Def("a/theirs")));
  device_.TakePending();
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_EQ(device_.pid(mine), 3u);
  EXPECT_EQ(device_.pid(device_.Find("a/common")), 1u);
  const PropertyId theirs = device_.FindPid(2);
  ASSERT_NE(theirs, kNoProperty);
  EXPECT_EQ(device_.def(theirs).path.text(), "a/theirs");
  EXPECT_FALSE(device_.defined(theirs)) << "no driver here has it";
  EXPECT_EQ(device_.Entry(2).def, Def("a/theirs"));
  ExpectContinues();
}

TEST_F(AdoptTest, WhatADriverDefinesLaterAsItWasToldKeepsItsNumber) {
  ASSERT_TRUE(copy_.Define(Def("a/theirs")));
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_EQ(device_.pid(Define("a/theirs", false)), 2u);
  EXPECT_EQ(device_.dictionary_size(), 2u);
  ExpectContinues();
}

TEST_F(AdoptTest, TheStoreIsGivenAllOfItAnew) {
  Define("a/mine", false);
  ASSERT_TRUE(copy_.Define(Def("a/theirs")));
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  const Batch batch = device_.TakePending();
  EXPECT_TRUE(batch.dictionary_reset);
  ASSERT_EQ(batch.dictionary.size(), 3u);
  std::vector<PropertyRecord> records;
  device_.ForEachProperty([&](PropertyId id) {
    records.push_back({id, device_.def(id), device_.pid(id)});
  });
  const auto reloaded = Reloaded(batch, records);
  const Twin& again = *reloaded;
  for (Pid pid = 1; pid <= 3; ++pid) {
    EXPECT_EQ(batch.dictionary[pid - 1].pid, pid);
    EXPECT_EQ(again.chain(pid), device_.chain(pid));
    EXPECT_EQ(again.FindPid(pid), device_.FindPid(pid));
    EXPECT_EQ(again.Entry(pid).def, device_.Entry(pid).def);
  }
}

TEST_F(AdoptTest, WhatBothToldAlikeKeepsTheCopysNumber) {
  Define("a/first", false);
  const PropertyId both = Define("a/both", false);
  ASSERT_EQ(device_.pid(both), 3u);
  ASSERT_TRUE(copy_.Define(Def("a/both")));
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_EQ(device_.pid(both), 2u);
  EXPECT_EQ(device_.dictionary_size(), 3u);
  ExpectContinues();
}

TEST_F(AdoptTest, WhatTheCopyToldOtherwiseGetsANewNumber) {
  PropertyDef def = Def("a/common");
  def.unit = "K";
  ASSERT_TRUE(copy_.Define(def));
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_EQ(device_.pid(device_.Find("a/common")), 3u) << "in the unit that it has here";
  EXPECT_EQ(device_.Entry(2).def.unit, "K");
  EXPECT_EQ(device_.Entry(3).def.unit, "");
  ExpectContinues();
}

TEST_F(AdoptTest, WhatTheCopyWithdrewIsToldAgainIfItIsSharedHere) {
  PropertyDef def = Def("a/common");
  def.local_only = true;
  ASSERT_TRUE(copy_.Define(def));
  const PropertyId id = device_.Find("a/common");
  device_.Set(id, Side::kStatus, {});
  const std::uint64_t told = device_.stream_head(Stream::kControl);
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_GT(device_.row(id, Side::kStatus)->dot.seq, told) << "the cloud has forgotten it";
  EXPECT_EQ(device_.pid(device_.Find("a/common")), 3u);
  EXPECT_EQ(device_.FindPid(1), kNoProperty);
  ExpectContinues();
}

TEST_F(AdoptTest, WhatIsLocalOnlyHereAndTheCopyToldIsWithdrawn) {
  const PropertyId id = Define("a/secret", true);
  ASSERT_TRUE(copy_.Define(Def("a/secret")));
  ASSERT_TRUE(device_.AdoptDictionary(1, Copied(1)));
  EXPECT_EQ(device_.pid(id), 0u);
  EXPECT_EQ(device_.Entry(3).withdraws, 2u);
  ExpectContinues();
  EXPECT_FALSE(cloud_.defined(cloud_.Find("a/secret")));
}

TEST_F(AdoptTest, WhatDoesNotContinueChangesNothing) {
  const PropertyId mine = Define("a/mine", false);
  ASSERT_TRUE(copy_.Define(Def("a/theirs")));
  device_.TakePending();
  std::vector<DictionaryEntry> wrong = Copied(1);
  wrong[0].def.unit = "K";
  EXPECT_FALSE(device_.AdoptDictionary(1, wrong)) << "it contradicts its chain";
  EXPECT_FALSE(device_.AdoptDictionary(0, Copied(1))) << "a gap";
  wrong = Copied(1);
  wrong[0].withdraws = wrong[0].pid;
  wrong[0].chain = ChainHash(device_.chain(1), wrong[0]);
  EXPECT_FALSE(device_.AdoptDictionary(1, wrong)) << "it withdraws itself";
  EXPECT_EQ(device_.pid(mine), 2u);
  EXPECT_EQ(device_.dictionary_size(), 2u);
  EXPECT_FALSE(device_.pending());
}

}  // namespace
}  // namespace edgetwin::model
