// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud's half of the sync protocol for one device. Pure, like EdgeEngine: (event, now) in,
// frames, commits and changes out.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/classify.h"
#include "sync/engine/cloud_backfill.h"
#include "sync/engine/frame.h"
#include "sync/engine/healing.h"
#include "sync/engine/sender.h"
#include "sync/engine/verifier.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

struct CloudOptions {
  std::uint32_t frame_bytes_max = 64 << 10;  // What devices may send in one frame …
  std::uint32_t window_frames_max = 16;      // … and at once without an ack.
  std::size_t returned_rows_max = 10'000;    // In one Welcome.
  // How long the device that is connected has to answer when another one says Hello in its name.
  std::chrono::milliseconds probe_wait{10'000};
  std::uint32_t backoff_ms_max = 0;  // What devices wait at most between connections; 0: their own.
  // Whether a row of the device may be taken at all; null: any that fits its definition. What is
  // refused is set aside by the device.
  std::function<Status(const WireRow&)> accept;
  // Told before one row of the device's is taken up, and after. `row_begins` says no to what has
  // crashed this process: it is refused. Either both or none.
  std::function<bool(const model::Dot&)> row_begins;
  std::function<void(const model::Dot&)> row_ends;
  std::function<std::uint64_t(std::uint64_t below)> random;  // For epoch tokens and nonces.
  bool history = false;  // There is somebody who does CloudOutput::history.
};

struct CloudStatus {
  bool connected = false;
  std::string software;  // The device's, as it says.
  std::string hardware;
  model::Admission admission = model::Admission::kNormal;
  model::Claim claim;            // The last one that was refused.
  std::size_t superseded_n = 0;  // Incarnations that were given up.
  bool probing = false;          // Two claim to be this device; the one that was here is asked.
  std::string trouble;      // What was wrong last with this device's frames; empty when nothing.
  std::uint64_t state = 0;  // The device's revision that we hold …
  std::uint64_t state_durable = 0;  // … and have on disk.
  std::uint64_t control = 0, control_durable = 0;
  std::uint64_t head = 0;  // Our own revision of this twin.
  std::uint64_t desired_head = 0, desired_durable = 0, desired_acked = 0;
  std::optional<std::chrono::microseconds> round_trip;
  std::uint64_t sessions = 0, resets = 0, gaps = 0, refused_frames = 0, refused_rows = 0;
  std::uint64_t frames_resent = 0;
  std::uint64_t digests = 0, digests_unequal = 0;  // Compared; of these, those that differed.
  std::uint64_t heals = 0, heal_bytes = 0;         // Asked for; what was sent for them.
  std::uint64_t offers = 0, offer_conflicts = 0;   // Lost desired rows given back; too late.
  std::uint64_t probes = 0, fenced = 0;
  std::uint64_t refused_content = 0;             // Frames with something that can't be taken.
  std::size_t quarantined = 0;                   // Of ours, that the device refuses.
  std::uint64_t events = 0, events_durable = 0;  // The device's, by seq.
  model::Interest interest;
  std::uint32_t interest_held = 0;  // The version whose rows the device has.
  model::Epoch epoch;
  CloudBackfill::Counts history;
};

struct CloudOutput {
  std::vector<Frame> frames;
  struct Commit {
    std::uint64_t token = 0;
    model::Batch batch;
  };
  std::optional<Commit> commit;  // Never while another one of this twin is out.
  struct Change {
    model::PropertyId id = model::kNoProperty;
    model::Side side = model::Side::kReported;
  };
  std::vector<Change> changes;  // Rows that are new since the last Step, for those who watch.
  // What an operator should know: a device's store was replaced, ….
  struct Notice {
    std::string kind;  // As in model::Event.
    std::string text;
  };
  std::vector<Notice> notices;
  std::vector<model::Event> events;     // New ones of the device, for those who watch.
  std::vector<HistoryRequest> history;  // To be answered by HistoryPut and HistoryLooked.
};

// SINGLE-THREADED. Call Step after every event, and at NextStep.
class CloudSession {
 public:
  // `stored` is moved into `twin`, which must be fresh and outlive this. Its lineage's last entry
  // is this opening's.
  CloudSession(CloudOptions options, model::Twin& twin, model::Stored stored);

  void Receive(Frame frame, MonoTime now, WallTime wall);
  // The broker is gone, and with it every session.
  void LinkDown();
  void Committed(std::uint64_t token, const Status& result, MonoTime now);

  // The answers to CloudOutput::history.
  void HistoryPut(std::uint64_t token, const Result<HistoryPutDone>& result) {
    backfill_.PutDone(token, result);
  }
  void HistoryLooked(std::uint64_t token, const Result<sync::HistoryLooked>& result) {
    backfill_.Looked(token, result);
  }

