// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/control.h"

#include <gtest/gtest.h>

#include "twin/model/control_test_support.h"

namespace edgetwin::model {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ControlTest, NothingIsWrittenBeforeDesiredIsDurable) {
  Want(5);
  EXPECT_TRUE(control_.TakeCalls().empty());
  AllDurable();
  const DriverCall call = OneCall();
  EXPECT_EQ(call.kind, DriverCall::Kind::kWrite);
  EXPECT_EQ(call.value, Value(5.0));
  control_.WriteDone(call.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
  EXPECT_TRUE(twin_.row(id_, Side::kStatus)->value.none()) << "equal values aren't sent twice";
}

TEST_F(ControlTest, TheEffectiveValueIsToldWhenItDiffers) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(4.9), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->value, Value(4.9));
}

TEST_F(ControlTest, AValueOutsideTheLimitsIsRejectedUnwritten) {
  Want(101);
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kRejected);
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().note,
            "'valve/position' takes at most 100.0, not 101.0");
}

TEST_F(ControlTest, AnExpiredDesiredIsNotWritten) {
  Want(5, wall() - seconds(1));
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kExpired);
}

TEST_F(ControlTest, AWriteThatMayHaveHappenedIsReadBackBeforeItIsRepeated) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, TimedOut("no answer"), now_, wall());
  EXPECT_EQ(State(), DesiredState::kPending);
  now_ = *control_.NextTick();
  control_.Tick(now_, wall());
  DriverCall call = OneCall();
  EXPECT_EQ(call.kind, DriverCall::Kind::kRead);
  control_.ReadDone(call.ticket, Value(3.0), now_, wall());
  call = OneCall();
  EXPECT_EQ(call.kind, DriverCall::Kind::kWrite);
  control_.WriteDone(call.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
}

TEST_F(ControlTest, RetriesBackOffAndEndWithValidUntil) {
  Want(5, wall() + seconds(10));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("unit 3 does not answer"), now_, wall());
  const MonoTime first = *control_.NextTick();
  now_ = first;
  control_.Tick(now_, wall());
  control_.ReadDone(OneCall().ticket, Unavailable("still not"), now_, wall());
  EXPECT_GT(*control_.NextTick() - now_, first - MonoTime(seconds(10)));
  now_ = MonoTime(seconds(21));
  control_.Tick(now_, wall());
  EXPECT_EQ(State(), DesiredState::kExpired);
  EXPECT_EQ(control_.unfinished(), 0u);
}

TEST_F(ControlTest, ANewerDesiredSupersedesOneThatIsUnderWay) {
  Want(5);
  AllDurable();
  const DriverCall old = OneCall();
  Want(6);
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty()) << "the driver might do it before the old one";
  control_.WriteDone(old.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kSuperseded) << "the old answer speaks of nothing any more";
  const DriverCall call = OneCall();
  EXPECT_EQ(call.value, Value(6.0));
  control_.WriteDone(call.ticket, Value(6.0), now_, wall());
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().refers_to.seq, cloud_seq_);
}

TEST_F(ControlTest, OneThatIsReplacedBeforeItEndedIsSupersededInTheBatchOfTheNewOne) {
  Want(5);
  AllDurable();
  const DriverCall old = OneCall();
  twin_.TakePending();
  Want(6);
  const Row* status = twin_.row(id_, Side::kStatus);
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->info().state, DesiredState::kSuperseded);
  EXPECT_EQ(status->info().refers_to, (Dot{50, 1}));
  EXPECT_EQ(twin_.pending_batch().rows.size(), 1u);
  // The new one is not durable yet: what the old one's write brings is no second status of it.
  control_.WriteDone(old.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kSuperseded);
  EXPECT_EQ(twin_.pending_batch().rows.size(), 1u);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(6.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
}

TEST_F(ControlTest, OneThatWaitsForItsDriverOrForAnOverrideIsSupersededToo) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  ASSERT_EQ(State(), DesiredState::kPending);
  Want(6);
  EXPECT_EQ(State(), DesiredState::kSuperseded);
  Hold(9, seconds(60));
  AllDurable();
  ASSERT_EQ(State(), DesiredState::kMasked);
  Want(7);
  EXPECT_EQ(State(), DesiredState::kSuperseded);
  AllDurable();
  EXPECT_EQ(State(), DesiredState::kMasked);
  EXPECT_NE(control_.override_row(id_), nullptr);
}

