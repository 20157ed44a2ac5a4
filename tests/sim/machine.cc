// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/machine.h"

#include <utility>

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

}  // namespace

Machine::Machine(Schedule& schedule, std::function<WallTime()> wall, Random random)
    : schedule_(schedule), random_(random), vfs_(disk_, std::move(wall), random_.Bits()) {
  disk_.SetHook([this](DiskCall call, std::string_view name, std::uint64_t number) {
    return Answer(call, name, number);
  });
}

DiskAnswer Machine::Answer(DiskCall call, std::string_view name, std::uint64_t number) {
  if (probe_ && call != DiskCall::kRead) {
    const DiskAnswer answer = probe_(call, name, number);
    if (answer != DiskAnswer::kOk) return answer;
  }
  if (stop_in_ != 0 && call != DiskCall::kRead && --stop_in_ == 0) return DiskAnswer::kCrash;
  const bool failing = fail_once_ || failing_until_ > schedule_.now();
  if (failing && call == failing_) {
    fail_once_ = false;
    return call == DiskCall::kWrite && random_.Below(2) == 0 ? DiskAnswer::kIoErrorAfterHalf
                                                             : DiskAnswer::kIoError;
  }
  return DiskAnswer::kOk;
}

void Machine::FailCalls(microseconds length, bool once) {
  constexpr DiskCall kKinds[] = {DiskCall::kWrite, DiskCall::kSync, DiskCall::kRead};
  failing_ = kKinds[random_.Below(3)];
  fail_once_ = once;
  if (!once) failing_until_ = schedule_.now() + length;
}

void Machine::FillDisk(microseconds length) {
  disk_.SetQuota(std::max<std::uint64_t>(disk_.state().bytes(), 1));
  schedule_.After(length, [this, filling = ++full_until_] {
    if (filling == full_until_) disk_.SetQuota(0);
  });
}

void Machine::SlowDown(microseconds length) {
  slow_until_ = schedule_.now() + length;
}

void Machine::Calm() {
  fail_once_ = false;
  failing_until_ = slow_until_ = {};
  stop_in_ = 0;
  ++full_until_;
  disk_.SetQuota(0);
}

microseconds Machine::CommitTakes() {
  if (slow_until_ > schedule_.now()) return milliseconds(random_.Between(500, 3'000));
  return microseconds(random_.Between(300, 20'000));
}

model::Batch Rotten(const model::Stored& stored, model::Side side, std::size_t rows, Random& random,
                    const std::function<model::Value(model::ValueType)>& other) {
  model::Batch batch;
  for (const model::RowChange& change : stored.rows) {
    if (change.side != side || batch.rows.size() >= rows || random.Below(3) != 0) continue;
    model::RowChange rotten = change;
    if (other) {
      rotten.row.value = other(change.row.value.type());
      if (!rotten.row.value.none()) batch.rows.push_back(std::move(rotten));
      continue;
    }
    switch (change.row.value.type()) {
      case model::ValueType::kInt:
        rotten.row.value = model::Value(change.row.value.integer() ^ 1);
        break;
      case model::ValueType::kDouble:
        rotten.row.value = model::Value(change.row.value.real() + 1);
        break;
      case model::ValueType::kBool:
        rotten.row.value = model::Value(!change.row.value.boolean());
        break;
      default: continue;
    }
    batch.rows.push_back(std::move(rotten));
  }
  return batch;
}

}  // namespace edgetwin::sim
