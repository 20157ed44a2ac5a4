// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests: both halves of the protocol against each other, over a network that loses and repeats,
// with crashes of either side. What survives a crash is what was committed: a batch applied to a
// model::Stored.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine/cloud_session.h"
#include "sync/engine/edge_engine.h"

namespace edgetwin::sync {

using model::PropertyId;
using model::Side;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A store reduced to its contract: batches are atomic, an opening draws an incarnation.
class Disk {
 public:
  void Commit(const model::Batch& batch) {
    ++commits;
    if (batch.dictionary_reset) stored_.dictionary.clear();
    for (const auto& record : batch.properties) {
      if (Index(record.id) >= stored_.properties.size()) {
        stored_.properties.resize(Index(record.id) + 1);
      }
      stored_.properties[Index(record.id)] = record;
    }
    for (const auto& entry : batch.dictionary) {
      EXPECT_EQ(entry.pid, stored_.dictionary.size() + 1);
      stored_.dictionary.push_back(entry);
    }
    for (const auto& change : batch.rows) {
      const std::pair key(Index(change.id), static_cast<int>(change.side));
      if (change.row.dot == model::Dot{}) {
        rows_.erase(key);
        continue;
      }
      rows_[key] = change.row;
      if (change.side == Side::kReported) ++reported_rows;
    }
    for (std::size_t i = 0; i < model::kStreams; ++i) {
      if (batch.peer_watermark[i]) stored_.peer_watermark[i] = *batch.peer_watermark[i];
    }
    if (batch.seq_limit) stored_.lineage.back().limit = *batch.seq_limit;
    if (batch.state_durable) stored_.state_durable = *batch.state_durable;
    if (batch.seq_floor) stored_.seq_floor = *batch.seq_floor;
    if (batch.epoch) stored_.epoch = *batch.epoch;
    if (batch.peer_lineage) stored_.peer_lineage = *batch.peer_lineage;
    for (const auto& event : batch.events) stored_.events.push_back(event);
    if (batch.events_acked) stored_.events_acked = *batch.events_acked;
    if (batch.events_floor) {
      std::erase_if(stored_.events,
                    [&](const auto& event) { return event.dot.seq <= *batch.events_floor; });
    }
    for (const auto& command : batch.commands) {
      std::erase_if(stored_.commands, [&](const auto& held) { return held.id == command.id; });
      stored_.commands.push_back(command);
    }
    for (const std::uint64_t id : batch.commands_gone) {
      std::erase_if(stored_.commands, [id](const auto& held) { return held.id == id; });
    }
    for (const auto& hold : batch.holds) {
      std::erase_if(stored_.holds, [&](const auto& held) { return held.id == hold.id; });
      if (hold.left.count() > 0) stored_.holds.push_back(hold);
    }
    if (batch.interest) stored_.interest = *batch.interest;
    if (batch.scope_held) stored_.scope_held = *batch.scope_held;
    if (batch.superseded) stored_.superseded = *batch.superseded;
    if (batch.setback) stored_.setback = *batch.setback;
    if (batch.admission) stored_.admission = *batch.admission;
    if (batch.claim) stored_.claim = *batch.claim;
  }

  model::Stored Open(std::uint64_t inc, std::uint64_t reserve) {
    const std::uint64_t first = stored_.lineage.empty() ? 1 : stored_.lineage.back().limit + 1;
    if (!stored_.lineage.empty()) stored_.lineage.back().kept = Promised();
    stored_.lineage.push_back({inc, first, first + reserve - 1, 0});
    if (stored_.lineage.size() > model::kLineageMax) stored_.lineage.erase(stored_.lineage.begin());
    model::Stored result = stored_;
    for (const auto& [key, row] : rows_) {
      result.rows.push_back({PropertyId{key.first}, static_cast<Side>(key.second), row});
    }
    return result;
  }

  // The cloud commits before it sends: what it used of the last opening is what its rows say.
  void TrimLimit() {
    if (stored_.lineage.empty()) return;
    std::uint64_t used = stored_.lineage.back().first_seq - 1;
    for (const auto& [key, row] : rows_) {
      if (key.second == static_cast<int>(Side::kDesired)) used = std::max(used, row.dot.seq);
    }
    stored_.lineage.back().limit = used;
  }

