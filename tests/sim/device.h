// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated device: what agent/runtime is around the engine, without its threads and sockets.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/engine/edge_engine.h"
#include "tests/sim/device_history.h"
#include "tests/sim/invariants.h"
#include "tests/sim/ledger.h"
#include "tests/sim/machine.h"
#include "tests/sim/network.h"
#include "tests/sim/plant.h"
#include "twin/model/twin.h"
#include "twin/store/twin_store.h"

namespace edgetwin::sim {

class World;

class Device {
 public:
  // A machine's storage, for images and clones.
  struct Image {
    DiskState disk;
    DoubtfulLedger ledger;
  };

  // `device`: its id, which other machines may have, too. `number`: the machine's own.
  Device(World& world, std::string device, std::size_t number, Plant plant, Random random);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const std::string& device() const { return device_; }
  std::size_t number() const { return number_; }
  std::string name() const;

  // --- Its life ---

  // Opens the store and begins; tries again later while the disk doesn't let it.
  void Start();
  void StartAfter(std::chrono::microseconds wait);
  void Kill();
  void LosePower(PowerLoss how);
  // Commits everything and says Bye.
  void Stop();
  bool running() const { return engine_ != nullptr; }
  // Switched off for good: a clone that was taken away.
  void Retire();
  bool retired() const { return retired_; }

  Image TakeImage() const;
  // Only while it is not running.
  void PutImage(Image image);

  // --- What happens to it ---

  void Poll();
  void Define(const PlantProperty& property);
  void Undefine(const std::string& path);
  void Override(const std::string& path, model::Value value, std::chrono::milliseconds length);
  void Release();
  void SetInterest(std::vector<std::string> patterns);
  void FailDrivers(std::chrono::microseconds length);
  // Changes rows of the cloud's in the store behind everybody's back. Only while it is not running.
  bool Rot(std::size_t rows);
  void JumpWall(std::chrono::milliseconds by) { wall_offset_ += by; }
  void LoseClock();
  void AddEvents(std::size_t count);
  // No more troubles; the clock is right and trusted.
  void Calm();
  // As if it had just arrived.
  void Deliver(const std::string& bytes) { OnFrame(bytes); }

  Machine& machine() { return machine_; }
  Plant& plant() { return plant_; }
  const model::Twin& twin() const { return *twin_; }
  const sync::EdgeEngine& engine() const { return *engine_; }
  Network::Port port() const { return port_; }
  const DoubtfulLedger& ledger() const { return ledger_; }
  // Null without a history, or while it can't be opened.
  history::HistoryStore* history() { return history_ ? history_->store() : nullptr; }
  DeviceView view() const;
  // Whether an override is in force.
  bool holds() const;
  // When its session became live; nothing while it isn't.
  std::optional<MonoTime> live_since() const { return live_since_; }

 private:
  MonoTime Now() const;
  WallTime Wall() const;
  bool WallTrusted() const { return trusted_ || told_; }

  bool OpenStore();
  void Begin(model::Stored stored);
  void End();
  void Kick();
  void Step();
  void Arm();
  void Send(const sync::Frame& frame);
  void OnFrame(const std::string& bytes);
  void Submit(std::uint64_t token, model::Batch batch);
  void StopIfCrashed();
  void CheckHolds();
  void BeginHistory();
  void ReadHistory(const sync::BackfillRead& read);
  void CheckHistory(const sync::HistoryFrame& frame);
  void Call(const model::DriverCall& call);
  Result<model::Value> CallPlant(const model::DriverCall& call);

  World& world_;
  const std::string device_;
  const std::size_t number_;
  Plant plant_;
  Machine machine_;
  Network::Port port_ = 0;
  DoubtfulLedger ledger_;
  bool retired_ = false;

  std::unique_ptr<store::TwinStore> store_;
  std::unique_ptr<model::Twin> twin_;
  std::unique_ptr<sync::EdgeEngine> engine_;
  std::unique_ptr<DeviceHistory> history_;
  std::uint64_t life_ = 0;  // Counts starts and ends: what belongs to another one is void.
  MonoTime booted_{};
  bool kicked_ = false;
  std::optional<MonoTime> armed_;
  std::uint64_t idle_steps_ = 0;  // In a row; see World::Pause.
  std::optional<MonoTime> live_since_;
  sync::EdgeOutput out_;

  std::chrono::milliseconds wall_offset_{0};
  bool trusted_ = true;
  struct Told {
    MonoTime at;
    WallTime wall;
  };
  std::optional<Told> told_;

  struct Held {
    std::chrono::microseconds up{0};      // While the machine was up.
    std::chrono::microseconds longer{0};  // That restarts may have added.
    std::uint64_t life = 0;               // In which it was seen last.
  };
  std::map<std::string, Held> held_;  // Overrides in force, by path and value.

  MonoTime drivers_fail_until_{};
  std::vector<std::string> interest_;
};

}  // namespace edgetwin::sim