TEST_F(ControlTest, OneThatHasItsTerminalStatusKeepsItWhenANewerOneComes) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Want(200);
  EXPECT_EQ(State(), DesiredState::kApplied);
  AllDurable();
  ASSERT_EQ(State(), DesiredState::kRejected);
  Want(6);
  EXPECT_EQ(State(), DesiredState::kRejected);
}

TEST_F(ControlTest, ASupersededOneThatHealingBringsBackIsAppliedAfterAll) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  const Row first = *twin_.row(id_, Side::kDesired);
  Want(6);
  ASSERT_EQ(State(), DesiredState::kSuperseded);
  twin_.Force(id_, Side::kDesired, first);
  control_.DesiredArrived(id_, {.batch = ++batch_, .known = true}, wall());
  AllDurable();
  control_.ReadDone(OneCall().ticket, Value(5.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
}

// The end of the override is on flash; whether the write that it asked for was done, nobody knows.
TEST_F(ControlTest, WhatWasAppliedBeforeAnOverrideIsLookedAtAfterARestartThatFollowsItsEnd) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Hold(9, seconds(60));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, wall());
  ASSERT_TRUE(control_.Release(id_, now_, wall()));
  const auto twin = Reloaded();
  Control control(*twin);
  control.Resume(now_, wall(), true, {});
  auto calls = control.TakeCalls();
  ASSERT_EQ(calls.size(), 1u);
  ASSERT_EQ(calls[0].kind, DriverCall::Kind::kRead);
  control.ReadDone(calls[0].ticket, Value(9.0), now_, wall());
  calls = control.TakeCalls();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].value, Value(5.0));
}

TEST_F(ControlTest, WhenARollbackEndsAnOverrideTheDeviceIsReadBeforeItIsWritten) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Hold(9, seconds(60));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("away"), now_, wall());
  EXPECT_EQ(control_.DropOverrides(now_, wall()), 1u);
  AllDurable();
  const DriverCall call = OneCall();
  ASSERT_EQ(call.kind, DriverCall::Kind::kRead);
  control_.ReadDone(call.ticket, Value(9.0), now_, wall());
  EXPECT_EQ(OneCall().value, Value(5.0));
}

// After the store was set back: the status that came back from the cloud is about a desired row
// that comes again only now.
TEST_F(ControlTest, WhatWasAppliedBeforeIsAppliedAgainAfterAnOlderValueMovedTheDevice) {
  Want(5);
  AllDurable();
  const DriverCall old = OneCall();
  Row row = *twin_.row(id_, Side::kDesired);
  row.value = Value(6.0);
  row.dot = {50, ++cloud_seq_};
  Row status;
  ControlInfo info;
  info.refers_to = row.dot;
  info.state = DesiredState::kApplied;
  status.control = std::make_shared<const ControlInfo>(info);
  twin_.Set(id_, Side::kStatus, status);
  ASSERT_TRUE(twin_.Apply(id_, Side::kDesired, row));
  control_.DesiredArrived(id_, {.seq = cloud_seq_, .batch = ++batch_, .known = true}, wall());
  AllDurable();
  control_.WriteDone(old.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().refers_to, row.dot);
  const DriverCall look = OneCall();
  ASSERT_EQ(look.kind, DriverCall::Kind::kRead);
  control_.ReadDone(look.ticket, Value(5.0), now_, wall());
  EXPECT_EQ(OneCall().value, Value(6.0));
}

TEST_F(ControlTest, AnOverrideIsWrittenOnlyOnceItIsDurable) {
  ASSERT_TRUE(control_.Override(id_, Value(9.0), "anna", seconds(60), now_, wall(), nullptr));
  EXPECT_TRUE(control_.TakeCalls().empty());
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(9.0));
}

TEST_F(ControlTest, AnOverrideMasksAndItsEndAppliesDesiredAgain) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  ASSERT_TRUE(control_.Override(id_, Value(9.0), "anna", seconds(60), now_, wall(), nullptr));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied) << "a terminal status is said once";
  Want(6);
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kMasked);
  now_ += seconds(60);
  control_.Tick(now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty()) << "after a crash now the override would stand again";
  AllDurable();
  const DriverCall call = OneCall();
  EXPECT_EQ(call.value, Value(6.0));
  control_.WriteDone(call.ticket, Value(6.0), now_, wall());
  EXPECT_EQ(State(), DesiredState::kApplied);
}

