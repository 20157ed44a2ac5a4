// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Single stories of both halves of the protocol; see session_world.h.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/engine/session_world.h"

namespace edgetwin::sync {
namespace {

TEST(SessionTest, FirstContactMakesTheTwinsEqual) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, i * 1.5);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(SessionTest, AReportedRowLeavesBeforeItIsOnFlash) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(3));
  world.edge_commits.clear();
  world.Sample(3, 2);
  world.DeliverUp();
  const PropertyId there = world.cloud_twin().Find("plant/p3");
  EXPECT_EQ(world.cloud_twin().row(there, Side::kReported)->value, Value(2.0));
}

TEST(SessionTest, WhileTheCloudAcknowledgesInTimeFlashIsNotTouched) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  const int before = world.edge_disk.reported_rows;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < world.properties; ++i) world.Sample(i, second);
    world.Run(seconds(1));
  }
  EXPECT_EQ(world.edge_disk.reported_rows, before);
  world.ExpectEqualTwins();
}

TEST(SessionTest, WithoutTheCloudReportedRowsAreOnFlashWithinTheWindow) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.CutLink();
  world.Sample(7, 42);
  world.Run(seconds(3));
  world.CrashEdge();
  const PropertyId id = world.edge_twin().Find("plant/p7");
  EXPECT_EQ(world.edge_twin().row(id, Side::kReported)->value, Value(42.0));
}

TEST(SessionTest, ADesiredValueIsWrittenOnlyOnceItIsDurable) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.DeliverDown();
  EXPECT_TRUE(world.calls.empty());
  world.FinishEdgeCommit();
  ASSERT_EQ(world.calls.size(), 1u);
  EXPECT_EQ(world.calls[0].kind, model::DriverCall::Kind::kWrite);
  world.Run(seconds(3));
  world.ExpectEqualTwins();
}

// One commit has both, and a crash before it leaves the older one to be applied.
TEST(SessionTest, AnUnfinishedDesiredValueIsSupersededByTheCommitOfTheNewerOne) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  const auto want = [&world](double value) {
    world.Want(0, value);
    world.FinishCloudCommit();
    world.DeliverDown();
  };
  want(5);
  world.FinishEdgeCommit();
  ASSERT_EQ(world.calls.size(), 1u);  // Under way, and not answered.
  want(6);
  ASSERT_EQ(world.edge_commits.size(), 1u);
  const model::Batch& batch = world.edge_commits.front().batch;
  ASSERT_EQ(batch.rows.size(), 2u);
  const bool status_first = batch.rows[0].side == model::Side::kStatus;
  const model::Row& status = batch.rows[status_first ? 0 : 1].row;
  EXPECT_EQ(status.info().state, model::DesiredState::kSuperseded);
  world.FinishEdgeCommit();
  world.FinishEdgeCommit();
  world.DeliverUp();
  const model::PropertyId id = world.cloud_twin().Find("plant/p0");
  ASSERT_NE(world.cloud_twin().row(id, model::Side::kStatus), nullptr);
  EXPECT_EQ(world.cloud_twin().row(id, model::Side::kStatus)->info().state,
            model::DesiredState::kSuperseded);
  world.Run(seconds(3));
  EXPECT_EQ(world.device["plant/p0"], 6);
  EXPECT_EQ(world.cloud_twin().row(id, model::Side::kStatus)->info().state,
            model::DesiredState::kApplied);
  world.ExpectEqualTwins();
}

TEST(SessionTest, TheCloudKnowsWhatWasReplacedBeforeAnyFrameHadIt) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  const model::PropertyId id = world.cloud_twin().Find("plant/p0");
  world.Want(0, 4);
  world.FinishCloudCommit();
  world.CutLink();
  world.Want(0, 5);
  EXPECT_EQ(world.cloud().superseded(id), nullptr) << "a frame had it, and the device may answer";
  world.Want(0, 6);
  ASSERT_NE(world.cloud().superseded(id), nullptr);
  EXPECT_EQ(world.cloud().superseded(id)->value, Value(5.0));
  world.MendLink();
  world.Run(seconds(3));
  EXPECT_EQ(world.device["plant/p0"], 6);
  world.Want(0, 7);
  EXPECT_EQ(world.cloud().superseded(id), nullptr) << "that one was applied";
}

