// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// How long overrides and desired values hold: over restarts, and by clocks that are not trusted.

#include <gtest/gtest.h>

#include "twin/model/control.h"
#include "twin/model/control_test_support.h"

namespace edgetwin::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- What is left of an override ---

TEST_F(ControlTest, WhatIsLeftOfAnOverrideIsHandedOutAtItsStartEachMinuteAndAtItsEnd) {
  Hold(9, seconds(150));
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(150)});
  EXPECT_EQ(*control_.NextTick(), now_ + seconds(60));
  Pass(seconds(59));
  EXPECT_TRUE(TakeLeft().empty());
  Pass(seconds(1));
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(90)});
  Pass(seconds(60));
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(30)});
  EXPECT_EQ(*control_.NextTick(), now_ + seconds(30));
  Pass(seconds(30));
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(0)});
  EXPECT_FALSE(control_.NextTick());
}

TEST_F(ControlTest, AReleasedOverrideLeavesNoTime) {
  Hold(9, seconds(150));
  ASSERT_TRUE(control_.Release(id_, now_, wall()));
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(0)});
}

TEST_F(ControlTest, DroppedOverridesEndAndSayHowMany) {
  EXPECT_EQ(control_.DropOverrides(now_, wall()), 0u);
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Hold(9, seconds(150));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, wall());
  EXPECT_EQ(control_.DropOverrides(now_, wall()), 1u);
  EXPECT_EQ(control_.override_row(id_), nullptr);
  EXPECT_EQ(TakeLeft(), std::vector<milliseconds>{seconds(0)});
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(5.0)) << "desired is applied again";
  EXPECT_EQ(control_.DropOverrides(now_, wall()), 0u);
}

TEST_F(ControlTest, AnOverrideThatOnlyTheStoreKnowsIsDroppedToo) {
  Hold(9, seconds(60));
  const auto twin = Reloaded();
  Control control(*twin);
  EXPECT_EQ(control.DropOverrides(now_, wall()), 1u);
  EXPECT_EQ(control.override_row(id_), nullptr);
}

TEST_F(ControlTest, AfterARestartAnOverrideGoesOnWithWhatWasLeftAndIsReadBackFirst) {
  Hold(9, seconds(150));
  Pass(seconds(60));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, WallTime(seconds(100)), false, holds);
  EXPECT_EQ(control.override_left(id_, now_), seconds(90)) << "whatever an untrusted clock says";
  const auto calls = control.TakeCalls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].kind, DriverCall::Kind::kRead);
  control.Tick(now_ + seconds(60), WallTime(seconds(160)));
  EXPECT_EQ(control.TakeHolds().at(0).left, seconds(30));
  control.Tick(now_ + seconds(90), WallTime(seconds(190)));
  EXPECT_EQ(control.override_row(id_), nullptr);
}

TEST_F(ControlTest, WithATrustedClockTimeSwitchedOffCounts) {
  Hold(9, seconds(150));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  now_ += seconds(100);
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, wall(), true, holds);
  EXPECT_EQ(control.override_left(id_, now_), seconds(50));
}

TEST_F(ControlTest, AnOverrideWhoseEndPassedWhileSwitchedOffIsOverAtOnce) {
  Hold(9, seconds(150));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  now_ += seconds(150);
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, wall(), true, holds);
  EXPECT_EQ(control.override_row(id_), nullptr);
  EXPECT_TRUE(control.TakeCalls().empty());
  EXPECT_EQ(control.TakeHolds().at(0).left, seconds(0));
}

TEST_F(ControlTest, TimeSwitchedOffCountsOnceTheClockIsTrusted) {
  Hold(9, seconds(150));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  now_ += seconds(100);
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, WallTime(seconds(100)), false, holds);
  control.Tick(now_, wall());
  EXPECT_EQ(control.override_left(id_, now_), seconds(150));
  control.SetClockTrusted(true);
  EXPECT_LE(*control.NextTick(), now_) << "somebody must act on it";
  control.Tick(now_, wall());
  EXPECT_EQ(control.override_left(id_, now_), seconds(50));
  EXPECT_EQ(control.TakeHolds().at(0).left, seconds(50)) << "another restart doesn't undo it";
}

TEST_F(ControlTest, AnOverrideWhoseEndPassedIsOverOnceTheClockIsTrusted) {
  Hold(9, seconds(150));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, WallTime(seconds(100)), false, holds);
  control.SetClockTrusted(true);
  control.Tick(now_, wall() + std::chrono::hours(1));
  EXPECT_EQ(control.override_row(id_), nullptr);
}

TEST_F(ControlTest, ATrustedClockThatWentBackDoesNotLengthenAnOverride) {
  Hold(9, seconds(150));
  Pass(seconds(60));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  const auto twin = Reloaded();
  Control at_once(*twin);
  at_once.Resume(now_, wall() - std::chrono::hours(5), true, holds);
  EXPECT_EQ(at_once.override_left(id_, now_), seconds(90));
  Control later(*twin);
  later.Resume(now_, wall(), false, holds);
  later.SetClockTrusted(true);
  later.Tick(now_, wall() - std::chrono::hours(5));
  EXPECT_EQ(later.override_left(id_, now_), seconds(90));
}

TEST_F(ControlTest, AJumpOfTheClockDoesNotMoveTheEndOfAnOverrideOfThisRun) {
  Hold(9, seconds(150));
  control_.SetClockTrusted(false);
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall() + std::chrono::hours(5));
  EXPECT_EQ(control_.override_left(id_, now_), seconds(150));
}

