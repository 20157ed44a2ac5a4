// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's half of the sync protocol, with its commit policy and the control of writable
// properties: everything of the agent that decides, and nothing that does. Pure: (event, now) in,
// frames, commits and driver calls out.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sync/engine/frame.h"
#include "sync/engine/sender.h"
#include "twin/model/control.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

struct EdgeOptions {
  // Reported rows are on flash, or with the cloud, this long after they were sampled at the latest.
  std::chrono::milliseconds commit_window{2'000};
  // While the cloud acknowledges in time, flash sees the reported rows this often.
  std::chrono::milliseconds checkpoint_interval{600'000};
  // State frames are at least this far apart; the first after a pause leaves at once.
  std::chrono::milliseconds frame_interval{200};
  std::uint64_t seq_reserve = 1 << 20;
  std::string software = "edgetwind";
  // A random number below the argument. For session ids and jitter.
  std::function<std::uint64_t(std::uint64_t below)> random;
};

enum class SyncState {
  kOffline,  // No link.
  kHello,    // Waiting for the cloud's Welcome.
  kLive,
  kFenced,  // The cloud refuses this store; see EdgeStatus::trouble.
};
std::string_view ToString(SyncState state);

struct EdgeStatus {
  SyncState state = SyncState::kOffline;
  std::string trouble;              // What the cloud refused last, empty when nothing.
  std::uint64_t head = 0;           // This device's revision.
  std::uint64_t state_head = 0;     // Of the reported rows alone.
  std::uint64_t state_acked = 0;    // Durable at the cloud.
  std::uint64_t state_durable = 0;  // On flash.
  std::uint64_t local_durable = 0;  // The same of local-only properties.
  std::uint64_t control_head = 0, control_acked = 0, control_durable = 0;
  std::uint64_t cloud_control = 0;  // The cloud's revision that we hold, durable.
  std::uint64_t seq_limit = 0;
  std::size_t frames_under_way = 0;
  std::uint64_t frames_resent = 0;
  std::uint64_t sessions = 0, timeouts = 0, nacks = 0, bad_frames = 0, unknown_rows = 0;
  std::uint64_t returned_rows = 0;  // That a crash took from here and the cloud gave back.
  std::uint64_t commits = 0, commit_failures = 0;
  std::string commit_error;  // Of the last commit, empty when it went well.
  std::optional<std::chrono::microseconds> round_trip;
  model::Epoch epoch;
  std::size_t control_unfinished = 0;
};

struct EdgeOutput {
  std::vector<Frame> frames;
  struct Commit {
    std::uint64_t token = 0;
    model::Batch batch;
  };
  std::optional<Commit> commit;  // Never while another one is out.
  std::vector<model::DriverCall> calls;
  bool proved = false;  // The session has proved itself: the link's backoff may start anew.
};

// SINGLE-THREADED. Call Step after every event and every change of the twin, once a turn of the
// loop is enough; and at NextStep.
class EdgeEngine {
 public:
  // `stored` is what the store held, its twin part is moved into `twin`, which must be fresh and
  // outlive this.
  EdgeEngine(EdgeOptions options, model::Twin& twin, model::Stored stored, MonoTime now,
             WallTime wall);

  void LinkUp(MonoTime now);
  void LinkDown(MonoTime now);
  void Receive(Frame frame, MonoTime now, WallTime wall);
  // The answer to EdgeOutput::Commit. A failed batch is merged into the next one, which is tried
  // with backoff.
  void Committed(std::uint64_t token, const Status& result, MonoTime now, WallTime wall);

  void Step(MonoTime now, WallTime wall, EdgeOutput& out);
  std::optional<MonoTime> NextStep() const;

  // The last batch of a clean stop: everything, folded, and the unused seqs given back. Commit it
  // before exiting.
  model::Batch Finish();
  // The frame that ends the session, if there is one.
  std::optional<Bye> Goodbye() const;
  // The Will for the connection that is being made. A session is one connection's: repeated Hellos
  // stay in it.
  Bye Will() const { return {session_}; }

  model::Control& control() { return control_; }
  const model::Control& control() const { return control_; }
  const Sender& sender() const { return sender_; }
  EdgeStatus status() const;
  // Whether a row of this seq is safe on flash, or with the cloud.
  bool OnFlash(model::Stream stream, std::uint64_t seq) const;

 private:
  struct Mark {  // The twin's state head at some time.
    MonoTime at;
    std::uint64_t seq;
  };
  struct InFlight {  // What a commit that is out makes durable.
    std::uint64_t token = 0;
    model::Batch batch;  // Kept, to be merged into the next one on failure.
    std::uint64_t state_head = 0;
    std::uint64_t local_head = 0;
    std::uint64_t control_head = 0;
    model::Pid dictionary_n = 0;
    std::uint64_t seq_limit = 0;
    std::uint64_t cloud_control = 0;
    std::uint64_t cloud_store = 0;  // Which cloud's: cloud_store_ then.
    bool with_state = false;
  };

  std::uint32_t DrawSession();
  void StartHello(MonoTime now);
  void OnWelcome(const Welcome& welcome, MonoTime now, WallTime wall);
  void OnDelta(const Delta& delta, MonoTime now, WallTime wall);
  void OnNack(const Nack& nack, MonoTime now);
  bool OnAck(const Ack& ack, MonoTime now);
  void ForgetCloud();
  void ApplyDesired(const WireRow& wire);
  void TakeReturned(const std::vector<WireRow>& rows);

  void StepHello(MonoTime now, WallTime wall, EdgeOutput& out);
  void StepLive(MonoTime now, EdgeOutput& out);
  void StepAck(MonoTime now, EdgeOutput& out);
  std::uint64_t ControlMax() const;
  void SendDictionary(EdgeOutput& out);
  void StepCommit(MonoTime now, EdgeOutput& out);
  model::Batch BuildBatch(bool with_state);
  void NoteMark(MonoTime now);
  std::optional<MonoTime> StateCommitDue() const;
  bool UrgentCommit() const;
  Ack Cursors(MonoTime now) const;
  Hello MakeHello(MonoTime now, WallTime wall) const;

  const EdgeOptions options_;
  model::Twin& twin_;
  model::Control control_;
  Sender sender_;

  // Session.
  SyncState state_ = SyncState::kOffline;
  std::string trouble_;
  std::uint32_t session_ = 0;
  std::optional<MonoTime> hello_due_;
  std::optional<MonoTime> hello_sent_;
  int hellos_ = 0;
  bool proved_ = false;
  model::Pid dictionary_sent_ = 0;
  model::Pid dictionary_acked_ = 0;
  std::optional<MonoTime> state_frame_at_;
  // State is owed and nothing may leave: until a commit, an ack or another event, no time helps.
  bool state_stuck_ = false;
  std::optional<MonoTime> probe_at_;
  std::optional<MonoTime> nack_at_;
  std::optional<MonoTime> dictionary_back_at_;  // When the cloud last missed entries.

  // What we hold of the cloud.
  model::Lineage peer_lineage_;
  model::Epoch epoch_;
  std::uint64_t cloud_control_ = 0;  // Received.
  std::uint64_t cloud_store_ = 0;    // Counts the cloud's stores that we have met.
  std::uint64_t cloud_control_durable_ = 0;
  MonoTime cloud_control_at_{};  // When it last advanced.
  std::optional<MonoTime> ack_due_;
  std::optional<MonoTime> ack_sent_;
  std::optional<Nack> nack_due_;
  model::Batch peer_batch_;  // Rows and cursors of the cloud to be committed.

  // Commits.
  std::optional<InFlight> in_flight_;
  model::Batch failed_;
  std::optional<MonoTime> retry_at_;
  std::chrono::milliseconds retry_backoff_{0};
  std::uint64_t last_token_ = 0;
  std::deque<Mark> marks_;
  MonoTime last_state_commit_{};
  std::uint64_t state_durable_ = 0;
  std::uint64_t local_durable_ = 0;
  std::uint64_t control_durable_ = 0;
  std::uint64_t seq_limit_durable_ = 0;
  std::uint64_t seq_limit_asked_ = 0;
  model::Pid dictionary_durable_ = 0;
  std::uint64_t state_durable_at_hello_ = 0;  // Of the store as it was opened.
  bool crashed_ = false;  // The store was not stopped clean, and no Welcome came since.

  EdgeStatus counts_;
};

}  // namespace edgetwin::sync
