// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What EdgeEngine makes of the cloud's frames: handshake, setbacks of either side, desired rows.

#include <algorithm>
#include <utility>

#include "sync/engine/classify.h"
#include "sync/engine/edge_engine.h"
#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Severity;
using model::Side;
using model::Stream;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr microseconds kNackPauseMin = milliseconds(50);
// An operator may have let it in, or this was said of another Hello.
constexpr microseconds kFencedPause = minutes(10);
constexpr int kAskedMax = 4;
constexpr std::size_t kOfferBytes = 16 << 10;  // Estimated.
// What a Hello carries beside itself, estimated: it may be in vain.
constexpr std::size_t kFirstDeltaBytes = 4 << 10;
constexpr std::string_view kCrashedTwice =
    "quarantined: taking it up ended this agent twice; a newer value is tried";

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

// The seq up to which two tellings of the cloud's lineage are one, of which `cursor` is held.
std::uint64_t CommonSeq(const model::Lineage& ours, std::uint64_t cursor,
                        const model::Lineage& theirs, std::uint64_t their_head) {
  for (std::size_t i = ours.size(); i-- > 0;) {
    for (std::size_t k = theirs.size(); k-- > 0;) {
      if (ours[i].inc != theirs[k].inc) continue;
      const bool newest = i + 1 == ours.size();
      const std::uint64_t here = newest ? cursor : std::min(cursor, ours[i].limit);
      return std::min(here, k + 1 == theirs.size() ? their_head : theirs[k].limit);
    }
  }
  return 0;
}

}  // namespace

Hello EdgeEngine::MakeHello(MonoTime now, WallTime wall) const {
  Hello hello;
  hello.session = session_;
  if (will_session_ != session_) hello.will_session = will_session_;
  hello.lineage = twin_.lineage();
  hello.head[At(Stream::kState)] = twin_.stream_head(Stream::kState);
  hello.head[At(Stream::kControl)] = twin_.stream_head(Stream::kControl);
  hello.head[At(Stream::kEvents)] = twin_.stream_head(Stream::kEvents);
  hello.durable = Durable();
  hello.watermark[At(Stream::kControl)] = cloud_control_durable_;
  hello.cloud_inc =
      cloud_control_durable_ == 0 ? 0 : model::IncOf(peer_lineage_, cloud_control_durable_);
  for (const model::PropertyId id : orphans_) {
    hello.cloud_seq_max = std::max(hello.cloud_seq_max, twin_.row(id, Side::kDesired)->dot.seq);
  }
  hello.dictionary_n = dictionary_durable_;
  hello.dictionary_chain = twin_.chain(dictionary_durable_);
  hello.dictionary_anew = dictionary_anew_;
  hello.scope_version = scope_durable_.version;
  hello.epoch = epoch_;
  hello.wall_ms = clock_trusted_ ? wall.time_since_epoch().count() : 0;
  hello.boot_ms =
      static_cast<std::uint64_t>(duration_cast<milliseconds>(now.time_since_epoch()).count());
  hello.software = options_.software;
  hello.hardware = options_.hardware;
  return hello;
}

// State that is owed, for a cloud that knows where this process stands: numbers, dictionary and
// epoch as its last Welcome and its acks left them. Under way until the next Welcome tells.
std::optional<FirstDelta> EdgeEngine::MakeFirstDelta(const Hello& hello, MonoTime now) {
  const bool told = dictionary_durable_ == dictionary_acked_ && !dictionary_anew_;
  const bool settled = orphans_.empty() && !foreign_since_ && batches_durable_ >= setback_batch_;
  if (state_ != SyncState::kHello || !known_there_ || !told || !settled) return {};
  const std::size_t own =
      256 + 32 * hello.lineage.size() + hello.software.size() + hello.hardware.size();
  const SenderLimits limits = sender_.limits();
  if (limits.frame_bytes_max <= own) return {};
  SenderLimits first = limits;
  first.frame_bytes_max = std::min(kFirstDeltaBytes, limits.frame_bytes_max - own);
  sender_.SetLimits(first);
  std::optional<Delta> delta =
      sender_.Next(Stream::kState, StateMax(), dictionary_durable_, session_, now);
  sender_.SetLimits(limits);
  if (!delta) return {};
  std::size_t bytes = 0;
  for (const WireRow& row : delta->rows) bytes += EstimateBytes(row);
  if (bytes > first.frame_bytes_max) {  // A single row that is larger: after the Welcome.
    sender_.End();
    return {};
  }
  return FirstDelta{delta->from, delta->to, std::move(delta->rows)};
}

// What is on flash, and must be there again if this is the same store.
Watermarks EdgeEngine::Durable() const {
  if (opened_with_) return *opened_with_;
  Watermarks durable{};
  durable[At(Stream::kState)] = twin_.head();  // Nothing is to be given back any more.
  durable[At(Stream::kControl)] = std::max(control_durable_, seq_floor_);
  durable[At(Stream::kEvents)] = std::max(events_durable_, seq_floor_);
  return durable;
}