TEST(SessionTest, AfterACrashTheDeviceIsReadBackBeforeAnythingIsWrittenAgain) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  world.FinishCall();  // The device has it; the status was not committed.
  ASSERT_EQ(world.log, std::vector<std::string>{"write plant/p0"});
  world.CrashEdge();
  world.Run(seconds(3));
  EXPECT_EQ(world.log, (std::vector<std::string>{"write plant/p0", "read plant/p0"}));
  world.Sample(0, 5);
  world.Run(seconds(3));
  const PropertyId there = world.cloud_twin().Find("plant/p0");
  EXPECT_EQ(world.cloud_twin().row(there, Side::kStatus)->info().state,
            model::DesiredState::kApplied);
}

TEST(SessionTest, WhatACrashTookFromTheDeviceComesBackFromTheCloud) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Sample(9, 77);
  world.DeliverUp();
  world.FinishCloudCommit();
  world.CrashEdge();
  const PropertyId id = world.edge_twin().Find("plant/p9");
  EXPECT_EQ(world.edge_twin().row(id, Side::kReported), nullptr);
  world.Run(seconds(3));
  ASSERT_NE(world.edge_twin().row(id, Side::kReported), nullptr);
  EXPECT_EQ(world.edge_twin().row(id, Side::kReported)->value, Value(77.0));
  world.ExpectEqualTwins();
}

TEST(SessionTest, AnUnknownPathIsSaidToBeUnknownAndAppliedWhenItAppears) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  const auto path = model::Path::Parse("plant/p20");
  const PropertyId id = *world.cloud_twin().FindOrAdd(*path);
  world.cloud().SetDesired(id, Value(3.0), "test", {}, world.wall());
  world.Run(seconds(3));
  EXPECT_EQ(world.cloud_twin().row(id, Side::kStatus)->info().state,
            model::DesiredState::kUnknownPath);
  world.Define(20);
  world.Run(seconds(3));
  EXPECT_EQ(world.cloud_twin().row(id, Side::kStatus)->info().state, model::DesiredState::kApplied);
  EXPECT_EQ(world.device["plant/p20"], 3.0);
}

TEST(SessionTest, AnOverrideMasksDesiredUntilItExpiresAndBothSidesSeeIt) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  const PropertyId id = world.edge_twin().Find("plant/p0");
  ASSERT_TRUE(world.edge().control().Override(id, Value(9.0), "anna", seconds(10), world.now,
                                              world.wall(), nullptr));
  world.Run(seconds(2));
  EXPECT_EQ(world.device["plant/p0"], 9.0);
  const PropertyId there = world.cloud_twin().Find("plant/p0");
  EXPECT_EQ(world.cloud_twin().row(there, Side::kOverride)->value, Value(9.0));
  world.Want(0, 4);
  world.Run(seconds(2));
  EXPECT_EQ(world.cloud_twin().row(there, Side::kStatus)->info().state,
            model::DesiredState::kMasked);
  EXPECT_EQ(world.device["plant/p0"], 9.0);
  world.Run(seconds(10));
  EXPECT_EQ(world.device["plant/p0"], 4.0);
  EXPECT_EQ(world.cloud_twin().row(there, Side::kStatus)->info().state,
            model::DesiredState::kApplied);
  EXPECT_TRUE(world.cloud_twin().row(there, Side::kOverride)->value.none());
}

TEST(SessionTest, DesiredArrivesSoonAfterAnOutageThatNobodyNoticed) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Want(0, 5);
  world.FinishCloudCommit();
  const MonoTime end = world.now + seconds(20);
  while (world.now < end) {
    world.down.clear();
    world.Pass(milliseconds(50));
  }
  world.Run(seconds(10));
  EXPECT_EQ(world.device["plant/p0"], 5);
  world.ExpectEqualTwins();
}

TEST(SessionTest, WhatMayNotLeaveYetIsNoReasonToSpin) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Sample(0, 2);
  world.Run(seconds(5));
  // Its entry of the dictionary waits for a disk that does not answer.
  world.Define(world.properties++);
  world.Sample(world.properties - 1, 1);
  int steps = 0;
  const MonoTime end = world.now + seconds(60);
  while (world.now < end && steps < 1'000) {
    const auto next = world.edge().NextStep();
    if (!next) break;
    world.now = std::max(world.now, *next);
    EdgeOutput out;
    world.edge().Step(world.now, world.wall(), out);
    ++steps;
  }
  EXPECT_LT(steps, 50);
}