  std::size_t dictionary_size() const { return stored_.dictionary.size(); }
  const model::Stored& stored() const { return stored_; }

  int commits = 0;
  int reported_rows = 0;

 private:
  // The highest seq of what a device has promised that is here.
  std::uint64_t Promised() const {
    std::uint64_t kept = stored_.seq_floor;
    for (const auto& [key, row] : rows_) {
      const auto side = static_cast<Side>(key.second);
      if (side == Side::kStatus || side == Side::kOverride) kept = std::max(kept, row.dot.seq);
    }
    for (const auto& event : stored_.events) kept = std::max(kept, event.dot.seq);
    return std::max(kept, stored_.events_acked);
  }

  model::Stored stored_;
  std::map<std::pair<std::uint32_t, int>, model::Row> rows_;
};

class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {
    StartEdge();
    StartCloud();
  }

  std::uint64_t Random(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }

  void StartEdge() {
    edge_twin_ = std::make_unique<model::Twin>(model::Role::kDevice, edge_limits);
    EdgeOptions options;
    options.seq_reserve = 1'000;
    options.random = [this](std::uint64_t below) { return Random(below); };
    options.entry_begins = entry_begins;
    options.entry_ends = entry_ends;
    options.events = event_limits;
    edge_ = std::make_unique<EdgeEngine>(options, *edge_twin_, edge_disk.Open(random_(), 1'000),
                                         now, wall());
    for (int i = 0; i < properties; ++i) Define(i);
    for (int i = 0; i < secrets; ++i) DefineSecret(i);
    if (link) edge_->LinkUp(now);
    Turn();
  }

  void Define(int index) {
    model::PropertyDef def;
    def.path = *model::Path::Parse("plant/p" + std::to_string(index));
    def.type = model::ValueType::kDouble;
    def.decimals = 2;
    def.writable = index % 4 == 0;
    def.max = 1'000;
    def.unit = units[index] % 2 == 0 ? "Cel" : "K";
    def.local_only = local_only.contains(index);
    def.instance = "plant";
    const auto id = edge_twin_->Define(def);
    ASSERT_TRUE(id) << id.error().text;
    edge_->control().Defined(*id, now, wall());
  }

  void DefineSecret(int index) {
    model::PropertyDef def;
    def.path = *model::Path::Parse("secret/p" + std::to_string(index));
    def.type = model::ValueType::kDouble;
    def.writable = true;
    def.local_only = true;
    def.instance = "plant";
    const auto id = edge_twin_->Define(def);
    ASSERT_TRUE(id) << id.error().text;
    edge_->control().Defined(*id, now, wall());
  }

  void StartCloud() {
    cloud_disk.TrimLimit();
    cloud_twin_ = std::make_unique<model::Twin>(model::Role::kCloud);
    CloudOptions options;
    options.random = [this](std::uint64_t below) { return Random(below); };
    options.accept = accept;
    cloud_ = std::make_unique<CloudSession>(options, *cloud_twin_, cloud_disk.Open(random_(), 0));
    if (link) down.push_back(Nack{.reason = NackReason::kUnknownSession});
    Turn();
  }

  void CrashEdge() {
    edge_commits.clear();
    calls.clear();
    if (link) Send(up, edge_->Will());  // By the broker.
    StartEdge();
  }
  void CrashCloud() {
    cloud_commits.clear();
    StartCloud();
  }
  void ForgetSent() { sent_seq_max_ = 0; }
  void ForgetAcked() { acked_ = 0; }
  void CutLink() {
    link = false;
    up.clear();
    down.clear();
    edge_->LinkDown(now);
    cloud_->LinkDown();
  }
  void MendLink() {
    link = true;
    edge_->LinkUp(now);
    Turn();
  }

  void ReplaceDevice() {
    up.clear();  // A board that is taken out takes its frames with it.
    edge_disk = Disk();
    ForgetSent();
    CrashEdge();
  }

  void Sample(int index, double value) { Sample("plant/p" + std::to_string(index), value); }
  void Sample(const std::string& path, double value) {
    const PropertyId id = edge_twin_->Find(path);
    model::Sample sample;
    sample.value = Value(value);
    sample.time = wall();
    edge_twin_->Report(id, sample, now);
    Turn();
  }

  void Want(int index, double value) { Want(index, Value(value), {}); }
  void Want(int index, Value value, WallTime until) {
    const auto path = model::Path::Parse("plant/p" + std::to_string(index));
    cloud_->SetDesired(*cloud_twin_->FindOrAdd(*path), std::move(value), "test", until, wall());
    Turn();
  }
  void Override(const std::string& path, double value, milliseconds duration) {
    if (edge_twin_->Find(path) == model::kNoProperty) return;
    (void)edge_->control().Override(edge_twin_->Find(path), Value(value), "anna", duration, now,
                                    wall(), nullptr);
    Turn();
  }
  void Release(const std::string& path) {
    if (edge_twin_->Find(path) == model::kNoProperty) return;
    (void)edge_->control().Release(edge_twin_->Find(path), now, wall());
    Turn();
  }

  // Everything that is due now, on both sides; commits and driver calls stay out until they are
  // finished.
  void Turn() {
    if (!edge_ || !cloud_) return;
    EdgeOutput from_edge;
    edge_->Step(now, wall(), from_edge);
    for (Frame& frame : from_edge.frames) Send(up, std::move(frame));
    if (from_edge.commit) edge_commits.push_back(std::move(*from_edge.commit));
    for (auto& call : from_edge.calls) calls.push_back(std::move(call));
    EXPECT_LE(sent_seq_max_, edge_->status().seq_limit) << "a seq left before it was reserved";
    CloudOutput from_cloud;
    cloud_->Step(now, wall(), from_cloud);
    for (Frame& frame : from_cloud.frames) Send(down, std::move(frame));
    if (from_cloud.commit) cloud_commits.push_back(std::move(*from_cloud.commit));
    const CloudStatus status = cloud_->status();
    if (status.resets == resets_) {
      EXPECT_GE(status.state_durable, acked_) << "the cloud's watermark went back";
    }
    acked_ = status.state_durable;
    resets_ = status.resets;
  }

  void Send(std::deque<Frame>& way, Frame frame) {
    if (!link) return;
    if (const auto* delta = std::get_if<Delta>(&frame); delta != nullptr && &way == &up) {
      if (!delta->rows.empty()) {
        sent_seq_max_ = std::max(sent_seq_max_, delta->rows.back().row.dot.seq);
      }
    }
    if (const auto* hello = std::get_if<Hello>(&frame); hello != nullptr && hello->first) {
      sent_seq_max_ = std::max(sent_seq_max_, hello->first->to);
    }
    ++frames_sent;
    CheckSent(frame, &way == &up);
    if (const auto* made = std::get_if<Offer>(&frame)) offer = *made;
    if (Random(100) < loss_percent) return;
    if (Random(100) < repeat_percent) way.push_back(frame);
    const bool late = Random(100) < reorder_percent;
    const std::size_t place =
        late ? way.size() - Random(std::min<std::size_t>(way.size(), 4) + 1) : way.size();
    way.insert(way.begin() + static_cast<std::ptrdiff_t>(place), std::move(frame));
  }

  // What must hold of every frame, whether or not it arrives.
  void CheckSent(const Frame& frame, bool by_device) {
    const auto* dictionary = std::get_if<DictionaryFrame>(&frame);
    if (dictionary != nullptr && by_device && !dictionary->entries.empty()) {
      EXPECT_LE(dictionary->first + dictionary->entries.size() - 1, edge_disk.dictionary_size())
          << "an entry left before it was durable";
      for (const auto& entry : dictionary->entries) {
        EXPECT_NE(entry.def.path.thing(), "secret") << "a local-only path left";
      }
    }
    const auto* delta = std::get_if<Delta>(&frame);
    const auto* welcome = std::get_if<Welcome>(&frame);
    const auto* hello = std::get_if<Hello>(&frame);
    if (hello != nullptr && hello->first) {
      for (const WireRow& row : hello->first->rows) CheckRow(row, by_device);
    }
    if (delta != nullptr) {
      for (const WireRow& row : delta->rows) CheckRow(row, by_device);
    }
    if (welcome != nullptr) {
      for (const WireRow& row : welcome->returned) CheckRow(row, false);
    }
  }

  void CheckRow(const WireRow& wire, bool by_device) {
    EXPECT_NE(wire.path.substr(0, 7), "secret/") << "a local-only path left";
    const model::Twin& twin = by_device ? *edge_twin_ : *cloud_twin_;
    const PropertyId id = wire.pid == 0 ? twin.Find(wire.path) : twin.FindPid(wire.pid);
    ASSERT_NE(id, model::kNoProperty);
    if (by_device) {
      EXPECT_LE(wire.pid, std::max(edge_disk.dictionary_size(), cloud_disk.dictionary_size()))
          << "a pid left before it was durable";
      EXPECT_FALSE(twin.def(id).local_only) << "a row of a local-only property left";
    }
    // Only the device's own rows and the cloud's own are resolved by the sender's lineage.
    const bool own = by_device || wire.side == Side::kDesired;
    model::Dot dot = wire.row.dot;
    if (dot.inc == 0 && !own) return;
    if (dot.inc == 0) dot.inc = model::IncOf(twin.lineage(), dot.seq);
    const std::string what = twin.def(id).path.text() + " " + std::string(ToString(wire.side)) +
                             " " + ToJson(wire.row.value) + " " +
                             std::to_string(static_cast<int>(wire.row.info().state)) +
                             wire.row.info().note;
    const auto [known, first] = named.emplace(std::pair(dot.inc, dot.seq), what);
    if (!first) {
      EXPECT_EQ(known->second, what) << "one version names two values";
    }
  }

  void FailEdgeCommit() {
    if (edge_commits.empty()) return;
    const auto commit = std::move(edge_commits.front());
    edge_commits.pop_front();
    edge_->Committed(commit.token, Unavailable("no space left"), now, wall());
    Turn();
  }
  void FailCloudCommit() {
    if (cloud_commits.empty()) return;
    const auto commit = std::move(cloud_commits.front());
    cloud_commits.pop_front();
    cloud_->Committed(commit.token, Unavailable("no space left"), now);
    Turn();
  }
  void FinishEdgeCommit() {
    if (edge_commits.empty()) return;
    const auto commit = std::move(edge_commits.front());
    edge_commits.pop_front();
    edge_disk.Commit(commit.batch);
    edge_->Committed(commit.token, {}, now, wall());
    Turn();
  }
  void FinishCloudCommit() {
    if (cloud_commits.empty()) return;
    const auto commit = std::move(cloud_commits.front());
    cloud_commits.pop_front();
    cloud_disk.Commit(commit.batch);
    cloud_->Committed(commit.token, {}, now);
    Turn();
  }
  void DeliverUp() {
    if (up.empty()) return;
    const Frame frame = std::move(up.front());
    up.pop_front();
    cloud_->Receive(frame, now, wall());
    Turn();
  }
  void DeliverDown() {
    if (down.empty()) return;
    const Frame frame = std::move(down.front());
    down.pop_front();
    edge_->Receive(frame, now, wall());
    Turn();
  }
  // The device behind the driver: holds what was written to it, also over crashes of the agent.
  void FinishCall() {
    if (calls.empty()) return;
    const auto call = std::move(calls.front());
    calls.pop_front();
    const auto name = edge_twin_->def(call.id).path.text();
    if (call.kind == model::DriverCall::Kind::kRead) {
      log.push_back("read " + name);
      edge_->ReadDone(call.ticket, Value(device[name]), now, wall());
    } else {
      log.push_back("write " + name);
      EXPECT_LE(call.value.real(), 1'000.0) << "written unchecked";
      device[name] = call.value.real();
      edge_->WriteDone(call.ticket, Value(device[name]), now, wall());
    }
    Turn();
  }

  // Not done, or done with an answer that was lost.
  void FailCall() {
    if (calls.empty()) return;
    const auto call = std::move(calls.front());
    calls.pop_front();
    const Error errors[] = {Unavailable("unit 3 is away"), TimedOut("no answer"),
                            Invalid("exception 3"), Unsupported("reads only by polling")};
    const Error& error = errors[Random(4)];
    if (call.kind == model::DriverCall::Kind::kRead) {
      edge_->ReadDone(call.ticket, error, now, wall());
    } else {
      EXPECT_LE(call.value.real(), 1'000.0) << "written unchecked";
      if (error.code == ErrorCode::kTimeout && Random(2) == 0) {
        device[edge_twin_->def(call.id).path.text()] = call.value.real();
      }
      edge_->WriteDone(call.ticket, error, now, wall());
    }
    Turn();
  }

  void Pass(std::chrono::microseconds time) {
    now += time;
    Turn();
  }

  // Lets everything happen for some virtual time.
  void Run(seconds time) {
    const MonoTime end = now + time;
    while (now < end) {
      for (int i = 0; i < 50; ++i) {
        FinishEdgeCommit();
        FinishCloudCommit();
        DeliverUp();
        DeliverDown();
        FinishCall();
      }
      Pass(milliseconds(50));
    }
  }

  void ExpectEqualTwins() {
    ASSERT_EQ(edge_->status().state, SyncState::kLive) << edge_->status().trouble;
    EXPECT_EQ(cloud_->watermark()[1], edge_twin_->stream_head(model::Stream::kState));
    for (int i = 0; i < properties; ++i) {
      const std::string path = "plant/p" + std::to_string(i);
      const PropertyId here = edge_twin_->Find(path);
      const PropertyId there = cloud_twin_->Find(path);
      ASSERT_NE(there, model::kNoProperty) << path;
      for (const Side side : model::kEverySide) {
        const model::Row* a = edge_twin_->row(here, side);
        const model::Row* b = cloud_twin_->row(there, side);
        ASSERT_EQ(a == nullptr, b == nullptr) << path << " " << ToString(side);
        if (a == nullptr) continue;
        EXPECT_EQ(a->dot.seq, b->dot.seq) << path << " " << ToString(side);
        EXPECT_EQ(a->dot.inc, b->dot.inc) << path << " " << ToString(side);
        EXPECT_TRUE(*a == *b) << path << " " << ToString(side);
      }
      const model::Row* desired = cloud_twin_->row(there, Side::kDesired);
      if (desired == nullptr || desired->value.none()) continue;
      const model::Row* status = cloud_twin_->row(there, Side::kStatus);
      ASSERT_NE(status, nullptr) << path;
      EXPECT_EQ(status->info().refers_to, desired->dot) << path;
      EXPECT_TRUE(IsTerminal(status->info().state)) << path;
    }
  }

  WallTime wall() const {
    return WallTime(milliseconds(1'793'600'000'000)) +
           std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  }

  MonoTime now{seconds(100)};
  int properties = 20;
  std::function<Status(const WireRow&)> accept;         // Of the next cloud that starts.
  std::function<bool(const model::Dot&)> entry_begins;  // Of the next device that starts.
  std::function<void(const model::Dot&)> entry_ends;
  int secrets = 0;
  model::TwinLimits edge_limits;  // From the next start on.
  model::EventLimits event_limits;
  std::map<int, int> units;
  std::set<int> local_only;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> named;
  unsigned loss_percent = 0;
  unsigned repeat_percent = 0;
  unsigned reorder_percent = 0;
  bool link = true;
  int frames_sent = 0;
  std::deque<Frame> up, down;
  std::optional<Offer> offer;  // The last one that was made.
  std::deque<EdgeOutput::Commit> edge_commits;
  std::deque<CloudOutput::Commit> cloud_commits;
  std::deque<model::DriverCall> calls;
  std::map<std::string, double> device;
  std::vector<std::string> log;
  Disk edge_disk, cloud_disk;

  EdgeEngine& edge() { return *edge_; }
  CloudSession& cloud() { return *cloud_; }
  model::Twin& edge_twin() { return *edge_twin_; }
  model::Twin& cloud_twin() { return *cloud_twin_; }

 private:
  std::mt19937 random_;
  std::unique_ptr<model::Twin> edge_twin_, cloud_twin_;
  std::unique_ptr<EdgeEngine> edge_;
  std::unique_ptr<CloudSession> cloud_;
  std::uint64_t acked_ = 0;
  std::uint64_t resets_ = 0;
  std::uint64_t sent_seq_max_ = 0;
};

}  // namespace edgetwin::sync