TEST_F(ControlTest, AnOverrideWithoutARecordHasItsWholeTimeAndNoMore) {
  Hold(9, seconds(150));
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, WallTime(seconds(100)), false, {});
  EXPECT_EQ(control.override_left(id_, now_), seconds(150));
  Control forged(*twin);
  forged.Resume(now_, WallTime(seconds(100)), false, {{id_, std::chrono::hours(9)}});
  EXPECT_EQ(forged.override_left(id_, now_), seconds(150));
}

TEST_F(ControlTest, TheEndOfAnOverrideBegunByAnUntrustedClockIsCorrectedOnceItIsTrusted) {
  control_.SetClockTrusted(false);
  const WallTime early{seconds(100)};
  ASSERT_TRUE(control_.Override(id_, Value(9.0), "anna", seconds(150), now_, early, nullptr));
  EXPECT_TRUE(control_.override_row(id_)->unsynced);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, early);
  Pass(seconds(10));
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall());
  EXPECT_EQ(control_.override_left(id_, now_), seconds(140)) << "its end has not moved";
  const Row& row = *control_.override_row(id_);
  EXPECT_FALSE(row.unsynced);
  EXPECT_EQ(row.info().until, wall() + seconds(140));
  EXPECT_EQ(row.time, wall() - seconds(10));
  EXPECT_EQ(row.info().note, "anna");
  EXPECT_EQ(row.value, Value(9.0));
  const std::uint64_t head = twin_.head();
  control_.Tick(now_, wall());
  EXPECT_EQ(twin_.head(), head) << "once";
}

TEST_F(ControlTest, TheUntrustedEndOfAnOverrideCountsForNothingAfterARestart) {
  control_.SetClockTrusted(false);
  const WallTime early{seconds(100)};
  ASSERT_TRUE(control_.Override(id_, Value(9.0), "anna", seconds(150), now_, early, nullptr));
  const std::vector<HoldRecord> holds = control_.TakeHolds();
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, wall(), true, holds);
  control.Tick(now_, wall());
  EXPECT_EQ(control.override_left(id_, now_), seconds(150));
  EXPECT_EQ(control.override_row(id_)->info().until, wall() + seconds(150));
}

// --- valid_until and the clock ---

TEST_F(ControlTest, ByAnUntrustedClockValidUntilNeitherExpiresNorApplies) {
  control_.SetClockTrusted(false);
  Want(5, wall() - seconds(1));  // Passed, if this clock were right.
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kPending);
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().note,
            "it has a valid_until, and this device's clock is not trusted yet");
  EXPECT_TRUE(twin_.row(id_, Side::kStatus)->unsynced);
  EXPECT_EQ(control_.unfinished(), 1u);
  Pass(std::chrono::hours(1));
  EXPECT_EQ(State(), DesiredState::kPending);
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall());
  EXPECT_EQ(State(), DesiredState::kExpired);
  EXPECT_EQ(control_.unfinished(), 0u);
}

TEST_F(ControlTest, WhatIsStillValidWhenTheClockIsTrustedIsApplied) {
  control_.SetClockTrusted(false);
  Want(5, wall() + seconds(60));
  AllDurable();
  control_.SetClockTrusted(true);
  EXPECT_LE(*control_.NextTick(), now_);
  control_.Tick(now_, wall());
  const DriverCall call = OneCall();
  EXPECT_EQ(call.value, Value(5.0));
  control_.WriteDone(call.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
}

TEST_F(ControlTest, AfterARestartWhatWaitedForTheClockIsReadBackFirst) {
  Want(5, wall() + seconds(60));
  AllDurable();
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, WallTime(seconds(100)), false, {});
  EXPECT_TRUE(control.TakeCalls().empty());
  EXPECT_EQ(StateIn(*twin), DesiredState::kPending);
  control.SetClockTrusted(true);
  control.Tick(now_, wall());
  const auto calls = control.TakeCalls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].kind, DriverCall::Kind::kRead);
}

TEST_F(ControlTest, WithoutValidUntilAnUntrustedClockDelaysNothing) {
  control_.SetClockTrusted(false);
  Want(5);
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(5.0));
}

TEST_F(ControlTest, ANewerDesiredReplacesOneThatWaitsForTheClock) {
  control_.SetClockTrusted(false);
  Want(5, wall() + seconds(60));
  AllDurable();
  Want(6);
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty()) << "the newer one is not durable yet";
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(6.0));
}

TEST_F(ControlTest, WhatIsNotDurableIsNotJudgedWhenTheClockIsTrusted) {
  control_.SetClockTrusted(false);
  Want(5, wall() + seconds(60));
  AllDurable();
  Want(5'000);
  const Row before = *twin_.row(id_, Side::kStatus);
  ASSERT_EQ(before.info().refers_to.seq, 1u);
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall());
  EXPECT_EQ(*twin_.row(id_, Side::kStatus), before);
  AllDurable();
  EXPECT_EQ(State(), DesiredState::kRejected);
}

TEST_F(ControlTest, AnOverrideMasksWhatWaitsForTheClock) {
  control_.SetClockTrusted(false);
  Want(5, wall() + seconds(600));
  AllDurable();
  Hold(9, seconds(60));
  EXPECT_EQ(State(), DesiredState::kMasked);
  control_.SetClockTrusted(true);
  control_.Tick(now_, wall());
  AllDurable();
  const DriverCall held = OneCall();
  EXPECT_EQ(held.value, Value(9.0));
  control_.WriteDone(held.ticket, Value(9.0), now_, wall());
  Pass(seconds(60));
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(5.0));
}

TEST_F(ControlTest, ASpanThatWasBegunStandsWhenTrustIsLost) {
  Want(5, wall() + seconds(10));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  control_.SetClockTrusted(false);
  now_ += seconds(11);
  control_.Tick(now_, WallTime(seconds(100)));
  EXPECT_EQ(State(), DesiredState::kExpired);
}

}  // namespace
}  // namespace edgetwin::model
