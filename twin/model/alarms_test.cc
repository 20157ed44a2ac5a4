// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace edgetwin::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class AlarmsTest : public testing::Test {
 protected:
  AlarmsTest() {
    Stored stored;
    stored.lineage = {{1, 1, 1'000}};
    twin_.Load(std::move(stored));
    def_.path = *Path::Parse("tank/level");
    def_.type = ValueType::kDouble;
    def_.unit = "cm";
    def_.decimals = 1;
    def_.alarm.high = 90;
    def_.alarm.low = 10;
    def_.alarm.hysteresis = 5;
    id_ = *twin_.Define(def_);
  }

  void Limit(const AlarmLimits& limits) {
    def_.alarm = limits;
    ASSERT_EQ(*twin_.Define(def_), id_);
    alarms_.Defined(id_, now_, wall());
  }
  WallTime wall() const {
    return WallTime{seconds(1'793'600'000)} +
           std::chrono::duration_cast<milliseconds>(now_ - MonoTime{});
  }
  void See(const Value& value, Quality quality = Quality::kGood) {
    Sample sample;
    sample.value = value;
    sample.quality = quality;
    sample.time = wall();
    twin_.Report(id_, sample, now_);
    alarms_.OnSample(id_, value, quality, now_, wall(), false);
  }
  void See(double value, Quality quality = Quality::kGood) { See(Value(value), quality); }
  void Pass(MonoTime::duration time) {
    now_ += time;
    alarms_.Tick(now_, wall());
  }
  std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const Event& event : alarms_.TakeEvents()) kinds.push_back(event.kind);
    return kinds;
  }
  std::string Text() {
    const std::vector<Event> events = alarms_.TakeEvents();
    return events.size() == 1 ? events[0].text : std::to_string(events.size()) + " events";
  }
  Alarms Restarted() {
    Alarms alarms(twin_);
    alarms.Load(alarms_.records());
    return alarms;
  }

  Twin twin_{Role::kDevice};
  PropertyDef def_;
  PropertyId id_ = kNoProperty;
  Alarms alarms_{twin_};
  MonoTime now_{seconds(10)};
};

TEST_F(AlarmsTest, AValueAboveItsLimitRaisesOneAlarmThatSaysWhatAndWhen) {
  See(90);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty()) << "the limit itself is within";
  See(92.1);
  const std::vector<Event> events = alarms_.TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  Event expected;
  expected.time = wall();
  expected.severity = Severity::kAlarm;
  expected.kind = "alarm_raised";
  expected.id = id_;
  expected.value = Value(92.1);
  expected.text = "tank/level is 92.1 cm, above its high limit of 90";
  EXPECT_EQ(events[0], expected);
  AlarmRecord record;
  record.id = id_;
  record.raised = true;
  record.since = wall();
  record.value = Value(92.1);
  EXPECT_THAT(alarms_.records(), ElementsAre(record));
  EXPECT_THAT(alarms_.TakeChanges(), ElementsAre(record));

  See(95);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  EXPECT_THAT(alarms_.TakeChanges(), IsEmpty());
}

TEST_F(AlarmsTest, AnAlarmIsOverOnlyWhenTheValueHasComeBackByTheHysteresis) {
  See(91);
  alarms_.TakeEvents();
  See(85.1);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  EXPECT_TRUE(alarms_.records()[0].raised);
  now_ += seconds(1);
  See(85);
  const std::vector<Event> events = alarms_.TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, "alarm_cleared");
  EXPECT_EQ(events[0].severity, Severity::kInfo);
  EXPECT_EQ(events[0].value, Value(85.0));
  EXPECT_EQ(events[0].text, "tank/level is 85.0 cm, back within its high limit of 90");
  EXPECT_EQ(alarms_.records()[0].since, wall());
}

