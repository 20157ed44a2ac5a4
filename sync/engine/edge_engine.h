// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's half of the sync protocol, with its commit policy and the control of writable
// properties: everything of the agent that decides, and nothing that does. Pure: (event, now) in,
// frames, commits and driver calls out.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/backfill.h"
#include "sync/engine/frame.h"
#include "sync/engine/healing.h"
#include "sync/engine/sender.h"
#include "sync/engine/verifier.h"
#include "twin/model/alarms.h"
#include "twin/model/command_runner.h"
#include "twin/model/control.h"
#include "twin/model/event_log.h"
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
  // How long the cloud that we know has to answer when another one does in its place.
  std::chrono::milliseconds foreign_wait{10'000};
  std::string software = "edgetwind";
  std::string hardware;               // A label of the board, for people.
  std::vector<std::string> interest;  // See model::Interest.
  bool clock_trusted = true;          // At the start; see SetClockTrusted.
  model::EventLimits events;
  // The caller says LinkDrained: until then at most one frame of a lower priority waits in the
  // link, so that control overtakes. Else as many as the window allows.
  bool paced = false;
  // About one second of a slow link: no frame is larger, but for a single entry that is.
  std::size_t frame_bytes_max = 48 << 10;
  // Told before one row or command of the cloud's is taken up, and after. `entry_begins` says no to
  // what has crashed this device: it is refused. Either both or none.
  std::function<bool(const model::Dot&)> entry_begins;
  std::function<void(const model::Dot&)> entry_ends;
  // A random number below the argument. For session ids and jitter.
  std::function<std::uint64_t(std::uint64_t below)> random;
  BackfillOptions backfill;
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
  std::size_t frame_bytes = 0;  // What frames are held to, about: a second of the link.
  model::Epoch epoch;
  std::size_t control_unfinished = 0;
  std::uint64_t seq_floor = 0;  // This store was set back, and what it lost ends here.
  std::uint64_t digests = 0, digests_unequal = 0;  // Of the cloud's rows: compared; differed.
  std::uint64_t heals = 0, heal_failures = 0, snapshots = 0, healed_rows = 0;
  std::uint64_t foreign_welcomes = 0;  // Of another cloud than the one last synced with.
  std::size_t orphans = 0;  // Desired rows that the cloud lost and was not given back yet.
  std::uint64_t events_head = 0, events_acked = 0, events_lost = 0;
  std::uint64_t clock_steps = 0;  // How often the handshake set the clock.
  model::Interest interest;
  std::uint32_t interest_held = 0;    // The version whose rows are all here.
  std::size_t quarantined = 0;        // Entries that the cloud refuses, set aside.
  std::uint64_t entries_refused = 0;  // Of the cloud's: each has crashed this device before.
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
  // What a technician should know, once.
  struct Notice {
    model::Severity severity = model::Severity::kInfo;
    std::string kind;  // As in model::Event.
    std::string text;
  };
  std::vector<Notice> notices;
  // The handshake tells the time: it was `wall` at `at`, or up to `error` from it. For boards whose
  // own clock is not trusted.
  struct ClockMark {
    MonoTime at{};
    WallTime wall{};
    std::chrono::milliseconds error{0};
  };
  std::optional<ClockMark> clock;
  // The cloud's wish for the pauses between connections; 0: none.
  std::optional<std::chrono::milliseconds> backoff_max;
  std::optional<BackfillRead> history;  // To be answered by HistoryRead.
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

  // The link has sent all that it was given; see EdgeOptions::paced.
  void LinkDrained() { link_room_ = true; }
  // Whether wall times given to this are to be relied on.
  void SetClockTrusted(bool trusted);
  // A driver defined the property (again), or changed it; or no driver knows it any more.
  void Defined(model::PropertyId id, MonoTime now, WallTime wall);
  void Undefined(model::PropertyId id, WallTime wall);
  // A driver sampled the property: its alarm limits are looked at.
  void Sampled(model::PropertyId id, const model::Sample& sample, MonoTime now);
  // Something happened that people should know of.
  void AddEvent(model::Event event) { events_.Add(std::move(event)); }
  // See Backfill: there is a history on flash; it has news; there is none any more.
  void HistoryAttached(HistoryMark known) { backfill_.Attach(known); }
  void HistoryStored() { backfill_.Stored(); }
  void HistoryDetached() { backfill_.Detach(); }
  void HistoryRead(std::uint64_t token, Result<BackfillChunk> chunk, MonoTime now) {
    backfill_.OnRead(token, std::move(chunk), now);
  }
  BackfillStatus backfill() const { return backfill_.status(); }
  // Other properties of the cloud's are to be held from now on.
  void SetInterest(std::vector<std::string> patterns);

  // The last batch of a clean stop: everything, folded, and the unused seqs given back. Commit it
  // before exiting.
  model::Batch Finish();
  // The frame that ends the session, if there is one.
  std::optional<Bye> Goodbye() const;
  // The Will for the connection that is being made.
  Bye Will() const { return {will_session_}; }

  // What drivers answer to EdgeOutput::calls.
  void ReadDone(std::uint64_t ticket, Result<model::Value> result, MonoTime now, WallTime wall);
  void WriteDone(std::uint64_t ticket, Result<model::Value> result, MonoTime now, WallTime wall);

  model::Control& control() { return control_; }
  const model::Control& control() const { return control_; }
  model::Alarms& alarms() { return alarms_; }
  const model::Alarms& alarms() const { return alarms_; }
  const model::EventLog& events() const { return events_; }
  const model::CommandRunner& commands() const { return commands_; }
  std::vector<LimitReport> limits() const {
    return {events_.limit(), commands_.limit(), sender_.quarantined_limit()};
  }
  const Sender& sender() const { return sender_; }
  EdgeStatus status() const;
  // Whether a row of this seq is safe on flash, or with the cloud.
  bool OnFlash(model::Stream stream, std::uint64_t seq) const;

 private:
  // Hello is repeated with doubling pauses while the cloud is silent.
  static constexpr std::chrono::seconds kHelloPauseMax{30};
  // An idle session is probed this often.
  static constexpr std::chrono::minutes kProbePause{15};
  static constexpr std::array kDigested = {model::Stream::kControl, model::Stream::kState};

  struct ScopeMark {
    std::uint32_t version = 0;  // Whose rows are all here.
    std::uint32_t part = 0;     // Of the one being taken up.
  };
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
    std::uint64_t events_head = 0;
    std::uint64_t events_lost_to = 0;
    model::Pid dictionary_n = 0;
    std::uint64_t dictionary = 0;  // Which one: dictionary_ then.
    std::uint64_t number = 0;      // Of the batch.
    std::uint64_t seq_limit = 0;
    std::uint64_t cloud_control = 0;
    std::uint64_t cloud_store = 0;  // Which cloud's: cloud_store_ then.
    ScopeMark scope;                // What of the interest is taken up.
    bool with_state = false;
  };
  // Dictionary entries that this store lost and the cloud holds.
  struct Recall {
    Welcome welcome;  // To go on with.
    model::Pid first = 1;
    std::vector<model::DictionaryEntry> entries;
    MonoTime ask_at{};
    int asked = 0;
  };

  std::uint32_t DrawSession();
  void StartHello(MonoTime now);
  void OnWelcome(Welcome welcome, MonoTime now, WallTime wall);
  bool IsForeign(const Welcome& welcome) const;
  void FollowRestoredCloud(const Welcome& welcome);
  bool BeginRecall(Welcome& welcome, MonoTime now);
  void OnRecalled(const DictionaryFrame& frame, MonoTime now, WallTime wall);
  void StepRenew(MonoTime now);
  void StepRecall(MonoTime now, EdgeOutput& out);
  void BeginSession(const Welcome& welcome, MonoTime now, WallTime wall);
  void OnDelta(const Delta& delta, MonoTime now, WallTime wall);
  void CompareDigest(const Delta& delta, MonoTime now);
  bool Heeds(const Nack& nack) const;
  void OnNack(const Nack& nack, MonoTime now);
  bool OnAck(const Ack& ack, MonoTime now);
  enum class Arrival { kInOrder, kScopeIn, kForced };
  model::Dot DotOf(model::Dot dot) const;  // Of a row or command of the cloud's.
  bool TakeRow(const WireRow& wire, Arrival arrival, WallTime wall);
  bool ApplyDesired(const WireRow& wire, Arrival arrival, WallTime wall);
  void TakeCommand(const model::Command& wire, MonoTime now, WallTime wall);
  void OnScopeIn(const Delta& delta, MonoTime now, WallTime wall);
  void PurgeUninteresting();
  void Purge(model::PropertyId id);  // Its desired row.
  void StepInterest(MonoTime now, EdgeOutput& out);
  void TellInterest(const Welcome& welcome, MonoTime now);
  bool Interested(model::PropertyId id) const;
  void NoteQuarantined(MonoTime now, WallTime wall);
  void RecordNotices(WallTime wall);
  void CollectChanges();
  Status RunLocal(const model::Command& command, MonoTime now, WallTime wall);
  void AckSoon(MonoTime at);
  void TakeCloudClock(const Welcome& welcome, MonoTime now);
  std::chrono::milliseconds LeftOf(WallTime end, MonoTime now) const;
  using Places = std::set<std::pair<model::PropertyId, model::Side>>;
  Places TakeReturned(const std::vector<WireRow>& rows, std::uint64_t overruled);
  void TakeSetback(const Welcome& welcome, MonoTime now, WallTime wall);
  void FindOrphans();
  void StepOffer(MonoTime now, EdgeOutput& out);
  void StepDigest(MonoTime now, EdgeOutput& out);
  void StepHeal(MonoTime now, EdgeOutput& out);
  bool HistoryMayLeave() const;
  void StepHistory(MonoTime now, EdgeOutput& out);
  bool Settled() const;
  // The frames that compare and heal: below control, like state.
  void StepCompare(MonoTime now, EdgeOutput& out);
  void Notice(model::Severity severity, std::string kind, std::string text);

  void StepHello(MonoTime now, WallTime wall, EdgeOutput& out);
  void StepLive(MonoTime now, EdgeOutput& out);
  void StepAck(MonoTime now, EdgeOutput& out);
  std::uint64_t ControlMax() const;
  std::uint64_t StateMax() const;
  std::uint64_t EventsMax() const;
  void SendDictionary(MonoTime now, EdgeOutput& out);
  std::chrono::microseconds DictionaryPause() const;
  void StepCommit(MonoTime now, EdgeOutput& out);
  model::Batch BuildBatch(bool with_state);
  void NoteMark(MonoTime now);
  std::optional<MonoTime> StateCommitDue() const;
  bool UrgentCommit() const;
  Ack Cursors(MonoTime now) const;
  Ack TakeAck(MonoTime now);
  Hello MakeHello(MonoTime now, WallTime wall) const;
  std::optional<FirstDelta> MakeFirstDelta(const Hello& hello, MonoTime now);
  Watermarks Durable() const;

  const EdgeOptions options_;
  model::Twin& twin_;
  model::Control control_;
  model::EventLog events_;
  model::CommandRunner commands_;
  model::Alarms alarms_;
  Sender sender_;

  // Session.
  SyncState state_ = SyncState::kOffline;
  std::string trouble_;
  std::uint32_t session_ = 0;
  std::uint32_t down_session_ = 0;  // What the cloud's frames have in its place; 0: no Welcome yet.
  std::uint32_t will_session_ = 0;
  bool fresh_link_ = false;  // Its first session is the one that the Will names.
  // The cloud has welcomed this process, and has said nothing since that another Hello must settle.
  bool known_there_ = false;
  bool foreign_heard_ = false;  // Another cloud than the peer has answered on this link.
  // It was said that the session is over, perhaps by our peer; nothing of it was heard since.
  bool doubted_ = false;
  std::optional<MonoTime> hello_due_;
  std::optional<MonoTime> hello_sent_;
  int hellos_ = 0;
  bool proved_ = false;
  model::Pid dictionary_sent_ = 0;
  model::Pid dictionary_acked_ = 0;
  int dictionary_tries_ = 0;      // In a row without an answer.
  bool dictionary_anew_ = false;  // The cloud does not know yet that it began anew.
  std::optional<MonoTime> state_frame_at_;
  // State is owed and nothing may leave: until a commit, an ack or another event, no time helps.
  bool state_stuck_ = false;
  std::optional<MonoTime> probe_at_;
  std::optional<MonoTime> nack_at_;
  std::optional<MonoTime> dictionary_back_at_;  // When the cloud last missed entries.
  std::optional<MonoTime> dictionary_due_;      // When those under way are told again.
  std::optional<Recall> recall_;
  std::optional<MonoTime> foreign_since_;            // Only another cloud than ours answers.
  std::optional<Probe> probe_due_;                   // To be sent back.
  std::array<Verifier, model::kStreams> verifiers_;  // Of our streams.
  Watermarks verified_{};                            // The cloud's, to be told.
  bool cloud_equal_ = true;                          // Its digest, when last compared.
  Healer healer_;
  Backfill backfill_;
  std::size_t frame_bytes_max_ = 0;  // Of this session.

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
  // Desired rows up to it may have been written by this store's other lives: looked at first. So
  // may those of properties with a number above `look_pid_`: what the cloud hears to be shared
  // again it numbers anew.
  std::uint64_t look_to_ = 0;
  model::Pid look_pid_ = 0;
  bool look_next_ = false;   // In the session that begins next.
  std::uint64_t early_ = 0;  // The highest seq of its rows that came above the cursor.
  // Desired rows that the cloud does not have any more, or not yet again.
  std::set<model::PropertyId> orphans_;
  bool lacks_room_ = false;  // For a path that the cloud has a row of: the twins can't be equal.
  std::optional<MonoTime> offer_due_;
  model::Interest interest_;
  ScopeMark scope_;                       // Received …
  ScopeMark scope_durable_;               // … and on flash.
  std::uint32_t interest_durable_ = 0;    // Its version on flash.
  std::optional<MonoTime> interest_due_;  // The cloud doesn't know it yet.
  // The cloud's clock by the last handshake: its time, and ours then.
  std::optional<EdgeOutput::ClockMark> cloud_clock_;
  std::optional<EdgeOutput::ClockMark> clock_out_;
  bool clock_trusted_ = true;
  bool link_room_ = true;
  std::optional<std::chrono::milliseconds> backoff_out_;
  bool state_cut_ = false;    // More state is owed than the link had room for.
  bool lower_waits_ = false;  // For LinkDrained.
  model::Batch peer_batch_;   // Rows and cursors of the cloud to be committed.

  // Commits.
  std::optional<InFlight> in_flight_;
  model::Batch failed_;
  std::optional<MonoTime> retry_at_;
  std::chrono::milliseconds retry_backoff_{0};
  std::uint64_t last_token_ = 0;
  std::uint64_t batches_ = 0;  // Asked for so far.
  std::uint64_t batches_durable_ = 0;
  // Nothing is sent before this one is durable: what the cloud takes for proof that this store
  // knows of its setback must be one.
  std::uint64_t setback_batch_ = 0;
  std::uint64_t dictionary_ = 0;  // Counts the dictionaries that we have had.
  std::deque<Mark> marks_;
  MonoTime last_state_commit_{};
  std::uint64_t state_durable_ = 0;
  std::uint64_t local_durable_ = 0;
  std::uint64_t control_durable_ = 0;
  std::uint64_t events_durable_ = 0;
  std::uint64_t events_lost_durable_ = 0;  // Up to there, what was forgotten unsent stays so.
  std::uint64_t seq_limit_durable_ = 0;
  std::uint64_t seq_limit_asked_ = 0;
  model::Pid dictionary_durable_ = 0;
  // What the store held when it was opened, until the cloud has given back what was lost.
  std::optional<Watermarks> opened_with_;
  std::uint64_t seq_floor_ = 0;

  std::vector<EdgeOutput::Notice> notices_;      // Not recorded yet.
  std::vector<EdgeOutput::Notice> notices_out_;  // Not told yet.
  EdgeStatus counts_;
};

}  // namespace edgetwin::sync