TEST(SessionTest, WhatComesBackFitsIntoOneFrame) {
  model::Twin twin(model::Role::kCloud);
  CloudOptions options;
  options.random = [](std::uint64_t) { return std::uint64_t{1}; };
  model::Stored stored;
  stored.lineage = {{9, 1, 0}};
  stored.peer_lineage = {{7, 1, 1'000}};
  stored.peer_watermark[1] = 100;
  std::uint64_t chain = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    model::PropertyRecord record;
    record.id = PropertyId{i};
    record.pid = i + 1;
    record.def.path = *model::Path::Parse("plant/p" + std::to_string(i));
    record.def.type = model::ValueType::kString;
    chain = model::ChainHash(chain, record.pid, record.def);
    stored.dictionary.push_back({record.pid, record.id, 0, record.def, chain});
    stored.properties.push_back(record);
    model::Row row;
    row.value = Value(std::string(10'000, 'x'));
    row.dot = {7, i + 1};
    stored.rows.push_back({record.id, Side::kReported, row});
  }
  CloudSession session(options, twin, std::move(stored));
  Hello hello;
  hello.session = 5;
  hello.lineage = {{7, 1, 1'000}, {8, 1'001, 2'000}};
  session.Receive(hello, MonoTime(seconds(1)), {});
  CloudOutput out;
  session.Step(MonoTime(seconds(1)), {}, out);
  ASSERT_TRUE(out.commit);
  session.Committed(out.commit->token, {}, MonoTime(seconds(1)));
  session.Step(MonoTime(seconds(1)), {}, out);
  ASSERT_EQ(out.frames.size(), 1u);
  std::size_t bytes = 0;
  for (const WireRow& row : std::get<Welcome>(out.frames[0]).returned) bytes += EstimateBytes(row);
  EXPECT_GT(bytes, 0u);
  EXPECT_LT(bytes, kFrameBytesMax / 2 + 1);
}

TEST(SessionTest, RoundTripTimesLeaveOutHowLongAnAckWasHeld) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  for (int step = 0; step < 40; ++step) {
    world.Sample(1, step);
    while (!world.up.empty()) world.DeliverUp();
    world.Pass(milliseconds(300));
    world.Sample(2, step);  // Comes in while the first one's commit is out.
    while (!world.up.empty()) world.DeliverUp();
    world.FinishCloudCommit();
    while (!world.down.empty()) world.DeliverDown();
    world.Pass(milliseconds(1'000));
    while (!world.down.empty()) world.DeliverDown();
    world.Run(seconds(2));
  }
  // Delivery takes no time here; an ack is held for up to a second.
  ASSERT_TRUE(world.edge().status().round_trip);
  EXPECT_LT(*world.edge().status().round_trip, milliseconds(100));
}

// Steps of a millisecond, all that was sent delivered in each, until a frame of that kind is sent.
template <class Kind>
std::optional<Kind> NextOf(World& world, std::deque<Frame>& way) {
  for (int i = 0; i < 3'000; ++i) {
    for (const Frame& frame : way) {
      if (const auto* found = std::get_if<Kind>(&frame)) return *found;
    }
    while (!world.up.empty()) world.DeliverUp();
    while (!world.down.empty()) world.DeliverDown();
    world.FinishEdgeCommit();
    world.FinishCloudCommit();
    while (!world.calls.empty()) world.FinishCall();
    world.Pass(milliseconds(1));
  }
  return {};
}

TEST(SessionTest, AnAckLeavesOutTheCursorsThatStandWhereTheWelcomeSaid) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Want(0, 5);
  world.Run(seconds(5));
  world.CutLink();
  world.MendLink();
  world.Run(seconds(5));
  world.Sample(1, 42);
  const std::optional<Ack> ack = NextOf<Ack>(world, world.down);
  ASSERT_TRUE(ack);
  EXPECT_GT(ack->watermark[static_cast<std::size_t>(model::Stream::kState)], 0u);
  EXPECT_EQ(ack->watermark[static_cast<std::size_t>(model::Stream::kControl)], 0u);
  EXPECT_EQ(ack->dictionary_n, 0u);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(SessionTest, AStatusRefersByNumberAloneWhereTheCloudsLineageTellsTheRest) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.Want(0, 5);
  const std::optional<Delta> status = NextOf<Delta>(world, world.up);
  ASSERT_TRUE(status);
  ASSERT_FALSE(status->rows.empty());
  ASSERT_EQ(status->rows[0].side, model::Side::kStatus);
  EXPECT_NE(status->rows[0].row.info().refers_to.seq, 0u);
  EXPECT_EQ(status->rows[0].row.info().refers_to.inc, 0u);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(SessionTest, IdleTwinsExchangeNextToNothing) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  const int before = world.frames_sent;
  world.Run(seconds(3600));
  EXPECT_LE(world.frames_sent - before, 2 * 12 + 2);
}

TEST(SessionTest, ADeviceRestoredFromAnImageLooksBeforeItWritesWhatItMayHaveWritten) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  const Disk image = world.edge_disk;
  world.Want(4, 8);
  world.Run(seconds(3));  // The cloud has what the image lacks …
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  world.FinishCall();  // … but not that this was done.
  world.log.clear();
  world.up.clear();
  world.edge_disk = image;
  world.ForgetSent();
  world.ForgetAcked();
  world.CrashEdge();
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().resets, 1u);
  EXPECT_THAT(world.log, testing::Each(testing::StartsWith("read")));
  EXPECT_THAT(world.log, testing::Contains("read plant/p0"));
  world.ExpectEqualTwins();
}

// What is wanted of a property that is shared again has a newer number than the Welcome's.
TEST(SessionTest, ADeviceRestoredFromAnImageLooksAtWhatItSharesAgain) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  const Disk image = world.edge_disk;
  world.Want(0, 5);
  world.Want(4, 8);
  world.Run(seconds(3));
  ASSERT_EQ(world.device["plant/p0"], 5);
  world.local_only = {0};
  world.Define(0);
  world.Run(seconds(3));
  world.local_only = {};
  world.log.clear();
  world.up.clear();
  world.edge_disk = image;
  world.ForgetSent();
  world.ForgetAcked();
  world.CrashEdge();
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().resets, 1u);
  EXPECT_THAT(world.log, testing::Each(testing::StartsWith("read")));
  EXPECT_THAT(world.log, testing::Contains("read plant/p0"));
  world.Sample(0, 2);
  world.Run(seconds(5));
  world.ExpectEqualTwins();
}

TEST(SessionTest, ADeviceLooksFirstThoughNobodyHeardOfTheLifeThatAnImageEnded) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  const Disk image = world.edge_disk;
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  world.FinishCall();  // It is done, and told to nobody.
  world.log.clear();
  world.up.clear();
  world.edge_disk = image;
  world.ForgetSent();
  world.CrashEdge();
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().resets, 0u) << "it looks like a crash";
  EXPECT_THAT(world.log, testing::ElementsAre("read plant/p0"));
  world.ExpectEqualTwins();
}