TEST_F(ControlTest, AnOverrideThatTheDeviceRefusesDoesNotStand) {
  Result<Value> answer = Value();
  ASSERT_TRUE(control_.Override(id_, Value(9.0), "anna", seconds(60), now_, wall(),
                                [&](Result<Value> result) { answer = std::move(result); }));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Invalid("exception 3"), now_, wall());
  ASSERT_FALSE(answer);
  EXPECT_EQ(control_.override_row(id_), nullptr);
}

TEST_F(ControlTest, ANewerDesiredThatIsNotDurableIsNotWrittenInTheNameOfTheOneUnderWay) {
  Want(5);
  AllDurable();
  const std::uint64_t first = cloud_seq_;
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  Want(5'000);  // Not checked against the limits either yet.
  now_ += seconds(5);
  control_.Tick(now_, wall());
  control_.Durable({first, twin_.head(), batch_}, now_, wall());
  for (const DriverCall& call : control_.TakeCalls()) {
    if (call.kind == DriverCall::Kind::kRead) {
      control_.ReadDone(call.ticket, Value(1.0), now_, wall());
    }
  }
  for (const DriverCall& call : control_.TakeCalls()) EXPECT_EQ(call.value, Value(5.0));
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kRejected);
}

TEST_F(ControlTest, WhatAnotherCloudWantedBeforeSaysNothingOfWhatIsDurable) {
  cloud_seq_ = 500;
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Want(7);  // Not durable yet when its cloud is replaced, and so nobody's wish any more.
  control_.PeerReplaced();
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty());
  cloud_seq_ = 2;
  Row row;
  row.value = Value(6.0);
  row.dot = {60, ++cloud_seq_};
  twin_.Force(id_, Side::kDesired, row);
  control_.DesiredArrived(id_, {.seq = cloud_seq_, .batch = ++batch_}, wall());
  control_.Durable({0, twin_.head(), batch_}, now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(6.0));
}

TEST_F(ControlTest, WhatADefinitionForbidsByNowIsNotWritten) {
  Want(50);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  PropertyDef def = twin_.def(id_);
  def.max = 10;
  ASSERT_TRUE(twin_.Define(def));
  control_.Defined(id_, now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kRejected);
}

TEST_F(ControlTest, NotesAreUtf8WhereverTheyAreCutAndWhateverADriverSays) {
  Want(5);
  AllDurable();
  std::string text(kNoteBytesMax - 1, 'x');
  control_.WriteDone(OneCall().ticket, Invalid(text + "\xc3\xa9"), now_, wall());
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().note, text);
  Want(6);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Invalid("ger\xe4t"), now_, wall());
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().note, "ger?t");
}

TEST_F(ControlTest, TimesTooFarAwayDoNotOverflow) {
  Want(5, WallTime(milliseconds::max()));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("no answer"), now_, wall());
  now_ = *control_.NextTick();
  control_.Tick(now_, wall());
  EXPECT_EQ(State(), DesiredState::kPending);
  EXPECT_FALSE(control_.Override(id_, Value(9.0), "a", milliseconds::max(), now_, wall(), nullptr));
}

TEST_F(ControlTest, OverridesTakeOnlyWhatThePropertyTakes) {
  EXPECT_FALSE(control_.Override(id_, Value(900.0), "a", seconds(1), now_, wall(), nullptr));
  EXPECT_FALSE(control_.Override(id_, Value(9.0), "a", seconds(0), now_, wall(), nullptr));
  EXPECT_FALSE(control_.Release(id_, now_, wall()));
}

