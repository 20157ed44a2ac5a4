// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who speaks for the device, and how a session begins: CloudSession's Hellos, claims and Welcomes.

#include <algorithm>
#include <utility>

#include "sync/engine/cloud_session.h"
#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kReturnedBytesMax = 128 << 10;  // Estimated; kFrameBytesMax is the wire's.
constexpr seconds kProbePause{2};
// Who said nothing for so long is not asked: it would have been probed itself meanwhile.
constexpr seconds kSilentMax{1'800};
constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

bool OfDevice(Side side) {
  return side != Side::kDesired;
}

}  // namespace

KnownDevice CloudSession::Known() const {
  return {peer_lineage_, superseded_, epoch_, received_, setback_, admission_};
}

void CloudSession::OnHello(Hello hello, MonoTime now) {
  if (hello.version != kProtocolVersion) {
    Refuse(NackReason::kVersion, hello.session,
           "version " + std::to_string(hello.version) + " is not spoken here, " +
               std::to_string(kProtocolVersion) + " is");
    return;
  }
  const auto again = [&hello](const Hello& before) {
    return before.session == hello.session && before.lineage == hello.lineage;
  };
  if (!On(Guard::kHelloDeltaJudged) && hello.first) TakeFirst(hello, now);
  // The same Hello again: it waits for a commit, or for the incumbent.
  if ((hello_ && again(*hello_)) || (claimant_ && again(claimant_->hello))) return;
  // Overtaken by a later one of the same opening.
  const bool late = session_ != 0 && !peer_lineage_.empty() &&
                    peer_lineage_.back().inc == hello.lineage.back().inc &&
                    hello.boot_ms < hello_boot_ms_;
  if (late) return;
  const Verdict verdict = Classify(Known(), hello);
  if (verdict.standing == Standing::kRefused) return Fence(hello, verdict.why);
  const bool incumbent = session_ != 0 && peer_lineage_.back().inc != hello.lineage.back().inc;
  if (incumbent) hello.first.reset();  // Another one's: never taken, and it may wait for long.
  if (On(Guard::kIncumbentProbe) && incumbent && now - heard_at_ < kSilentMax &&
      admission_ == model::Admission::kNormal) {
    if (!claimant_) {
      claimant_ = Claimant{std::move(hello), now + options_.probe_wait, now,
                           options_.random(~std::uint64_t{0})};
    } else if (Contains(hello.lineage, claimant_->hello.lineage.back().inc)) {
      claimant_->hello = std::move(hello);  // It, once more or restarted: the question stands.
    } else {
      const auto left = duration_cast<milliseconds>(claimant_->until - now);
      Refuse(hello.session,
             {.reason = NackReason::kBusy,
              .text = "another claimant is being judged",
              .spread_ms = static_cast<std::uint32_t>(std::max(left, kBusyPauseMin).count())});
    }
    return;
  }
  // A Hello of the incumbent may be old, and proves nothing: the claimant asks again, and so do we.
  if (claimant_ && session_ != 0 && !incumbent && hello.boot_ms <= hello_boot_ms_) return;
  Admit(std::move(hello), verdict, now);
}

void CloudSession::Fence(const Hello& hello, const std::string& why) {
  Refuse(NackReason::kFenced, hello.session, why);
  ++counts_.fenced;
  const std::uint64_t inc = hello.lineage.back().inc;
  if (claim_.inc == inc && claim_.why == why) return;
  claim_ = {inc, WallTime(std::chrono::milliseconds(hello.wall_ms)), why, hello.hardware};
  peer_batch_.claim = claim_;
  Notice("fenced", "a claimant was refused: " + why);
}

void CloudSession::AdmitNext() {
  const bool anyone =
      admission_ == model::Admission::kDecommissioned || admission_ == model::Admission::kAnyone;
  admission_ = anyone ? model::Admission::kAnyone : model::Admission::kNextClaimant;
  peer_batch_.admission = admission_;
  Refuse(NackReason::kUnknownSession, 0, "say Hello");
}

Status CloudSession::WithdrawAdmission() {
  switch (admission_) {
    case model::Admission::kNextClaimant: admission_ = model::Admission::kNormal; break;
    case model::Admission::kAnyone: admission_ = model::Admission::kDecommissioned; break;
    case model::Admission::kNormal:
    case model::Admission::kDecommissioned:
      return Conflict("nobody is awaited: there is no admission to withdraw");
  }
  peer_batch_.admission = admission_;
  return {};
}

