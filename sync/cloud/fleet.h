// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// All twins of the cloud at work: frames come in, sessions decide, groups of commits and frames go
// out.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sync/cloud/cloud_store.h"
#include "sync/cloud/history/cloud_history_worker.h"
#include "sync/cloud/store_worker.h"
#include "sync/crash/crash_marks.h"
#include "sync/engine/cloud_session.h"
#include "sync/link/link.h"
#include "twin/base/limit.h"
#include "twin/base/loop.h"
#include "twin/model/twin.h"

namespace edgetwin::cloud {

struct FleetOptions {
  sync::CloudOptions session;
  std::uint64_t twins_max = 100'000;
  // In memory; above it, those that nobody uses are let go of.
  std::uint64_t twins_loaded_max = 20'000;
  std::chrono::milliseconds idle_before_unload{60'000};
  // What ends this process, for the next one; it must outlive the fleet. Null: nothing is watched.
  sync::CrashMarks* marks = nullptr;
};

// A twin that is in memory.
struct LiveTwin {
  LiveTwin(sync::CloudOptions options, model::Stored stored)
      : session(std::move(options), twin, std::move(stored)) {}

  // As many as a device may be configured to have; see agent/config, [limits].
  model::Twin twin{model::Role::kCloud, model::TwinLimits{.properties_max = 100'000,
                                                          .unknown_paths_max = 1'000,
                                                          .dictionary_max = 300'000}};
  sync::CloudSession session;
};

struct FleetStats {
  std::uint64_t twins = 0, loaded = 0, connected = 0;
  std::uint64_t frames_received = 0, frames_sent = 0, frames_unsent = 0, frames_bad = 0;
  std::uint64_t frames_quarantined = 0;  // One like it ended this process twice in a row.
  std::uint64_t frames_dropped = 0;      // For a twin that was being read, or for want of room.
  std::uint64_t commits = 0, commit_failures = 0;
  std::string commit_error;  // Of the last group, empty when it went well.
};

// Who wants to know. Called on the loop's thread; must not call back into the fleet.
class FleetEvents {
 public:
  virtual ~FleetEvents() = default;
  virtual void OnChanges(const std::string& device, const LiveTwin& twin,
                         const std::vector<sync::CloudOutput::Change>& changes) = 0;
  // More of it is durable than before.
  virtual void OnDurable(const std::string& device, const LiveTwin& twin) = 0;
  virtual void OnConnected(const std::string& device, bool connected) = 0;
  // What an operator should know, once; `kind` is a word for programs.
  virtual void OnNotice(const std::string& device, const std::string& kind,
                        const std::string& text) = 0;
  // Events that the device has told; not durable yet.
  virtual void OnEvents(const std::string& device, const LiveTwin& twin,
                        const std::vector<model::Event>& events) = 0;
  // The broker: reached, or not, and why.
  virtual void OnLink(bool up, const std::string& why) = 0;
};

// Loop thread only.
class Fleet final : public sync::LinkEvents {
 public:
  // `loop`, `store` and `events` must outlive it. `twins`: what the store lists.
  Fleet(Loop& loop, CloudStore& store, std::vector<TwinSummary> twins, FleetEvents& events,
        FleetOptions options);
  ~Fleet() override;

  // Where frames go; null: nowhere. Set before the link is opened.
  void SetLink(sync::Link* link) { link_ = link; }

  // Who stores history, where the options' session.history is set. Set before the link is opened.
  void SetHistory(CloudHistoryWorker* history) { history_ = history; }

  // --- sync::LinkEvents ---
  void OnLinkUp() override;
  void OnLinkDown(const Error& why) override;
  void OnLinkFrame(std::string_view device, std::span<const std::byte> bytes) override;

  // --- For the API ---

  bool Knows(std::string_view device) const { return entries_.find(device) != entries_.end(); }
  // Up to `count` twins after `after` (exclusive), by device.
  struct Listed {
    TwinSummary summary;
    bool connected = false;
    bool probing = false;  // See CloudStatus; what follows is as far as it was heard since the
    std::string software;  // cloud's start.
    std::string hardware;
    std::string trouble;
    WallTime refused{};  // When a claimant was last told so.
  };
  std::vector<Listed> List(std::string_view after, std::size_t count) const;
  Listed Summary(std::string_view device) const;  // Of a known one.

  // Hands the twin to `use`, at once when it is in memory, else when it has been read. kNotFound:
  // no such device.
  using Use = std::function<void(Result<LiveTwin*>)>;
  void WithTwin(std::string_view device, Use use);
  // The twin if it is in memory.
  const LiveTwin* Loaded(std::string_view device) const;

  struct Wish {
    model::PropertyId id = model::kNoProperty;
    model::Value value;  // None: wants nothing any more.
    WallTime until{};
  };
  // The stored events of a device; see CloudStore::ListEvents. kNotFound: no such device.
  void ListEvents(std::string_view device, model::Dot before, std::size_t count,
                  StoreWorker::Listed done);

  // Sets desired values of a twin in memory, all in one commit; `done` runs when they are durable,
  // or when the commit has failed: then they stand in memory, flagged as not durable, and the
  // commit is tried again.
  void SetDesired(std::string_view device, std::vector<Wish> wishes, const std::string& who,
                  std::function<void(Status)> done);

  // Asks the device of a twin in memory for something, once; see CloudSession::AddCommand. `done`
  // as above.
  void Command(std::string_view device, model::Command command, std::function<void(Status)> done);
  // An operator's decisions about who speaks for the device; see CloudSession.
  void Admit(std::string_view device, std::function<void(Status)> done);
  void WithdrawAdmission(std::string_view device, std::function<void(Status)> done);
  void Decommission(std::string_view device, std::function<void(Status)> done);

  // Runs `done` when nothing waits to be committed any more. Frames are not taken from now on.
  void Drain(std::function<void()> done);

  FleetStats stats() const;
  std::vector<LimitReport> limits() const;

 private:
  struct Entry {
    TwinSummary summary;
    std::unique_ptr<LiveTwin> live;
    bool loading = false;
    bool connected = false;  // As last told.
    MonoTime used{};
    std::optional<MonoTime> due;
    WallTime refused{};
    std::string software, hardware, trouble;  // Of a twin that has left memory.
    // What the latest Hello offered, with its session; and where the session's frames go.
    std::pair<std::uint32_t, std::string> offered;
    std::string address;
    std::uint64_t token = 0;          // Of the commit that is out; 0: none.
    std::vector<std::string> frames;  // Waiting for the twin to be read.
    std::vector<Use> uses;
    struct Waiter {
      std::uint64_t batch = 0;  // The number of the commit that it waits for.
      std::function<void(Status)> done;
    };
    std::vector<Waiter> waiters;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  void Change(std::string_view device, const std::function<Status(sync::CloudSession&)>& change,
              std::function<void(Status)> done);
  // Runs `take`, unless a frame like this one of the device ended this process twice in a row.
  void Watch(std::string_view device, std::span<const std::byte> bytes,
             const std::function<void()>& take);
  void TakeFrame(std::string_view device, std::span<const std::byte> bytes);
  Entry* FindOrRegister(std::string_view device, const sync::Frame& frame);
  void Load(Entry& entry);
  void OnLoaded(const std::string& device, Result<model::Stored> stored);
  void Receive(Entry& entry, sync::Frame frame);
  void Step(Entry& entry);
  void AskHistory(Entry& entry, sync::HistoryRequest request);
  // Hands the answer to the session, if the twin is still in memory.
  void AnswerHistory(const std::string& device,
                     const std::function<void(sync::CloudSession&)>& answer);
  static Listed Describe(const Entry& entry);
  // `address`: as sync::Link::SendTo.
  void Send(std::string_view device, std::string_view address, const sync::Frame& frame);
  void SetDue(Entry& entry, std::optional<MonoTime> due);
  void ArmTimer();
  void OnTimer();
  void SubmitGroup();
  void OnCommitted(const std::vector<std::string>& devices, const std::vector<Status>& results);
  void Settle(Entry& entry, const Status& result);
  void Unload();

  Loop& loop_;
  const MonoTime started_;
  FleetEvents& events_;
  const FleetOptions options_;
  sync::Link* link_ = nullptr;
  CloudHistoryWorker* history_ = nullptr;
  bool link_up_ = false;
  bool link_proved_ = false;
  Entries entries_;
  std::uint64_t loaded_ = 0;
  std::uint64_t connected_ = 0;
  Limit twins_limit_;
  Limit loaded_limit_;
  std::set<std::pair<MonoTime, std::string>> due_;
  Loop::Id timer_ = Loop::Id::kNone;
  MonoTime timer_at_{};
  Loop::Id unloading_ = Loop::Id::kNone;
  std::vector<TwinCommit> group_;  // For the next commit; at most one of each twin.
  sync::CloudOutput output_;       // Kept for its memory.
  std::function<void()> drained_;
  FleetStats stats_;
  StoreWorker worker_;  // Last: its callbacks use the rest.
};

}  // namespace edgetwin::cloud
