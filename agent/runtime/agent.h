// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The agent: drivers, twin, engine, store and link put together on one loop. It composes and
// decides nothing: what is sent, committed and written is EdgeEngine's.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "agent/runtime/call_gate.h"
#include "agent/runtime/flash_budget.h"
#include "agent/runtime/history.h"
#include "agent/runtime/supervisor.h"
#include "drivers/sdk/driver.h"
#include "sync/crash/crash_marks.h"
#include "sync/engine/edge_engine.h"
#include "sync/link/link.h"
#include "twin/base/event_loop.h"
#include "twin/model/twin.h"
#include "twin/store/store_thread.h"
#include "twin/store/twin_store.h"

namespace edgetwin::runtime {

// What is written to flash, and by what.
struct FlashReport {
  FlashUse use;
  store::WrittenBytes twin{};  // Since the start, by cause.
  store::WrittenBytes history{};
};

// SINGLE-THREADED, on the loop.
class Agent : private sync::LinkEvents {
 public:
  // Opens the store and draws its incarnation. A corrupt store is quarantined, said, and begun
  // anew. Fails as TwinStore::Open does otherwise; nothing was changed then.
  static Result<std::unique_ptr<Agent>> Open(EventLoop& loop, config::AgentConfig config,
                                             DriverKinds kinds = DriverKinds());
  ~Agent() override;

  // Starts the drivers and the link.
  void Start();
  // Takes another configuration: drivers and policies at once, the link anew where it changed. What
  // can only change with a restart (device.id, store, api) stays, and is said in the result.
  std::vector<std::string> Reload(config::AgentConfig config);
  // Stops the drivers, says Bye, commits everything. `done` is called once it is durable, or was
  // tried.
  void Stop(std::function<void(Status)> done);

  // For the local API.
  const config::AgentConfig& config() const { return config_; }
  const model::Twin& twin() const { return *twin_; }
  const sync::EdgeEngine& engine() const { return *engine_; }
  const Supervisor& supervisor() const { return *supervisor_; }
  std::optional<sync::LinkStats> link_stats() const;
  store::TwinStoreStats store_stats() const { return store_->stats(); }
  // Since when the store's thread is at what it does now; nothing when it has nothing to do.
  std::optional<MonoTime> store_since() const { return store_since_; }
  History* history() const { return history_.get(); }  // Null: it is off, or the agent stops.
  FlashReport flash() const;
  std::vector<LimitReport> limits() const;
  MonoTime started() const { return started_; }
  const std::string& quarantined() const {
    return quarantined_;
  }  // Where a corrupt store was put; empty.
  // Whether what ends this process is kept from the next one: not without a folder in memory.
  bool crashes_watched() const { return marks_ != nullptr; }
  // What the process before this one ended in; empty: it ended well, or nothing is known.
  const std::vector<std::string>& crashed_in() const { return crashed_in_; }
  // What was kept back since the start, as it ended processes twice in a row: the first ones as
  // texts, and how many.
  const std::vector<std::string>& crashers() const { return crashers_; }
  std::uint64_t crashers_total() const { return crashers_total_; }
  std::uint64_t frames_refused() const { return frames_refused_; }  // Received and undecodable.
  std::string last_refusal() const { return last_refusal_; }

  // A technician's hold on a value, for API and CLI. `done` as in model::Control::Override.
  Status Override(model::PropertyId id, model::Value value, std::string who,
                  std::chrono::milliseconds duration, model::Control::OverrideDone done);
  Status Release(model::PropertyId id);
  // Somebody has seen the property's alarms. kNotFound: there are none.
  Status AcknowledgeAlarm(model::PropertyId id, const std::string& who);

  // A copy of the store as the bytes of a database file, when the store thread comes to it; what
  // is committed meanwhile waits. `done` is not called any more once the agent stops. kConflict
  // while another one is being made.
  Status Backup(std::function<void(Result<std::string>)> done);

  // The cloud's time, from each handshake: for a machine whose own clock isn't trusted.
  void SetTimeTold(std::function<void(MonoTime at, WallTime wall)> told) {
    time_told_ = std::move(told);
  }

  // `observer` runs after each step in which the twin may have changed.
  void SetObserver(std::function<void()> observer) { observer_ = std::move(observer); }

 private:
  Agent(EventLoop& loop, config::AgentConfig config);

  // A frame that is kept back is tried again after so long: the cloud may be another one by then.
  static constexpr std::chrono::hours kFramePause{1};
  static constexpr std::size_t kCrashersKept = sync::CrashMarks::kItems;

  void OnLinkUp() override;
  void OnLinkDown(const Error& why) override;
  void OnLinkFrame(std::string_view peer, std::span<const std::byte> bytes) override;
  void OnLinkDrained() override;

  Status OpenStore(DriverKinds kinds);
  void WatchHistory();
  void ReadHistory(const sync::BackfillRead& read);
  void OpenMarks();
  void WatchEntries(sync::EdgeOptions& options);
  void MakeGate();
  void TakeFrame(std::span<const std::byte> bytes);
  void NoteCrasher(const sync::CrashItem& item, model::PropertyId id);
  void OpenLink();
  void CloseLink();
  void Kick();
  void Step();
  void Arm();
  void StoreAsked();
  void StoreDid();
  void Committed(std::uint64_t token, Status status);
  void ObserveFlash();
  void Note(model::Severity severity, std::string kind, std::string text,
            model::PropertyId id = model::kNoProperty);
  WallTime Wall() const { return loop_.clock().UntrustedWall(); }

  EventLoop& loop_;
  config::AgentConfig config_;
  MonoTime started_;
  store::FlashMeter meter_;  // Of store_.
  FlashBudget flash_budget_;
  bool flash_exceeded_ = false;
  std::unique_ptr<store::TwinStore> store_;
  std::unique_ptr<model::Twin> twin_;
  std::unique_ptr<sync::EdgeEngine> engine_;
  std::unique_ptr<store::StoreThread> committer_;
  std::unique_ptr<History> history_;
  store::WrittenBytes history_written_{};    // Once it has stopped.
  std::unique_ptr<sync::CrashMarks> marks_;  // Null: nothing is watched.
  std::unique_ptr<CallGate> gate_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<sync::Link> link_;
  std::vector<std::string> crashed_in_;
  std::vector<std::string> crashers_;
  std::vector<sync::CrashItem> crashers_noted_;
  std::uint64_t crashers_total_ = 0;
  std::string quarantined_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool kicked_ = false;
  std::size_t store_asked_ = 0;  // Of the store's thread, and not done.
  std::optional<MonoTime> store_since_;
  bool stopping_ = false;
  Loop::Id kick_ = Loop::Id::kNone;
  Loop::Id timer_ = Loop::Id::kNone;
  Loop::Id flash_timer_ = Loop::Id::kNone;
  std::optional<MonoTime> armed_;
  std::function<void()> observer_;
  std::function<void(MonoTime, WallTime)> time_told_;
  std::uint64_t frames_refused_ = 0;
  std::string last_refusal_;
  std::uint64_t frames_unsent_ = 0;
  std::string link_trouble_;
  std::string commit_trouble_;
};

}  // namespace edgetwin::runtime
