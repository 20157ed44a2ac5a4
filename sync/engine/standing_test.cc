// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who may speak for a device, and what is believed of its store: the cloud's half alone, against
// Hellos made by hand. The stories are those that tests/model found.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sync/engine/cloud_session.h"

namespace edgetwin::sync {
namespace {

using model::Stream;
using std::chrono::seconds;

constexpr std::size_t kControl = static_cast<std::size_t>(Stream::kControl);

class StandingTest : public testing::Test {
 protected:
  StandingTest() {
    CloudOptions options;
    options.random = [this](std::uint64_t below) { return ++drawn_ % below; };
    model::Stored stored;
    stored.lineage = {{0xc10d, 1, 0}};
    session_.emplace(options, twin_, std::move(stored));
  }

  // A Hello of the store with this lineage, whose last opening had `kept` on flash when it began.
  Hello From(model::Lineage lineage, std::uint64_t kept) {
    Hello hello;
    hello.session = ++sessions_;
    hello.boot_ms = ++boot_ms_;
    hello.lineage = std::move(lineage);
    hello.durable = {kept, kept, kept, 0};
    hello.epoch = session_->status().epoch;
    return hello;
  }

  // What the cloud answers, once everything is committed.
  std::vector<Frame> Say(Frame frame) {
    session_->Receive(std::move(frame), now_, {});
    return Settle();
  }
  std::vector<Frame> Settle() {
    std::vector<Frame> frames;
    for (int turn = 0; turn < 4; ++turn) {
      CloudOutput out;
      session_->Step(now_, {}, out);
      for (Frame& frame : out.frames) frames.push_back(std::move(frame));
      if (out.commit) session_->Committed(out.commit->token, {}, now_);
    }
    return frames;
  }

  // Promised rows up to here, of the session that is open; they are not looked into.
  void Promise(std::uint64_t from, std::uint64_t to) {
    Delta delta;
    delta.session = sessions_;
    delta.stream = Stream::kControl;
    delta.from = from;
    delta.to = to;
    Say(delta);
    ASSERT_EQ(session_->status().control, to);
  }

  template <typename Kind>
  static const Kind* Find(const std::vector<Frame>& frames) {
    for (const Frame& frame : frames) {
      if (const auto* found = std::get_if<Kind>(&frame)) return found;
    }
    return nullptr;
  }
  static bool Fenced(const std::vector<Frame>& frames) {
    const auto* nack = Find<Nack>(frames);
    return nack != nullptr && nack->reason == NackReason::kFenced;
  }

  MonoTime now_{seconds(100)};
  std::optional<CloudSession> session_;
  model::Twin twin_{model::Role::kCloud};
  std::uint32_t sessions_ = 0;

