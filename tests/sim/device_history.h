// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated device's history: what agent/runtime/history is, without its thread.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sync/engine/backfill.h"
#include "tests/sim/machine.h"
#include "tests/sim/past.h"
#include "tests/sim/schedule.h"
#include "twin/history/gather/recorder.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::sim {

class DeviceHistory {
 public:
  struct Hooks {
    std::function<void(sync::HistoryMark known)> attached;
    std::function<void()> stored;
    std::function<void()> crashed;  // The machine stopped in a call of the disk: destroys this.
    std::function<void(const std::string& text)> broken;  // The store is damaged: a violation.
    std::function<void(const std::string& text)> trace;
  };

  // Opens the file soon.
  DeviceHistory(Schedule& schedule, Machine& machine, std::size_t number, Past& past,
                std::function<WallTime()> wall, Hooks hooks);
  ~DeviceHistory();
  DeviceHistory(const DeviceHistory&) = delete;
  DeviceHistory& operator=(const DeviceHistory&) = delete;

  void Record(const std::string& path, const model::Sample& sample);
  void Read(const sync::BackfillRead& read,
            std::function<void(Result<sync::BackfillChunk>)> answered);
  // The last commit of a clean stop.
  void Stop();
  history::HistoryStore* store() { return store_.get(); }

 private:
  MonoTime Now() const { return schedule_.now(); }
  // Later, unless this is gone by then.
  void After(std::chrono::microseconds wait, std::function<void()> task);
  void Open();
  void Commit();
  void Note(const history::HistoryBatch& batch, bool surely);
  Result<sync::BackfillChunk> Take(const sync::BackfillRead& read);
  void Tick();

  Schedule& schedule_;
  Machine& machine_;
  const std::size_t number_;
  Past& past_;
  const std::function<WallTime()> wall_;
  const Hooks hooks_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  history::Recorder recorder_;
  std::unique_ptr<history::HistoryStore> store_;
};

}  // namespace edgetwin::sim
