// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Both halves of P3 against each other, with a flash and a cloud's history that are lists.

#include "sync/engine/backfill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine/cloud_backfill.h"

namespace edgetwin::sync {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kSamples = 10;  // Of each block.

std::string PathOf(int index) {
  return "plant/p" + std::to_string(index);
}

// Blocks in the order of their commits, one a commit.
struct Flash {
  struct Block {
    std::uint64_t inc = 0;
    StoredBlock block;
    bool delivered = false;
  };

  void Commit(std::uint64_t inc, int property) {
    const std::string path = PathOf(property);
    StoredBlock block{path, next[path], kSamples, std::string(60, 'x')};
    block.bytes += "#" + std::to_string(inc) + "#" + std::to_string(block.first);
    next[path] += kSamples;
    blocks.push_back({inc, block, false});
  }
  BackfillChunk Read(const BackfillRead& read) {
    if (read.anew) {
      for (Block& block : blocks) block.delivered = false;
    }
    if (read.delivered) {
      for (const std::size_t place : out) blocks[place].delivered = true;
      if (losses_out) losses.clear();
    }
    if (read.mark.inc != 0) mark = read.mark;
    out.clear();
    BackfillChunk chunk;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const bool newest = read.order == BackfillOrder::kNewest;
      const std::size_t place = newest ? blocks.size() - 1 - i : i;
      const Block& block = blocks[place];
      if (block.delivered) continue;
      if (!out.empty() && (block.inc != chunk.inc || bytes > read.bytes_max)) break;
      chunk.inc = block.inc;
      chunk.blocks.push_back(block.block);
      bytes += block.block.bytes.size();
      out.push_back(place);
    }
    chunk.losses = losses;
    losses_out = !losses.empty();
    return chunk;
  }
  std::size_t waiting() const {
    return static_cast<std::size_t>(std::ranges::count(blocks, false, &Block::delivered));
  }

  std::vector<Block> blocks;
  std::vector<StoredLoss> losses;
  std::map<std::string, std::uint64_t> next;
  std::vector<std::size_t> out;
  bool losses_out = false;
  HistoryMark mark;
};

struct CloudFile {
  HistoryPutDone Take(const HistoryPut& put) {
    HistoryPutDone done;
    for (const HistoryPut::Block& block : put.blocks) {
      const std::size_t at = block.bytes.rfind('#');
      const std::uint64_t first = std::stoull(block.bytes.substr(at + 1));
      OrdinalSet& held = spans[{block.path, put.inc}];
      if (!held.Contains(first, first + kSamples - 1)) ++taken[block.path];
      held.Add(first, first + kSamples - 1);
      order.push_back(first);
      for (const OrdinalSet::Interval& interval : held.intervals()) {
        if (interval.first <= first && first <= interval.last) done.held.emplace_back(interval);
      }
    }
    for (const HistoryPut::Loss& loss : put.losses) losses.push_back(loss);
    done.mark = {inc, ++commits};
    return done;
  }
  HistoryLooked Look(const HistoryLook& look) const {
    HistoryLooked looked;
    looked.mark = {inc, commits};
    looked.continues = look.known.inc == inc && look.known.commit <= commits;
    if (looked.continues) return looked;
    for (std::size_t place = 0; place < look.paths.size(); ++place) {
      for (const auto& [key, held] : spans) {
        if (key.first != look.paths[place]) continue;
        for (const auto& interval : held.intervals()) {
          looked.held.push_back({place, key.second, interval});
        }
      }
    }
    return looked;
  }

  std::uint64_t inc = 7;
  std::uint64_t commits = 0;
  std::map<std::pair<std::string, std::uint64_t>, OrdinalSet> spans;
  std::map<std::string, int> taken;
  std::vector<std::uint64_t> order;  // Of arrival.
  std::vector<HistoryPut::Loss> losses;
};

class BackfillTest : public testing::Test {
 protected:
  static constexpr int kProperties = 4;

