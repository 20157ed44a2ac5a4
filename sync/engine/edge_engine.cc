// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/edge_engine.h"

#include <algorithm>
#include <utility>

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Hello is repeated with doubling pauses while the cloud is silent.
constexpr microseconds kHelloPauseMax = seconds(30);
// Timeouts in a row after which the session is taken for lost.
constexpr int kTimeoutsMax = 4;
// An idle session is probed this often.
constexpr microseconds kProbePause = minutes(5);
// protocol.md: acks at most one a second; the first waits a little for a frame to ride on.
constexpr microseconds kAckPause = seconds(1);
constexpr microseconds kAckDelay = milliseconds(100);
constexpr microseconds kNackPauseMin = milliseconds(50);
constexpr milliseconds kRetryMin{1'000};
constexpr milliseconds kRetryMax{30'000};
constexpr std::size_t kDictionaryFrameEntries = 500;
constexpr model::Pid kDictionaryWindow = 5'000;      // Entries under way without an ack.
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
    : options_(std::move(options)), twin_(twin), control_(twin), sender_(twin, {}) {
  peer_lineage_ = std::move(stored.peer_lineage);
  epoch_ = stored.epoch;
  cloud_control_ = cloud_control_durable_ = stored.peer_watermark[At(Stream::kControl)];
  state_durable_at_hello_ = stored.state_durable;
  if (!stored.lineage.empty()) seq_limit_durable_ = stored.lineage.back().limit;
  seq_limit_asked_ = seq_limit_durable_;
  const std::uint64_t before =
      stored.lineage.empty() ? 0 : stored.lineage.back().first_seq - 1;  // A clean stop's head.
  crashed_ = std::none_of(stored.rows.begin(), stored.rows.end(), [&](const auto& change) {
    return change.side != Side::kDesired && change.row.dot.seq >= before;
  });
  twin_.Load(std::move(stored));
  state_durable_ = twin_.stream_head(Stream::kState);
  local_durable_ = twin_.local_head();
  control_durable_ = twin_.stream_head(Stream::kControl);
  dictionary_durable_ = twin_.dictionary_size();
  last_state_commit_ = now;
  session_ = DrawSession();
  control_.Resume(now, wall);
}

std::uint32_t EdgeEngine::DrawSession() {
  return 1 + static_cast<std::uint32_t>(options_.random(kSessions));
}

void EdgeEngine::LinkUp(MonoTime now) {
  StartHello(now);
}

void EdgeEngine::LinkDown(MonoTime) {
  state_ = SyncState::kOffline;
  session_ = DrawSession();  // Before the next connection is made: its Will names it.
  hello_due_.reset();
  ack_due_.reset();
  nack_due_.reset();
  sender_.End();
}

void EdgeEngine::StartHello(MonoTime now) {
  state_ = SyncState::kHello;
  hellos_ = 0;
  hello_due_ = now;
  proved_ = false;
  ack_due_.reset();
  nack_due_.reset();
  sender_.End();
}

Hello EdgeEngine::MakeHello(MonoTime now, WallTime wall) const {
  Hello hello;
  hello.session = session_;
  hello.lineage = twin_.lineage();
  hello.head[At(Stream::kState)] = twin_.stream_head(Stream::kState);
  hello.head[At(Stream::kControl)] = twin_.stream_head(Stream::kControl);
  hello.state_durable = state_durable_at_hello_;
  hello.watermark[At(Stream::kControl)] = cloud_control_durable_;
  hello.cloud_inc =
      cloud_control_durable_ == 0 ? 0 : model::IncOf(peer_lineage_, cloud_control_durable_);
  hello.dictionary_n = dictionary_durable_;
  hello.dictionary_chain = twin_.chain(dictionary_durable_);
  hello.epoch = epoch_;
  hello.wall_ms = wall.time_since_epoch().count();
  hello.boot_ms =
      static_cast<std::uint64_t>(duration_cast<milliseconds>(now.time_since_epoch()).count());
  hello.software = options_.software;
  return hello;
}

void EdgeEngine::StepHello(MonoTime now, WallTime wall, EdgeOutput& out) {
  if (!hello_due_ || now < *hello_due_) return;
  out.frames.push_back(MakeHello(now, wall));
  hello_sent_ = now;
  microseconds pause = sender_.rto() * (1 << std::min(hellos_, 5));
  pause = std::min(pause, kHelloPauseMax);
  pause += microseconds(options_.random(static_cast<std::uint64_t>(pause.count()) / 4 + 1));
  hello_due_ = now + pause;
  ++hellos_;
}

void EdgeEngine::Receive(Frame frame, MonoTime now, WallTime wall) {
  if (const auto* nack = std::get_if<Nack>(&frame)) return OnNack(*nack, now);
  if (const auto* welcome = std::get_if<Welcome>(&frame)) return OnWelcome(*welcome, now, wall);
  if (const auto* delta = std::get_if<Delta>(&frame)) {
    if (state_ != SyncState::kLive || delta->session != session_) return;
    probe_at_ = now + kProbePause;
    if (delta->ack && OnAck(*delta->ack, now)) proved_ = true;
    return OnDelta(*delta, now, wall);
  }
  if (const auto* ack = std::get_if<Ack>(&frame)) {
    if (state_ != SyncState::kLive || ack->session != session_) return;
    probe_at_ = now + kProbePause;
    OnAck(*ack, now);
    proved_ = true;
    return;
  }
  ++counts_.bad_frames;  // A kind that only devices send.
}

bool EdgeEngine::OnAck(const Ack& ack, MonoTime now) {
  dictionary_acked_ = std::max(dictionary_acked_, std::min(ack.dictionary_n, dictionary_sent_));
  return sender_.OnAck(ack, now);
}

void EdgeEngine::OnWelcome(const Welcome& welcome, MonoTime now, WallTime) {
  if (state_ != SyncState::kHello || welcome.session != session_) return;
  if (welcome.version != kProtocolVersion) {
    trouble_ = "the cloud speaks protocol version " + std::to_string(welcome.version) + ", not " +
               std::to_string(kProtocolVersion);
    hello_due_ = now + kHelloPauseMax;
    return;
  }
  if (hellos_ == 1 && hello_sent_) sender_.Measured(now - *hello_sent_);

  const std::uint64_t known = cloud_control_ == 0 ? 0 : model::IncOf(peer_lineage_, cloud_control_);
  const bool broken = cloud_control_ > 0 && !model::Gave(welcome.lineage, known, cloud_control_,
                                                         welcome.head[At(Stream::kControl)]);
  if (!(welcome.epoch == epoch_)) {
    epoch_ = welcome.epoch;
    peer_batch_.epoch = epoch_;
  }
  if (peer_lineage_ != welcome.lineage) {
    peer_lineage_ = welcome.lineage;
    peer_batch_.peer_lineage = peer_lineage_;
  }
  if (broken) {
    // Another store than the one whose rows we hold: its seqs mean nothing here, ours stay until it
    // says otherwise.
    trouble_ = "the cloud's store is not the one last synced with; everything is sent anew";
    ForgetCloud();
    StartHello(now);
    return;
  }
  state_ = SyncState::kLive;
  trouble_.clear();
  ++counts_.sessions;
  hello_due_.reset();
  probe_at_ = now + kProbePause;
  state_frame_at_.reset();
  SenderLimits limits;
  limits.frame_bytes_max = std::min<std::size_t>(
      limits.frame_bytes_max, std::max<std::uint32_t>(welcome.frame_bytes_max, 1'024));
  limits.window_frames_max = std::clamp<std::size_t>(welcome.window_frames_max, 1, 256);
  sender_.SetLimits(limits);
  Watermarks watermark = welcome.watermark;
  for (std::uint64_t& seq : watermark) seq = std::min(seq, twin_.head());
  // What the cloud was told it holds were the rows in memory then: where a newer one was on its
  // way, the crash brought back one that was never sent.
  if (std::exchange(crashed_, false)) watermark[At(Stream::kState)] = 0;
  sender_.Begin(watermark, now);
  const bool same_dictionary = welcome.dictionary_n <= dictionary_durable_ &&
                               twin_.chain(welcome.dictionary_n) == welcome.dictionary_chain;
  dictionary_sent_ = dictionary_acked_ = same_dictionary ? welcome.dictionary_n : 0;
  TakeReturned(welcome.returned);
  state_durable_at_hello_ = ~std::uint64_t{0};
}

void EdgeEngine::ForgetCloud() {
  // The aged rows are pending in the twin: what waits here would be committed over them.
  peer_batch_.rows.clear();
  twin_.AgePeerRows();
  control_.PeerReplaced();
  ++cloud_store_;
  cloud_control_ = cloud_control_durable_ = 0;
  peer_batch_.peer_watermark[At(Stream::kControl)] = 0;
}

void EdgeEngine::TakeReturned(const std::vector<WireRow>& rows) {
  for (const WireRow& wire : rows) {
    const model::PropertyId id = twin_.FindPid(wire.pid);
    if (id == model::kNoProperty || wire.side != Side::kReported) {
      ++counts_.unknown_rows;
      continue;
    }
    model::Row row = wire.row;
    if (row.dot.inc == 0) row.dot.inc = model::IncOf(twin_.lineage(), row.dot.seq);
    if (twin_.Restore(id, std::move(row))) ++counts_.returned_rows;
  }
}

void EdgeEngine::OnDelta(const Delta& delta, MonoTime now, WallTime) {
  if (delta.stream != Stream::kControl) {
    ++counts_.bad_frames;
    return;
  }
  for (const WireRow& wire : delta.rows) ApplyDesired(wire);
  if (delta.from > cloud_control_) {
    nack_due_ = Nack{NackReason::kGap, Cursors(now), {}, 0};
    return;
  }
  if (delta.to > cloud_control_) {
    cloud_control_ = delta.to;
    cloud_control_at_ = now;
    peer_batch_.peer_watermark[At(Stream::kControl)] = cloud_control_;
  } else if (!ack_due_) {
    ack_due_ = now;  // A frame we have: its ack was lost.
  }
}

void EdgeEngine::ApplyDesired(const WireRow& wire) {
  model::PropertyId id = twin_.FindPid(wire.pid);
  if (wire.pid == 0) {
    const auto path = model::Path::Parse(wire.path);
    const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
    if (found) id = *found;
  }
  if (id == model::kNoProperty || wire.side != Side::kDesired) {
    ++counts_.unknown_rows;
    return;
  }
  model::Row row = wire.row;
  if (row.dot.inc == 0) row.dot.inc = model::IncOf(peer_lineage_, row.dot.seq);
  const std::uint64_t seq = row.dot.seq;
  if (!twin_.Apply(id, Side::kDesired, row)) return;
  peer_batch_.rows.push_back({id, Side::kDesired, std::move(row)});
  control_.DesiredArrived(id, seq);
}

void EdgeEngine::OnNack(const Nack& nack, MonoTime now) {
  const bool ours = nack.cursors.session == session_ || nack.cursors.session == 0;
  if (!ours || state_ == SyncState::kOffline) return;
  ++counts_.nacks;
  switch (nack.reason) {
    case NackReason::kUnknownSession: {
      // Also an answer to Hello that found nobody ready: the pause of its repetition stands then.
      if (state_ == SyncState::kHello && nack.cursors.session != 0) return;
      StartHello(now);
      if (nack.spread_ms > 0) hello_due_ = now + milliseconds(options_.random(nack.spread_ms));
      return;
    }
    case NackReason::kGap:
      if (state_ == SyncState::kLive) sender_.OnGap(nack.cursors.watermark, now);
      return;
    case NackReason::kUnknownPid:
      if (state_ != SyncState::kLive) return;
      // Each frame that was under way is answered like this: once is enough.
      if (!sender_.OnGap(nack.cursors.watermark, now)) return;
      // Frames that were under way bring one such answer each: once a round trip is enough.
      if (dictionary_back_at_ &&
          now - *dictionary_back_at_ < sender_.srtt().value_or(kNackPauseMin)) {
        return;
      }
      dictionary_back_at_ = now;
      dictionary_sent_ = std::min(dictionary_sent_, nack.cursors.dictionary_n);
      dictionary_acked_ = std::min(dictionary_acked_, dictionary_sent_);
      return;
    case NackReason::kContent: trouble_ = "the cloud refused a frame: " + nack.text; return;
    case NackReason::kFenced:
      trouble_ = "fenced by the cloud: " + nack.text;
      state_ = SyncState::kFenced;
      hello_due_.reset();
      return;
    case NackReason::kVersion:
      trouble_ = "no common protocol version: " + nack.text;
      hello_due_ = now + kHelloPauseMax;
      return;
  }
}

Ack EdgeEngine::Cursors(MonoTime now) const {
  Ack ack;
  ack.session = session_;
  ack.watermark[At(Stream::kControl)] = cloud_control_durable_;
  ack.held_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
      duration_cast<milliseconds>(now - cloud_control_at_).count(), 0, 60'000));
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
  control_durable_ = std::max(control_durable_, done.control_head);
  dictionary_durable_ = std::max(dictionary_durable_, done.dictionary_n);
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
    if (!ack_due_) {
      ack_due_ = now + kAckDelay;
      if (ack_sent_) ack_due_ = std::max(*ack_due_, *ack_sent_ + kAckPause);
    }
  }
  control_.Durable(cloud_control_durable_, std::max(control_durable_, done.local_head), now, wall);
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
  return twin_.pending() || !peer_batch_.empty() ||
         (twin_.head() + options_.seq_reserve / 2 > seq_limit_asked_);
}

model::Batch EdgeEngine::BuildBatch(bool with_state) {
  model::Batch batch = std::exchange(failed_, {});
  batch.Merge(twin_.TakePending());
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
  if (state_durable_at_hello_ == ~std::uint64_t{0}) {
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
  const auto due = StateCommitDue();
  const bool with_state = due && now >= *due;
  if (!with_state && !UrgentCommit() && failed_.empty()) return;
  InFlight flight;
  flight.token = ++last_token_;
  flight.batch = BuildBatch(with_state);
  flight.with_state = with_state;
  flight.state_head = twin_.stream_head(Stream::kState);
  flight.local_head = twin_.local_head();
  flight.control_head = twin_.stream_head(Stream::kControl);
  flight.dictionary_n = twin_.dictionary_size();
  flight.seq_limit = flight.batch.seq_limit.value_or(0);
  flight.cloud_control = flight.batch.peer_watermark[At(Stream::kControl)].value_or(0);
  flight.cloud_store = cloud_store_;
  if (with_state) marks_.clear();
  out.commit = EdgeOutput::Commit{flight.token, flight.batch};
  in_flight_ = std::move(flight);
}

std::uint64_t EdgeEngine::ControlMax() const {
  std::uint64_t seq_max = sender_.ClaimMax(twin_.pending_batch(), control_durable_);
  seq_max = sender_.ClaimMax(failed_, seq_max);
  return in_flight_ ? sender_.ClaimMax(in_flight_->batch, seq_max) : seq_max;
}

void EdgeEngine::SendDictionary(EdgeOutput& out) {
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
  SendDictionary(out);
  const model::Pid pid_max = dictionary_sent_;
  const auto send = [&](Stream stream, std::uint64_t seq_max) {
    bool any = false;
    while (auto delta = sender_.Next(stream, seq_max, pid_max, session_, now)) {
      if (ack_due_) {
        delta->ack = Cursors(now);
        ack_due_.reset();
        ack_sent_ = now;
      }
      any = true;
      out.frames.push_back(std::move(*delta));
    }
    if (any) probe_at_ = now + kProbePause;
    return any;
  };
  send(Stream::kControl, ControlMax());
  if (!state_frame_at_ || now >= *state_frame_at_ + options_.frame_interval) {
    state_stuck_ = !send(Stream::kState, seq_limit_durable_);
    if (!state_stuck_) state_frame_at_ = now;
  }
  if (probe_at_ && now >= *probe_at_) {
    Delta probe;
    probe.session = session_;
    probe.from = probe.to = sender_.acked(Stream::kState);
    out.frames.push_back(probe);
    probe_at_ = now + kProbePause;
  }
}

void EdgeEngine::StepAck(MonoTime now, EdgeOutput& out) {
  if (nack_due_ && (!nack_at_ || now >= *nack_at_ + sender_.srtt().value_or(milliseconds(50)))) {
    out.frames.push_back(*nack_due_);
    nack_at_ = now;
  }
  nack_due_.reset();
  if (!ack_due_ || now < *ack_due_) return;
  out.frames.push_back(Cursors(now));
  ack_due_.reset();
  ack_sent_ = now;
}

void EdgeEngine::Step(MonoTime now, WallTime wall, EdgeOutput& out) {
  twin_.Tick(now);
  control_.Tick(now, wall);
  StepCommit(now, out);
  out.calls = control_.TakeCalls();
  if (state_ == SyncState::kHello) StepHello(now, wall, out);
  if (state_ == SyncState::kLive) StepLive(now, out);
  if (state_ == SyncState::kLive) StepAck(now, out);
  out.proved = std::exchange(proved_, false);
}

std::optional<MonoTime> EdgeEngine::NextStep() const {
  std::optional<MonoTime> next = twin_.NextTick();
  Earlier(next, control_.NextTick());
  if (!in_flight_) {
    std::optional<MonoTime> commit = StateCommitDue();
    if (retry_at_ && (!commit || *commit < *retry_at_)) commit = retry_at_;
    Earlier(next, commit);
  }
  if (state_ == SyncState::kHello) Earlier(next, hello_due_);
  if (state_ != SyncState::kLive) return next;
  Earlier(next, sender_.NextTick());
  Earlier(next, ack_due_);
  Earlier(next, probe_at_);
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
  status.epoch = epoch_;
  status.control_unfinished = control_.unfinished();
  return status;
}

}  // namespace edgetwin::sync