// A new number says nothing of when it was wanted.
TEST(SessionTest, WhatIsSharedAgainWhileTheCloudWasSetBackIsNotWantedAnew) {
  World world(1);
  world.Sample(0, 1);
  world.Want(0, 1);
  world.Run(seconds(5));
  world.local_only = {0};
  world.Define(0);
  world.Run(seconds(3));
  const Disk backup = world.cloud_disk;
  world.Want(0, 8);
  world.Run(seconds(3));
  world.CutLink();
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.local_only = {};
  world.Define(0);
  world.MendLink();
  world.Run(seconds(60));
  EXPECT_EQ(world.cloud_twin().row(world.cloud_twin().Find("plant/p0"), Side::kDesired)->value,
            Value(8.0));
  EXPECT_EQ(world.device["plant/p0"], 8);
  world.ExpectEqualTwins();
}

TEST(SessionTest, WhatLeftTheInterestWhileTheCloudWasSetBackIsGivenBack) {
  World world(1);
  world.Run(seconds(5));
  world.Want(0, 1);
  world.Run(seconds(3));
  const Disk backup = world.cloud_disk;
  world.Want(4, 8);
  world.Run(seconds(3));
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.edge().SetInterest({"plant/p0"});
  world.Run(seconds(60));
  const PropertyId there = world.cloud_twin().Find("plant/p4");
  ASSERT_NE(world.cloud_twin().row(there, Side::kDesired), nullptr);
  EXPECT_EQ(world.cloud_twin().row(there, Side::kDesired)->value, Value(8.0));
  EXPECT_EQ(world.edge().status().orphans, 0u);
  const PropertyId here = world.edge_twin().Find("plant/p4");
  EXPECT_EQ(world.edge_twin().row(here, Side::kDesired), nullptr) << "nobody asked for it";
}