void EdgeEngine::Notice(Severity severity, std::string kind, std::string text) {
  notices_.push_back({severity, std::move(kind), std::move(text)});
}

void EdgeEngine::Receive(Frame frame, MonoTime now, WallTime wall) {
  if (const auto* nack = std::get_if<Nack>(&frame)) return OnNack(*nack, now);
  if (auto* welcome = std::get_if<Welcome>(&frame)) {
    return OnWelcome(std::move(*welcome), now, wall);
  }
  const bool ours = SessionOf(frame) == down_session_;
  if (const auto* dictionary = std::get_if<DictionaryFrame>(&frame)) {
    if (ours && recall_) OnRecalled(*dictionary, now, wall);
    return;
  }
  if (state_ != SyncState::kLive || !ours) return;
  if (std::exchange(doubted_, false)) commands_.Durable(batches_durable_, now, wall);
  probe_at_ = now + kProbePause;
  if (const auto* delta = std::get_if<Delta>(&frame)) {
    if (delta->ack && OnAck(*delta->ack, now)) proved_ = true;
    OnDelta(*delta, now, wall);
  } else if (const auto* ack = std::get_if<Ack>(&frame)) {
    OnAck(*ack, now);
    proved_ = true;
  } else if (const auto* probe = std::get_if<Probe>(&frame)) {
    probe_due_ = Probe{session_, probe->nonce};
  } else if (const auto* answer = std::get_if<HealAnswer>(&frame)) {
    if (healer_.AwaitsRows(*answer)) {
      for (const WireRow& wire : answer->rows) {
        if (!TakeRow(wire, Arrival::kForced, wall)) lacks_room_ = true;
      }
    }
    healer_.OnAnswer(*answer, twin_, now);
  } else if (const auto* held = std::get_if<HistoryHeld>(&frame)) {
    backfill_.OnHeld(*held);
  } else if (const auto* taken = std::get_if<HistoryAck>(&frame)) {
    backfill_.OnAck(*taken, now);
    proved_ = true;
  } else {
    ++counts_.bad_frames;  // A kind that only devices send.
  }
}

bool EdgeEngine::OnAck(const Ack& ack, MonoTime now) {
  const model::Pid told = std::min(ack.dictionary_n, dictionary_sent_);
  if (told > dictionary_acked_) {
    dictionary_acked_ = told;
    dictionary_tries_ = 0;
    dictionary_due_ = now + DictionaryPause();
  }
  const bool progress = sender_.OnAck(ack, now);
  for (const Stream stream : kDigested) {
    if (ack.verified[At(stream)] != 0) verifiers_[At(stream)].Equal(ack.verified[At(stream)]);
  }
  const bool equal = std::ranges::all_of(
      kDigested, [this](Stream stream) { return verifiers_[At(stream)].equal(); });
  if (ack.verified != Watermarks{} && equal && cloud_equal_) healer_.Healed();
  events_.Acked(sender_.acked(Stream::kEvents));
  return progress;
}

// Whether it lacks what the cloud had told us, and we have told it that we hold.
bool EdgeEngine::IsForeign(const Welcome& welcome) const {
  if (cloud_control_ == 0) return false;
  return !model::Gave(welcome.lineage, model::IncOf(peer_lineage_, cloud_control_), cloud_control_,
                      welcome.head[At(Stream::kControl)]);
}

void EdgeEngine::OnWelcome(Welcome welcome, MonoTime now, WallTime wall) {
  if (welcome.session != session_ || welcome.to != twin_.lineage().back().inc) return;
  const bool foreign = IsForeign(welcome);
  if (foreign) foreign_heard_ = true;
  if (state_ == SyncState::kLive && foreign) {
    if (counts_.foreign_welcomes++ == 0) {
      Notice(Severity::kAlarm, "two_clouds",
             "another cloud twin answers in the place of the one synced with; it is not heard");
    }
    return;
  }
  if ((state_ != SyncState::kHello && state_ != SyncState::kFenced) || recall_) return;
  if (welcome.version != kProtocolVersion) {
    trouble_ = "the cloud speaks protocol version " + std::to_string(welcome.version) + ", not " +
               std::to_string(kProtocolVersion);
    hello_due_ = now + kHelloPauseMax;
    return;
  }
  if (hellos_ == 1 && hello_sent_) sender_.Measured(now - *hello_sent_);
  TakeCloudClock(welcome, now);
  if (foreign) {
    ++counts_.foreign_welcomes;
    trouble_ = "a cloud that is not the one last synced with answers; waiting for that one";
    if (!foreign_since_) foreign_since_ = now;
    if (now - *foreign_since_ >= options_.foreign_wait) FollowRestoredCloud(welcome);
    if (!foreign_since_) StartHello(now);
    return;
  }
  if (foreign_since_) {
    Notice(Severity::kAlarm, "two_clouds",
           "two cloud twins answer; staying with the one last synced with");
  }
  foreign_since_.reset();
  down_session_ = DownSession(session_, welcome.lineage.back().inc);
  if (BeginRecall(welcome, now)) return;
  // Told from the first entry on, an old withdrawal would cost it the rows that came after.
  if (welcome.dictionary_n == 0 && twin_.CompactDictionary()) {
    dictionary_durable_ = 0;  // Until the new one is.
    ++dictionary_;
  }
  BeginSession(welcome, now, wall);
}

