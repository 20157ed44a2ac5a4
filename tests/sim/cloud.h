// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A simulated cloud: what sync/cloud's fleet is around the sessions, without its threads and
// sockets.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/cloud/cloud_store.h"
#include "sync/cloud/history/cloud_history.h"
#include "sync/engine/cloud_session.h"
#include "tests/sim/invariants.h"
#include "tests/sim/ledger.h"
#include "tests/sim/machine.h"
#include "tests/sim/network.h"
#include "twin/model/twin.h"

namespace edgetwin::sim {

class World;

class Cloud {
 public:
  struct Backup {
    DiskState disk;
    std::map<std::string, DoubtfulLedger> ledgers;
    MonoTime at{};
    Invariants::Admissions admissions;
  };

  // `stranger`: not the world's cloud, but another one of the same devices; see World.
  Cloud(World& world, Random random, bool stranger = false);
  ~Cloud();
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  void Start();
  void StartAfter(std::chrono::microseconds wait);
  void Kill();
  void LosePower(PowerLoss how);
  void Stop();
  bool running() const { return store_ != nullptr; }
  MonoTime started_at() const { return started_at_; }

  Backup TakeBackup() const;
  // Only while it is not running.
  void PutBackup(const Backup& backup);

  // --- What people ask of it; nothing happens while it is not running, or does not know the
  // device. ---

  bool SetDesired(const std::string& device, const std::string& path, model::Value value,
                  WallTime until);
  bool AddCommand(const std::string& device, model::Command command);
  bool AdmitNext(const std::string& device);
  void Calm();
  // As if it had just arrived.
  void Deliver(const std::string& device, const std::string& bytes) { OnFrame(device, bytes); }

  // Changes rows of the device's in the store behind everybody's back, to what `rotten` makes of
  // them. Only while it is not running.
  bool Rot(const std::string& device,
           const std::function<model::Batch(const model::Stored&)>& rotten);

  Machine& machine() { return machine_; }
  // Null when its twin is not in memory.
  const model::Twin* twin(const std::string& device) const;
  const sync::CloudSession* session(const std::string& device) const;
  std::optional<CloudView> view(const std::string& device) const;
  const Ledger* ledger(const std::string& device) const;  // What its store surely has.
  // See DoubtfulLedger.
  bool HasEntry(const std::string& device, model::Pid pid, std::uint64_t chain) const;
  Network::Port port() const { return port_; }
  cloud::CloudHistory* history() { return history_.get(); }  // Null without one.
  WallTime wall() const;

 private:
  struct Entry {
    std::string device;
    model::Twin twin{model::Role::kCloud};
    std::unique_ptr<sync::CloudSession> session;
    std::optional<MonoTime> armed;
    std::uint64_t idle_steps = 0;  // In a row; see World::Pause.
    std::uint64_t token = 0;       // Of the commit that is out.
    model::Batch batch;            // And it.
  };

  Entry* FindOrLoad(const std::string& device, bool registers);
  void OnUp();
  void OnDown();
  void OnFrame(const std::string& device, const std::string& bytes);
  void Step(Entry& entry);
  bool OpenHistory();
  void AskHistory(const std::string& device, sync::HistoryRequest request);
  void Send(Entry& entry, const sync::Frame& frame);
  void Arm(Entry& entry);
  void SubmitGroup();
  void CommitGroup(std::vector<cloud::TwinCommit> group);
  void OnCommitted(const std::vector<std::string>& devices, const Status& result);
  void End();
  void StopIfCrashed();
  Invariants& invariants();
  const char* name() const { return unjudged_ ? "stranger" : "cloud"; }

  World& world_;
  const std::unique_ptr<Invariants> unjudged_;  // A stranger's: what it does is nobody's concern.
  Machine machine_;
  Network::Port port_ = 0;
  std::map<std::string, DoubtfulLedger> ledgers_;

  std::unique_ptr<cloud::CloudStore> store_;
  std::unique_ptr<cloud::CloudHistory> history_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  std::vector<cloud::TwinCommit> group_;
  bool committing_ = false;
  std::uint64_t life_ = 0;
  MonoTime started_at_{};
  sync::CloudOutput out_;
};

}  // namespace edgetwin::sim