  BackfillTest() {
    model::Stored stored;
    stored.lineage = {{.inc = 1, .first_seq = 1, .limit = 1'000}};
    twin_.Load(model::Stored(stored));
    cloud_twin_.Load(std::move(stored));
    for (int i = 0; i < kProperties; ++i) Define(i, false);
    Tell();
    Start();
  }

  void Define(int index, bool local_only) {
    model::PropertyDef def;
    def.path = *model::Path::Parse(PathOf(index));
    def.type = model::ValueType::kInt;
    def.local_only = local_only;
    ASSERT_TRUE(twin_.Define(def));
  }
  // The cloud learns the dictionary.
  void Tell() {
    for (model::Pid pid = cloud_twin_.dictionary_size() + 1; pid <= twin_.dictionary_size();
         ++pid) {
      ASSERT_TRUE(cloud_twin_.TakeEntry(twin_.Entry(pid)));
    }
  }

  // The agent's process begins.
  void Start(BackfillOptions options = {}) {
    backfill_ = std::make_unique<Backfill>(options, twin_);
    backfill_->Attach(flash_.mark);
    Connect();
  }
  void Connect() {
    up_.clear();
    down_.clear();
    reads_.clear();
    cloud_ = std::make_unique<CloudBackfill>(cloud_twin_, ++starts_ * 1'000);
    backfill_->Begin(true);
  }

  void Turn() {
    Backfill::Turn turn;
    turn.session = 5;
    turn.pid_max = pid_max_.value_or(twin_.dictionary_size());
    turn.frame_bytes_max = frame_bytes_max_;
    turn.rto = seconds(2);
    turn.room = room_;
    Backfill::Output out;
    backfill_->Step(turn, now_, out);
    if (out.frame) {
      ++frames_sent_;
      up_.push_back(std::move(*out.frame));
    }
    if (out.read) reads_.push_back(*out.read);
  }
  void AnswerRead() {
    if (reads_.empty()) return;
    const BackfillRead read = reads_.front();
    reads_.pop_front();
    backfill_->OnRead(read.token, flash_.Read(read), now_);
  }
  void DeliverUp() {
    if (up_.empty()) return;
    Frame frame = std::move(up_.front());
    up_.pop_front();
    if (const auto* ask = std::get_if<HistoryAsk>(&frame)) cloud_->OnAsk(*ask);
    if (auto* history = std::get_if<HistoryFrame>(&frame)) {
      EXPECT_TRUE(cloud_->OnHistory(std::move(*history)));
    }
    for (HistoryRequest& request : cloud_->TakeRequests()) requests_.push_back(std::move(request));
  }
  void AnswerRequest() {
    if (requests_.empty()) return;
    const HistoryRequest request = std::move(requests_.front());
    requests_.pop_front();
    if (const auto* put = std::get_if<HistoryPut>(&request.work)) {
      cloud_->PutDone(request.token, file_.Take(*put));
    } else {
      cloud_->Looked(request.token, file_.Look(std::get<HistoryLook>(request.work)));
    }
    for (Frame& frame : cloud_->TakeFrames(5)) down_.push_back(std::move(frame));
  }
  void DeliverDown() {
    if (down_.empty()) return;
    const Frame frame = std::move(down_.front());
    down_.pop_front();
    if (const auto* held = std::get_if<HistoryHeld>(&frame)) backfill_->OnHeld(*held);
    if (const auto* ack = std::get_if<HistoryAck>(&frame)) backfill_->OnAck(*ack, now_);
  }
  void Exchange() {
    Turn();
    AnswerRead();
    Turn();
    DeliverUp();
    AnswerRequest();
    DeliverDown();
  }
  void Run(int turns = 200) {
    for (int i = 0; i < turns; ++i) Exchange();
  }

  void FillFlash(int commits, std::uint64_t inc = 100) {
    for (int i = 0; i < commits; ++i) flash_.Commit(inc, i % kProperties);
    backfill_->Stored();
  }
  // Every block that was committed is in the cloud, once, and known to be there.
  void ExpectAllDelivered() {
    std::map<std::string, int> committed;
    for (const Flash::Block& block : flash_.blocks) {
      ++committed[block.block.path];
      const OrdinalSet& held = file_.spans[{block.block.path, block.inc}];
      EXPECT_TRUE(held.Contains(block.block.first, block.block.first + kSamples - 1))
          << block.block.path << " " << block.block.first;
    }
    EXPECT_EQ(file_.taken, committed);
    EXPECT_EQ(flash_.waiting(), 0u);
    EXPECT_TRUE(backfill_->status().caught_up);
  }

  model::Twin twin_{model::Role::kDevice};
  model::Twin cloud_twin_{model::Role::kCloud};
  Flash flash_;
  CloudFile file_;
  std::unique_ptr<Backfill> backfill_;
  std::unique_ptr<CloudBackfill> cloud_;
  std::uint64_t starts_ = 0;
  std::deque<Frame> up_, down_;
  std::deque<BackfillRead> reads_;
  std::deque<HistoryRequest> requests_;
  MonoTime now_{seconds(100)};
  bool room_ = true;
  std::size_t frame_bytes_max_ = 1'000;
  std::optional<model::Pid> pid_max_;
  int frames_sent_ = 0;
};

TEST_F(BackfillTest, EverythingArrivesOnceNewestFirst) {
  FillFlash(100);
  Run();
  ExpectAllDelivered();
  EXPECT_GT(file_.order.front(), file_.order.back());
  EXPECT_EQ(backfill_->status().samples, 100u * kSamples);
}

TEST_F(BackfillTest, EverythingArrivesOnceOldestFirst) {
  Start({.order = BackfillOrder::kOldest});
  FillFlash(100);
  Run();
  ExpectAllDelivered();
  EXPECT_EQ(file_.order.front(), 0u);
  EXPECT_LT(file_.order.front(), file_.order.back());
}

TEST_F(BackfillTest, WhatIsCommittedLaterFollows) {
  FillFlash(3);
  Run();
  FillFlash(3, 101);
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, OneFrameIsUnderWayAtATime) {
  FillFlash(100);
  while (file_.order.empty()) Exchange();
  const int before = frames_sent_;
  Turn();
  AnswerRead();
  for (int i = 0; i < 20; ++i) Turn();
  EXPECT_EQ(frames_sent_, before + 1);
  EXPECT_TRUE(reads_.empty()) << "nor is more than one in memory";
}

TEST_F(BackfillTest, AFrameThatGetsLostIsSentAgainLaterAndLater) {
  FillFlash(1);
  while (up_.empty() || !std::holds_alternative<HistoryFrame>(up_.back())) {
    Turn();
    AnswerRead();
    if (!up_.empty() && std::holds_alternative<HistoryAsk>(up_.front())) DeliverUp();
    AnswerRequest();
    DeliverDown();
  }
  const HistoryFrame sent = std::get<HistoryFrame>(up_.back());
  up_.clear();
  now_ += milliseconds(1'999);
  Turn();
  EXPECT_TRUE(up_.empty());
  EXPECT_EQ(backfill_->NextStep(true), now_ + milliseconds(1));
  now_ += milliseconds(1);
  Turn();
  ASSERT_EQ(up_.size(), 1u);
  EXPECT_EQ(std::get<HistoryFrame>(up_.front()), sent);
  up_.clear();
  now_ += seconds(3);
  Turn();
  EXPECT_TRUE(up_.empty()) << "twice as long as before";
  now_ += seconds(1);
  Turn();
  EXPECT_EQ(up_.size(), 1u);
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, ALostAckCostsARepetitionAndNothingElse) {
  FillFlash(40);
  for (int i = 0; i < 400; ++i) {
    if (i % 3 == 0) down_.clear();
    if (i % 7 == 0 && !down_.empty()) down_.push_back(down_.front());
    Exchange();
    now_ += seconds(1);
  }
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, GoesOnInTheNextSessionWhereItWas) {
  FillFlash(100);
  while (flash_.waiting() > 50) Exchange();
  const std::size_t frames_before = file_.order.size();
  Connect();
  Run();
  ExpectAllDelivered();
  EXPECT_LE(file_.order.size(), 100u + frames_before / 5) << "one frame again at most";
  EXPECT_LE(backfill_->status().walks, 1u);
}

TEST_F(BackfillTest, ACrashOfTheDeviceSendsAgainWhatItsFlashDidNotKnow) {
  FillFlash(60);
  while (flash_.waiting() > 40) Exchange();
  const Flash before = flash_;
  while (flash_.waiting() > 20) Exchange();
  flash_ = before;  // Written lazily.
  Start();
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, ACloudThatDidNotCommitIsSentItAgain) {
  FillFlash(40);
  for (int i = 0; i < 30; ++i) {
    Exchange();
    if (i % 5 == 4) {
      requests_.clear();  // It crashes before it commits.
      Connect();
    }
  }
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, ARestoredCloudIsSentWhatItLacksAndNoMore) {
  FillFlash(40);
  Run();
  const CloudFile backup = file_;
  FillFlash(8, 101);
  Run();
  ExpectAllDelivered();
  file_ = backup;
  file_.inc = 8;  // Another opening.
  const std::uint64_t sent_before = backfill_->status().blocks;
  Connect();
  Run();
  ExpectAllDelivered();
  EXPECT_EQ(backfill_->status().blocks - sent_before, 8u);
  EXPECT_EQ(backfill_->status().walks, 2u) << "the first one was for a cloud that knew nothing";
}

// The walk was begun, and flash has not heard of it yet.
TEST_F(BackfillTest, ASessionThatEndsBeforeTheWalkBeginsIsFollowedByAnotherQuestion) {
  FillFlash(8);
  Run();
  const std::size_t held = file_.order.size();
  file_ = CloudFile();
  file_.inc = 8;
  Connect();
  while (std::ranges::none_of(
      down_, [](const Frame& frame) { return std::holds_alternative<HistoryHeld>(frame); })) {
    Turn();
    DeliverUp();
    AnswerRequest();
  }
  DeliverDown();
  Connect();
  Run();
  ExpectAllDelivered();
  EXPECT_EQ(file_.order.size(), held);
}

TEST_F(BackfillTest, NothingLocalOnlyLeaves) {
  Define(1, true);
  FillFlash(8);
  flash_.losses = {{PathOf(1), {.last = 5, .count = 6}}};
  for (int i = 0; i < 100; ++i) {
    Turn();
    for (const Frame& frame : up_) {
      const auto* history = std::get_if<HistoryFrame>(&frame);
      if (history == nullptr) continue;
      EXPECT_TRUE(history->losses.empty());
      for (const WireBlock& block : history->blocks) EXPECT_NE(block.pid, 2u);
    }
    Exchange();
  }
  EXPECT_EQ(file_.taken.count(PathOf(1)), 0u);
  EXPECT_EQ(flash_.waiting(), 0u) << "and it isn't looked at again";
  EXPECT_EQ(backfill_->status().blocks_withheld, 2u);
}

TEST_F(BackfillTest, WhatBecomesLocalOnlyWhileItWaitsIsNotSentAgain) {
  FillFlash(4);
  while (up_.empty() || !std::holds_alternative<HistoryFrame>(up_.back())) {
    Turn();
    AnswerRead();
    if (!up_.empty() && std::holds_alternative<HistoryAsk>(up_.front())) DeliverUp();
    AnswerRequest();
    DeliverDown();
  }
  up_.clear();
  Define(2, true);
  Tell();
  now_ += seconds(2);
  Turn();
  ASSERT_EQ(up_.size(), 1u);
  EXPECT_EQ(std::get<HistoryFrame>(up_.front()).blocks.size(), 3u);
  Run();
  EXPECT_EQ(file_.taken.count(PathOf(2)), 0u);
}

TEST_F(BackfillTest, WaitsForTheDictionary) {
  pid_max_ = 3;
  FillFlash(4);
  Run(20);
  EXPECT_TRUE(file_.order.empty());
  EXPECT_EQ(backfill_->NextStep(true), std::nullopt) << "an ack of the dictionary comes first";
  pid_max_.reset();
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, NothingIsSentWhileSomethingLiveWantsTo) {
  room_ = false;
  FillFlash(4);
  Run(20);
  EXPECT_EQ(frames_sent_, 0);
  EXPECT_EQ(backfill_->NextStep(false), std::nullopt);
  room_ = true;
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, NothingIsSentToACloudThatTakesNone) {
  backfill_->Begin(false);
  FillFlash(4);
  Run(20);
  EXPECT_EQ(frames_sent_, 0);
  EXPECT_FALSE(backfill_->status().takes);
}

TEST_F(BackfillTest, KeepsToItsBudget) {
  constexpr std::uint64_t kHour = 60'000;
  Start({.bytes_per_hour_max = kHour});
  FillFlash(2'000);
  const MonoTime end = now_ + minutes(30);
  while (now_ < end) {
    Exchange();
    const std::optional<MonoTime> next = backfill_->NextStep(true);
    now_ = std::max(now_ + milliseconds(100), next ? std::min(*next, end) : end);
  }
  const std::uint64_t bytes = backfill_->status().bytes;
  EXPECT_LE(bytes, kHour / 2 + kHour / 60 + 2'000);
  EXPECT_GE(bytes, kHour / 2 - 2'000) << "and uses it";
}

TEST_F(BackfillTest, FramesGrowOnAFastLinkAndShrinkOnASlowOne) {
  frame_bytes_max_ = 48 << 10;
  FillFlash(4'000);
  std::vector<std::size_t> sizes;
  std::chrono::microseconds takes = milliseconds(20);
  while (sizes.size() < 12) {
    Turn();
    AnswerRead();
    Turn();
    if (!up_.empty()) {
      const auto* frame = std::get_if<HistoryFrame>(&up_.front());
      if (frame != nullptr) sizes.push_back(frame->blocks.size());
    }
    DeliverUp();
    AnswerRequest();
    now_ += takes;
    if (sizes.size() == 6) takes = milliseconds(1'500);
    DeliverDown();
  }
  EXPECT_GT(sizes[5], 6 * sizes[0]);
  EXPECT_LT(sizes[11], sizes[5] / 6);
}

TEST_F(BackfillTest, LossesArriveWithoutBlocks) {
  const LossRecord record{.reason = 1, .first = 5, .last = 9, .count = 5};
  flash_.losses = {{PathOf(0), record}};
  Run(20);
  ASSERT_EQ(file_.losses.size(), 1u);
  EXPECT_EQ(file_.losses[0].path, PathOf(0));
  EXPECT_EQ(file_.losses[0].record, record);
  EXPECT_TRUE(flash_.losses.empty()) << "and are told once";
}

TEST_F(BackfillTest, ABlockThatTheCloudRefusesIsPassedOver) {
  FillFlash(4);
  Tell();
  while (requests_.empty() || !std::holds_alternative<HistoryPut>(requests_.front().work)) {
    Turn();
    AnswerRead();
    DeliverUp();
    if (!requests_.empty() && std::holds_alternative<HistoryLook>(requests_.front().work)) {
      AnswerRequest();
    }
    DeliverDown();
  }
  const HistoryRequest request = requests_.front();
  requests_.clear();
  HistoryPutDone done = file_.Take(std::get<HistoryPut>(request.work));
  done.held[1].reset();
  cloud_->PutDone(request.token, done);
  for (Frame& frame : cloud_->TakeFrames(5)) down_.push_back(std::move(frame));
  DeliverDown();
  Run();
  EXPECT_EQ(flash_.waiting(), 0u);
  EXPECT_EQ(backfill_->status().blocks_refused, 1u);
  EXPECT_EQ(backfill_->status().blocks, 3u);
}

TEST_F(BackfillTest, AnAckOfAnotherOpeningSaysNothing) {
  FillFlash(4);
  while (file_.order.empty()) {
    Turn();
    AnswerRead();
    DeliverUp();
    AnswerRequest();
    if (file_.order.empty()) DeliverDown();
  }
  auto& ack = std::get<HistoryAck>(down_.front());
  ++ack.held.inc;
  DeliverDown();
  Turn();
  EXPECT_TRUE(reads_.empty()) << "the frame is still under way";
  now_ += seconds(2);
  Run();
  ExpectAllDelivered();
}

TEST_F(BackfillTest, WhatFlashCannotReadIsReadLater) {
  FillFlash(4);
  while (reads_.empty()) {
    Turn();
    DeliverUp();
    AnswerRequest();
    DeliverDown();
  }
  const BackfillRead read = reads_.front();
  reads_.clear();
  backfill_->OnRead(read.token, Unavailable("no such device"), now_);
  Turn();
  EXPECT_TRUE(reads_.empty());
  EXPECT_EQ(backfill_->status().trouble, "no such device");
  now_ += seconds(10);
  Run();
  ExpectAllDelivered();
}

TEST(OrdinalSetTest, IntervalsThatTouchBecomeOne) {
  OrdinalSet set;
  set.Add(10, 19);
  set.Add(30, 39);
  set.Add(0, 4);
  EXPECT_EQ(set.intervals().size(), 3u);
  EXPECT_FALSE(set.Contains(15, 30));
  set.Add(20, 29);
  EXPECT_EQ(set.intervals(), (std::vector<OrdinalSet::Interval>{{0, 4}, {10, 39}}));
  EXPECT_TRUE(set.Contains(15, 30));
  set.Add(~std::uint64_t{0}, ~std::uint64_t{0});
  set.Add(5, 9);
  EXPECT_EQ(set.intervals().size(), 2u);
  EXPECT_TRUE(set.Contains(0, 39));
  set.Add(2, ~std::uint64_t{0} - 1);
  EXPECT_EQ(set.intervals(), (std::vector<OrdinalSet::Interval>{{0, ~std::uint64_t{0}}}));
}

}  // namespace
}  // namespace edgetwin::sync