// The answer was on its way for half of the round trip, more or less. Of several Hellos nobody
// knows which one was answered: the last one, at the earliest.
void EdgeEngine::TakeCloudClock(const Welcome& welcome, MonoTime now) {
  if (welcome.wall_ms <= 0 || !hello_sent_) return;
  const auto half = duration_cast<milliseconds>(now - *hello_sent_) / 2;
  cloud_clock_ = {now, WallTime(milliseconds(welcome.wall_ms)) + half, half};
  clock_out_ = cloud_clock_;
  ++counts_.clock_steps;
}

// What is left of a time on the cloud's clock. It is told in each handshake; nothing that has an
// end comes before one.
milliseconds EdgeEngine::LeftOf(WallTime end, MonoTime now) const {
  if (end == WallTime{}) return std::chrono::hours(24 * 365);
  if (!cloud_clock_) return {};
  const WallTime cloud_now =
      cloud_clock_->wall + duration_cast<milliseconds>(now - cloud_clock_->at);
  return end - cloud_now;
}

// The one that we knew is gone: what it gave us above the common point is ours alone now.
void EdgeEngine::FollowRestoredCloud(const Welcome& welcome) {
  const std::uint64_t common =
      CommonSeq(peer_lineage_, cloud_control_, welcome.lineage, welcome.head[At(Stream::kControl)]);
  Notice(Severity::kWarning, "cloud_restored",
         "the cloud's store was set back from revision " + std::to_string(cloud_control_) + " to " +
             std::to_string(common) + "; it is given back what it lost");
  foreign_since_.reset();
  known_there_ = false;
  peer_lineage_ = welcome.lineage;
  peer_batch_.peer_lineage = peer_lineage_;
  ++cloud_store_;
  look_next_ = true;  // It may want again what was done while it was wanted before.
  control_.PeerReplaced();
  cloud_control_ = common;
  cloud_control_durable_ =
      std::min(cloud_control_durable_, common);  // The rest is not on flash yet.
  peer_batch_.peer_watermark[At(Stream::kControl)] = common;
  FindOrphans();
}

void EdgeEngine::FindOrphans() {
  orphans_.clear();
  twin_.ForEachProperty([this](model::PropertyId id) {
    const model::Row* row = twin_.row(id, Side::kDesired);
    // The lineage forgets its oldest entries; what they gave was not lost by that.
    const bool told =
        peer_lineage_.empty() || row == nullptr || row->dot.seq < peer_lineage_.front().first_seq;
    if (told) return;
    if (!model::Gave(peer_lineage_, row->dot.inc, row->dot.seq, ~std::uint64_t{0})) {
      orphans_.insert(id);
    }
  });
}

void EdgeEngine::StepOffer(MonoTime now, EdgeOutput& out) {
  if (orphans_.empty() || (offer_due_ && now < *offer_due_)) return;
  Offer offer;
  offer.session = session_;
  std::size_t bytes = 0;
  for (const model::PropertyId id : orphans_) {
    offer.rows.push_back(ToWire(twin_, id, Side::kDesired, *twin_.row(id, Side::kDesired)));
    bytes += EstimateBytes(offer.rows.back());
    if (bytes > kOfferBytes) break;
  }
  out.frames.push_back(std::move(offer));
  offer_due_ = now + sender_.rto();
}

// False when our dictionary continues the cloud's, as it should. Else this store was set back.
bool EdgeEngine::BeginRecall(Welcome& welcome, MonoTime now) {
  const auto same = [this](model::Pid n, std::uint64_t chain) {
    return n <= dictionary_durable_ && (!On(Guard::kDictionaryChain) || twin_.chain(n) == chain);
  };
  if (same(welcome.dictionary_n, welcome.dictionary_chain)) return false;
  model::Pid common = 0;
  for (const ChainMark& mark : welcome.ladder) {
    if (same(mark.n, mark.chain)) common = std::max(common, mark.n);
  }
  recall_ = Recall{std::move(welcome), common + 1, {}, now, 0};
  hello_due_.reset();
  return true;
}

// What the cloud holds of it is past for the greater part, and all of it is there: nothing that it
// has yet to be told, a withdrawal above all, is forgotten with it.
void EdgeEngine::StepRenew(MonoTime now) {
  if (!twin_.DictionaryFull() || dictionary_acked_ < twin_.dictionary_size()) return;
  const model::Pid before = twin_.dictionary_size();
  twin_.RenewDictionary();
  Notice(Severity::kInfo, "dictionary_renewed",
         "of " + std::to_string(before) + " definitions that the cloud knows, " +
             std::to_string(twin_.dictionary_size()) + " are in use; they are told anew");
  // In memory only: a crash before the cloud knows recalls the cloud's, which is full again.
  dictionary_anew_ = true;
  dictionary_durable_ = 0;  // Until the new one is.
  ++dictionary_;
  StartHello(now);
}

