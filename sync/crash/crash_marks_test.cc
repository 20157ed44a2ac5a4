// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/crash/crash_marks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "sync/codec/codec.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::sync {
namespace {

using Kind = CrashItem::Kind;

constexpr CrashItem kA{Kind::kDesiredWrite, 1, 10};
constexpr CrashItem kB{Kind::kDesiredWrite, 1, 11};
constexpr CrashItem kFrameItem{Kind::kFrame, 2, 3};

class CrashMarksTest : public testing::Test {
 protected:
  std::unique_ptr<CrashMarks> Open() {
    auto marks = CrashMarks::Open(file_);
    EXPECT_TRUE(marks) << marks.error().text;
    return marks ? std::move(*marks) : nullptr;
  }

  // A process that ends in the middle of `body`.
  void Crash(const std::function<void(CrashMarks&)>& body) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto marks = CrashMarks::Open(file_);
      if (!marks) _exit(1);
      body(**marks);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }

  tests::TempDir folder_;
  const std::string file_ = folder_.File("marks");
};

TEST_F(CrashMarksTest, TwoCrashesInARowAreAQuarantine) {
  Crash([](CrashMarks& marks) { marks.Enter(kA); });
  Crash([](CrashMarks& marks) {
    if (marks.crashes(kA) != 1 || marks.Quarantined(kA)) _exit(1);
    marks.Enter(kA);
  });
  const auto marks = Open();
  EXPECT_TRUE(marks->Quarantined(kA));
  EXPECT_EQ(marks->found(), std::vector{kA});
  EXPECT_FALSE(marks->Quarantined(kB)) << "a newer value is another item";
}

TEST_F(CrashMarksTest, AQuarantineOutlivesFurtherStarts) {
  Crash([](CrashMarks& marks) { marks.Enter(kA); });
  Crash([](CrashMarks& marks) { marks.Enter(kA); });
  Crash([](CrashMarks&) {});
  Open();
  EXPECT_TRUE(Open()->Quarantined(kA));
}

TEST_F(CrashMarksTest, WhatWentWellInBetweenHasNotCrashedInARow) {
  Crash([](CrashMarks& marks) { marks.Enter(kA); });
  Crash([](CrashMarks& marks) {
    marks.Watch(kA, [] {});
    marks.Enter(kA);
  });
  EXPECT_EQ(Open()->crashes(kA), 1u);
}

TEST_F(CrashMarksTest, ACleanEndIsNoCrash) {
  { Open()->Enter(kA); }
  EXPECT_EQ(Open()->crashes(kA), 0u);
}

TEST_F(CrashMarksTest, WhatIsOutAfterItsCallReturnedCountsToo) {
  Crash([](CrashMarks& marks) {
    marks.Enter(kA);
    marks.Leave();
  });
  EXPECT_EQ(Open()->crashes(kA), 1u);
}

TEST_F(CrashMarksTest, OnlyTheInnermostIsBlamedAndNothingElseThatIsOut) {
  Crash([](CrashMarks& marks) {
    marks.Enter(kA);
    marks.Leave();
    marks.Enter(kFrameItem);
    marks.Enter(kB);
  });
  const auto marks = Open();
  EXPECT_EQ(marks->crashes(kB), 1u);
  EXPECT_EQ(marks->crashes(kFrameItem), 0u);
  EXPECT_EQ(marks->crashes(kA), 0u);
}

TEST_F(CrashMarksTest, OneThatWasNotTriedAgainKeepsItsCrashes) {
  Crash([](CrashMarks& marks) {
    for (const CrashItem& item : {kA, kB}) {
      marks.Enter(item);
      marks.Leave();
    }
  });
  Crash([](CrashMarks& marks) { marks.Enter(kB); });
  const auto marks = Open();
  EXPECT_EQ(marks->crashes(kA), 1u);
  EXPECT_TRUE(marks->Quarantined(kB));
}

TEST_F(CrashMarksTest, MoreThanFitAreNotWatchedAndHarmNothing) {
  Crash([](CrashMarks& marks) {
    for (std::uint64_t i = 0; i < 2 * CrashMarks::kItems; ++i) {
      marks.Enter({Kind::kDesiredWrite, 1, i});
      marks.Leave();
    }
    for (std::size_t i = 0; i < 2 * CrashMarks::kDepthMax; ++i) marks.Enter(kFrameItem);
    for (std::size_t i = 0; i < 2 * CrashMarks::kDepthMax; ++i) marks.Leave();
  });
  EXPECT_EQ(Open()->found().size(), CrashMarks::kItems);
}

TEST_F(CrashMarksTest, BytesThatAreNoMarksAreReplaced) {
  folder_.Write("marks", std::string(100'000, 'x'));
  const auto marks = Open();
  ASSERT_NE(marks, nullptr);
  EXPECT_TRUE(marks->found().empty());
}

TEST_F(CrashMarksTest, DamagedMarksBlameNobodyWhoIsNotThere) {
  { Open(); }
  std::string bytes = tests::ReadFile(file_);
  for (std::size_t i = 8; i < 32; ++i) bytes[i] = '\xff';  // Depth and indexes.
  folder_.Write("marks", bytes);
  EXPECT_TRUE(Open()->found().empty());
}

TEST_F(CrashMarksTest, ASecondProcessDoesNotGetThem) {
  const auto marks = Open();
  Result<std::unique_ptr<CrashMarks>> second = CrashMarks::Open(file_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(CrashMarksTest, AFrameThatEndsTheProcessIsKnownInTheNextSession) {
  sync::Delta delta;
  delta.session = 5;
  delta.stream = model::Stream::kControl;
  delta.to = 9;
  delta.from = 8;
  sync::WireRow row;
  row.pid = 3;
  row.side = model::Side::kDesired;
  row.row.value = model::Value(1.5);
  row.row.dot.seq = 9;
  delta.rows.push_back(row);
  const auto item = [](const sync::Frame& frame) {
    const std::string bytes = sync::Encode(frame);
    return FrameItem(std::as_bytes(std::span(bytes)));
  };
  sync::Delta again = delta;
  again.session = 77'777;
  again.ack = sync::Ack{.session = again.session};
  again.ack->watermark[0] = 4;
  EXPECT_EQ(item(delta), item(again));
  sync::Delta other = delta;
  other.rows[0].row.value = model::Value(2.5);
  EXPECT_FALSE(item(delta) == item(other));

  sync::Nack nack;
  nack.reason = sync::NackReason::kGap;
  sync::Nack busy;
  busy.reason = sync::NackReason::kBusy;
  EXPECT_EQ(item(nack), item(busy)) << "by its kind alone";
  EXPECT_FALSE(item(nack) == item(sync::Probe{1, 2}));
}

TEST_F(CrashMarksTest, AnyBytesAreAFrameItem) {
  std::uint64_t state = 1;
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes(static_cast<std::size_t>(round % 40), '\0');
    for (char& byte : bytes) {
      state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      byte = static_cast<char>(state >> 56);
    }
    const auto view = std::as_bytes(std::span(bytes));
    EXPECT_EQ(FrameItem(view), FrameItem(view));
    EXPECT_EQ(FrameItem(view).kind, Kind::kFrame);
  }
}

}  // namespace
}  // namespace edgetwin::sync