TEST_F(AlarmsTest, LowLimitsAreTheSameUpsideDown) {
  See(10);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  See(9.9);
  EXPECT_EQ(Text(), "tank/level is 9.9 cm, below its low limit of 10");
  See(14.9);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  See(15);
  EXPECT_EQ(Text(), "tank/level is 15.0 cm, back within its low limit of 10");
  EXPECT_EQ(alarms_.records()[0].kind, AlarmKind::kLow);
}

TEST_F(AlarmsTest, WithoutHysteresisTheLimitItselfEndsTheAlarm) {
  Limit({.high = 90, .low = {}});
  See(90.1);
  See(90);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised", "alarm_cleared"));
}

TEST_F(AlarmsTest, AJumpFromOneEndToTheOtherEndsOneAlarmAndRaisesTheOther) {
  See(95);
  See(5);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised", "alarm_cleared", "alarm_raised"));
  const std::vector<AlarmRecord> records = alarms_.records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_FALSE(records[0].raised);
  EXPECT_TRUE(records[1].raised);
}

TEST_F(AlarmsTest, IntegersHaveAlarmsToo) {
  def_.path = *Path::Parse("tank/count");
  def_.type = ValueType::kInt;
  def_.decimals.reset();
  def_.unit.clear();
  def_.alarm.high = 90.5;
  id_ = *twin_.Define(def_);
  See(Value(std::int64_t{90}));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  See(Value(std::int64_t{91}));
  EXPECT_EQ(Text(), "tank/count is 91, above its high limit of 90.5");
}

TEST_F(AlarmsTest, APropertyWithoutLimitsHasNoAlarms) {
  Limit({});
  See(1e9);
  See(-1e9);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  EXPECT_FALSE(alarms_.NextTick());
}

TEST_F(AlarmsTest, ALocalOnlyPropertyHasAlarms) {
  def_.local_only = true;
  Limit(def_.alarm);
  See(91);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

// --- Delay ---

TEST_F(AlarmsTest, ADelayedAlarmIsRaisedByTimeAloneOnceItHasLasted) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  ASSERT_TRUE(alarms_.NextTick());
  EXPECT_EQ(*alarms_.NextTick(), now_ + seconds(30));
  now_ += seconds(10);
  See(93);
  EXPECT_EQ(*alarms_.NextTick(), MonoTime(seconds(40))) << "it counts from the first one beyond";
  Pass(seconds(20) - MonoTime::duration(1));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  Pass(MonoTime::duration(1));
  const std::vector<Event> events = alarms_.TakeEvents();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].value, Value(93.0)) << "the newest one beyond";
  EXPECT_EQ(events[0].time, wall());
  EXPECT_FALSE(alarms_.NextTick());
}

TEST_F(AlarmsTest, ASampleThatComesAfterTheDelayRaisesWithoutATick) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  now_ += seconds(30);
  See(92);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
  EXPECT_FALSE(alarms_.NextTick());
}

TEST_F(AlarmsTest, OneValueWithinTheLimitBeginsTheDelayAnew) {
  Limit({.high = 90, .low = {}, .hysteresis = 5, .delay = seconds(30)});
  See(91);
  now_ += seconds(29);
  See(90);  // Not back by the hysteresis, but not beyond either.
  EXPECT_FALSE(alarms_.NextTick());
  See(91);
  Pass(seconds(29));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  Pass(seconds(1));
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

TEST_F(AlarmsTest, TimeOfWhichNothingIsKnownDoesNotCountTowardsTheDelay) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  now_ += seconds(20);
  See(91, Quality::kBad);
  EXPECT_FALSE(alarms_.NextTick());
  Pass(minutes(10));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  See(91);
  EXPECT_EQ(*alarms_.NextTick(), now_ + seconds(10));
  Pass(seconds(10));
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

TEST_F(AlarmsTest, EachEndHasItsOwnDelay) {
  Limit({.high = 90, .low = 10, .delay = seconds(30)});
  See(91);
  now_ += seconds(20);
  See(9);
  EXPECT_EQ(*alarms_.NextTick(), now_ + seconds(30));
  Pass(seconds(30));
  EXPECT_EQ(Text(), "tank/level is 9.0 cm, below its low limit of 10");
}

TEST_F(AlarmsTest, TheEndOfAnAlarmIsNotDelayed) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  Pass(seconds(30));
  alarms_.TakeEvents();
  See(90);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_cleared"));
}