void CloudSession::Decommission() {
  admission_ = model::Admission::kDecommissioned;
  peer_batch_.admission = admission_;
  const std::uint32_t session = session_ == 0 ? 0 : Down();
  LinkDown();
  if (session != 0) Refuse(NackReason::kFenced, session, "it is decommissioned");
}

void CloudSession::SupersedeBranch(const Hello& hello) {
  for (const model::Incarnation& entry : peer_lineage_) {
    if (!Contains(hello.lineage, entry.inc)) superseded_.push_back(entry.inc);
  }
  if (superseded_.size() > model::kSupersededMax) {
    superseded_.erase(superseded_.begin(),
                      superseded_.end() - static_cast<std::ptrdiff_t>(model::kSupersededMax));
  }
  // Whom an operator lets in again is given up no more.
  std::erase_if(superseded_, [&](std::uint64_t inc) { return Contains(hello.lineage, inc); });
  peer_batch_.superseded = superseded_;
}

void CloudSession::DrawEpoch(const Hello& hello) {
  epoch_.counter =
      (On(Guard::kEpochCounter) ? std::max(epoch_.counter, hello.epoch.counter) : epoch_.counter) +
      1;
  epoch_.token = options_.random(~std::uint64_t{0});
  peer_batch_.epoch = epoch_;
  commands_.CloseOpen("the epoch that it was given in has ended");
}

// The device holds rows of ours that we have lost: their seqs are taken. What we gave since then
// would look older than them.
void CloudSession::TakeLostSeqs(const Hello& hello) {
  const std::uint64_t before = desired_held_;
  twin_.Raise(hello.cloud_seq_max);
  twin_.ForEachProperty([&](model::PropertyId id) {
    const model::Row* row = twin_.row(id, Side::kDesired);
    if (row == nullptr || row->dot.seq <= before || row->dot.seq > hello.cloud_seq_max) return;
    twin_.Renumber(id, Side::kDesired);
  });
  commands_.Renumber(before, hello.cloud_seq_max);
  Notice("cloud_restored", "the device holds newer desired values than this store: taken back");
}

void CloudSession::SetBack(const Hello& hello, const Verdict& verdict) {
  ++counts_.resets;
  SupersedeBranch(hello);
  const bool unheard = Unheard(setback_, hello);
  const bool first = setback_.epoch == 0;
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    setback_.common[i] = unheard ? std::min(verdict.common, setback_.told[i]) : verdict.common;
    setback_.told[i] =
        std::min({setback_.common[i], received_[i], first ? kAll : setback_.told[i]});
    setback_.floor = std::max({setback_.floor, received_[i], early_[i]});
  }
  // Also what came early and out of order in a session before this one.
  twin_.ForEachProperty([this](model::PropertyId id) {
    for (const Side side : model::kEverySide) {
      const model::Row* row = OfDevice(side) ? twin_.row(id, side) : nullptr;
      if (row != nullptr) setback_.floor = std::max(setback_.floor, row->dot.seq);
    }
  });
  peer_batch_.setback = setback_;
  Notice("rolled_back",
         "the device's store lacks what it had acknowledged: it was set back, or is "
         "another one");
}

// Whether there was anything to forget. Within an epoch no number names two properties, so that the
// next one begins then.
bool CloudSession::ForgetDictionary(const Hello& hello) {
  const model::Pid n = twin_.dictionary_size();
  const bool same = hello.dictionary_n == n && hello.dictionary_chain == twin_.chain(n);
  if (!hello.dictionary_anew || same) return false;
  twin_.ForgetDictionary();
  dictionary_durable_ = 0;
  if (in_flight_) in_flight_->dictionary_n = 0;
  return true;
}

