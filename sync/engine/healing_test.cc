// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device's twin and the cloud's that were equal, and then were made to differ. Healer and
// HealSource talk until the device knows; what is owed anew then reaches the cloud as rows do.

#include "sync/engine/healing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include "sync/codec/codec.h"

namespace edgetwin::sync {
namespace {

using model::PropertyId;
using model::Side;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kDeviceInc = 11;
constexpr std::uint64_t kCloudInc = 22;

class Twins {
 public:
  // Of each property a reported row, and of every tenth a desired one.
  explicit Twins(std::uint32_t n) {
    model::Stored stored;
    std::uint64_t chain = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      model::PropertyRecord record;
      record.id = PropertyId{i};
      record.pid = i + 1;
      record.def.path = *model::Path::Parse("plant/p" + std::to_string(i));
      record.def.type = model::ValueType::kDouble;
      model::DictionaryEntry entry{.pid = i + 1, .id = record.id, .def = record.def};
      entry.chain = chain = model::ChainHash(chain, entry);
      stored.properties.push_back(std::move(record));
      stored.dictionary.push_back(std::move(entry));
      stored.rows.push_back({PropertyId{i}, Side::kReported, Row(kDeviceInc, i + 1)});
      if (i % 10 == 0) {
        stored.rows.push_back({PropertyId{i}, Side::kDesired, Row(kCloudInc, i + 1)});
      }
    }
    stored.lineage = {{.inc = kDeviceInc, .first_seq = 1, .limit = 1'000'000'000}};
    device.Load(stored);
    stored.lineage = {{.inc = kCloudInc, .first_seq = 1, .limit = 1'000'000'000}};
    cloud.Load(stored);
    device.Raise(n);
    cloud.Raise(n);
  }

  static model::Row Row(std::uint64_t inc, std::uint64_t seq) {
    model::Row row;
    row.value = model::Value(static_cast<double>(seq));
    row.dot = {inc, seq};
    return row;
  }

  // The device has another version of `count` reported rows.
  std::set<PropertyId> Differ(std::size_t count, std::uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::set<PropertyId> ids;
    while (ids.size() < count) {
      ids.insert(PropertyId{static_cast<std::uint32_t>(random() % device.size())});
    }
    for (const PropertyId id : ids) device.Renumber(id, Side::kReported);
    return ids;
  }

  bool Equal() const {
    for (const model::Stream stream : {model::Stream::kControl, model::Stream::kState}) {
      for (const model::Role writer : {model::Role::kDevice, model::Role::kCloud}) {
        const bool theirs = writer == model::Role::kCloud;
        const Digest at_cloud =
            DigestOf(cloud, stream, writer, theirs ? shared : std::function<bool(PropertyId)>());
        if (!(DigestOf(device, stream, writer) == at_cloud)) return false;
      }
    }
    return true;
  }

  // Everything of the device's reaches the cloud.
  void Deliver() {
    device.ForEachProperty([this](PropertyId id) {
      for (const Side side : {Side::kReported, Side::kStatus, Side::kOverride}) {
        if (const model::Row* row = device.row(id, side)) cloud.Apply(id, side, *row);
      }
    });
  }

  model::Twin device{model::Role::kDevice, {.properties_max = 200'000}};
  model::Twin cloud{model::Role::kCloud, {.properties_max = 200'000}};
  std::function<bool(PropertyId)> shared;
};

class HealingTest : public testing::Test {
 protected:
  struct Found {
    std::vector<std::pair<PropertyId, Side>> renumbered;
    std::vector<PropertyId> dropped;
    bool snapshot = false;
    bool verify = false;
    int questions = 0;
    std::size_t bytes = 0;  // Of both sides' frames, but for the rows.
  };

  void Want() {
    healer.Want(now, [this](std::uint64_t below) { return random() % below; });
  }

  Healer::Step Next(Twins& twins, Found& found) {
    Healer::Step step = healer.Next(twins.device, true, now, rto);
    for (const auto& [id, side] : step.renumber) {
      twins.device.Renumber(id, side);
      found.renumbered.emplace_back(id, side);
    }
    for (const PropertyId id : step.drop) {
      twins.device.Force(id, Side::kDesired, {});
      found.dropped.push_back(id);
    }
    found.snapshot |= step.snapshot;
    found.verify |= step.verify;
    if (step.ask) {
      ++found.questions;
      step.ask->session = 1'000;
      step.ask->at[1] = twins.device.head();
      step.ask->dictionary_n = twins.device.dictionary_size();
      if (step.ask->desired.empty()) found.bytes += Encode(*step.ask).size();
    }
    return step;
  }

  void Take(Twins& twins, const HealAnswer& answer, Found& found) {
    if (answer.rows.empty()) found.bytes += Encode(answer).size();
    for (const WireRow& wire : answer.rows) {
      EXPECT_TRUE(healer.AwaitsRows(answer));
      twins.device.Force(twins.device.FindPid(wire.pid), wire.side, wire.row);
    }
    healer.OnAnswer(answer, twins.device, now);
  }

  // One attempt, over a link that loses nothing.
  Found Heal(Twins& twins) {
    Found found;
    Want();
    for (int turn = 0; healer.busy() && turn < 1'000; ++turn) {
      now = std::max(now, healer.NextStep().value_or(now));
      const Healer::Step step = Next(twins, found);
      if (!step.ask) continue;
      for (HealAnswer& answer : source.Answer(*step.ask, twins.cloud, twins.shared)) {
        // A row's incarnation follows from the lineage, which this test does without.
        for (WireRow& wire : answer.rows) wire.row.dot.inc = kCloudInc;
        Take(twins, answer, found);
      }
    }
    EXPECT_FALSE(healer.busy());
    return found;
  }

  std::set<PropertyId> IdsOf(const Found& found, Side side) {
    std::set<PropertyId> ids;
    for (const auto& [id, at] : found.renumbered) {
      if (at == side) ids.insert(id);
    }
    return ids;
  }

  std::mt19937_64 random{1};
  MonoTime now{seconds(100)};
  std::chrono::microseconds rto{seconds(2)};
  Healer healer;
  HealSource source;
};

TEST_F(HealingTest, NothingIsAskedUntilEverythingIsSent) {
  Twins twins(50);
  Want();
  EXPECT_TRUE(healer.busy());
  EXPECT_FALSE(healer.Next(twins.device, false, now, rto).ask);
  EXPECT_TRUE(healer.Next(twins.device, true, now, rto).ask);
}

TEST_F(HealingTest, AfterALostQuestionWhatWasSentMeanwhileIsNoDifference) {
  Twins twins(1'000);
  const std::set<PropertyId> different = twins.Differ(2);
  Want();
  ASSERT_TRUE(healer.Next(twins.device, true, now, rto).ask);
  twins.Differ(300, 7);  // New rows, which reach the cloud; so does the repeated question.
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const PropertyId id{i};
    if (!different.contains(id))
      twins.cloud.Apply(id, Side::kReported, *twins.device.row(id, Side::kReported));
  }
  Found found;
  for (int turn = 0; healer.busy() && turn < 1'000; ++turn) {
    now = std::max(now, healer.NextStep().value_or(now));
    const Healer::Step step = Next(twins, found);
    if (!step.ask) continue;
    for (const HealAnswer& answer : source.Answer(*step.ask, twins.cloud, twins.shared)) {
      Take(twins, answer, found);
    }
  }
  EXPECT_EQ(IdsOf(found, Side::kReported), different);
  EXPECT_LE(found.bytes, 20 * different.size() + 1'024);
}

TEST_F(HealingTest, EqualTwinsNeedOneQuestion) {
  Twins twins(1'000);
  const Found found = Heal(twins);
  EXPECT_EQ(found.questions, 1);
  EXPECT_THAT(found.renumbered, IsEmpty());
  EXPECT_TRUE(found.verify);
}

TEST_F(HealingTest, ExactlyTheRowsThatDifferAreOwedAnew) {
  for (const std::size_t d : {1u, 10u, 100u, 300u}) {
    Twins twins(2'000);
    const std::set<PropertyId> different = twins.Differ(d);
    EXPECT_FALSE(twins.Equal());
    healer.Healed();
    const Found found = Heal(twins);
    EXPECT_THAT(found.renumbered, SizeIs(d));
    EXPECT_EQ(IdsOf(found, Side::kReported), different);
    EXPECT_TRUE(found.verify);
    twins.Deliver();
    EXPECT_TRUE(twins.Equal());
  }
}

TEST_F(HealingTest, SmallTwinsCompareAListOfHashes) {
  Twins twins(180);
  const std::set<PropertyId> different = twins.Differ(120);
  const Found found = Heal(twins);
  EXPECT_EQ(found.questions, 1);
  EXPECT_EQ(IdsOf(found, Side::kReported), different);
}

TEST_F(HealingTest, WhenMostRowsDifferTheListIsComparedInParts) {
  Twins twins(20'000);
  const std::set<PropertyId> different = twins.Differ(12'000);
  const Found found = Heal(twins);
  // Two rows in 2^24 have the same hash there.
  EXPECT_THAT(found.renumbered, SizeIs(testing::Ge(11'990u)));
  EXPECT_THAT(different, testing::IsSupersetOf(IdsOf(found, Side::kReported)));
}

TEST_F(HealingTest, AnEmptyTwinIsComparedToo) {
  Twins twins(0);
  const Found found = Heal(twins);
  EXPECT_EQ(found.questions, 1);
  EXPECT_TRUE(found.verify);
}

TEST_F(HealingTest, RowsOfTheDeviceThatOnlyOneSideHasAreHealed) {
  for (const std::uint32_t n : {100u, 1'000u}) {
    Twins twins(n);
    twins.device.Set(PropertyId{7}, Side::kStatus, Twins::Row(0, 0));
    twins.cloud.Apply(PropertyId{8}, Side::kOverride, Twins::Row(kDeviceInc, n + 1));
    const Found found = Heal(twins);
    EXPECT_THAT(found.renumbered, ElementsAre(std::pair(PropertyId{7}, Side::kStatus),
                                              std::pair(PropertyId{8}, Side::kOverride)));
    EXPECT_TRUE(twins.device.row(PropertyId{8}, Side::kOverride)->value.none());
    twins.Deliver();
    EXPECT_TRUE(twins.Equal());
  }
}

TEST_F(HealingTest, OfTheCloudsRowsTheTruthIsFetched) {
  for (const std::uint32_t n : {100u, 1'000u}) {
    Twins twins(n);
    twins.cloud.Set(PropertyId{10}, Side::kDesired, Twins::Row(0, 0));  // Newer …
    twins.cloud.Set(PropertyId{11}, Side::kDesired, Twins::Row(0, 0));  // … only there …
    // … changed without a trace, and only here.
    twins.device.Force(PropertyId{20}, Side::kDesired, Twins::Row(kCloudInc, 5'000));
    twins.device.Force(PropertyId{21}, Side::kDesired, Twins::Row(kCloudInc, 5'001));
    const Found found = Heal(twins);
    EXPECT_THAT(found.renumbered, IsEmpty());
    EXPECT_THAT(found.dropped, ElementsAre(PropertyId{21}));
    EXPECT_EQ(found.questions, 2);
    EXPECT_TRUE(twins.Equal());
  }
}

TEST_F(HealingTest, ManyOfTheCloudsRowsAreFetchedInParts) {
  Twins twins(20'000);
  for (std::uint32_t i = 0; i < 20'000; i += 10) {
    twins.device.Force(PropertyId{i}, Side::kDesired, Twins::Row(kCloudInc, 50'000 + i));
  }
  Heal(twins);
  EXPECT_TRUE(twins.Equal());
}

TEST_F(HealingTest, WhatTheDeviceIsNotInterestedInIsNotCompared) {
  Twins twins(1'000);
  twins.shared = [](PropertyId id) { return id != PropertyId{10}; };
  twins.device.Force(PropertyId{10}, Side::kDesired, {});
  const Found found = Heal(twins);
  EXPECT_EQ(found.questions, 1);
  EXPECT_TRUE(twins.Equal());
}

TEST_F(HealingTest, ForgetsADesiredRowThatItIsNotInterestedIn) {
  Twins twins(1'000);
  twins.shared = [](PropertyId id) { return id != PropertyId{10}; };
  EXPECT_THAT(Heal(twins).dropped, ElementsAre(PropertyId{10}));
  EXPECT_TRUE(twins.Equal());
}

// protocol.md, "Healing", 4.
TEST_F(HealingTest, StaysWithinItsBound) {
  for (const std::uint32_t n : {10u, 50u, 200u, 250u, 1'000u, 10'000u}) {
    Twins twins(n);
    const std::size_t rows = n + (n + 9) / 10;
    for (std::size_t d : {1u, 2u, 5u, 15u, 30u, 60u, 150u, 200u, 300u, 1'000u, 3'000u}) {
      d = std::min<std::size_t>(d, n);
      for (std::uint32_t seed = 0; seed < 10; ++seed) {
        twins.Differ(d, seed);
        healer.Healed();
        const Found found = Heal(twins);
        // When more than a fifth differs, the list of all hashes may turn out to be needed late.
        // An attempt that left some differences for the next one is judged by what it healed.
        if (d <= rows / 5) {
          EXPECT_LE(found.bytes, 20 * found.renumbered.size() + 1'024) << n << ' ' << d;
        }
        EXPECT_LE(found.bytes, 8 * rows + 64) << n << ' ' << d;
        twins.Deliver();
        if (!twins.Equal()) Heal(twins);
        twins.Deliver();
        EXPECT_TRUE(twins.Equal());
      }
    }
  }
}

TEST_F(HealingTest, ALostQuestionIsRepeatedWithGrowingPauses) {
  Twins twins(1'000);
  Want();
  Found found;
  MonoTime asked = now;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 6; ++i) {
    const Healer::Step step = Next(twins, found);
    ASSERT_TRUE(step.ask);
    EXPECT_FALSE(Next(twins, found).ask);
    now = *healer.NextStep();
    pauses.push_back((now - asked) / rto);
    asked = now;
  }
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_FALSE(Next(twins, found).ask);
  EXPECT_FALSE(healer.busy());
  EXPECT_FALSE(healer.NextStep());
}

TEST_F(HealingTest, RepeatedAndForeignAnswersChangeNothing) {
  Twins twins(2'000);
  const std::set<PropertyId> different = twins.Differ(200);
  Found found;
  Want();
  std::vector<HealAnswer> earlier;
  for (int turn = 0; healer.busy() && turn < 100; ++turn) {
    const Healer::Step step = Next(twins, found);
    if (!step.ask) continue;
    for (const HealAnswer& old : earlier) Take(twins, old, found);
    HealAnswer foreign;
    foreign.attempt = step.ask->attempt + 1;
    foreign.first_cell = step.ask->first_cell;
    foreign.cells = std::string(step.ask->cells * kCellBytes, 'x');
    Take(twins, foreign, found);
    for (const HealAnswer& answer : source.Answer(*step.ask, twins.cloud, {})) {
      Take(twins, answer, found);
      Take(twins, answer, found);
      earlier.push_back(answer);
    }
  }
  EXPECT_EQ(IdsOf(found, Side::kReported), different);
}

TEST_F(HealingTest, BothSidesChangeMeanwhileWithoutHarm) {
  Twins twins(2'000);
  const std::set<PropertyId> different = twins.Differ(200);
  std::set<PropertyId> changed;
  Found found;
  Want();
  for (int turn = 0; healer.busy() && turn < 100; ++turn) {
    const Healer::Step step = Next(twins, found);
    if (!step.ask) continue;
    for (const HealAnswer& answer : source.Answer(*step.ask, twins.cloud, {})) {
      Take(twins, answer, found);
    }
    // A live frame.
    for (std::uint32_t i = 0; i < 50; ++i) {
      const PropertyId id{static_cast<std::uint32_t>(random() % 2'000)};
      twins.device.Renumber(id, Side::kReported);
      twins.cloud.Apply(id, Side::kReported, *twins.device.row(id, Side::kReported));
      changed.insert(id);
    }
  }
  EXPECT_GT(found.questions, 2);
  std::set<PropertyId> missing;
  std::ranges::set_difference(different, changed, std::inserter(missing, missing.end()));
  EXPECT_THAT(IdsOf(found, Side::kReported), testing::IsSupersetOf(missing));
  EXPECT_THAT(different, testing::IsSupersetOf(IdsOf(found, Side::kReported)));
}

TEST_F(HealingTest, WhatChangedSinceTheQuestionIsNotOwedTwice) {
  Twins twins(100);
  const std::set<PropertyId> different = twins.Differ(2);
  Found found;
  Want();
  const Healer::Step step = Next(twins, found);
  twins.device.Renumber(*different.begin(), Side::kReported);
  for (const HealAnswer& answer : source.Answer(*step.ask, twins.cloud, {})) {
    Take(twins, answer, found);
  }
  Next(twins, found);
  EXPECT_THAT(found.renumbered, ElementsAre(std::pair(*different.rbegin(), Side::kReported)));
}

TEST_F(HealingTest, EverythingIsSentAnewAfterTwoAttempts) {
  Twins twins(1'000);
  EXPECT_FALSE(Heal(twins).snapshot);
  EXPECT_FALSE(Heal(twins).snapshot);
  const Found third = Heal(twins);
  EXPECT_TRUE(third.snapshot);
  EXPECT_TRUE(third.verify);
  EXPECT_THAT(third.renumbered, SizeIs(1'000));
  EXPECT_EQ(healer.heals(), 3u);
  EXPECT_EQ(healer.failures(), 2u);
}

TEST_F(HealingTest, SnapshotsAreAMinuteApart) {
  Twins twins(100);
  for (int i = 0; i < 3; ++i) Heal(twins);
  Want();
  EXPECT_FALSE(healer.Next(twins.device, true, now, rto).snapshot);
  ASSERT_TRUE(healer.NextStep());
  EXPECT_EQ(*healer.NextStep(), now + minutes(1));
  now += minutes(1);
  EXPECT_TRUE(healer.Next(twins.device, true, now, rto).snapshot);
}

TEST_F(HealingTest, AfterSuccessTheNextAttemptIsAFirstOne) {
  Twins twins(1'000);
  Heal(twins);
  Heal(twins);
  healer.Healed();
  EXPECT_FALSE(Heal(twins).snapshot);
  EXPECT_EQ(healer.failures(), 1u);
}

TEST_F(HealingTest, TenMinutesLaterTheNextAttemptIsAFirstOne) {
  Twins twins(1'000);
  Heal(twins);
  Heal(twins);
  now += minutes(11);
  EXPECT_FALSE(Heal(twins).snapshot);
}

TEST_F(HealingTest, AnAttemptThatASessionsEndCutShortDidNotFail) {
  Twins twins(1'000);
  Found found;
  for (int i = 0; i < 5; ++i) {
    Want();
    Next(twins, found);
    healer.Reset();
    source.Reset();
  }
  EXPECT_FALSE(healer.busy());
  EXPECT_FALSE(Heal(twins).snapshot);
  EXPECT_EQ(healer.failures(), 0u);
}

TEST_F(HealingTest, EachAttemptHasAnotherSalt) {
  Twins twins(1'000);
  Found found;
  std::set<std::uint32_t> salts;
  for (int i = 0; i < 5; ++i) {
    Want();
    salts.insert(Next(twins, found).ask->attempt);
    healer.Reset();
  }
  EXPECT_THAT(salts, SizeIs(5));
}

TEST_F(HealingTest, RowsThatWereNotAskedForAreNotAwaited) {
  Twins twins(100);
  twins.cloud.Set(PropertyId{10}, Side::kDesired, Twins::Row(0, 0));
  Found found;
  Want();
  const Healer::Step list = Next(twins, found);
  for (const HealAnswer& answer : source.Answer(*list.ask, twins.cloud, {})) {
    Take(twins, answer, found);
  }
  const Healer::Step rows = Next(twins, found);
  ASSERT_THAT(rows.ask->desired, ElementsAre(11));
  HealAnswer answer = source.Answer(*rows.ask, twins.cloud, {})[0];
  EXPECT_TRUE(healer.AwaitsRows(answer));
  HealAnswer of_another_attempt = answer;
  ++of_another_attempt.attempt;
  EXPECT_FALSE(healer.AwaitsRows(of_another_attempt));
  HealAnswer of_another_row = answer;
  of_another_row.rows[0].pid = 12;
  EXPECT_FALSE(healer.AwaitsRows(of_another_row));
  healer.OnAnswer(answer, twins.device, now);
  EXPECT_FALSE(healer.AwaitsRows(answer));
}

TEST_F(HealingTest, ADamagedListIsAskedForAgain) {
  Twins twins(100);
  const std::set<PropertyId> different = twins.Differ(5);
  Found found;
  Want();
  const Healer::Step step = Next(twins, found);
  const HealAnswer good = source.Answer(*step.ask, twins.cloud, {})[0];
  for (const std::string& bytes :
       {std::string("\x05"), std::string(4, '\0'), std::string(50, '\xff'), good.cells + '\x01'}) {
    HealAnswer bad = good;
    bad.cells = bytes;
    Take(twins, bad, found);
    EXPECT_THAT(Next(twins, found).renumber, IsEmpty());
  }
  now = *healer.NextStep();
  const Healer::Step again = Next(twins, found);
  ASSERT_TRUE(again.ask);
  Take(twins, source.Answer(*again.ask, twins.cloud, {})[0], found);
  Next(twins, found);
  EXPECT_EQ(IdsOf(found, Side::kReported), different);
}

}  // namespace
}  // namespace edgetwin::sync