// --- What says nothing ---

TEST_F(AlarmsTest, BadStaleOrMissingValuesChangeNothing) {
  See(99, Quality::kBad);
  See(99, Quality::kStale);
  See(Value());
  EXPECT_THAT(alarms_.records(), IsEmpty());
  See(91);
  alarms_.TakeEvents();
  See(50, Quality::kBad);
  See(50, Quality::kStale);
  See(Value());
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
  EXPECT_TRUE(alarms_.records()[0].raised);
}

TEST_F(AlarmsTest, NotANumberNeitherRaisesNorEnds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  See(nan);
  EXPECT_THAT(alarms_.records(), IsEmpty());
  See(91);
  See(nan);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
  EXPECT_TRUE(alarms_.records()[0].raised);
}

TEST_F(AlarmsTest, NotANumberDoesNotInterruptADelayButDoesNotCountEither) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  now_ += seconds(20);
  See(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(alarms_.NextTick());
  now_ += seconds(60);
  See(91);
  EXPECT_EQ(*alarms_.NextTick(), now_ + seconds(10));
}

TEST_F(AlarmsTest, InfinityIsAboveEveryLimit) {
  See(std::numeric_limits<double>::infinity());
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

TEST_F(AlarmsTest, AnUncertainValueCounts) {
  See(91, Quality::kUncertain);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

// --- Acknowledging ---

TEST_F(AlarmsTest, AnAcknowledgedAlarmThatIsOverIsForgotten) {
  See(91);
  ASSERT_TRUE(alarms_.Acknowledge(id_, AlarmKind::kHigh, "anna", wall()));
  ASSERT_THAT(alarms_.records(), SizeIs(1));
  EXPECT_TRUE(alarms_.records()[0].raised);
  EXPECT_EQ(alarms_.records()[0].who, "anna");
  const std::vector<Event> events = alarms_.TakeEvents();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].kind, "alarm_acknowledged");
  EXPECT_EQ(events[1].severity, Severity::kInfo);
  EXPECT_EQ(events[1].text, "anna acknowledged the high alarm of tank/level");
  alarms_.TakeChanges();
  See(50);
  EXPECT_THAT(alarms_.records(), IsEmpty());
  const std::vector<AlarmRecord> changes = alarms_.TakeChanges();
  ASSERT_THAT(changes, SizeIs(1)) << "the store is told, too";
  EXPECT_FALSE(changes[0].raised);
  EXPECT_TRUE(changes[0].acknowledged);
}

TEST_F(AlarmsTest, AnAlarmThatIsOverIsRememberedUntilItIsAcknowledged) {
  See(91);
  See(50);
  ASSERT_THAT(alarms_.records(), SizeIs(1));
  EXPECT_FALSE(alarms_.records()[0].raised);
  ASSERT_TRUE(alarms_.Acknowledge(id_, {}, "anna", wall()));
  EXPECT_THAT(alarms_.records(), IsEmpty());
  EXPECT_THAT(alarms_.TakeChanges(), SizeIs(1));
}

TEST_F(AlarmsTest, RaisedAgainItWaitsForAnotherAcknowledgement) {
  See(91);
  See(50);
  now_ += seconds(5);
  See(95);
  ASSERT_THAT(alarms_.records(), SizeIs(1));
  EXPECT_TRUE(alarms_.records()[0].raised);
  EXPECT_EQ(alarms_.records()[0].value, Value(95.0));
  ASSERT_TRUE(alarms_.Acknowledge(id_, {}, "anna", wall()));
  See(50);
  See(96);
  EXPECT_FALSE(alarms_.records()[0].acknowledged);
  EXPECT_EQ(alarms_.records()[0].who, "");
}