TEST_F(ControlTest, ADesiredValueWaitsForItsBatchThoughItsSeqIsCovered) {
  Want(5);
  control_.Durable({cloud_seq_, twin_.head(), batch_ - 1}, now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
  AllDurable();
  EXPECT_EQ(OneCall().value, Value(5.0));
}

TEST_F(ControlTest, AWishThatIsKnownUnderAnotherVersionIsReadBackFirst) {
  Want(5);
  AllDurable();
  const DriverCall lost = OneCall();
  Row row = *twin_.row(id_, Side::kDesired);
  row.dot = {60, ++cloud_seq_};
  ASSERT_TRUE(twin_.Apply(id_, Side::kDesired, row));
  control_.DesiredArrived(id_, {.seq = cloud_seq_, .batch = ++batch_, .known = true}, wall());
  AllDurable();
  control_.WriteDone(lost.ticket, Value(5.0), now_, wall());
  const DriverCall call = OneCall();
  EXPECT_EQ(call.kind, DriverCall::Kind::kRead) << "only once the write that is under way is done";
  control_.ReadDone(call.ticket, Value(5.0), now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(twin_.row(id_, Side::kStatus)->info().refers_to, row.dot);
}

TEST_F(ControlTest, WhatIsWantedOfAPropertyThatWasLocalOnlyIsLookedAtFirst) {
  PropertyDef def = twin_.def(id_);
  for (const bool local : {true, false}) {
    def.local_only = local;
    ASSERT_TRUE(twin_.Define(def));
    control_.Defined(id_, now_, wall());
  }
  Want(5);
  AllDurable();
  const DriverCall look = OneCall();
  EXPECT_EQ(look.kind, DriverCall::Kind::kRead) << "the cloud owes anew what was done long ago";
  control_.ReadDone(look.ticket, Value(5.0), now_, wall());
  Want(6);
  AllDurable();
  EXPECT_EQ(OneCall().kind, DriverCall::Kind::kWrite);
}

// A setback ends an override, and brings back a newer wish together with its status.
TEST_F(ControlTest, AWishThatComesBackAppliedEndsTheWorkOnAnOlderOne) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Hold(9, std::chrono::seconds(10));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, wall());
  ASSERT_TRUE(control_.Release(id_, now_, wall()));
  Row row = *twin_.row(id_, Side::kDesired);
  row.dot = {50, ++cloud_seq_};
  row.value = Value(6.0);
  ASSERT_TRUE(twin_.Apply(id_, Side::kDesired, row));
  control_.DesiredArrived(id_, {.seq = cloud_seq_, .batch = ++batch_, .known = true}, wall());
  Row status = *twin_.row(id_, Side::kStatus);
  ControlInfo info = status.info();
  info.refers_to = row.dot;
  status.control = std::make_shared<const ControlInfo>(info);
  twin_.Set(id_, Side::kStatus, status);
  AllDurable();
  const DriverCall look = OneCall();
  ASSERT_EQ(look.kind, DriverCall::Kind::kRead);
  control_.ReadDone(look.ticket, Value(9.0), now_, wall());
  EXPECT_EQ(OneCall().value, Value(6.0));
}

TEST_F(ControlTest, TheEndOfAnOverrideThatWasNotSurelyWrittenLooksFirst) {
  Want(5);
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  AllDurable();
  Hold(9, std::chrono::seconds(10));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Unavailable("the unit is away"), now_, wall());
  ASSERT_TRUE(control_.Release(id_, now_, wall()));
  AllDurable();
  const DriverCall look = OneCall();
  ASSERT_EQ(look.kind, DriverCall::Kind::kRead) << "it may never have left what was applied";
  control_.ReadDone(look.ticket, Value(5.0), now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
}

TEST_F(ControlTest, AWriteThatWaitedBeyondValidUntilIsNotBegun) {
  Want(5, wall() + seconds(10));
  AllDurable();
  control_.WriteDone(OneCall().ticket, TimedOut("no answer"), now_, wall());
  now_ = *control_.NextTick();
  control_.Tick(now_, wall());
  const DriverCall read = OneCall();
  now_ += seconds(60);
  control_.ReadDone(read.ticket, Value(1.0), now_, wall());
  EXPECT_TRUE(control_.TakeCalls().empty());
  EXPECT_EQ(State(), DesiredState::kExpired);
}

TEST_F(ControlTest, WhatWasAppliedBeforeAnOverrideGetsNoSecondTerminalStatusAfterIt) {
  Want(5, wall() + seconds(30));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(5.0), now_, wall());
  Hold(9, seconds(60));
  AllDurable();
  control_.WriteDone(OneCall().ticket, Value(9.0), now_, wall());
  Pass(seconds(60));
  AllDurable();
  EXPECT_TRUE(control_.TakeCalls().empty()) << "its valid_until has passed";
  EXPECT_EQ(State(), DesiredState::kApplied);
}

}  // namespace
}  // namespace edgetwin::model
