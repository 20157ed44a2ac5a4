// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/edge_engine.h"

#include <algorithm>
#include <utility>

#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Severity;
using model::Side;
using model::Stream;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Timeouts in a row after which the session is taken for lost.
constexpr int kTimeoutsMax = 4;
// protocol.md: acks at most one a second; the first waits a little for a frame to ride on.
constexpr microseconds kAckPause = seconds(1);
constexpr microseconds kAckDelay = milliseconds(100);
constexpr milliseconds kRetryMin{1'000};
constexpr milliseconds kRetryMax{30'000};
constexpr std::size_t kDictionaryFrameEntries = 500;
constexpr model::Pid kDictionaryWindow = 5'000;  // Entries under way without an ack.
constexpr std::chrono::seconds kDictionaryPauseMax{60};
constexpr std::uint32_t kSessions = (1u << 14) - 1;  // Two bytes as a varint.

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

void Earlier(std::optional<MonoTime>& due, std::optional<MonoTime> other) {
  if (other && (!due || *other < *due)) due = other;
}

}  // namespace

std::string_view ToString(SyncState state) {
  switch (state) {
    case SyncState::kOffline: return "offline";
    case SyncState::kHello: return "greeting";
    case SyncState::kLive: return "live";
    case SyncState::kFenced: return "fenced";
  }
  return "unknown";
}

EdgeEngine::EdgeEngine(EdgeOptions options, model::Twin& twin, model::Stored stored, MonoTime now,
                       WallTime wall)
    : options_(std::move(options)),
      twin_(twin),
      control_(twin),
      events_(twin, options_.events),
      commands_(twin, events_,
                [this](const model::Command& command, MonoTime at, WallTime wall_then) {
                  return RunLocal(command, at, wall_then);
                }),
      alarms_(twin),
      sender_({.twin = twin, .events = &events_, .peer_lineage = &peer_lineage_}, {}),
      backfill_(options_.backfill, twin) {
  peer_lineage_ = std::move(stored.peer_lineage);
  epoch_ = stored.epoch;
  cloud_control_ = cloud_control_durable_ = stored.peer_watermark[At(Stream::kControl)];
  seq_floor_ = stored.seq_floor;
  if (!stored.lineage.empty()) seq_limit_durable_ = stored.lineage.back().limit;
  seq_limit_asked_ = seq_limit_durable_;
  Watermarks opened_with{};
  opened_with[At(Stream::kState)] = stored.state_durable;
  opened_with[At(Stream::kControl)] =
      stored.lineage.size() < 2 ? 0 : stored.lineage[stored.lineage.size() - 2].kept;
  opened_with[At(Stream::kEvents)] = opened_with[At(Stream::kControl)];
  opened_with_ = opened_with;
  interest_ = stored.interest;
  interest_durable_ = interest_.version;
  scope_ = scope_durable_ = {stored.scope_held, 0};
  std::vector<model::Event> events = std::exchange(stored.events, {});
  std::vector<model::Command> commands = std::exchange(stored.commands, {});
  std::vector<model::AlarmRecord> alarms = std::exchange(stored.alarms, {});
  const std::vector<model::HoldRecord> holds = std::exchange(stored.holds, {});
  const std::uint64_t events_acked = stored.events_acked;
  twin_.Load(std::move(stored));
  events_.Load(std::move(events), events_acked);
  state_durable_ = twin_.stream_head(Stream::kState);
  local_durable_ = twin_.local_head();
  control_durable_ = twin_.stream_head(Stream::kControl);
  dictionary_durable_ = twin_.dictionary_size();
  events_durable_ = twin_.stream_head(Stream::kEvents);
  last_state_commit_ = now;
  session_ = will_session_ = DrawSession();
  SetInterest(options_.interest);
  FindOrphans();
  alarms_.Load(std::move(alarms));
  commands_.Resume(std::move(commands), wall);
  SetClockTrusted(options_.clock_trusted);
  control_.Resume(now, wall, options_.clock_trusted, holds);
}

std::uint32_t EdgeEngine::DrawSession() {
  return 1 + static_cast<std::uint32_t>(options_.random(kSessions));
}

void EdgeEngine::LinkUp(MonoTime now) {
  fresh_link_ = true;
  StartHello(now);
}

void EdgeEngine::LinkDown(MonoTime) {
  state_ = SyncState::kOffline;
  session_ = will_session_ = DrawSession();  // Before the next connection is made.
  foreign_heard_ = false;
  hello_due_.reset();
  ack_due_.reset();
  nack_due_.reset();
  recall_.reset();
  foreign_since_.reset();
  probe_due_.reset();
  interest_due_.reset();
  link_room_ = true;
  state_cut_ = lower_waits_ = false;
  healer_.Reset();
  backfill_.End();
  sender_.End();
}

// A session is one handshake and what follows from it, so that a frame of the one before is none of
// this one.
void EdgeEngine::StartHello(MonoTime now) {
  if (!std::exchange(fresh_link_, false)) session_ = session_ % kSessions + 1;
  down_session_ = 0;
  state_ = SyncState::kHello;
  hellos_ = 0;
  hello_due_ = now;
  proved_ = false;
  recall_.reset();
  probe_due_.reset();
  ack_due_.reset();
  nack_due_.reset();
  healer_.Reset();
  backfill_.End();
  sender_.End();
}

void EdgeEngine::StepHello(MonoTime now, WallTime wall, EdgeOutput& out) {
  if (!hello_due_ || now < *hello_due_) return;
  Hello hello = MakeHello(now, wall);
  if (hellos_ == 0) hello.first = MakeFirstDelta(hello, now);
  out.frames.push_back(std::move(hello));
  hello_sent_ = now;
  microseconds pause = sender_.rto() * (1 << std::min(hellos_, 5));
  pause = std::min<microseconds>(pause, kHelloPauseMax);
  pause += microseconds(options_.random(static_cast<std::uint64_t>(pause.count()) / 4 + 1));
  hello_due_ = now + pause;
  ++hellos_;
}

Ack EdgeEngine::Cursors(MonoTime now) const {
  Ack ack;
  ack.session = session_;
  ack.watermark[At(Stream::kControl)] =
      On(Guard::kCommitBeforePromise) ? cloud_control_durable_ : cloud_control_;
  ack.scope_version = scope_durable_.version;
  ack.scope_part = scope_durable_.part;
  ack.held_ms = HeldMs(now - cloud_control_at_);
  return ack;
}

// The ack that is due, and is sent now.
Ack EdgeEngine::TakeAck(MonoTime now) {
  Ack ack = Cursors(now);
  ack.verified = std::exchange(verified_, {});
  ack_due_.reset();
  ack_sent_ = now;
  return ack;
}

void EdgeEngine::Committed(std::uint64_t token, const Status& result, MonoTime now, WallTime wall) {
  if (!in_flight_ || in_flight_->token != token) return;
  InFlight done = std::move(*in_flight_);
  in_flight_.reset();
  if (!result) {
    ++counts_.commit_failures;
    counts_.commit_error = result.error().text;
    failed_ = std::move(done.batch);
    seq_limit_asked_ = seq_limit_durable_;
    retry_backoff_ = std::clamp(retry_backoff_ * 2, kRetryMin, kRetryMax);
    retry_at_ = now + retry_backoff_;
    return;
  }
  ++counts_.commits;
  counts_.commit_error.clear();
  retry_backoff_ = {};
  retry_at_.reset();
  batches_durable_ = done.number;
  control_durable_ = std::max(control_durable_, done.control_head);
  events_durable_ = std::max(events_durable_, done.events_head);
  events_lost_durable_ = std::max(events_lost_durable_, done.events_lost_to);
  if (done.dictionary == dictionary_) {
    dictionary_durable_ = std::max(dictionary_durable_, done.dictionary_n);
  }
  if (done.batch.interest) interest_durable_ = done.batch.interest->version;
  if (done.with_state) {
    state_durable_ = std::max(state_durable_, done.state_head);
    local_durable_ = std::max(local_durable_, done.local_head);
    last_state_commit_ = now;
  }
  if (done.seq_limit > seq_limit_durable_) {
    seq_limit_durable_ = done.seq_limit;
    model::Lineage lineage = twin_.lineage();
    lineage.back().limit = done.seq_limit;
    twin_.SetLineage(std::move(lineage));
  }
  // A cursor into a store that is gone says nothing of the one after it.
  if (done.cloud_store == cloud_store_ && done.batch.peer_watermark[At(Stream::kControl)] &&
      done.cloud_control > cloud_control_durable_) {
    cloud_control_durable_ = done.cloud_control;
    AckSoon(now + kAckDelay);
  }
  if (done.scope.version != scope_durable_.version || done.scope.part != scope_durable_.part) {
    scope_durable_ = done.scope;
    AckSoon(now);
  }
  control_.Durable(
      {cloud_control_durable_, std::max(control_durable_, done.local_head), done.number}, now,
      wall);
  // Offline, nobody can say that the cloud has not let another board take this one's place: what
  // waits goes on with the next Welcome, or ends with its epoch or its time.
  if (state_ == SyncState::kLive && !doubted_) commands_.Durable(done.number, now, wall);
}

void EdgeEngine::AckSoon(MonoTime at) {
  if (ack_due_) return;
  ack_due_ = ack_sent_ ? std::max(at, *ack_sent_ + kAckPause) : at;
}

void EdgeEngine::NoteMark(MonoTime now) {
  const std::uint64_t head = std::max(twin_.stream_head(Stream::kState), twin_.local_head());
  if (!marks_.empty() && marks_.back().seq >= head) return;
  const std::uint64_t safe = std::max(state_durable_, local_durable_);
  if (marks_.empty() && head <= safe) return;
  // Rows that follow within a sixteenth of the window share the mark of the first: they are due a
  // little early.
  if (!marks_.empty() && now - marks_.back().at < options_.commit_window / 16) {
    marks_.back().seq = head;
    return;
  }
  marks_.push_back({now, head});
}

std::optional<MonoTime> EdgeEngine::StateCommitDue() const {
  const bool local = twin_.local_head() > local_durable_;
  const std::uint64_t acked =
      state_ == SyncState::kLive && !local ? sender_.acked(Stream::kState) : 0;
  const std::uint64_t safe =
      std::max(acked, local ? std::min(state_durable_, local_durable_) : state_durable_);
  for (const Mark& mark : marks_) {
    if (mark.seq > safe) return mark.at + options_.commit_window;
  }
  if (twin_.stream_head(Stream::kState) > state_durable_) {
    return last_state_commit_ + options_.checkpoint_interval;
  }
  return {};
}

bool EdgeEngine::UrgentCommit() const {
  return twin_.pending() || !peer_batch_.empty() || events_.pending() || commands_.pending() ||
         (twin_.head() + options_.seq_reserve / 2 > seq_limit_asked_);
}

model::Batch EdgeEngine::BuildBatch(bool with_state) {
  model::Batch batch = std::exchange(failed_, {});
  batch.Merge(twin_.TakePending());
  batch.Merge(events_.TakePending());
  batch.Merge(commands_.TakePending());
  batch.Merge(std::exchange(peer_batch_, {}));
  if (twin_.head() + options_.seq_reserve / 2 > seq_limit_asked_) {
    seq_limit_asked_ = twin_.head() + options_.seq_reserve;
    batch.seq_limit = seq_limit_asked_;
  }
  if (!with_state) return batch;
  model::Batch rows;
  const auto take = [&rows](model::PropertyId id, Side side, const model::Row& row) {
    rows.rows.push_back({id, side, row});
    return true;
  };
  twin_.ForEachAfter(Stream::kState, state_durable_, take);
  twin_.ForEachLocalAfter(local_durable_, take);
  // Until the cloud has given back what a crash took, the store keeps saying from where on
  // something may be missing.
  if (!opened_with_) {
    rows.state_durable = twin_.stream_head(Stream::kState);
  }
  batch.Merge(std::move(rows));
  return batch;
}

void EdgeEngine::StepCommit(MonoTime now, EdgeOutput& out) {
  NoteMark(now);
  const std::uint64_t acked = state_ == SyncState::kLive ? sender_.acked(Stream::kState) : 0;
  while (!marks_.empty() && twin_.local_head() <= local_durable_ &&
         marks_.front().seq <= std::max(acked, state_durable_)) {
    marks_.pop_front();
  }
  if (in_flight_ || (retry_at_ && now < *retry_at_)) return;
  CollectChanges();
  const auto due = StateCommitDue();
  const bool with_state = due && now >= *due;
  if (!with_state && !UrgentCommit() && failed_.empty()) return;
  InFlight flight;
  flight.token = ++last_token_;
  flight.batch = BuildBatch(with_state);
  if (!On(Guard::kWatermarkAtomicWithRows)) failed_.rows = std::exchange(flight.batch.rows, {});
  flight.with_state = with_state;
  flight.state_head = twin_.stream_head(Stream::kState);
  flight.local_head = twin_.local_head();
  flight.control_head = twin_.stream_head(Stream::kControl);
  flight.events_head = twin_.stream_head(Stream::kEvents);
  flight.events_lost_to = events_.lost_to();
  flight.scope = scope_;
  flight.dictionary_n = twin_.dictionary_size();
  flight.dictionary = dictionary_;
  flight.number = ++batches_;
  flight.seq_limit = flight.batch.seq_limit.value_or(0);
  flight.cloud_control = flight.batch.peer_watermark[At(Stream::kControl)].value_or(0);
  flight.cloud_store = cloud_store_;
  if (with_state) marks_.clear();
  out.commit = EdgeOutput::Commit{flight.token, flight.batch};
  in_flight_ = std::move(flight);
}

// What the parts that watch values have found since the last commit.
void EdgeEngine::CollectChanges() {
  for (model::Event& event : alarms_.TakeEvents()) events_.Add(std::move(event));
  model::Batch batch;
  batch.alarms = alarms_.TakeChanges();
  batch.holds = control_.TakeHolds();
  peer_batch_.Merge(std::move(batch));
}

std::uint64_t EdgeEngine::ControlMax() const {
  if (!On(Guard::kCommitBeforePromise)) return ~std::uint64_t{0};
  std::uint64_t seq_max = sender_.ClaimMax(twin_.pending_batch(), control_durable_);
  seq_max = sender_.ClaimMax(failed_, seq_max);
  return in_flight_ ? sender_.ClaimMax(in_flight_->batch, seq_max) : seq_max;
}

// A crash may bring back a reported row that was overtaken here and not sent: it lies below the
// cloud's watermark then, and the digest that begins the next session tells.
std::uint64_t EdgeEngine::StateMax() const {
  return On(Guard::kSeqLimitReservation) ? seq_limit_durable_ : ~std::uint64_t{0};
}

// A frame passes over what was forgotten. Until that is on flash a crash brings it back, and nobody
// would miss it.
std::uint64_t EdgeEngine::EventsMax() const {
  const bool durable = events_.lost_to() <= events_lost_durable_;
  return durable ? events_durable_ : std::min(events_durable_, events_lost_durable_);
}

// Entries that a row follows are missed by whoever gets the row. A withdrawal, and a property that
// has no value yet, have none: they must be acknowledged in time by themselves.
void EdgeEngine::SendDictionary(MonoTime now, EdgeOutput& out) {
  const bool room = !options_.paced || link_room_;
  if (dictionary_acked_ < dictionary_sent_ && dictionary_due_ && now >= *dictionary_due_ && room &&
      On(Guard::kRetransmission)) {
    dictionary_sent_ = dictionary_acked_;
    ++dictionary_tries_;
  }
  const model::Pid before = dictionary_sent_;
  while (dictionary_sent_ < dictionary_durable_ &&
         dictionary_sent_ - dictionary_acked_ < kDictionaryWindow) {
    DictionaryFrame frame;
    frame.session = session_;
    frame.first = dictionary_sent_ + 1;
    std::size_t bytes = 0;
    while (dictionary_sent_ < dictionary_durable_ &&
           frame.entries.size() < kDictionaryFrameEntries && bytes < (32 << 10)) {
      frame.entries.push_back(twin_.Entry(++dictionary_sent_));
      const model::PropertyDef& def = frame.entries.back().def;
      bytes += 40 + def.path.text().size() + def.unit.size() + def.description.size();
    }
    out.frames.push_back(std::move(frame));
  }
  if (dictionary_sent_ > before) dictionary_due_ = now + DictionaryPause();
}

microseconds EdgeEngine::DictionaryPause() const {
  const microseconds pause = sender_.rto() * (1 << std::min(dictionary_tries_, 6));
  return std::min<microseconds>(pause, kDictionaryPauseMax);
}

void EdgeEngine::StepLive(MonoTime now, EdgeOutput& out) {
  if (sender_.Tick(now)) {
    ++counts_.timeouts;
    dictionary_sent_ = dictionary_acked_;
    if (sender_.timeouts() >= kTimeoutsMax) {
      trouble_ = "the cloud stopped answering";
      StartHello(now);
      return;
    }
  }
  SendDictionary(now, out);
  const model::Pid pid_max = dictionary_sent_;
  const auto send = [&](Stream stream, std::uint64_t seq_max, std::size_t frames_max) {
    bool any = false;
    while (frames_max-- > 0) {
      auto delta = sender_.Next(stream, seq_max, pid_max, session_, now);
      if (!delta) break;
      if (ack_due_) {
        delta->ack = TakeAck(now);
      }
      any = true;
      out.frames.push_back(std::move(*delta));
    }
    if (any) probe_at_ = now + kProbePause;
    if (any && stream != Stream::kEvents) verifiers_[At(stream)].Changed(now);
    return any;
  };
  // P0 must not wait behind more than one frame of the others.
  const auto send_lower = [&](Stream stream, std::uint64_t seq_max) {
    if (!options_.paced) return send(stream, seq_max, ~std::size_t{0});
    if (!link_room_ || !send(stream, seq_max, 1)) return false;
    link_room_ = false;
    return true;
  };
  StepInterest(now, out);
  send(Stream::kControl, ControlMax(), ~std::size_t{0});
  // A burst that the link's room has cut goes on as soon as there is room.
  if (!state_frame_at_ || state_cut_ || now >= *state_frame_at_ + options_.frame_interval) {
    state_stuck_ = !send_lower(Stream::kState, StateMax());
    if (!state_stuck_) state_frame_at_ = now;
    state_cut_ = options_.paced && !state_stuck_ && !sender_.Drained(Stream::kState) &&
                 !sender_.window_full();
  }
  send_lower(Stream::kEvents, EventsMax());
  lower_waits_ = !link_room_ && (state_cut_ || sender_.sent(Stream::kEvents) < EventsMax());
  StepCompare(now, out);
  if (probe_at_ && now >= *probe_at_) {
    out.frames.push_back(sender_.Empty(Stream::kState, session_));
    probe_at_ = now + kProbePause;
  }
}

void EdgeEngine::StepCompare(MonoTime now, EdgeOutput& out) {
  const auto step = [&](void (EdgeEngine::*kind)(MonoTime, EdgeOutput&)) {
    if (options_.paced && !link_room_) {
      lower_waits_ = true;
      return;
    }
    const std::size_t frames = out.frames.size();
    (this->*kind)(now, out);
    if (out.frames.size() > frames) link_room_ = false;
  };
  step(&EdgeEngine::StepOffer);
  step(&EdgeEngine::StepDigest);
  step(&EdgeEngine::StepHeal);
  StepHistory(now, out);
}

// Below everything else, and after it in each turn: what is live has just been asked.
bool EdgeEngine::HistoryMayLeave() const {
  if (options_.paced && !link_room_) return false;
  return !state_cut_ && !sender_.window_full() && !healer_.busy() &&
         sender_.sent(Stream::kEvents) >= EventsMax();
}

void EdgeEngine::StepHistory(MonoTime now, EdgeOutput& out) {
  Backfill::Turn turn;
  turn.session = session_;
  turn.pid_max = dictionary_acked_;
  turn.frame_bytes_max = frame_bytes_max_;
  turn.rto = sender_.rto();
  turn.room = HistoryMayLeave();
  Backfill::Output step;
  backfill_.Step(turn, now, step);
  out.history = std::move(step.read);
  if (!step.frame) return;
  out.frames.push_back(std::move(*step.frame));
  link_room_ = !options_.paced;
}

void EdgeEngine::StepAck(MonoTime now, EdgeOutput& out) {
  if (probe_due_) out.frames.push_back(*std::exchange(probe_due_, {}));
  if (nack_due_ && (!nack_at_ || now >= *nack_at_ + sender_.srtt().value_or(milliseconds(50)))) {
    out.frames.push_back(*nack_due_);
    nack_at_ = now;
  }
  nack_due_.reset();
  if (!ack_due_ || now < *ack_due_) return;
  out.frames.push_back(TakeAck(now));
}

void EdgeEngine::Step(MonoTime now, WallTime wall, EdgeOutput& out) {
  twin_.Tick(now);
  control_.Tick(now, wall);
  alarms_.Tick(now, wall);
  if (state_ == SyncState::kLive && batches_durable_ >= setback_batch_) StepRenew(now);
  NoteQuarantined(now, wall);
  for (const std::uint64_t id : sender_.TakeWithheldAnswers()) commands_.Withheld(id);
  RecordNotices(wall);
  StepCommit(now, out);
  out.calls = control_.TakeCalls();
  for (model::DriverCall& call : commands_.TakeCalls()) out.calls.push_back(std::move(call));
  if (state_ == SyncState::kHello && recall_) StepRecall(now, out);
  if (state_ == SyncState::kHello) StepHello(now, wall, out);
  if (state_ == SyncState::kFenced) StepHello(now, wall, out);
  const bool held = batches_durable_ < setback_batch_;
  if (state_ == SyncState::kLive && !held) StepLive(now, out);
  if (state_ == SyncState::kLive && !held) StepAck(now, out);
  out.proved = std::exchange(proved_, false);
  out.notices = std::exchange(notices_out_, {});
  out.clock = std::exchange(clock_out_, {});
  out.backoff_max = std::exchange(backoff_out_, {});
}

// What a technician is told once is an event as well.
void EdgeEngine::RecordNotices(WallTime wall) {
  for (EdgeOutput::Notice& notice : notices_) {
    model::Event event;
    event.time = wall;
    event.unsynced = !clock_trusted_;
    event.severity = notice.severity;
    event.kind = notice.kind;
    event.text = notice.text;
    events_.Add(std::move(event));
    notices_out_.push_back(std::move(notice));
  }
  notices_.clear();
}

void EdgeEngine::SetClockTrusted(bool trusted) {
  clock_trusted_ = trusted;
  control_.SetClockTrusted(trusted);
  alarms_.SetClockTrusted(trusted);
}

void EdgeEngine::Defined(model::PropertyId id, MonoTime now, WallTime wall) {
  control_.Defined(id, now, wall);
  alarms_.Defined(id, now, wall);
}

void EdgeEngine::Undefined(model::PropertyId id, WallTime wall) {
  alarms_.Undefined(id, wall);
}

void EdgeEngine::Sampled(model::PropertyId id, const model::Sample& sample, MonoTime now) {
  alarms_.OnSample(id, sample.value, sample.quality, now, sample.time, sample.unsynced);
}

void EdgeEngine::ReadDone(std::uint64_t ticket, Result<model::Value> result, MonoTime now,
                          WallTime wall) {
  if ((ticket & model::CommandRunner::kTicketBit) != 0) {
    return commands_.ReadDone(ticket, std::move(result), wall);
  }
  control_.ReadDone(ticket, std::move(result), now, wall);
}

void EdgeEngine::WriteDone(std::uint64_t ticket, Result<model::Value> result, MonoTime now,
                           WallTime wall) {
  if ((ticket & model::CommandRunner::kTicketBit) != 0) {
    return commands_.WriteDone(ticket, std::move(result), wall);
  }
  control_.WriteDone(ticket, std::move(result), now, wall);
}

Status EdgeEngine::RunLocal(const model::Command& command, MonoTime, WallTime wall) {
  if (command.name != "ack_alarm") {
    return Unsupported("'" + command.name + "' is no command; read, write and ack_alarm are");
  }
  const model::PropertyId id = twin_.Find(command.path);
  if (id == model::kNoProperty || twin_.pid(id) == 0) {
    return NotFound("no driver knows '" + command.path + "'");
  }
  return alarms_.Acknowledge(id, {}, command.who, wall);
}

void EdgeEngine::NoteQuarantined(MonoTime now, WallTime wall) {
  for (const Sender::Quarantined& entry : sender_.TakeQuarantined()) {
    verifiers_[At(entry.stream)].Refused(now);
    model::Event event;
    event.time = wall;
    event.unsynced = !clock_trusted_;
    event.severity = Severity::kWarning;
    event.kind = "quarantined";
    event.id = entry.id;
    event.text = "the cloud refuses one entry of the stream of " +
                 std::string(ToString(entry.stream)) + ", number " + std::to_string(entry.seq) +
                 "; it is set aside until it changes";
    // Of an event about a local-only property nothing may be said to anybody else.
    events_.Add(std::move(event));
  }
}

std::optional<MonoTime> EdgeEngine::NextStep() const {
  std::optional<MonoTime> next = twin_.NextTick();
  Earlier(next, control_.NextTick());
  Earlier(next, alarms_.NextTick());
  if (!in_flight_) {
    std::optional<MonoTime> commit = StateCommitDue();
    if (retry_at_ && (!commit || *commit < *retry_at_)) commit = retry_at_;
    Earlier(next, commit);
  }
  if (state_ == SyncState::kHello || state_ == SyncState::kFenced) Earlier(next, hello_due_);
  if (state_ == SyncState::kHello && recall_) Earlier(next, recall_->ask_at);
  if (state_ != SyncState::kLive || batches_durable_ < setback_batch_) return next;
  Earlier(next, sender_.NextTick());
  Earlier(next, ack_due_);
  Earlier(next, probe_at_);
  const bool room = !options_.paced || link_room_;
  if (room && dictionary_acked_ < dictionary_sent_) Earlier(next, dictionary_due_);
  if (room && (Settled() || !healer_.waits())) Earlier(next, healer_.NextStep());
  if (room && !orphans_.empty()) Earlier(next, offer_due_);
  Earlier(next, backfill_.NextStep(HistoryMayLeave()));
  if (interest_durable_ == interest_.version) Earlier(next, interest_due_);
  if (lower_waits_ && link_room_) Earlier(next, MonoTime{});
  for (const Stream stream : kDigested) {
    const bool told = dictionary_sent_ == twin_.dictionary_size();
    if (room && told && sender_.Drained(stream) && !healer_.busy()) {
      Earlier(next, verifiers_[At(stream)].due());
    }
  }
  const bool owed = std::min(twin_.stream_head(Stream::kState), seq_limit_durable_) >
                    sender_.sent(Stream::kState);
  if (owed && state_frame_at_ && !state_stuck_ && !sender_.window_full()) {
    Earlier(next, *state_frame_at_ + options_.frame_interval);
  }
  return next;
}

model::Batch EdgeEngine::Finish() {
  model::Batch batch;
  if (in_flight_) batch = std::move(in_flight_->batch);
  in_flight_.reset();
  CollectChanges();
  batch.Merge(BuildBatch(true));
  batch.seq_limit = twin_.head();
  batch.checkpoint = true;
  return batch;
}

std::optional<Bye> EdgeEngine::Goodbye() const {
  if (state_ != SyncState::kLive) return {};
  return Bye{session_};
}

bool EdgeEngine::OnFlash(Stream stream, std::uint64_t seq) const {
  if (stream == Stream::kEvents) return seq <= events_durable_;
  return seq <= (stream == Stream::kState ? state_durable_ : control_durable_);
}

EdgeStatus EdgeEngine::status() const {
  EdgeStatus status = counts_;
  status.state = state_;
  status.trouble = trouble_;
  status.head = twin_.head();
  status.state_head = twin_.stream_head(Stream::kState);
  status.state_acked = sender_.acked(Stream::kState);
  status.state_durable = state_durable_;
  status.local_durable = local_durable_;
  status.control_head = twin_.stream_head(Stream::kControl);
  status.control_acked = sender_.acked(Stream::kControl);
  status.control_durable = control_durable_;
  status.cloud_control = cloud_control_durable_;
  status.seq_limit = seq_limit_durable_;
  status.frames_under_way = sender_.under_way();
  status.frames_resent = sender_.resent();
  status.round_trip = sender_.srtt();
  status.frame_bytes = sender_.frame_bytes();
  status.epoch = epoch_;
  status.control_unfinished = control_.unfinished();
  status.seq_floor = seq_floor_;
  status.orphans = orphans_.size();
  status.events_head = twin_.stream_head(Stream::kEvents);
  status.events_acked = sender_.acked(Stream::kEvents);
  status.events_lost = events_.lost();
  status.interest = interest_;
  status.interest_held = scope_durable_.version;
  status.quarantined = sender_.quarantined();
  status.heals = healer_.heals();
  status.heal_failures = healer_.failures();
  return status;
}

}  // namespace edgetwin::sync