TEST(SessionTest, AnInterestIsOnFlashBeforeTheCloudHearsOfIt) {
  World world(1);
  world.Run(seconds(5));
  world.edge().SetInterest({"plant/p0"});
  world.Turn();
  world.Pass(seconds(2));
  world.Turn();
  EXPECT_FALSE(world.edge_commits.empty());
  const auto told = [](const Frame& frame) { return std::holds_alternative<InterestFrame>(frame); };
  EXPECT_TRUE(std::ranges::none_of(world.up, told));
  world.CrashEdge();
  world.edge().SetInterest({"plant/p4"});
  world.Run(seconds(30));
  EXPECT_EQ(world.cloud().status().interest, world.edge().status().interest);
  EXPECT_EQ(world.cloud().status().interest.patterns, std::vector<std::string>{"plant/p4"});
}

TEST(SessionTest, AnInterestThatALaterOneOvertookChangesNothing) {
  World world(1);
  world.Run(seconds(5));
  InterestFrame late;
  late.session = world.edge().Goodbye()->session;
  world.edge().SetInterest({"plant/p0"});
  world.Run(seconds(5));
  late.interest = world.cloud().status().interest;
  world.edge().SetInterest({"plant/p4"});
  world.Run(seconds(5));
  world.cloud().Receive(late, world.now, world.wall());
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().interest, world.edge().status().interest);
}

TEST(SessionTest, ACommandAboveAGapWaitsForWhatWasAskedBeforeIt) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  world.log.clear();
  const auto ask = [&world](std::uint64_t id, const std::string& path) {
    model::Command command;
    command.id = id;
    command.name = "read";
    command.path = path;
    command.expires = world.wall() + seconds(60);
    ASSERT_TRUE(world.cloud().AddCommand(command));
    world.Turn();
    world.FinishCloudCommit();
  };
  ask(7, "plant/p0");
  ASSERT_FALSE(world.down.empty());
  world.down.clear();
  ask(8, "plant/p4");
  world.DeliverDown();
  world.FinishEdgeCommit();
  EXPECT_TRUE(world.calls.empty());
  world.Run(seconds(5));
  EXPECT_EQ(world.log, (std::vector<std::string>{"read plant/p0", "read plant/p4"}));
  EXPECT_EQ(world.cloud().commands().Find(8)->state, model::CommandState::kDone);
}

TEST(SessionTest, AnAnswerThatWasForgottenClosesItsCommandThoughTheAckWasLate) {
  World world(1);
  world.Run(seconds(5));
  model::Command command;
  command.id = 7;
  command.name = "read";
  command.path = "plant/p0";
  command.expires = world.wall() + seconds(60);
  ASSERT_TRUE(world.cloud().AddCommand(command));
  world.Turn();
  world.FinishCloudCommit();
  Delta events;
  events.session = world.edge().Goodbye()->session;
  events.stream = model::Stream::kEvents;
  events.from = world.cloud().status().events;
  events.to = events.from + 1;
  events.events.emplace_back();
  events.events.back().event.dot.seq = events.to;
  events.events.back().event.kind = "events_lost";
  world.cloud().Receive(events, world.now, world.wall());
  ASSERT_EQ(world.cloud().commands().Find(7)->state, model::CommandState::kOpen)
      << "the device may not have it yet";
  Ack ack;
  ack.session = events.session;
  ack.watermark[0] = world.cloud().status().desired_head;
  world.cloud().Receive(ack, world.now, world.wall());
  EXPECT_EQ(world.cloud().commands().Find(7)->state, model::CommandState::kUnknown);
}