TEST_F(AlarmsTest, OneKindIsAcknowledgedWithoutTheOther) {
  See(91);
  See(5);
  ASSERT_TRUE(alarms_.Acknowledge(id_, AlarmKind::kLow, "anna", wall()));
  const std::vector<AlarmRecord> records = alarms_.records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_FALSE(records[0].acknowledged);
  EXPECT_TRUE(records[1].acknowledged);
}

TEST_F(AlarmsTest, WithoutAKindBothAreAcknowledgedEachWithItsEvent) {
  See(91);
  See(5);
  alarms_.TakeEvents();
  ASSERT_TRUE(alarms_.Acknowledge(id_, {}, "anna", wall()));
  EXPECT_THAT(Kinds(), ElementsAre("alarm_acknowledged", "alarm_acknowledged"));
}

TEST_F(AlarmsTest, WhatIsNotThereCannotBeAcknowledged) {
  const Status none = alarms_.Acknowledge(id_, {}, "anna", wall());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(none.error().text, "'tank/level' has no alarm that waits to be acknowledged");
  See(91);
  const Status low = alarms_.Acknowledge(id_, AlarmKind::kLow, "anna", wall());
  ASSERT_FALSE(low);
  EXPECT_EQ(low.error().text, "'tank/level' has no low alarm that waits to be acknowledged");
  ASSERT_TRUE(alarms_.Acknowledge(id_, {}, "anna", wall()));
  EXPECT_FALSE(alarms_.Acknowledge(id_, {}, "bert", wall())) << "once";
  EXPECT_EQ(alarms_.records()[0].who, "anna");
}

TEST_F(AlarmsTest, NamesAreUtf8AndNotLongerThanTheyMayBe) {
  See(91);
  ASSERT_TRUE(
      alarms_.Acknowledge(id_, {}, "\xe4" + std::string(2 * kAlarmWhoBytesMax, 'x'), wall()));
  EXPECT_EQ(alarms_.records()[0].who, "?" + std::string(kAlarmWhoBytesMax - 1, 'x'));
}

// --- Definitions ---

TEST_F(AlarmsTest, AnAlarmWhoseLimitIsRemovedIsOver) {
  See(91);
  alarms_.TakeEvents();
  Limit({.high = {}, .low = 10});
  EXPECT_EQ(Text(), "tank/level has no high limit any more");
  EXPECT_FALSE(alarms_.records()[0].raised);
  Limit({.high = {}, .low = 10, .hysteresis = 1});
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty()) << "once";
}

TEST_F(AlarmsTest, AMovedLimitJudgesTheLastSampleAnew) {
  See(80);
  Limit({.high = 70, .low = {}});
  EXPECT_EQ(Text(), "tank/level is 80.0 cm, above its high limit of 70");
  Limit({.high = 85.5, .low = {}});
  EXPECT_EQ(Text(), "tank/level is 80.0 cm, back within its high limit of 85.5");
}

TEST_F(AlarmsTest, AnotherDelayBeginsAnewAndTheSameDefinitionDoesNot) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  now_ += seconds(20);
  alarms_.Defined(id_, now_, wall());
  EXPECT_EQ(*alarms_.NextTick(), MonoTime(seconds(40)));
  Limit({.high = 90, .low = {}, .delay = seconds(25)});
  EXPECT_EQ(*alarms_.NextTick(), now_ + seconds(25));
}

TEST_F(AlarmsTest, AValueOfAnotherUnitIsNotJudged) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  def_.unit = "m";
  Limit({.high = 0.9, .low = {}});
  Pass(minutes(1));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty()) << "91 cm are not 91 m";
  See(0.95);
  EXPECT_THAT(Kinds(), ElementsAre("alarm_raised"));
}