  // Wants `value` of a property (none: wants nothing any more). Durable, and sent, after the commit
  // that the next Step asks for.
  void SetDesired(model::PropertyId id, model::Value value, std::string who, WallTime until,
                  WallTime wall);
  // What was wanted of the property before the newest, if a newer wish took its place before any
  // frame had it: the device will never speak of it. Null when there is none, and after a restart.
  const model::Row* superseded(model::PropertyId id) const;
  // Asks for something to be done once, until `command.expires`. Id, name, path, value and who are
  // the caller's; sent after the commit that the next Step asks for. Errors: CommandLog::Add.
  Status AddCommand(model::Command command);
  const model::CommandLog& commands() const { return commands_; }

  // --- An operator's decisions; each is in the commit that the next Step asks for. ---

  // The next one that says Hello, and is not the one that is here, takes over: after an unwanted
  // fence, or to put another board in a device's place. After Decommission: whoever comes next.
  // Everybody is asked to say Hello.
  void AdmitNext();
  // Takes that back: what stood before AdmitNext stands again. kConflict: nobody is awaited.
  Status WithdrawAdmission();
  // Nobody may speak for this device any more, until AdmitNext.
  void Decommission();

  // Commits asked for so far, and how many of them are durable: what is done now is in number
  // batches() + 1, or the one after it when that fails.
  std::uint64_t batches() const { return last_token_; }
  std::uint64_t batches_durable() const { return batches_durable_; }
  // Whether our own row with this seq is durable.
  bool Durable(std::uint64_t seq) const { return seq <= desired_durable_; }
  // Whether the device's row with this seq is durable here.
  bool PeerDurable(model::Side side, std::uint64_t seq) const;

  void Step(MonoTime now, WallTime wall, CloudOutput& out);
  std::optional<MonoTime> NextStep() const;

  bool connected() const { return session_ != 0; }
  CloudStatus status() const;
  // What we hold of the device's streams, durable or not.
  const Watermarks& watermark() const { return received_; }

 private:
  struct InFlight {
    std::uint64_t token = 0;
    model::Batch batch;
    Watermarks received{};
    MonoTime received_at{};  // When the last of it came.
    std::uint64_t desired_head = 0;
    model::Pid dictionary_n = 0;
    std::uint64_t frames = 0;  // Received by then.
    std::uint32_t scope_version = 0;
  };
  // Rows that entered the device's interest, sent part by part.
  struct Scope {
    std::uint32_t held = 0;               // The version that the device has taken up …
    std::vector<model::PropertyId> rows;  // … and what it lacks of the current one.
    std::size_t sent = 0;                 // Of `rows`, in the part under way and those before it.
    std::size_t acked = 0;
    std::uint32_t part = 0;       // The one under way; 0: none.
    std::optional<MonoTime> due;  // When it goes (again).
  };
  // Somebody who says Hello while somebody else is connected.
  struct Claimant {
    Hello hello;
    MonoTime until{};  // The other one has so long to answer …
    MonoTime ask_at{};
    std::uint64_t nonce = 0;  // … with this.
  };