TEST(SessionTest, AnOfferThatComesLateDoesNotUndoWhatWasWantedSince) {
  World world(1);
  world.Want(0, 1);
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  world.Want(0, 2);
  world.Run(seconds(2));
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.Run(seconds(30));
  ASSERT_TRUE(world.offer) << "what the cloud lost is given back";
  ASSERT_EQ(world.device["plant/p0"], 2);
  world.Want(0, 3);
  world.Run(seconds(5));
  // Another Hello of the same connection, by which the device holds all that is wanted.
  world.edge().Receive(Nack{.reason = NackReason::kUnknownSession}, world.now, world.wall());
  world.Run(seconds(5));
  world.offer->session = world.edge().Goodbye()->session;  // Drawn again, by ill luck.
  world.cloud().Receive(*world.offer, world.now, world.wall());
  world.Run(seconds(5));
  EXPECT_EQ(world.device["plant/p0"], 3);
  world.ExpectEqualTwins();
}

TEST(SessionTest, AnOfferThatComesTwiceIsTakenOnce) {
  World world(1);
  world.Want(0, 1);
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  world.Want(0, 2);
  world.Run(seconds(2));
  world.cloud_disk = backup;
  world.ForgetAcked();
  world.CrashCloud();
  world.Run(seconds(30));
  ASSERT_TRUE(world.offer);
  const model::PropertyId id = world.cloud_twin().Find("plant/p0");
  const model::Dot taken = world.cloud_twin().row(id, Side::kDesired)->dot;
  world.cloud().Receive(*world.offer, world.now, world.wall());
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud_twin().row(id, Side::kDesired)->dot, taken);
}

TEST(SessionTest, ACommandThatTheLinksEndOvertookWaitsForTheNextWelcome) {
  World world(1);
  world.Run(seconds(5));
  model::Command command;
  command.id = 7;
  command.name = "write";
  command.path = "plant/p0";
  command.value = Value(5.0);
  command.expires = world.wall() + seconds(60);
  ASSERT_TRUE(world.cloud().AddCommand(command));
  world.Turn();
  world.FinishCloudCommit();
  world.DeliverDown();
  ASSERT_EQ(world.edge_commits.size(), 1u) << "its id is on its way to flash";
  world.CutLink();
  world.FinishEdgeCommit();
  EXPECT_TRUE(world.calls.empty()) << "another board may be in this one's place by now";
  world.MendLink();
  world.Run(seconds(5));
  EXPECT_EQ(world.device["plant/p0"], 5.0);
}

model::Command Read(const World& world) {
  model::Command command;
  command.id = 7;
  command.name = "read";
  command.path = "plant/p0";
  command.expires = world.wall() + seconds(600);
  return command;
}

void ExpectAnsweredWithoutValue(World& world) {
  const model::Command* command = world.cloud().commands().Find(7);
  ASSERT_NE(command, nullptr);
  EXPECT_EQ(command->state, model::CommandState::kDone);
  EXPECT_EQ(command->result, "the property is local-only");
  EXPECT_TRUE(command->value.none());
}

TEST(SessionTest, ACommandIsAnsweredThoughItsPropertyIsLocalOnlySince) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  ASSERT_TRUE(world.cloud().AddCommand(Read(world)));
  world.Turn();
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  world.CutLink();
  world.FinishCall();
  world.FinishEdgeCommit();
  ASSERT_EQ(world.log.back(), "read plant/p0");
  world.local_only = {0};
  world.Define(0);
  // The crash takes the answer that was to be sent instead, unless nothing passed over the first.
  world.MendLink();
  for (int i = 0; i < 20; ++i) {
    world.Turn();
    world.FinishCloudCommit();
    world.DeliverUp();
    world.DeliverDown();
    world.Pass(milliseconds(50));
  }
  world.CrashEdge();
  world.Run(seconds(10));
  ExpectAnsweredWithoutValue(world);
}

TEST(SessionTest, WhatACommandReadOfAPropertyThatIsLocalOnlySinceStaysHere) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(5));
  ASSERT_TRUE(world.cloud().AddCommand(Read(world)));
  world.Turn();
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  ASSERT_EQ(world.calls.size(), 1u);
  world.local_only = {0};
  world.Define(0);
  world.Run(seconds(10));
  ExpectAnsweredWithoutValue(world);
}