void EdgeEngine::StepRecall(MonoTime now, EdgeOutput& out) {
  if (now < recall_->ask_at) return;
  if (recall_->asked >= kAskedMax) {
    trouble_ = "the cloud does not say which properties it knows";
    return StartHello(now);
  }
  DictionaryFrame ask;
  ask.session = session_;
  ask.first = recall_->first + static_cast<model::Pid>(recall_->entries.size());
  out.frames.push_back(std::move(ask));
  ++recall_->asked;
  recall_->ask_at = now + sender_.rto();
}

void EdgeEngine::OnRecalled(const DictionaryFrame& frame, MonoTime now, WallTime wall) {
  Recall& recall = *recall_;
  model::Pid pid = frame.first;
  std::uint64_t chain =
      recall.entries.empty() ? twin_.chain(recall.first - 1) : recall.entries.back().chain;
  for (const model::DictionaryEntry& given : frame.entries) {
    if (pid == recall.first + recall.entries.size()) {
      recall.entries.push_back(given);
      recall.entries.back().pid = pid;
      chain = recall.entries.back().chain = model::ChainHash(chain, recall.entries.back());
      recall.asked = 0;
    }
    ++pid;
  }
  const Welcome& welcome = recall.welcome;
  const auto wanted = std::max(recall.first, welcome.dictionary_n + 1) - recall.first;
  if (recall.entries.size() < wanted) return;
  if (chain != welcome.dictionary_chain ||
      !twin_.AdoptDictionary(recall.first - 1, recall.entries)) {
    trouble_ = "the cloud's list of properties contradicts its own hash";
    recall.asked = kAskedMax;  // Begins anew, after a pause.
    recall.ask_at = now + kHelloPauseMax;
    recall.entries.clear();
    return;
  }
  Notice(Severity::kWarning, "dictionary_recalled",
         std::to_string(recall.entries.size()) +
             " properties that this store had forgotten, or "
             "given other numbers, are known again");
  dictionary_durable_ = 0;  // Until the new one is.
  ++dictionary_;
  const Welcome go_on = std::move(recall.welcome);
  recall_.reset();
  BeginSession(go_on, now, wall);
}