void CloudSession::Admit(Hello hello, const Verdict& verdict, MonoTime now) {
  const std::uint64_t held = hello.watermark[At(Stream::kControl)];
  const bool lost_ours =
      hello.cloud_seq_max != 0 ||
      (hello.cloud_inc != 0 && !model::Gave(twin_.lineage(), hello.cloud_inc, held, Issued()));
  // One of another life of this store, from before it was set back, may have our counter.
  const bool newer_epoch = hello.epoch.counter > epoch_.counter ||
                           (hello.epoch.counter == epoch_.counter && !(hello.epoch == epoch_) &&
                            On(Guard::kEpochCounter));
  // What was given before this store was set back may have been done.
  if (lost_ours) {
    commands_.CloseOpen("the cloud's store was set back", twin_.lineage().back().first_seq - 1);
  }
  old_rows_.clear();
  if (hello.cloud_seq_max != 0) {
    twin_.ForEachProperty([&](model::PropertyId id) {
      const model::Row* row = twin_.row(id, model::Side::kDesired);
      if (row != nullptr && row->dot.seq <= held) old_rows_.insert(id);
    });
  }
  if (verdict.standing == Standing::kRestored) SetBack(hello, verdict);
  const bool forgotten = ForgetDictionary(hello);
  if (epoch_.counter == 0 || newer_epoch || forgotten || verdict.standing == Standing::kRestored ||
      (lost_ours && hello.epoch == epoch_)) {
    DrawEpoch(hello);
    if (verdict.standing == Standing::kRestored && setback_.floor != 0) {
      setback_.epoch = epoch_.counter;
      peer_batch_.setback = setback_;
    }
  }
  // "The next one" is somebody else than who is here.
  const bool other = peer_lineage_.empty() || peer_lineage_.back().inc != hello.lineage.back().inc;
  if (admission_ == model::Admission::kAnyone ||
      (admission_ == model::Admission::kNextClaimant && other)) {
    admission_ = model::Admission::kNormal;
    peer_batch_.admission = admission_;
    claim_ = {};
    peer_batch_.claim = claim_;
  }
  claimant_.reset();
  session_ = hello.session;
  will_session_ = hello.will();
  hello_boot_ms_ = hello.boot_ms;
  software_ = hello.software;
  hardware_ = hello.hardware;
  heard_at_ = now;
  ack_due_.reset();
  heal_.Reset();
  backfill_.End();
  early_ = {};
  offered_.clear();
  if (peer_lineage_ != hello.lineage) {
    peer_lineage_ = hello.lineage;
    peer_batch_.peer_lineage = peer_lineage_;
  }
  Watermarks watermark{};
  desired_held_ = model::Gave(twin_.lineage(), hello.cloud_inc, held, Issued()) ? held : 0;
  watermark[At(Stream::kControl)] = desired_held_;
  if (hello.cloud_seq_max != 0) TakeLostSeqs(hello);
  sender_.Begin(watermark, now);
  verifier_.Now(now);
  verified_ = {};
  scope_ = {};
  scope_.held = hello.scope_version;
  if (scope_.held != interest_.version) BeginScopeIn({}, now);
  ++counts_.sessions;
  if (hello.first && MayTakeFirst(hello, verdict)) TakeFirst(hello, now);
  hello.first.reset();
  hello_ = std::move(hello);
}

// Of the store that was here last, in the epoch that this Hello has not ended, and with all of its
// dictionary: then what comes above the watermark is what a Delta after the Welcome would bring.
// Anything else is passed over without an answer: the Welcome tells, and it comes again.
bool CloudSession::MayTakeFirst(const Hello& hello, const Verdict& verdict) const {
  const FirstDelta& first = *hello.first;
  const model::Pid n = twin_.dictionary_size();
  if (verdict.standing != Standing::kSame || !(hello.epoch == epoch_)) return false;
  if (setback_.floor != 0) return false;  // Nothing shows that the device has heard of it.
  if (hello.dictionary_n != n || hello.dictionary_chain != twin_.chain(n)) return false;
  const std::uint64_t watermark = received_[At(Stream::kState)];
  if (first.from > watermark || first.to <= watermark) return false;
  return std::ranges::all_of(first.rows, [this, n](const WireRow& wire) {
    return wire.pid != 0 && wire.pid <= n && Check(wire, Stream::kState);
  });
}

void CloudSession::TakeFirst(const Hello& hello, MonoTime now) {
  Delta delta;
  delta.session = hello.session;
  delta.stream = Stream::kState;
  delta.from = hello.first->from;
  delta.to = hello.first->to;
  delta.rows = hello.first->rows;
  OnDelta(delta, now);
}