TEST(SessionTest, AWishThatLeftTheInterestWhileItWasWrittenIsLookedAtFirst) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  world.Want(0, 5);
  world.FinishCloudCommit();
  world.DeliverDown();
  world.FinishEdgeCommit();
  ASSERT_EQ(world.calls.size(), 1u);
  world.edge().SetInterest({"plant/p4"});
  const PropertyId id = world.edge_twin().Find("plant/p0");
  for (int i = 0; i < 50 && world.edge_twin().row(id, Side::kDesired) != nullptr; ++i) {
    world.DeliverUp();
    world.FinishCloudCommit();
    world.DeliverDown();
    world.FinishEdgeCommit();
    world.Pass(milliseconds(50));
  }
  ASSERT_EQ(world.edge_twin().row(id, Side::kDesired), nullptr)
      << "nobody waits for the answer any more";
  world.Run(seconds(3));
  world.edge().SetInterest({});
  world.Run(seconds(3));
  EXPECT_EQ(world.log, (std::vector<std::string>{"write plant/p0", "read plant/p0"}));
  world.ExpectEqualTwins();
}

TEST(SessionTest, AWishThatComesBackUnderAnotherNumberIsLookedAtFirst) {
  World world(1);
  world.Sample(0, 1);
  world.Run(seconds(3));
  world.Want(0, 5);
  world.Run(seconds(3));
  ASSERT_EQ(world.log, std::vector<std::string>{"write plant/p0"});
  world.edge().SetInterest({"plant/p4"});
  world.Run(seconds(3));
  world.local_only = {0};
  world.Define(0);
  world.Run(seconds(3));
  world.local_only = {};
  world.Define(0);  // The cloud owes what is wanted of it anew.
  world.Run(seconds(3));
  world.edge().SetInterest({});
  world.Run(seconds(3));
  EXPECT_EQ(world.log, (std::vector<std::string>{"write plant/p0", "read plant/p0"}));
  world.ExpectEqualTwins();
}

TEST(SessionTest, AFrameDoesNotPassOverEventsThatACrashWouldBringBack) {
  World world(1);
  world.Run(seconds(5));
  world.CutLink();
  model::Event event;
  event.kind = "first";
  world.edge().AddEvent(event);
  world.Turn();
  while (!world.edge_commits.empty()) world.FinishEdgeCommit();
  ASSERT_EQ(world.edge().events().all().back().kind, "first");
  const std::uint64_t first = world.edge().events().all().back().dot.seq;
  // With these it is forgotten, but that is not on flash.
  event.kind = "flood";
  for (int i = 0; i < 2'000; ++i) world.edge().AddEvent(event);
  world.Turn();
  ASSERT_GT(world.edge().events().lost(), 0u);
  world.MendLink();
  for (int i = 0; i < 20; ++i) {
    world.FinishCloudCommit();
    world.DeliverUp();
    world.DeliverDown();
    world.Pass(milliseconds(50));
  }
  ASSERT_EQ(world.edge().status().state, SyncState::kLive);
  EXPECT_LT(world.cloud().status().events, first);
  world.Run(seconds(5));
  EXPECT_EQ(world.cloud().status().events, world.edge().status().events_head);
}

TEST(SessionTest, WhatAnInterestInBetweenPurgedComesAgain) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.edge().SetInterest({"plant/p0", "plant/p4"});
  world.Want(4, 8);
  world.Run(seconds(5));
  world.CutLink();
  world.edge().SetInterest({"plant/p0"});  // The cloud never hears of this one.
  world.Turn();
  world.edge().SetInterest({"plant/*"});
  world.Turn();
  world.MendLink();
  world.Run(seconds(20));
  EXPECT_EQ(world.edge().status().heals, 0u);
  world.ExpectEqualTwins();
}

TEST(SessionTest, WhatACloudPassedOverInAnOlderScopeComesWithoutHealing) {
  World world(1);
  for (int i = 0; i < world.properties; ++i) world.Sample(i, 1);
  world.Run(seconds(5));
  world.edge().SetInterest({"plant/p0"});
  world.Run(seconds(5));
  const Disk backup = world.cloud_disk;
  world.edge().SetInterest({});
  world.Run(seconds(5));
  world.cloud_disk = backup;  // It believes that p0 is all that the device wants.
  world.ForgetAcked();
  world.CrashCloud();
  world.Want(4, 8);
  world.Run(seconds(20));
  EXPECT_EQ(world.device["plant/p4"], 8);
  EXPECT_EQ(world.edge().status().heals, 0u);
  world.ExpectEqualTwins();
}

}  // namespace
}  // namespace edgetwin::sync