  void OnHello(Hello hello, MonoTime now);
  void Admit(Hello hello, const Verdict& verdict, MonoTime now);
  bool MayTakeFirst(const Hello& hello, const Verdict& verdict) const;
  void TakeFirst(const Hello& hello, MonoTime now);
  void AdmitClaimant(Hello hello, MonoTime now);
  void SetBack(const Hello& hello, const Verdict& verdict);
  void SupersedeBranch(const Hello& hello);
  void DrawEpoch(const Hello& hello);
  bool ForgetDictionary(const Hello& hello);
  void TakeLostSeqs(const Hello& hello);
  void Fence(const Hello& hello, const std::string& why);
  void StepClaimant(MonoTime now, CloudOutput& out);
  KnownDevice Known() const;
  // The session's number on our own frames.
  std::uint32_t Down() const { return DownSession(session_, twin_.lineage().back().inc); }
  std::uint64_t Issued() const { return twin_.stream_head(model::Stream::kControl); }
  void OnDelta(const Delta& delta, MonoTime now);
  void OnAck(const Ack& ack, MonoTime now);
  void OnInterest(const InterestFrame& frame, MonoTime now);
  void BeginScopeIn(const model::Interest& before, MonoTime now);
  void StepScopeIn(MonoTime now, CloudOutput& out);
  bool InScope(model::PropertyId id) const { return InScope(interest_, id); }
  bool InScope(const model::Interest& interest, model::PropertyId id) const;
  void ForgetUnnumbered(std::uint64_t seq);
  Status Check(const WireRow& wire, model::Stream stream) const;
  void RefuseContent(const Delta& delta, std::string text, std::vector<std::uint64_t> entries);
  void TakeEvents(const Delta& delta);
  void CloseUnanswered();
  void CompareDigest(const Delta& delta, MonoTime now);
  Status TakeRow(const WireRow& wire);
  Status ApplyRow(const WireRow& wire, const model::Dot& dot);
  void FillInRefer(model::Row& row) const;
  void Answered(const model::Event& event);
  void OnDictionary(const DictionaryFrame& frame, MonoTime now);
  void OnRecall(model::Pid first);
  void OweAnew(model::PropertyId id);
  void OnOffer(const Offer& offer);
  void OnHealAsk(const HealAsk& ask, MonoTime now);
  void Refuse(NackReason reason, std::uint32_t session, std::string text);
  // `nack` without cursors. Each is said once a turn, and no more than kNacksMax of them.
  void Refuse(std::uint32_t session, Nack nack);
  void AckSoon(MonoTime now);
  Ack Cursors(std::uint32_t session) const;
  Ack HeldCursors(MonoTime now) const;
  Ack TakeAck(MonoTime now);
  std::uint64_t ControlMax() const;
  Welcome MakeWelcome(const Hello& hello, WallTime wall) const;
  std::vector<WireRow> Returned(const Hello& hello) const;
  std::vector<ChainMark> Ladder(const Hello& hello) const;
  void StepCommit(CloudOutput& out);
  void StepLive(MonoTime now, CloudOutput& out);
  bool Dirty() const {
    return twin_.pending() || commands_.pending() || !peer_batch_.empty() || !failed_.empty();
  }
  void Notice(std::string kind, std::string text);

  const CloudOptions options_;
  model::Twin& twin_;
  model::CommandLog commands_;
  Sender sender_;
  model::Interest interest_;
  Scope scope_;

  std::uint32_t session_ = 0;
  std::uint32_t will_session_ = 0;   // Ends it as well.
  std::uint64_t hello_boot_ms_ = 0;  // Of the Hello that began it.
  std::optional<Hello> hello_;       // Waits for its commit before it is answered.
  std::optional<Claimant> claimant_;
  MonoTime heard_at_{};  // When the device that is connected last sent something.
  std::string software_;
  std::string hardware_;
  std::string trouble_;
  std::vector<std::uint64_t> superseded_;
  model::Admission admission_ = model::Admission::kNormal;
  model::Claim claim_;
  model::Setback setback_;          // See Welcome.
  std::uint64_t answers_lost_ = 0;  // Commands up to it may have had answers that were forgotten.
  std::uint64_t desired_held_ = 0;  // What the device held of ours at its Hello.
  model::Lineage peer_lineage_;
  model::Epoch epoch_;
  Watermarks received_{};
  Watermarks durable_{};
  // What the device has offered in this session though it is not in its interest: sent all the
  // same, once, so that it stops.
  std::set<model::PropertyId> offered_;
  Watermarks early_{};  // The highest seq that came above the watermark.
  MonoTime received_at_{};
  model::Pid dictionary_durable_ = 0;
  Watermarks welcomed_{};  // What this session's Welcome said …
  model::Pid welcomed_dictionary_ = 0;
  bool ack_everything_ = false;  // In the next ack.
  std::uint64_t desired_durable_ = 0;
  std::uint64_t desired_sent_ = 0;  // Beyond it no frame went, in any session.
  std::map<model::PropertyId, model::Row> superseded_rows_;
  // This store was set back, and these rows are from before: a new number (P-5.10) makes them no
  // newer than what the device has to offer.
  std::set<model::PropertyId> old_rows_;

  std::vector<Nack> nacks_;
  std::vector<Frame> answers_;  // To be sent with the next Step; see kAnswersMax.
  HealSource heal_;
  CloudBackfill backfill_;
  Verifier verifier_;      // Of our own rows.
  Watermarks verified_{};  // The device's streams, to be told.
  std::optional<MonoTime> ack_due_;
  std::optional<MonoTime> ack_sent_;
  MonoTime acked_arrival_{};

  model::Batch peer_batch_;
  model::Batch failed_;
  std::optional<InFlight> in_flight_;
  std::optional<MonoTime> retry_at_;
  std::uint64_t last_token_ = 0;
  std::uint64_t batches_durable_ = 0;

  std::vector<CloudOutput::Change> changes_;
  std::vector<CloudOutput::Notice> notices_;
  std::vector<model::Event> events_;
  CloudStatus counts_;
};

}  // namespace edgetwin::sync