TEST_F(AlarmsTest, ADelayOfAValueInAnotherUnitIsOver) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  def_.unit = "m";
  Limit(def_.alarm);
  EXPECT_FALSE(alarms_.NextTick());
}

TEST_F(AlarmsTest, APropertyThatNoDriverHasAnyMoreHasNoAlarms) {
  Limit({.high = 90, .low = 10, .delay = seconds(30)});
  See(91);
  Pass(seconds(30));
  See(5);
  alarms_.TakeEvents();
  See(91);
  Pass(seconds(30));
  alarms_.TakeEvents();
  twin_.Undefine(id_);
  alarms_.Undefined(id_, wall());
  EXPECT_EQ(Text(), "no driver has tank/level any more; its high alarm is over");
  EXPECT_FALSE(alarms_.NextTick());
}

TEST_F(AlarmsTest, ADelayEndsWithTheProperty) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  See(91);
  alarms_.Undefined(id_, wall());
  EXPECT_FALSE(alarms_.NextTick());
  Pass(minutes(1));
  EXPECT_THAT(alarms_.TakeEvents(), IsEmpty());
}

// --- Restarts ---

TEST_F(AlarmsTest, AfterARestartARaisedAlarmGoesOnWithoutASecondEvent) {
  See(91);
  Alarms alarms = Restarted();
  EXPECT_EQ(alarms.records(), alarms_.records());
  alarms.Defined(id_, now_, wall());
  alarms.OnSample(id_, Value(92.0), Quality::kGood, now_, wall(), false);
  EXPECT_THAT(alarms.TakeEvents(), IsEmpty());
  EXPECT_THAT(alarms.TakeChanges(), IsEmpty());
  alarms.OnSample(id_, Value(50.0), Quality::kGood, now_, wall(), false);
  EXPECT_THAT(alarms.TakeEvents(), SizeIs(1));
}

TEST_F(AlarmsTest, AfterARestartAnAlarmMayStillBeAcknowledged) {
  See(91);
  See(50);
  Alarms alarms = Restarted();
  EXPECT_TRUE(alarms.Acknowledge(id_, {}, "anna", wall()));
  EXPECT_THAT(alarms.records(), IsEmpty());
}

TEST_F(AlarmsTest, AnAlarmWhoseLimitWasRemovedWhileSwitchedOffIsOverWhenItIsDefined) {
  See(91);
  def_.alarm = {};
  ASSERT_TRUE(twin_.Define(def_));
  Alarms alarms = Restarted();
  alarms.Defined(id_, now_, wall());
  EXPECT_THAT(alarms.TakeEvents(), SizeIs(1));
  EXPECT_FALSE(alarms.records()[0].raised);
}

TEST_F(AlarmsTest, ARecordThatIsNeitherRaisedNorUnacknowledgedIsNotTakenUp) {
  AlarmRecord record;
  record.id = id_;
  record.acknowledged = true;
  Alarms alarms(twin_);
  alarms.Load({record});
  EXPECT_THAT(alarms.records(), IsEmpty());
}

// --- The clock ---

TEST_F(AlarmsTest, EventsSayWhenTheClockWasNotTrusted) {
  Limit({.high = 90, .low = {}, .delay = seconds(30)});
  alarms_.SetClockTrusted(false);
  See(91);
  Pass(seconds(30));
  ASSERT_TRUE(alarms_.Acknowledge(id_, {}, "anna", wall()));
  for (const Event& event : alarms_.TakeEvents()) EXPECT_TRUE(event.unsynced) << event.kind;
  alarms_.OnSample(id_, Value(50.0), Quality::kGood, now_, wall(), true);
  EXPECT_TRUE(alarms_.TakeEvents().at(0).unsynced);
}

TEST_F(AlarmsTest, ChangesOfOneAlarmAreOneRecordTheNewest) {
  See(91);
  See(50);
  See(95);
  const std::vector<AlarmRecord> changes = alarms_.TakeChanges();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].value, Value(95.0));
}

}  // namespace
}  // namespace edgetwin::model
