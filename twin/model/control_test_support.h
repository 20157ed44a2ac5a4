// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One writable property under control, on a clock that its tests move.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "twin/model/control.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    Stored stored;
    stored.lineage = {{1, 1, 1'000}};
    twin_.Load(std::move(stored));
    PropertyDef def;
    def.path = *Path::Parse("valve/position");
    def.type = ValueType::kDouble;
    def.decimals = 1;
    def.writable = true;
    def.min = 0;
    def.max = 100;
    id_ = *twin_.Define(def);
  }

  WallTime wall() const {
    return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(now_ - MonoTime{});
  }

  void Want(double value, WallTime until = {}) {
    Row row;
    row.value = Value(value);
    row.dot = {50, ++cloud_seq_};
    ControlInfo info;
    info.until = until;
    row.control = std::make_shared<const ControlInfo>(info);
    const Row* before = twin_.row(id_, Side::kDesired);
    const Dot replaced = before == nullptr || before->value.none() ? Dot() : before->dot;
    ASSERT_TRUE(twin_.Apply(id_, Side::kDesired, row));
    control_.DesiredArrived(id_, {.seq = cloud_seq_, .batch = ++batch_, .replaced = replaced},
                            wall());
  }
  void AllDurable() { control_.Durable({cloud_seq_, twin_.head(), batch_}, now_, wall()); }
  DriverCall OneCall() {
    auto calls = control_.TakeCalls();
    EXPECT_EQ(calls.size(), 1u);
    return calls.empty() ? DriverCall{} : calls[0];
  }
  DesiredState State() { return StateIn(twin_); }
  DesiredState StateIn(const Twin& twin) {
    const Row* row = twin.row(id_, Side::kStatus);
    return row == nullptr ? DesiredState::kNone : row->info().state;
  }
  void Hold(double value, std::chrono::milliseconds duration) {
    ASSERT_TRUE(control_.Override(id_, Value(value), "anna", duration, now_, wall(), nullptr));
  }
  void Pass(MonoTime::duration time) {
    now_ += time;
    control_.Tick(now_, wall());
  }
  std::vector<std::chrono::milliseconds> TakeLeft() {
    std::vector<std::chrono::milliseconds> left;
    for (const HoldRecord& hold : control_.TakeHolds()) left.push_back(hold.left);
    return left;
  }
  // A twin as the store would give it back after a crash now.
  std::unique_ptr<Twin> Reloaded() {
    Stored stored;
    stored.lineage = {{1, 1, 1'000}, {2, 1'001, 2'000}};
    stored.properties = {{id_, twin_.def(id_), 0}};
    for (const Side side : {Side::kDesired, Side::kStatus, Side::kOverride}) {
      if (const Row* row = twin_.row(id_, side)) stored.rows.push_back({id_, side, *row});
    }
    auto twin = std::make_unique<Twin>(Role::kDevice);
    twin->Load(std::move(stored));
    return twin;
  }

  Twin twin_{Role::kDevice};
  Control control_{twin_};
  PropertyId id_ = kNoProperty;
  MonoTime now_{std::chrono::seconds(10)};
  WallTime start_{std::chrono::seconds(1'793'600'000)};
  std::uint64_t cloud_seq_ = 0;
  std::uint64_t batch_ = 0;
};

}  // namespace edgetwin::model
