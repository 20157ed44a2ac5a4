// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/call_gate.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include "tests/support/temp_dir.h"

namespace edgetwin::runtime {
namespace {

using model::DriverCall;

DriverCall Write(std::uint64_t seq) {
  DriverCall call;
  call.kind = DriverCall::Kind::kWrite;
  call.ticket = seq;
  call.dot = {7, seq};
  return call;
}

class CallGateTest : public testing::Test {
 protected:
  // A process that ends once `body` has made its calls.
  void Crash(const std::function<void(CallGate&)>& body) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Open();
      body(*gate_);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  void Open() {
    gate_.reset();
    marks_.reset();
    auto marks = sync::CrashMarks::Open(folder_.File("marks"));
    ASSERT_TRUE(marks) << marks.error().text;
    marks_ = std::move(*marks);
    gate_ = std::make_unique<CallGate>(
        marks_.get(), [this](const DriverCall& call) { passed_.push_back(call.ticket); },
        [this](const DriverCall& call, const sync::CrashItem& why) {
          EXPECT_TRUE(marks_->Quarantined(why));
          refused_.push_back(call.ticket);
        });
  }

  using Tickets = std::vector<std::uint64_t>;

  tests::TempDir folder_;
  std::unique_ptr<sync::CrashMarks> marks_;
  std::unique_ptr<CallGate> gate_;
  Tickets passed_, refused_;
};

TEST_F(CallGateTest, WhatNeverCrashedPassesAtOnce) {
  Open();
  for (std::uint64_t i = 1; i <= 3; ++i) gate_->Call(Write(i));
  EXPECT_EQ(passed_, (Tickets{1, 2, 3}));
}

TEST_F(CallGateTest, AfterACrashWithSeveralOutEachIsTriedAloneAndOnlyTheCulpritIsRefused) {
  Crash([](CallGate& gate) {
    for (std::uint64_t i = 1; i <= 3; ++i) gate.Call(Write(i));
  });
  Crash([](CallGate& gate) {
    for (std::uint64_t i = 1; i <= 3; ++i) gate.Call(Write(i));
    gate.Answered(Write(1));
    gate.Pump();
    // In the middle of the second one.
  });
  Open();
  for (std::uint64_t i = 1; i <= 3; ++i) gate_->Call(Write(i));
  EXPECT_EQ(refused_, Tickets{2});
  EXPECT_EQ(passed_, Tickets{1}) << "the third one is a suspect, and waits";
  gate_->Answered(Write(1));
  EXPECT_EQ(passed_, Tickets{1}) << "not from inside the answer";
  gate_->Pump();
  EXPECT_EQ(passed_, (Tickets{1, 3}));
  gate_->Answered(Write(3));
  gate_->Call(Write(4));
  EXPECT_EQ(passed_, (Tickets{1, 3, 4}));
}

TEST_F(CallGateTest, WhileASuspectIsOutNothingElseIs) {
  Crash([](CallGate& gate) { gate.Call(Write(1)); });
  Open();
  gate_->Call(Write(1));
  gate_->Call(Write(2));
  EXPECT_EQ(passed_, Tickets{1});
  gate_->Answered(Write(1));
  EXPECT_EQ(passed_, Tickets{1}) << "not from inside the answer";
  gate_->Pump();
  EXPECT_EQ(passed_, (Tickets{1, 2}));
}

TEST_F(CallGateTest, AReadThatWentWellDoesNotForgiveTheWrite) {
  DriverCall read = Write(1);
  read.kind = DriverCall::Kind::kRead;
  for (int i = 0; i < 2; ++i) {
    Crash([&read](CallGate& gate) {
      gate.Call(read);
      gate.Answered(read);
      gate.Call(Write(1));
    });
  }
  Open();
  gate_->Call(Write(1));
  EXPECT_EQ(refused_, Tickets{1});
}

TEST_F(CallGateTest, ARefusedWriteDoesNotKeepItsReadBack) {
  for (int i = 0; i < 2; ++i) Crash([](CallGate& gate) { gate.Call(Write(1)); });
  Open();
  DriverCall read = Write(1);
  read.kind = DriverCall::Kind::kRead;
  gate_->Call(read);
  EXPECT_EQ(passed_, Tickets{1});
}

TEST_F(CallGateTest, ARefusedReadKeepsItsWriteBackAsWell) {
  DriverCall read = Write(1);
  read.kind = DriverCall::Kind::kRead;
  for (int i = 0; i < 2; ++i) Crash([&read](CallGate& gate) { gate.Call(read); });
  Open();
  gate_->Call(Write(1));
  EXPECT_EQ(refused_, Tickets{1});
  EXPECT_TRUE(passed_.empty());
}

TEST_F(CallGateTest, AnOverrideIsAnotherItemThanADesiredValueOfItsVersion) {
  for (int i = 0; i < 2; ++i) Crash([](CallGate& gate) { gate.Call(Write(1)); });
  Open();
  DriverCall hold = Write(1);
  hold.cause = DriverCall::Cause::kOverride;
  gate_->Call(hold);
  EXPECT_EQ(passed_, Tickets{1});
}

TEST_F(CallGateTest, ACommandIsNeitherMarkedNorKeptBack) {
  DriverCall command = Write(1);
  command.cause = DriverCall::Cause::kCommand;
  for (int i = 0; i < 2; ++i) Crash([&](CallGate& gate) { gate.Call(command); });
  Open();
  gate_->Call(command);
  EXPECT_EQ(passed_, Tickets{1});
}

TEST_F(CallGateTest, NothingPassesOnceClosed) {
  Crash([](CallGate& gate) { gate.Call(Write(1)); });
  Open();
  gate_->Call(Write(1));
  gate_->Call(Write(2));
  gate_->Close();
  gate_->Answered(Write(1));
  gate_->Pump();
  gate_->Call(Write(3));
  EXPECT_EQ(passed_, Tickets{1});
}

}  // namespace
}  // namespace edgetwin::runtime