void EdgeEngine::BeginSession(const Welcome& welcome, MonoTime now, WallTime wall) {
  if (!(welcome.epoch == epoch_)) {
    epoch_ = welcome.epoch;
    peer_batch_.epoch = epoch_;
    commands_.EpochChanged(wall);
  }
  if (peer_lineage_ != welcome.lineage) {
    peer_lineage_ = welcome.lineage;
    peer_batch_.peer_lineage = peer_lineage_;
  }
  state_ = SyncState::kLive;
  doubted_ = false;
  known_there_ = true;
  dictionary_anew_ = false;
  commands_.Durable(batches_durable_, now, wall);
  backoff_out_ = milliseconds(welcome.backoff_ms_max);
  trouble_.clear();
  ++counts_.sessions;
  hello_due_.reset();
  offer_due_.reset();
  early_ = 0;
  lacks_room_ = false;
  probe_at_ = now + kProbePause;
  for (const Stream stream : kDigested) verifiers_[At(stream)].Now(now);
  verified_ = {};
  state_frame_at_.reset();
  SenderLimits limits;
  limits.frame_bytes_max = std::min<std::size_t>(
      options_.frame_bytes_max, std::max<std::uint32_t>(welcome.frame_bytes_max, 1'024));
  limits.window_frames_max = std::clamp<std::size_t>(welcome.window_frames_max, 1, 256);
  sender_.SetLimits(limits);
  frame_bytes_max_ = limits.frame_bytes_max;
  backfill_.Begin(welcome.history);
  Watermarks watermark = welcome.watermark;
  events_.SetBack(watermark[At(Stream::kEvents)]);
  // What was sent and lost in a crash is below it for ever; what comes is above.
  sender_.Begin(watermark, now);
  scope_.part = scope_durable_.part = 0;  // What was begun in another session begins anew.
  interest_due_.reset();
  TellInterest(welcome, now);
  dictionary_sent_ = dictionary_acked_ = welcome.dictionary_n;
  dictionary_due_.reset();
  dictionary_tries_ = 0;
  // What was written in the life that a setback ended is not known. Of one that had told nobody
  // anything yet, nobody can know: the first session of a start looks in any case.
  const bool set_back = welcome.seq_floor > seq_floor_;
  if (set_back || opened_with_ || std::exchange(look_next_, false)) {
    look_to_ = welcome.head[At(Stream::kControl)];
    look_pid_ = welcome.dictionary_n;
  }
  if (set_back) {
    TakeSetback(welcome, now, wall);
  } else {
    counts_.returned_rows += TakeReturned(welcome.returned, 0).size();
  }
  opened_with_.reset();
}

// Rows that a cloud passed over in another scope than ours are missing, however long we have held
// this one; and after a setback the same number may be another one's. A new number has all come.
void EdgeEngine::TellInterest(const Welcome& welcome, MonoTime now) {
  const bool same = welcome.scope_version == interest_.version;
  const bool held = scope_durable_.version == interest_.version;
  const bool behind = welcome.scope_version > interest_.version;
  if (welcome.seq_floor > seq_floor_ || (!same && held) || behind) {
    interest_.version = std::max(interest_.version, welcome.scope_version) + 1;
    peer_batch_.interest = interest_;
  } else if (same) {
    return;
  }
  interest_due_ = now;
}

EdgeEngine::Places EdgeEngine::TakeReturned(const std::vector<WireRow>& rows,
                                            std::uint64_t overruled) {
  Places taken;
  for (const WireRow& wire : rows) {
    model::PropertyId id = twin_.FindPid(wire.pid);
    if (wire.pid == 0) {
      const auto path = model::Path::Parse(wire.path);
      const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
      if (found) id = *found;
    }
    if (id == model::kNoProperty || wire.side == Side::kDesired) {
      ++counts_.unknown_rows;
      continue;
    }
    model::Row row = wire.row;
    if (row.dot.inc == 0) row.dot.inc = model::IncOf(twin_.lineage(), row.dot.seq);
    // What was said of a property that means something else now is of no use.
    if (wire.side == Side::kReported && twin_.pid(id) != wire.pid) continue;
    if (twin_.Restore(id, wire.side, std::move(row), overruled)) taken.emplace(id, wire.side);
  }
  return taken;
}

// This store is an image, or a new one: the cloud has acknowledged what it does not hold. What was
// lost comes back; what only this store has is told under numbers that nobody has used.
void EdgeEngine::TakeSetback(const Welcome& welcome, MonoTime now, WallTime wall) {
  seq_floor_ = welcome.seq_floor;
  peer_batch_.seq_floor = seq_floor_;
  twin_.Raise(seq_floor_);
  setback_batch_ = batches_ + 1;
  const Places taken = TakeReturned(welcome.returned, seq_floor_);
  counts_.returned_rows += taken.size();
  std::vector<std::pair<model::PropertyId, Side>> renumber;
  for (const Stream stream : kDigested) {
    twin_.ForEachAfter(stream, welcome.common[At(stream)],
                       [&](model::PropertyId id, Side side, const model::Row& row) {
                         if (row.dot.seq <= seq_floor_ && !taken.contains({id, side})) {
                           renumber.emplace_back(id, side);
                         }
                         return true;
                       });
  }
  for (const auto& [id, side] : renumber) twin_.Renumber(id, side);
  events_.Renumber(welcome.common[At(Stream::kEvents)], seq_floor_);
  const std::size_t dropped = control_.DropOverrides(now, wall);
  Notice(Severity::kWarning, "rolled_back",
         "this device's store was set back, or is a new one: " + std::to_string(taken.size()) +
             " rows came back from the cloud, " + std::to_string(dropped) +
             " overrides ended; what only it had was lost");
}

void EdgeEngine::OnDelta(const Delta& delta, MonoTime now, WallTime wall) {
  if (delta.stream != Stream::kControl) {
    ++counts_.bad_frames;
    return;
  }
  if (delta.scope_in) return OnScopeIn(delta, now, wall);
  std::vector<std::uint64_t> refused;
  for (const WireRow& wire : delta.rows) {
    const bool taken = TakeRow(wire, Arrival::kInOrder, wall);
    if (!taken && refused.size() < kRefusedEntriesMax) refused.push_back(wire.row.dot.seq);
  }
  if (!refused.empty()) {
    nack_due_ = Nack{.reason = NackReason::kContent,
                     .cursors = Cursors(now),
                     .text = trouble_,
                     .refused = FrameSpan{delta.stream, delta.from, delta.to},
                     .entries = std::move(refused)};
    return;
  }
  if (delta.from > cloud_control_ && On(Guard::kFromWithinWatermark)) {
    early_ = std::max(early_, delta.to);
    nack_due_ = Nack{.reason = NackReason::kGap, .cursors = Cursors(now)};
    return;
  }
  // Commands are a list, not a state: those after a gap come again, after what was asked before.
  for (const model::Command& command : delta.commands) TakeCommand(command, now, wall);
  if (delta.to > cloud_control_) {
    cloud_control_ = delta.to;
    cloud_control_at_ = now;
    peer_batch_.peer_watermark[At(Stream::kControl)] = cloud_control_;
  } else if (!ack_due_ && !delta.digest) {
    ack_due_ = now;  // A frame we have: its ack was lost.
  }
  if (delta.digest) CompareDigest(delta, now);
}

// Parts come one after the other, each once the one before was acknowledged.
void EdgeEngine::OnScopeIn(const Delta& delta, MonoTime now, WallTime wall) {
  const ScopeIn& in = *delta.scope_in;
  if (in.version != interest_.version) return;  // Overtaken; the cloud will know soon.
  interest_due_.reset();
  const bool held = scope_.version == in.version || in.part <= scope_.part;
  if (!held && in.part == scope_.part + 1) {
    for (const WireRow& wire : delta.rows) TakeRow(wire, Arrival::kScopeIn, wall);
    scope_.part = in.part;
    if (in.last) {
      scope_ = {in.version, 0};
      peer_batch_.scope_held = in.version;
      PurgeUninteresting();
    } else if (peer_batch_.empty()) {
      peer_batch_.scope_held = scope_.version;  // So that there is a commit to wait for.
    }
    return;
  }
  if (scope_.version == scope_durable_.version && scope_.part == scope_durable_.part) AckSoon(now);
}

bool EdgeEngine::Interested(model::PropertyId id) const {
  if (interest_.patterns.empty()) return true;
  const std::string& path = twin_.def(id).path.text();
  return std::ranges::any_of(interest_.patterns, [&path](const std::string& pattern) {
    return model::Matches(pattern, path);
  });
}

// What enters comes as a scope-in. What leaves is held until that was taken: the cloud may have
// been set back, and not have it any more.
void EdgeEngine::SetInterest(std::vector<std::string> patterns) {
  if (patterns == interest_.patterns) return;
  interest_.patterns = std::move(patterns);
  ++interest_.version;
  peer_batch_.interest = interest_;
  scope_.part = 0;
  lacks_room_ = false;
  if (state_ == SyncState::kLive) interest_due_ = MonoTime{};
}

// In the transaction that adopts the interest. Orphans stay until the cloud has taken them back.
void EdgeEngine::PurgeUninteresting() {
  twin_.ForEachProperty([this](model::PropertyId id) {
    const bool stays = Interested(id) || orphans_.contains(id);
    if (!stays && twin_.row(id, Side::kDesired) != nullptr) Purge(id);
  });
}

void EdgeEngine::Purge(model::PropertyId id) {
  twin_.Force(id, Side::kDesired, {});
  orphans_.erase(id);
  peer_batch_.rows.push_back({id, Side::kDesired, {}});
  control_.DesiredGone(id);
}

// A version that a crash takes back would name another interest afterwards.
void EdgeEngine::StepInterest(MonoTime now, EdgeOutput& out) {
  if (!interest_due_ || now < *interest_due_) return;
  if (interest_durable_ != interest_.version && On(Guard::kCommitBeforePromise)) return;
  out.frames.push_back(InterestFrame{session_, interest_});
  interest_due_ = now + sender_.rto();
}

void EdgeEngine::TakeCommand(const model::Command& wire, MonoTime now, WallTime wall) {
  if (wire.dot.seq <= cloud_control_) return;  // It has come before.
  model::Command command = wire;
  command.dot = DotOf(command.dot);
  if (options_.entry_begins && !options_.entry_begins(command.dot)) {
    ++counts_.entries_refused;
    return commands_.Refuse(command, std::string(kCrashedTwice), wall);
  }
  commands_.Arrived(command, batches_ + 1, LeftOf(command.expires, now), epoch_, now, wall);
  if (options_.entry_ends) options_.entry_ends(command.dot);
}

model::Dot EdgeEngine::DotOf(model::Dot dot) const {
  if (dot.inc == 0) dot.inc = model::IncOf(peer_lineage_, dot.seq);
  return dot;
}

// False when it can't be taken.
bool EdgeEngine::TakeRow(const WireRow& wire, Arrival arrival, WallTime wall) {
  const model::Dot dot = DotOf(wire.row.dot);
  if (options_.entry_begins && !options_.entry_begins(dot)) {
    ++counts_.entries_refused;
    trouble_ =
        "number " + std::to_string(dot.seq) + " of the cloud's: " + std::string(kCrashedTwice);
    return false;
  }
  const bool taken = ApplyDesired(wire, arrival, wall);
  if (options_.entry_ends) options_.entry_ends(dot);
  return taken;
}

void EdgeEngine::CompareDigest(const Delta& delta, MonoTime now) {
  if (cloud_control_ != delta.to || early_ > delta.to || !orphans_.empty() || lacks_room_) return;
  if (!On(Guard::kDigestCheck)) return;
  const bool same_scope =
      delta.digest->scope == interest_.version && scope_.version == interest_.version;
  if (!same_scope && On(Guard::kScopeTaggedDigest)) return;
  // It goes over numbers: of a cloud that knows others it says nothing, and it comes again.
  if (delta.digest->entries != twin_.dictionary_size()) return;
  ++counts_.digests;
  if (delta.digest->sum ==
      DigestOf(twin_, Stream::kControl, model::Role::kCloud, {}, delta.digest->except)) {
    verified_[At(Stream::kControl)] = delta.to;
    cloud_equal_ = true;
    AckSoon(now);
    return;
  }
  cloud_equal_ = false;
  ++counts_.digests_unequal;
  healer_.Want(now, options_.random);
}

// False when there is no room for it.
bool EdgeEngine::ApplyDesired(const WireRow& wire, Arrival arrival, WallTime wall) {
  // What is wanted of a property that is local-only is held, so that both sides hold the same;
  // nobody acts on it. The cloud may not have heard yet that its number was withdrawn.
  model::PropertyId id = twin_.FindGiven(wire.pid);
  if (wire.pid == 0) {
    const auto path = model::Path::Parse(wire.path);
    const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
    if (!found) {
      ++counts_.unknown_rows;
      trouble_ = found.error().text;
      return false;
    }
    id = *found;
  }
  if (id == model::kNoProperty || wire.side != Side::kDesired) {
    ++counts_.unknown_rows;
    return true;
  }
  if (!Interested(id)) {
    ++counts_.unknown_rows;
    if (orphans_.contains(id)) Purge(id);  // Taken back.
    return true;
  }
  // What healing finds there instead is what the cloud was set back to: it is about to be offered.
  if (arrival == Arrival::kForced && orphans_.contains(id)) return true;
  model::Row row = wire.row;
  row.dot = DotOf(row.dot);
  const model::Row* held = twin_.row(id, Side::kDesired);
  const bool same = arrival == Arrival::kForced ? held != nullptr && *held == row
                                                : held != nullptr && held->dot == row.dot;
  if (same) return true;
  // The same wish under another number, or one that may have been answered, or begun, before it
  // left our interest: perhaps done already, which a look at the device tells.
  const model::Row* status = twin_.row(id, Side::kStatus);
  const bool answered =
      status != nullptr && (held == nullptr || status->info().refers_to == row.dot);
  const bool other_life = row.dot.seq <= look_to_ || (look_to_ != 0 && wire.pid > look_pid_);
  const bool known = answered || arrival == Arrival::kScopeIn || other_life ||
                     (held != nullptr && held->value == row.value);
  const std::uint64_t seq = row.dot.seq;
  const bool replaces = held != nullptr && !held->value.none() && held->dot.seq < seq;
  const model::Dot replaced = replaces ? held->dot : model::Dot();
  const std::string orphan = orphans_.contains(id) && !(held->value == row.value)
                                 ? model::ToJson(held->value)
                                 : std::string();
  if (arrival == Arrival::kForced) {
    twin_.Force(id, Side::kDesired, row);
  } else if (!twin_.Apply(id, Side::kDesired, row)) {
    return true;
  }
  orphans_.erase(id);
  if (!orphan.empty()) {
    Notice(Severity::kWarning, "conflict",
           "'" + twin_.def(id).path.text() +
               "' was wanted otherwise in the cloud that was restored; what was wanted before is "
               "lost: " +
               orphan);
  }
  peer_batch_.rows.push_back({id, Side::kDesired, std::move(row)});
  const bool in_order = arrival == Arrival::kInOrder;
  control_.DesiredArrived(
      id, {.seq = in_order ? seq : 0, .batch = batches_ + 1, .known = known, .replaced = replaced},
      wall);
  return true;
}

// Whether it is for us, and from the cloud that we sync with, as far as one can tell: what another
// one says of a session that it doesn't know must not end ours. When it was ours after all that
// lost it, nothing will be acknowledged.
bool EdgeEngine::Heeds(const Nack& nack) const {
  const std::uint32_t session = nack.cursors.session;
  const bool live = state_ == SyncState::kLive;
  if (live && session == down_session_) return true;
  switch (nack.reason) {
    case NackReason::kUnknownSession:
      return session == 0 || (session == session_ && !(live && foreign_heard_));
    case NackReason::kFenced: return session == session_ && !(live && foreign_heard_);
    case NackReason::kVersion: return session == 0 || session == session_;
    case NackReason::kBusy: return session == 0 || session == session_;
    default: return false;
  }
}

void EdgeEngine::OnNack(const Nack& nack, MonoTime now) {
  if (state_ == SyncState::kOffline) return;
  if (!Heeds(nack)) {
    const bool ends =
        nack.reason == NackReason::kUnknownSession || nack.reason == NackReason::kFenced;
    doubted_ = doubted_ || (ends && nack.cursors.session == session_);
    return;
  }
  ++counts_.nacks;
  switch (nack.reason) {
    case NackReason::kUnknownSession: {
      // Also an answer to Hello that found nobody ready: the pause of its repetition stands then.
      if (state_ == SyncState::kHello && nack.cursors.session != 0) return;
      StartHello(now);
      if (nack.spread_ms > 0) hello_due_ = now + milliseconds(options_.random(nack.spread_ms));
      return;
    }
    case NackReason::kBusy:
      if (state_ == SyncState::kLive) StartHello(now);
      if (state_ != SyncState::kHello && state_ != SyncState::kFenced) return;
      hello_due_ = now + std::max(milliseconds(nack.spread_ms), kBusyPauseMin) +
                   milliseconds(options_.random(std::uint64_t{nack.spread_ms} + 1));
      return;
    case NackReason::kGap:
      if (state_ == SyncState::kLive) sender_.OnGap(nack.cursors.watermark, now);
      return;
    case NackReason::kUnknownPid:
      if (state_ != SyncState::kLive) return;
      // A gap that was told of just now may hold the sender still, but not the dictionary.
      sender_.OnGap(nack.cursors.watermark, now);
      // Frames that were under way bring one such answer each: once a round trip is enough.
      if (dictionary_back_at_ &&
          now - *dictionary_back_at_ < sender_.srtt().value_or(kNackPauseMin)) {
        return;
      }
      dictionary_back_at_ = now;
      dictionary_sent_ = std::min(dictionary_sent_, nack.cursors.dictionary_n);
      dictionary_acked_ = std::min(dictionary_acked_, dictionary_sent_);
      return;
    case NackReason::kDigest: {
      // One that comes again, or late, speaks of what was healed since.
      const bool late =
          nack.refused && !verifiers_[At(nack.refused->stream)].Awaits(nack.refused->to, nack.sum);
      if (state_ == SyncState::kLive && !late) healer_.Want(now, options_.random);
      return;
    }
    case NackReason::kContent:
      trouble_ = "the cloud refused a frame: " + nack.text;
      if (state_ == SyncState::kLive && nack.refused)
        sender_.OnRefused(*nack.refused, nack.entries);
      return;
    case NackReason::kFenced:
      // One that was on its way for long speaks of a Hello that was answered otherwise since: ask.
      if (state_ == SyncState::kLive) return StartHello(now);
      if (state_ != SyncState::kFenced) {
        Notice(Severity::kAlarm, "fenced", "the cloud does not sync with this store: " + nack.text);
      }
      trouble_ = "fenced by the cloud: " + nack.text;
      state_ = SyncState::kFenced;
      known_there_ = false;
      recall_.reset();
      hello_due_ = now + kFencedPause;
      return;
    case NackReason::kVersion:
      trouble_ = "no common protocol version: " + nack.text;
      hello_due_ = now + kHelloPauseMax;
      return;
  }
}

// Once what was sent has settled: soon after a session began or was healed, else some minutes after
// the last change.
void EdgeEngine::StepDigest(MonoTime now, EdgeOutput& out) {
  if (healer_.busy()) return;
  for (const Stream stream : kDigested) {
    Verifier& verifier = verifiers_[At(stream)];
    if (!verifier.Due(now) || !sender_.Drained(stream)) continue;
    if (dictionary_sent_ < twin_.dictionary_size()) continue;
    std::optional<std::vector<model::Pid>> except = sender_.Withheld(stream);
    if (!except) {  // It would be unequal, and no healing would help.
      verifier.Stop();
      continue;
    }
    Delta delta = sender_.Empty(stream, session_);
    delta.digest = DigestTag{DigestOf(twin_, stream, model::Role::kDevice, {}, *except),
                             twin_.dictionary_size(), 0, *std::move(except)};
    // An empty stream at its beginning has nothing to verify.
    if (delta.to == 0 && delta.digest->sum.none()) {
      verifier.Stop();
      continue;
    }
    verifier.Shown(delta.to, delta.digest->sum.low, now, sender_.rto());
    if (stream == Stream::kState) probe_at_ = now + kProbePause;
    out.frames.push_back(std::move(delta));
  }
}

bool EdgeEngine::Settled() const {
  return sender_.Drained(Stream::kState) && sender_.Drained(Stream::kControl) &&
         dictionary_sent_ == twin_.dictionary_size();
}

void EdgeEngine::StepHeal(MonoTime now, EdgeOutput& out) {
  const Healer::Step step = healer_.Next(twin_, Settled(), now, sender_.rto());
  for (const auto& [id, side] : step.renumber) {
    twin_.Renumber(id, side);
    ++counts_.healed_rows;
  }
  for (const model::PropertyId id : step.drop) {
    if (!orphans_.contains(id)) Purge(id);
  }
  if (step.snapshot) {
    ++counts_.snapshots;
    Notice(Severity::kWarning, "healed_by_snapshot",
           "the twins stayed different after two attempts to heal them; everything is sent anew");
  }
  if (step.verify) {
    for (const Stream stream : kDigested) {
      Verifier& verifier = verifiers_[At(stream)];
      On(Guard::kDigestAfterHealing) ? verifier.Now(now) : verifier.Stop();
    }
  }
  if (!step.ask) return;
  HealAsk ask = *step.ask;
  ask.session = session_;
  ask.at[At(Stream::kState)] = sender_.sent(Stream::kState);
  ask.at[At(Stream::kControl)] = sender_.sent(Stream::kControl);
  ask.dictionary_n = twin_.dictionary_size();
  out.frames.push_back(std::move(ask));
}

}  // namespace edgetwin::sync