 private:
  std::uint64_t drawn_ = 0;
  std::uint64_t boot_ms_ = 0;
};

const model::Lineage kBoard = {{1, 1, 1'000}};
const model::Lineage kOther = {{9, 1, 1'000}};

TEST_F(StandingTest, AnIncumbentsHelloDropsAClaimAndFencesNobody) {
  ASSERT_NE(Find<Welcome>(Say(From(kBoard, 0))), nullptr);
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  ASSERT_NE(Find<Probe>(Say(claim)), nullptr);
  const std::vector<Frame> answers = Say(From(kBoard, 0));
  EXPECT_NE(Find<Welcome>(answers), nullptr);
  EXPECT_FALSE(Fenced(answers));
  // The claimant asks again, and the board is asked again.
  EXPECT_NE(Find<Probe>(Say(claim)), nullptr);
}

TEST_F(StandingTest, ACopyOfTheIncumbentsHelloDropsNoClaim) {
  const Hello first = From(kBoard, 0);
  Say(first);
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  ASSERT_NE(Find<Probe>(Say(claim)), nullptr);
  Say(first);
  now_ += seconds(11);
  const std::vector<Frame> answers = Settle();
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->session, claim.session);
}

TEST_F(StandingTest, AClaimantThatRestartsIsStillTheClaimant) {
  Say(From(kBoard, 0));
  const model::Epoch epoch = session_->status().epoch;
  ASSERT_NE(Find<Probe>(Say(From({{1, 1, 1'000, 0}, {2, 1'001, 2'000}}, 0))), nullptr);
  now_ += seconds(8);
  Settle();
  const Hello again = From({{1, 1, 1'000, 0}, {2, 1'001, 2'000}, {3, 2'001, 3'000}}, 0);
  EXPECT_EQ(Find<Nack>(Say(again)), nullptr);
  now_ += seconds(3);  // Ten seconds since the first one.
  const std::vector<Frame> answers = Settle();
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->session, again.session);
  EXPECT_EQ(welcome->epoch, epoch);
}

TEST_F(StandingTest, ASecondClaimantIsToldWhenToAskAgain) {
  Say(From(kBoard, 0));
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  ASSERT_NE(Find<Probe>(Say(claim)), nullptr);
  Hello second = From({{17, 1, 1'000}}, 0);
  second.epoch = {};
  const std::vector<Frame> answers = Say(second);
  const auto* nack = Find<Nack>(answers);
  ASSERT_NE(nack, nullptr);
  EXPECT_EQ(nack->reason, NackReason::kBusy);
  EXPECT_EQ(nack->spread_ms, 10'000u);
}

TEST_F(StandingTest, AClaimantThatLeavesIsNotAdmitted) {
  Say(From(kBoard, 0));
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  claim.will_session = 901;
  Say(claim);
  Say(Bye{901});
  now_ += seconds(11);
  EXPECT_EQ(Find<Welcome>(Settle()), nullptr);
  EXPECT_FALSE(session_->status().probing);
}

TEST_F(StandingTest, TheProbesAnswerFencesTheClaimant) {
  Say(From(kBoard, 0));
  const std::uint32_t session = sessions_;
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  const std::vector<Frame> asked = Say(claim);
  ASSERT_NE(Find<Probe>(asked), nullptr);
  const std::vector<Frame> answers = Say(Probe{session, Find<Probe>(asked)->nonce});
  ASSERT_TRUE(Fenced(answers));
  EXPECT_EQ(Find<Nack>(answers)->cursors.session, claim.session);
}

TEST_F(StandingTest, AnAdmissionIsForSomebodyElseThanWhoIsHere) {
  Say(From(kBoard, 0));
  session_->AdmitNext();
  Say(From(kBoard, 0));
  EXPECT_EQ(session_->status().admission, model::Admission::kNextClaimant);
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  EXPECT_NE(Find<Welcome>(Say(claim)), nullptr);
  EXPECT_EQ(session_->status().admission, model::Admission::kNormal);
}

TEST_F(StandingTest, AfterItWasDecommissionedAnybodyIsLetInOnce) {
  Say(From(kBoard, 0));
  session_->Decommission();
  Settle();
  EXPECT_TRUE(Fenced(Say(From(kBoard, 0))));
  session_->AdmitNext();
  session_->AdmitNext();  // An operator who is not sure.
  EXPECT_NE(Find<Welcome>(Say(From(kBoard, 0))), nullptr);
  EXPECT_EQ(session_->status().admission, model::Admission::kNormal);
}

TEST_F(StandingTest, WhatDescendsFromABranchThatWasGivenUpStaysOut) {
  Say(From(kBoard, 0));
  Say(Bye{sessions_});
  Say(From({{1, 1, 1'000, 2}, {2, 1'001, 2'000}}, 2));
  Promise(0, 1'005);
  Say(Bye{sessions_});
  ASSERT_NE(Find<Welcome>(Say(From({{1, 1, 1'000, 2}, {3, 1'001, 2'000}}, 2))), nullptr);
  EXPECT_EQ(session_->status().superseded_n, 1u);
  Say(Bye{sessions_});
  // It opened once more since, and has lost its epoch.
  Hello claim = From({{1, 1, 1'000, 2}, {2, 1'001, 2'000, 1'005}, {4, 2'001, 3'000}}, 1'005);
  claim.epoch = {};
  EXPECT_TRUE(Fenced(Say(claim)));
  session_->AdmitNext();
  EXPECT_NE(Find<Welcome>(Say(claim)), nullptr);
}

TEST_F(StandingTest, TwoImagesOfOneOpeningShareWhatTheEarlierOneHad) {
  Say(From(kBoard, 0));
  Promise(0, 300);
  Say(Bye{sessions_});
  Say(From({{1, 1, 1'000, 300}, {2, 1'001, 2'000}}, 300));
  Promise(300, 1'010);
  Say(Bye{sessions_});
  const std::vector<Frame> answers = Say(From({{1, 1, 1'000, 500}, {3, 1'001, 2'000}}, 500));
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->seq_floor, 1'010u);
  EXPECT_EQ(welcome->common[kControl], 300u);
}

// An image of the store, made while it had not heard yet that it was set back, and had promised
// something of its own: its lineage continues, and it holds all that the newest opening kept.
class UnheardTest : public StandingTest {
 protected:
  void SetUp() override {
    Say(From(kBoard, 0));
    Promise(0, 5);
    Say(Bye{sessions_});
    const model::Lineage second = {{1, 1, 1'000, 2}, {2, 1'001, 2'000}};
    Hello hello = From(second, 2);
    before_ = hello.epoch;
    const std::vector<Frame> answers = Say(hello);
    const auto* welcome = Find<Welcome>(answers);
    ASSERT_NE(welcome, nullptr);
    ASSERT_EQ(welcome->seq_floor, 5u);
    EXPECT_EQ(welcome->common[kControl], 2u);
    Promise(5, 1'010);  // All that it has, told anew: the setback is over.
    Say(Bye{sessions_});
    ASSERT_EQ(session_->status().epoch.counter, 2u);
  }

  Hello Image() {
    Hello image = From({{1, 1, 1'000, 2}, {2, 1'001, 2'000, 1'010}, {3, 2'001, 3'000}}, 1'010);
    image.epoch = before_;
    return image;
  }

  model::Epoch before_;
};

TEST_F(UnheardTest, AnImageFromBeforeASetbackIsSetBackThoughItContinues) {
  const std::vector<Frame> answers = Say(Image());
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->seq_floor, 1'010u);
  EXPECT_EQ(welcome->epoch.counter, 3u);
}

TEST_F(UnheardTest, ItSharesWithTheCloudOnlyWhatWasThereAtThatSetback) {
  const std::vector<Frame> answers = Say(Image());
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->common[kControl], 2u);
}

TEST_F(UnheardTest, WhoHasHeardOfItContinues) {
  Hello hello = Image();
  hello.epoch = session_->status().epoch;
  const std::vector<Frame> answers = Say(hello);
  const auto* welcome = Find<Welcome>(answers);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->seq_floor, 0u);
  EXPECT_EQ(welcome->epoch.counter, 2u);
}

// The device may have run it: it was given in an opening that a backup knows as open.
TEST(RestoredCloudTest, WhatItsBackupHoldsAsOpenIsUnknown) {
  model::Twin twin(model::Role::kCloud);
  CloudOptions options;
  options.random = [](std::uint64_t) { return std::uint64_t{1}; };
  model::Stored stored;
  stored.lineage = {{5, 1, 3}, {6, 4, 3}};
  stored.peer_lineage = kBoard;
  stored.epoch = {3, 9};
  model::Command command;
  command.id = 77;
  command.dot = {5, 3};
  command.epoch = 3;
  command.name = "read";
  command.expires = WallTime(seconds(2'000'000'000));
  stored.commands = {command};
  CloudSession session(options, twin, std::move(stored));
  command.id = 78;
  command.dot = {};
  ASSERT_TRUE(session.AddCommand(command));
  Hello hello;  // Of a device that holds more of the cloud than this one ever gave.
  hello.session = 5;
  hello.lineage = kBoard;
  hello.cloud_inc = 5;
  hello.watermark[kControl] = 9;
  hello.epoch = {2, 8};  // The image of a store, from before this epoch.
  session.Receive(hello, MonoTime(seconds(1)), {});
  std::map<std::uint64_t, model::CommandState> states;
  for (const auto& [seq, held] : session.commands().all()) states[held.id] = held.state;
  EXPECT_EQ(states[77], model::CommandState::kUnknown);
  EXPECT_EQ(states[78], model::CommandState::kOpen);
}

TEST_F(StandingTest, ADictionaryThatPartsEndsTheSessionAndItsTimers) {
  Say(From(kBoard, 0));
  session_->SetDesired(*twin_.FindOrAdd(*model::Path::Parse("plant/p0")), model::Value(1.0), "", {},
                       {});
  Settle();  // Under way, and to be sent again.
  DictionaryFrame frame;
  frame.session = sessions_;
  frame.entries.emplace_back();
  frame.entries[0].def.path = *model::Path::Parse("plant/p0");
  frame.entries[0].def.type = model::ValueType::kDouble;
  Say(frame);
  frame.entries[0].def.unit = "Cel";
  const std::vector<Frame> answers = Say(frame);
  const auto* nack = Find<Nack>(answers);
  ASSERT_NE(nack, nullptr);
  EXPECT_EQ(nack->reason, NackReason::kUnknownSession);
  EXPECT_FALSE(session_->connected());
  EXPECT_FALSE(session_->NextStep()) << "nobody is there to hear it";
}

TEST_F(StandingTest, AByeOfNoSessionEndsNothing) {
  Say(From(kBoard, 0));
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  Say(claim);
  Say(Bye{0});
  EXPECT_TRUE(session_->connected());
  EXPECT_TRUE(session_->status().probing);
}

// One turn may refuse more than one frame, and each is to be named.
TEST_F(StandingTest, EveryRefusedFrameIsNamed) {
  Say(From(kBoard, 0));
  for (std::uint64_t to = 1; to <= 2; ++to) {
    Delta delta;
    delta.session = sessions_;
    delta.stream = Stream::kControl;
    delta.from = to - 1;
    delta.to = to;
    WireRow desired;
    desired.path = "plant/p0";
    desired.side = model::Side::kDesired;  // Not the device's to write.
    delta.rows = {desired};
    session_->Receive(delta, now_, {});
  }
  std::vector<std::uint64_t> refused;
  for (const Frame& frame : Settle()) {
    const auto* nack = std::get_if<Nack>(&frame);
    if (nack != nullptr && nack->refused) refused.push_back(nack->refused->to);
  }
  EXPECT_EQ(refused, (std::vector<std::uint64_t>{1, 2}));
}

// What a busy cloud says of when to ask must not end up in another answer of that turn.
TEST_F(StandingTest, ABusyAnswerThatIsSaidAlreadyChangesNoOtherOne) {
  Say(From(kBoard, 0));
  Hello claim = From(kOther, 0);
  claim.epoch = {};
  Say(claim);
  Hello second = From({{17, 1, 1'000}}, 0);
  second.epoch = {};
  session_->Receive(second, now_, {});
  Delta unknown;
  unknown.session = 4'711;
  session_->Receive(unknown, now_, {});
  ++second.boot_ms;
  session_->Receive(second, now_, {});
  for (const Frame& frame : Settle()) {
    const auto* nack = std::get_if<Nack>(&frame);
    if (nack == nullptr) continue;
    EXPECT_EQ(nack->spread_ms != 0, nack->reason == NackReason::kBusy);
  }
}

TEST_F(StandingTest, TheWillOfTheConnectionEndsALaterSessionOfIt) {
  Hello hello = From(kBoard, 0);
  hello.will_session = 77;
  Say(hello);
  ASSERT_TRUE(session_->connected());
  Say(Bye{78});
  EXPECT_TRUE(session_->connected());
  Say(Bye{77});
  EXPECT_FALSE(session_->connected());
}

}  // namespace
}  // namespace edgetwin::sync