Welcome CloudSession::MakeWelcome(const Hello& hello, WallTime wall) const {
  Welcome welcome;
  welcome.session = session_;
  welcome.to = hello.lineage.back().inc;
  welcome.lineage = twin_.lineage();
  welcome.head[At(Stream::kControl)] = twin_.stream_head(Stream::kControl);
  welcome.watermark = durable_;
  welcome.dictionary_n = dictionary_durable_;
  welcome.dictionary_chain = twin_.chain(dictionary_durable_);
  welcome.scope_version = interest_.version;
  welcome.epoch = epoch_;
  welcome.backoff_ms_max = options_.backoff_ms_max;
  welcome.wall_ms = wall.time_since_epoch().count();
  welcome.frame_bytes_max = options_.frame_bytes_max;
  welcome.window_frames_max = options_.window_frames_max;
  welcome.seq_floor = setback_.floor;
  for (std::size_t i = 0; i < model::kStreams && setback_.floor != 0; ++i) {
    welcome.common[i] = std::min({received_[i], setback_.common[i], hello.durable[i]});
  }
  welcome.returned = Returned(hello);
  welcome.ladder = Ladder(hello);
  welcome.history = options_.history;
  return welcome;
}

// The device's rows that it does not have (any more). What one frame can't take is found by its
// digest; what was promised goes first.
std::vector<WireRow> CloudSession::Returned(const Hello& hello) const {
  std::vector<WireRow> rows;
  std::size_t bytes = 0;
  const auto take = [&](model::PropertyId id, Side side, std::uint64_t above) {
    const model::Row* row = twin_.row(id, side);
    if (row == nullptr || row->dot.seq <= above) return;
    WireRow wire;
    wire.pid = twin_.pid(id);
    if (wire.pid == 0) wire.path = twin_.def(id).path.text();
    wire.side = side;
    wire.row = *row;
    if (model::IncOf(peer_lineage_, row->dot.seq) == row->dot.inc) wire.row.dot.inc = 0;
    bytes += EstimateBytes(wire);
    if (rows.size() < options_.returned_rows_max && bytes <= kReturnedBytesMax) {
      rows.push_back(std::move(wire));
    }
  };
  std::uint64_t state = hello.durable[At(Stream::kState)];
  if (setback_.floor != 0) {
    state = std::min(state, setback_.common[At(Stream::kState)]);
    const std::uint64_t control = setback_.common[At(Stream::kControl)];
    twin_.ForEachProperty([&](model::PropertyId id) {
      take(id, Side::kStatus, control);
      take(id, Side::kOverride, control);
    });
  }
  twin_.ForEachProperty([&](model::PropertyId id) { take(id, Side::kReported, state); });
  std::sort(rows.begin(), rows.end(),
            [](const WireRow& a, const WireRow& b) { return a.row.dot.seq < b.row.dot.seq; });
  return rows;
}

// Dense at the end, where dictionaries part as a rule.
std::vector<ChainMark> CloudSession::Ladder(const Hello& hello) const {
  const model::Pid n = dictionary_durable_;
  const bool prefix = hello.dictionary_n == n && hello.dictionary_chain == twin_.chain(n);
  const bool longer = hello.dictionary_n > n;  // The device looks at our chain itself.
  std::vector<ChainMark> ladder;
  if (prefix) return ladder;
  if (longer) ladder.push_back({n, twin_.chain(n)});
  for (model::Pid step = 1; !longer || !ladder.empty(); step *= 2) {
    if (step > n) break;
    ladder.push_back({n - step, twin_.chain(n - step)});
  }
  if (n > 0) ladder.push_back({0, 0});
  std::sort(ladder.begin(), ladder.end(),
            [](const ChainMark& a, const ChainMark& b) { return a.n < b.n; });
  ladder.erase(std::unique(ladder.begin(), ladder.end()), ladder.end());
  return ladder;
}

// Who was here may have said more while the claimant waited.
void CloudSession::AdmitClaimant(Hello hello, MonoTime now) {
  const Verdict verdict = Classify(Known(), hello);
  if (verdict.standing == Standing::kRefused) return Fence(hello, verdict.why);
  Admit(std::move(hello), verdict, now);
}

void CloudSession::StepClaimant(MonoTime now, CloudOutput& out) {
  if (!claimant_) return;
  if (now >= claimant_->until || session_ == 0) {
    AdmitClaimant(std::move(std::exchange(claimant_, {})->hello), now);
    return;
  }
  if (now < claimant_->ask_at) return;
  ++counts_.probes;
  out.frames.push_back(Probe{Down(), claimant_->nonce});
  claimant_->ask_at = now + kProbePause;
}

}  // namespace edgetwin::sync
