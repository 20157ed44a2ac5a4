// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/cloud_session.h"

#include <algorithm>
#include <utility>

#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Stream;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// protocol.md: acks are cumulative, at most one a second.
constexpr std::chrono::microseconds kAckPause = seconds(1);
constexpr int kTimeoutsMax = 4;
constexpr seconds kRetryPause{1};
constexpr std::size_t kNacksMax = 8;             // Waiting to be sent; more say nothing new.
constexpr std::size_t kAnswersMax = 64;          // The same; what is lost is asked for again.
constexpr std::size_t kScopeInBytes = 32 << 10;  // Estimated, of one part.
constexpr std::size_t kDictionaryFrameEntries = 500;
constexpr std::size_t kDictionaryFrameBytes = 32 << 10;  // Estimated.

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

bool OfDevice(Side side) {
  return side != Side::kDesired;
}

}  // namespace

CloudSession::CloudSession(CloudOptions options, model::Twin& twin, model::Stored stored)
    : options_(std::move(options)),
      twin_(twin),
      commands_(twin),
      sender_(
          {.twin = twin,
           .commands = &commands_,
           .shared = [this](model::PropertyId id) { return InScope(id) || offered_.contains(id); }},
          {}),
      backfill_(twin, options_.history ? options_.random(std::uint64_t{1} << 62) : 0) {
  peer_lineage_ = std::move(stored.peer_lineage);
  epoch_ = stored.epoch;
  superseded_ = std::move(stored.superseded);
  admission_ = stored.admission;
  claim_ = std::move(stored.claim);
  received_ = durable_ = stored.peer_watermark;
  interest_ = std::move(stored.interest);
  setback_ = stored.setback;
  std::vector<model::Command> commands = std::exchange(stored.commands, {});
  twin_.Load(std::move(stored));
  commands_.Load(std::move(commands));
  dictionary_durable_ = twin_.dictionary_size();
  desired_durable_ = desired_sent_ = twin_.stream_head(Stream::kControl);
}

void CloudSession::LinkDown() {
  session_ = 0;
  hello_.reset();
  claimant_.reset();
  ack_due_.reset();
  verifier_.Stop();
  verified_ = {};
  nacks_.clear();
  answers_.clear();
  heal_.Reset();
  backfill_.End();
  scope_ = {};
  sender_.End();
}

void CloudSession::Receive(Frame frame, MonoTime now, WallTime) {
  if (auto* hello = std::get_if<Hello>(&frame)) return OnHello(std::move(*hello), now);
  const std::uint32_t session = SessionOf(frame);
  const bool ours = session_ != 0 && session == session_;
  if (ours) heard_at_ = now;
  if (std::holds_alternative<Bye>(frame)) {
    // A claimant that has left wants nothing any more.
    const bool claimants =
        claimant_ && (session == claimant_->hello.session || session == claimant_->hello.will());
    if (claimants) claimant_.reset();
    if (!ours && (session_ == 0 || session != will_session_)) return;
    std::optional<Claimant> claimant = std::exchange(claimant_, {});
    LinkDown();
    if (claimant) AdmitClaimant(std::move(claimant->hello), now);
    return;
  }
  if (const auto* probe = std::get_if<Probe>(&frame)) {
    if (!ours || !claimant_ || probe->nonce != claimant_->nonce) return;
    Fence(std::exchange(claimant_, {})->hello, "the device that it says it is, is connected");
    return;
  }
  if (const auto* ack = std::get_if<Ack>(&frame)) {
    if (ours) OnAck(*ack, now);
    return;
  }
  if (const auto* nack = std::get_if<Nack>(&frame)) {
    if (!ours) return;
    if (nack->reason == NackReason::kGap) sender_.OnGap(nack->cursors.watermark, now);
    if (nack->reason == NackReason::kContent && nack->refused) {
      trouble_ = "the device refuses a frame: " + nack->text;
      sender_.OnRefused(*nack->refused, nack->entries);
    }
    return;
  }
  const bool from_cloud =
      std::holds_alternative<Welcome>(frame) || std::holds_alternative<HealAnswer>(frame) ||
      std::holds_alternative<HistoryAck>(frame) || std::holds_alternative<HistoryHeld>(frame);
  if (from_cloud) {
    ++counts_.refused_frames;  // A kind that only the cloud sends.
    return;
  }
  if (!ours) return Refuse(NackReason::kUnknownSession, session, "say Hello");
  if (hello_) return;  // Not welcomed yet: nothing that it sends can be meant for this session.
  if (const auto* delta = std::get_if<Delta>(&frame)) {
    if (delta->ack) OnAck(*delta->ack, now);
    OnDelta(*delta, now);
  } else if (const auto* dictionary = std::get_if<DictionaryFrame>(&frame)) {
    OnDictionary(*dictionary, now);
  } else if (const auto* offer = std::get_if<Offer>(&frame)) {
    OnOffer(*offer);
  } else if (const auto* ask = std::get_if<HealAsk>(&frame)) {
    OnHealAsk(*ask, now);
  } else if (const auto* interest = std::get_if<InterestFrame>(&frame)) {
    OnInterest(*interest, now);
  } else if (auto* history = std::get_if<HistoryFrame>(&frame)) {
    if (!options_.history) return;
    const Status taken = backfill_.OnHistory(std::move(*history));
    if (!taken) Refuse(NackReason::kUnknownPid, Down(), taken.error().text);
  } else if (const auto* asked = std::get_if<HistoryAsk>(&frame)) {
    if (options_.history) backfill_.OnAsk(*asked);
  }
}

void CloudSession::Refuse(NackReason reason, std::uint32_t session, std::string text) {
  Refuse(session, {.reason = reason, .text = std::move(text)});
}

void CloudSession::Refuse(std::uint32_t session, Nack nack) {
  const bool said = std::any_of(nacks_.begin(), nacks_.end(), [&](const Nack& other) {
    return other.reason == nack.reason && other.cursors.session == session &&
           other.refused == nack.refused;
  });
  if (said || nacks_.size() >= kNacksMax) return;
  nack.cursors = Cursors(session);
  nacks_.push_back(std::move(nack));
}

// With how long what it acknowledges was held here: the device tells the link's time from ours.
Ack CloudSession::HeldCursors(MonoTime now) const {
  Ack ack = Cursors(Down());
  ack.held_ms = HeldMs(now - acked_arrival_);
  return ack;
}

// The ack that is due, and is sent now.
Ack CloudSession::TakeAck(MonoTime now) {
  Ack ack = HeldCursors(now);
  ack.verified = std::exchange(verified_, {});
  ack_due_.reset();
  ack_sent_ = now;
  // The device has a Welcome, or there would be nothing to acknowledge: what still stands where
  // that said need not be said again, unless the device shows that it doesn't know. The state
  // stream's cursor is what makes it an Ack.
  if (std::exchange(ack_everything_, false)) return ack;
  for (const Stream stream : {Stream::kControl, Stream::kEvents}) {
    if (ack.watermark[At(stream)] == welcomed_[At(stream)]) ack.watermark[At(stream)] = 0;
  }
  if (ack.dictionary_n == welcomed_dictionary_) ack.dictionary_n = 0;
  return ack;
}

Ack CloudSession::Cursors(std::uint32_t session) const {
  Ack ack;
  ack.session = session;
  ack.watermark = durable_;
  ack.dictionary_n = dictionary_durable_;
  return ack;
}

void CloudSession::Notice(std::string kind, std::string text) {
  notices_.push_back({std::move(kind), std::move(text)});
}

void CloudSession::OnDictionary(const DictionaryFrame& frame, MonoTime now) {
  if (frame.entries.empty()) return OnRecall(frame.first);
  model::Pid pid = frame.first;
  for (const model::DictionaryEntry& given : frame.entries) {
    model::DictionaryEntry entry = given;
    entry.pid = pid++;
    const bool contradicts =
        entry.pid <= twin_.dictionary_size() &&
        model::ChainHash(twin_.chain(entry.pid - 1), entry) != twin_.chain(entry.pid);
    if (contradicts && On(Guard::kDictionaryChain)) {
      // The handshake tells it where they parted.
      const std::uint32_t session = Down();
      LinkDown();
      Refuse(NackReason::kUnknownSession, session, "the dictionary parted; say Hello");
      return;
    }
    const bool next = entry.pid == twin_.dictionary_size() + 1;
    const model::PropertyId id = twin_.Find(entry.def.path.text());
    const bool unshared = id != model::kNoProperty && twin_.pid(id) == 0 && !twin_.defined(id);
    if (twin_.TakeEntry(std::move(entry))) {
      if (next && unshared) OweAnew(id);
      continue;
    }
    // What comes next and is not taken is one too many; asking for it again would not help.
    if (next) return Refuse(NackReason::kContent, Down(), "more properties than the cloud takes");
    return Refuse(NackReason::kUnknownPid, Down(), "entries are missing before this one");
  }
  if (!Dirty()) {
    ack_everything_ = true;
    AckSoon(now);
  }
}

// While it was local-only there, the device passed over what is wanted of the property.
void CloudSession::OweAnew(model::PropertyId id) {
  if (twin_.pid(id) == 0 || twin_.row(id, Side::kDesired) == nullptr) return;
  twin_.Renumber(id, Side::kDesired);
  changes_.push_back({id, Side::kDesired});
}

// The device has lost entries that it gave out, and asks for them.
void CloudSession::OnRecall(model::Pid first) {
  model::Pid pid = first;
  while (pid <= dictionary_durable_ && answers_.size() < kAnswersMax) {
    DictionaryFrame frame;
    frame.session = Down();
    frame.first = pid;
    for (std::size_t bytes = 0; pid <= dictionary_durable_ && bytes < kDictionaryFrameBytes &&
                                frame.entries.size() < kDictionaryFrameEntries;
         ++pid) {
      frame.entries.push_back(twin_.Entry(pid));
      const model::PropertyDef& def = frame.entries.back().def;
      bytes += 40 + def.path.text().size() + def.unit.size() + def.description.size();
    }
    answers_.push_back(std::move(frame));
  }
}

void CloudSession::OnOffer(const Offer& offer) {
  for (const WireRow& wire : offer.rows) {
    model::PropertyId id = twin_.FindPid(wire.pid);
    if (wire.pid == 0) {
      const auto path = model::Path::Parse(wire.path);
      const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
      if (found) id = *found;
    }
    if (id == model::kNoProperty || wire.side != Side::kDesired) {
      ++counts_.refused_rows;
      continue;
    }
    const model::Row* own = twin_.row(id, Side::kDesired);
    // What is lost lies above all that both held, and what was given since above what is lost. So
    // does a copy that was taken already: an offer that comes again, or late, changes nothing.
    const bool rewritten =
        own != nullptr && own->dot.seq > wire.row.dot.seq && old_rows_.erase(id) == 0;
    // The device waits for ours, and keeps its own until then, in its interest or not.
    const bool told = InScope(id) || !offered_.insert(id).second;
    if (rewritten) {
      if (!told) {
        twin_.Renumber(id, Side::kDesired);
        changes_.push_back({id, Side::kDesired});
        own = twin_.row(id, Side::kDesired);
      }
      const bool same = own->value == wire.row.value && own->info() == wire.row.info();
      if (same) continue;  // Taken already, and on its way.
      ++counts_.offer_conflicts;
      Notice("conflict", "'" + twin_.def(id).path.text() + "' was wanted anew since the backup; " +
                             "what was wanted before is lost: " + model::ToJson(wire.row.value));
      continue;
    }
    ++counts_.offers;
    twin_.Set(id, Side::kDesired, wire.row);
    changes_.push_back({id, Side::kDesired});
  }
}

void CloudSession::OnHealAsk(const HealAsk& ask, MonoTime now) {
  const std::uint64_t state = received_[At(Stream::kState)];
  const std::uint64_t control = received_[At(Stream::kControl)];
  if (state < ask.at[At(Stream::kState)] || control < ask.at[At(Stream::kControl)]) {
    ++counts_.gaps;
    return Refuse(NackReason::kGap, Down(), {});
  }
  if (ask.dictionary_n != twin_.dictionary_size()) {
    return Refuse(NackReason::kUnknownPid, Down(), "heal with the same dictionary");
  }
  if (answers_.size() >= kAnswersMax) return;
  ++counts_.heals;
  if (ask.unnumbered && ask.unnumbered->after.empty()) ForgetUnnumbered(ask.unnumbered->seq);
  const auto shared = [this](model::PropertyId id) { return InScope(id); };
  for (HealAnswer& answer : heal_.Answer(ask, twin_, shared)) {
    answer.session = Down();
    answers_.push_back(std::move(answer));
  }
  if (!ask.desired.empty() || ask.unnumbered) verifier_.Now(now);  // Show that it is right now.
}

// What the device says of paths without a number it has said anew, above `seq`.
void CloudSession::ForgetUnnumbered(std::uint64_t seq) {
  twin_.ForEachProperty([&](model::PropertyId id) {
    if (twin_.pid(id) != 0) return;
    for (const Side side : {Side::kStatus, Side::kOverride}) {
      const model::Row* row = twin_.row(id, side);
      if (row == nullptr || row->dot.seq > seq) continue;
      twin_.Force(id, side, {});
      peer_batch_.rows.push_back({id, side, {}});
      changes_.push_back({id, side});
    }
  });
}

// Whether a row can be taken at all.
Status CloudSession::Check(const WireRow& wire, Stream stream) const {
  const model::PropertyId id = twin_.FindPid(wire.pid);
  const std::string name = wire.pid == 0 ? wire.path : "number " + std::to_string(wire.pid);
  if (!OfDevice(wire.side) || model::StreamOf(wire.side) != stream) {
    return Invalid("a row of '" + name + "' is not the device's to write");
  }
  if (id != model::kNoProperty && wire.side != Side::kStatus && !wire.row.value.none() &&
      wire.row.value.type() != twin_.def(id).type) {
    return Invalid("a value of '" + twin_.def(id).path.text() + "' is not of its type");
  }
  return options_.accept ? options_.accept(wire) : Status();
}

// Nothing of it is applied; the device sets aside what is named, and sends the rest again.
void CloudSession::RefuseContent(const Delta& delta, std::string text,
                                 std::vector<std::uint64_t> entries) {
  ++counts_.refused_content;
  trouble_ = std::move(text);
  if (entries.size() > kRefusedEntriesMax) entries.resize(kRefusedEntriesMax);
  Refuse(Down(), {.reason = NackReason::kContent,
                  .text = trouble_,
                  .refused = FrameSpan{delta.stream, delta.from, delta.to},
                  .entries = std::move(entries)});
}

// Why it can't be taken.
Status CloudSession::TakeRow(const WireRow& wire) {
  model::Dot dot = wire.row.dot;
  if (dot.inc == 0) dot.inc = model::IncOf(peer_lineage_, dot.seq);
  if (options_.row_begins && !options_.row_begins(dot)) {
    return Invalid("quarantined: taking it up ended the cloud twice; a newer value is tried");
  }
  Status taken = ApplyRow(wire, dot);
  if (options_.row_ends) options_.row_ends(dot);
  return taken;
}

Status CloudSession::ApplyRow(const WireRow& wire, const model::Dot& dot) {
  model::PropertyId id = twin_.FindPid(wire.pid);
  if (wire.pid == 0) {
    const auto path = model::Path::Parse(wire.path);
    const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
    if (!found) return Exhausted("too many paths that no driver knows");
    id = *found;
  }
  if (id == model::kNoProperty) return {};  // Withdrawn since the frame was made.
  model::Row row = wire.row;
  row.dot = dot;
  if (wire.side == Side::kStatus) FillInRefer(row);
  if (!twin_.Apply(id, wire.side, row)) return {};
  peer_batch_.rows.push_back({id, wire.side, std::move(row)});
  changes_.push_back({id, wire.side});
  return {};
}

// A status speaks of one of our own rows.
void CloudSession::FillInRefer(model::Row& row) const {
  const model::Dot refers_to = row.info().refers_to;
  if (refers_to.seq == 0 || refers_to.inc != 0) return;
  model::ControlInfo info = row.info();
  info.refers_to.inc = model::IncOf(twin_.lineage(), refers_to.seq);
  row.control = std::make_shared<const model::ControlInfo>(std::move(info));
}

void CloudSession::TakeEvents(const Delta& delta) {
  for (const WireEvent& wire : delta.events) {
    if (wire.event.dot.seq <= received_[At(Stream::kEvents)]) continue;
    model::Event event = wire.event;
    event.id = twin_.FindPid(wire.pid);
    if (event.dot.inc == 0) event.dot.inc = model::IncOf(peer_lineage_, event.dot.seq);
    if (event.command != 0) Answered(event);
    // Answers are events. What was forgotten with them will never be known.
    if (event.kind == "events_lost") {
      answers_lost_ = Issued();
      CloseUnanswered();
    }
    events_.push_back(event);
    peer_batch_.events.push_back(std::move(event));
  }
}

void CloudSession::Answered(const model::Event& event) {
  using model::CommandState;
  for (const CommandState state : {CommandState::kDone, CommandState::kFailed,
                                   CommandState::kExpired, CommandState::kUnknown}) {
    if (event.kind != "command_" + std::string(ToString(state))) continue;
    commands_.Answer(event.command, state, event.value, event.text);
  }
}

void CloudSession::OnDelta(const Delta& delta, MonoTime now) {
  if (delta.stream == Stream::kHistory) {
    ++counts_.refused_frames;
    return;
  }
  const auto unknown = [this](model::Pid pid) { return pid > twin_.dictionary_size(); };
  if (std::ranges::any_of(delta.rows, unknown, &WireRow::pid) ||
      std::ranges::any_of(delta.events, unknown, &WireEvent::pid)) {
    return Refuse(NackReason::kUnknownPid, Down(), "an entry of the dictionary is missing");
  }
  std::uint64_t& watermark = received_[At(delta.stream)];
  // All of it was dealt with. What no longer fits comes late, and there is nothing to refuse: the
  // schema has gone on. What does fit may be a row that the device's flash brought back.
  const bool late = delta.to <= watermark;
  std::string why;
  std::vector<std::uint64_t> refused;
  std::vector<const WireRow*> fitting;
  for (const WireRow& wire : delta.rows) {
    const Status ok = Check(wire, delta.stream);
    if (ok) fitting.push_back(&wire);
    if (ok || late) continue;
    if (refused.empty()) why = ok.error().text;
    refused.push_back(wire.row.dot.seq);
  }
  if (!refused.empty()) return RefuseContent(delta, std::move(why), std::move(refused));
  const bool gap = delta.from > watermark && On(Guard::kFromWithinWatermark);
  for (const WireRow* wire : fitting) {
    const Status taken = TakeRow(*wire);
    if (taken || late) continue;
    why = taken.error().text;
    refused.push_back(wire->row.dot.seq);
  }
  // Events are a list, not a state: those after a gap come again.
  if (!gap) TakeEvents(delta);
  if (gap) {
    ++counts_.gaps;
    early_[At(delta.stream)] = std::max(early_[At(delta.stream)], delta.to);
    return Refuse(NackReason::kGap, Down(), {});
  }
  if (!refused.empty()) {
    return RefuseContent(delta, std::move(why), std::move(refused));
  }
  if (delta.to > watermark) {
    watermark = delta.to;
    received_at_ = now;
    peer_batch_.peer_watermark[At(delta.stream)] = watermark;
  } else {
    ack_everything_ = true;  // Nothing new: a probe, or our ack was lost.
    AckSoon(now);
  }
  if (setback_.floor != 0 && watermark > setback_.floor) {
    setback_.floor = 0;
    setback_.common = {};
    peer_batch_.setback = setback_;
  }
  if (delta.digest) CompareDigest(delta, now);
}

// Of those that the device has, as far as its acks have come. One that it got later is answered all
// the same, and the answer stands.
void CloudSession::CloseUnanswered() {
  if (answers_lost_ == 0) return;
  const std::uint64_t acked = sender_.acked(Stream::kControl);
  commands_.CloseOpen("the device had to forget its answer", std::min(acked, answers_lost_));
  if (acked >= answers_lost_) answers_lost_ = 0;
}

void CloudSession::OnAck(const Ack& ack, MonoTime now) {
  sender_.OnAck(ack, now);
  CloseUnanswered();
  const std::uint64_t verified = ack.verified[At(Stream::kControl)];
  if (verified != 0) verifier_.Equal(verified);
  if (ack.scope_version == interest_.version) {
    scope_.held = interest_.version;
    scope_.rows.clear();
    scope_.part = 0;
    scope_.due.reset();
    return;
  }
  if (scope_.part == 0 || ack.scope_part != scope_.part) return;
  scope_.acked = scope_.sent;
  ++scope_.part;
  scope_.due = now;
}

bool CloudSession::InScope(const model::Interest& interest, model::PropertyId id) const {
  if (interest.patterns.empty()) return true;
  const std::string& path = twin_.def(id).path.text();
  return std::ranges::any_of(interest.patterns, [&path](const std::string& pattern) {
    return model::Matches(pattern, path);
  });
}

void CloudSession::OnInterest(const InterestFrame& frame, MonoTime now) {
  // Of a lower version: overtaken on the way by the one that is known.
  if (frame.interest == interest_ || frame.interest.version < interest_.version) return;
  const model::Interest before = std::exchange(interest_, frame.interest);
  peer_batch_.interest = interest_;
  // An interest between the two, which never came here, has purged rows as well.
  const bool next = interest_.version == before.version + 1;
  const bool held_before = next && scope_.held == before.version;
  BeginScopeIn(held_before ? before : model::Interest{}, now);
  verifier_.Now(now);
}

// What the device holds already of `before` (of nothing, if its version is 0) is not sent again.
void CloudSession::BeginScopeIn(const model::Interest& before, MonoTime now) {
  scope_.rows.clear();
  scope_.sent = scope_.acked = 0;
  scope_.part = 1;
  scope_.due = now;
  const std::uint64_t sent = sender_.sent(Stream::kControl);
  if (!On(Guard::kScopeIn)) return;
  twin_.ForEachProperty([&](model::PropertyId id) {
    const model::Row* row = twin_.row(id, Side::kDesired);
    if (row == nullptr || row->dot.seq > sent || !InScope(id)) return;
    if (before.version != 0 && InScope(before, id)) return;
    scope_.rows.push_back(id);
  });
}

// One part under way at a time: it is rare, and seldom large.
void CloudSession::StepScopeIn(MonoTime now, CloudOutput& out) {
  // The device must not hear of it before it is on disk.
  if (!scope_.due || now < *scope_.due || Dirty() || in_flight_) return;
  Delta delta;
  delta.session = Down();
  delta.stream = Stream::kControl;
  std::size_t bytes = 64;
  scope_.sent = scope_.acked;
  for (; scope_.sent < scope_.rows.size(); ++scope_.sent) {
    const model::PropertyId id = scope_.rows[scope_.sent];
    const model::Row* row = twin_.row(id, Side::kDesired);
    if (row == nullptr) continue;
    WireRow wire = ToWire(twin_, id, Side::kDesired, *row);
    bytes += EstimateBytes(wire);
    if (bytes > kScopeInBytes && !delta.rows.empty()) break;
    delta.rows.push_back(std::move(wire));
  }
  std::ranges::sort(delta.rows, {}, [](const WireRow& wire) { return wire.row.dot.seq; });
  delta.scope_in = ScopeIn{interest_.version, scope_.part, scope_.sent >= scope_.rows.size()};
  out.frames.push_back(std::move(delta));
  scope_.due = now + sender_.rto();
}

// Only where both sides must hold the same: nothing is missing, and nothing came early.
void CloudSession::CompareDigest(const Delta& delta, MonoTime now) {
  const std::size_t at = At(delta.stream);
  if (received_[at] != delta.to || early_[at] > delta.to || !On(Guard::kDigestCheck)) return;
  if (On(Guard::kScopeTaggedDigest) && delta.digest->scope != twin_.dictionary_size()) return;
  ++counts_.digests;
  if (delta.digest->sum ==
      DigestOf(twin_, delta.stream, model::Role::kDevice, {}, delta.digest->except)) {
    verified_[at] = delta.to;
    AckSoon(now);
    return;
  }
  ++counts_.digests_unequal;
  Refuse(Down(), {.reason = NackReason::kDigest,
                  .text = std::string(ToString(delta.stream)),
                  .refused = FrameSpan{delta.stream, delta.from, delta.to}});
}

void CloudSession::AckSoon(MonoTime now) {
  if (ack_due_) return;
  ack_due_ = ack_sent_ ? std::max(now, *ack_sent_ + kAckPause) : now;
}

Status CloudSession::AddCommand(model::Command command) {
  command.epoch = epoch_.counter;
  return commands_.Add(std::move(command));
}

void CloudSession::SetDesired(model::PropertyId id, model::Value value, std::string who,
                              WallTime until, WallTime wall) {
  model::Row row;
  row.value = std::move(value);
  row.time = wall;
  if (!who.empty() || until != WallTime{}) {
    model::ControlInfo info;
    info.note = std::move(who);
    info.until = until;
    row.control = std::make_shared<const model::ControlInfo>(std::move(info));
  }
  old_rows_.erase(id);
  const model::Row* before = twin_.row(id, Side::kDesired);
  if (before != nullptr && !before->value.none() && before->dot.seq > desired_sent_) {
    superseded_rows_[id] = *before;
  } else {
    superseded_rows_.erase(id);
  }
  twin_.Set(id, Side::kDesired, std::move(row));
  changes_.push_back({id, Side::kDesired});
}

const model::Row* CloudSession::superseded(model::PropertyId id) const {
  const auto found = superseded_rows_.find(id);
  return found == superseded_rows_.end() ? nullptr : &found->second;
}

bool CloudSession::PeerDurable(Side side, std::uint64_t seq) const {
  return seq <= durable_[At(model::StreamOf(side))];
}

void CloudSession::Committed(std::uint64_t token, const Status& result, MonoTime now) {
  if (!in_flight_ || in_flight_->token != token) return;
  InFlight done = std::move(*in_flight_);
  in_flight_.reset();
  if (!result) {
    trouble_ = "not stored: " + result.error().text;
    failed_ = std::move(done.batch);
    retry_at_ = now + kRetryPause;
    return;
  }
  retry_at_.reset();
  batches_durable_ = token;
  desired_durable_ = std::max(desired_durable_, done.desired_head);
  bool progress = done.dictionary_n > dictionary_durable_;
  dictionary_durable_ = std::max(dictionary_durable_, done.dictionary_n);
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    if (!done.batch.peer_watermark[i] || done.received[i] <= durable_[i]) continue;
    durable_[i] = done.received[i];
    progress = true;
  }
  if (!progress || session_ == 0) return;
  acked_arrival_ = done.received_at;
  AckSoon(now);
}

std::uint64_t CloudSession::ControlMax() const {
  if (!On(Guard::kCommitBeforePromise)) return ~std::uint64_t{0};
  std::uint64_t seq_max = sender_.ClaimMax(twin_.pending_batch(), desired_durable_);
  seq_max = sender_.ClaimMax(failed_, seq_max);
  if (!in_flight_) return seq_max;
  return sender_.ClaimMax(in_flight_->batch, seq_max);
}

void CloudSession::StepCommit(CloudOutput& out) {
  InFlight flight;
  flight.token = ++last_token_;
  flight.batch = std::exchange(failed_, {});
  flight.batch.Merge(twin_.TakePending());
  flight.batch.Merge(commands_.TakePending());
  flight.batch.Merge(std::exchange(peer_batch_, {}));
  if (!On(Guard::kWatermarkAtomicWithRows)) failed_.rows = std::exchange(flight.batch.rows, {});
  flight.received = received_;
  flight.received_at = received_at_;
  flight.desired_head = twin_.stream_head(Stream::kControl);
  flight.dictionary_n = twin_.dictionary_size();
  out.commit = CloudOutput::Commit{flight.token, flight.batch};
  in_flight_ = std::move(flight);
}

void CloudSession::StepLive(MonoTime now, CloudOutput& out) {
  if (sender_.Tick(now) && sender_.timeouts() >= kTimeoutsMax) {
    // A device that hears us still, and has nothing to say itself, would not notice for minutes.
    out.frames.push_back(Nack{.reason = NackReason::kUnknownSession,
                              .cursors = Cursors(Down()),
                              .text = "nothing was acknowledged"});
    LinkDown();
    return;
  }
  while (std::optional<Delta> delta =
             sender_.Next(Stream::kControl, ControlMax(), ~model::Pid{0}, Down(), now)) {
    if (ack_due_) {
      delta->ack = TakeAck(now);
    }
    verifier_.Changed(now);
    out.frames.push_back(std::move(*delta));
  }
  desired_sent_ = std::max(desired_sent_, sender_.sent(Stream::kControl));
  StepScopeIn(now, out);
  std::optional<std::vector<model::Pid>> except;
  if (verifier_.Due(now)) {
    except = sender_.Withheld(Stream::kControl);
    if (!except) verifier_.Stop();  // It would be unequal, and no healing would help.
  }
  if (except && sender_.Drained(Stream::kControl)) {
    Delta delta = sender_.Empty(Stream::kControl, Down());
    const auto shared = [this](model::PropertyId id) { return InScope(id); };
    delta.digest =
        DigestTag{DigestOf(twin_, Stream::kControl, model::Role::kCloud, shared, *except),
                  interest_.version, twin_.dictionary_size(), *except};
    if (delta.to == 0 && delta.digest->sum.none()) {
      verifier_.Stop();
    } else {
      verifier_.Shown(delta.to, now, sender_.rto());
      out.frames.push_back(std::move(delta));
    }
  }
  if (ack_due_ && now >= *ack_due_) out.frames.push_back(TakeAck(now));
}

void CloudSession::Step(MonoTime now, WallTime wall, CloudOutput& out) {
  StepClaimant(now, out);
  if (!in_flight_ && Dirty() && (!retry_at_ || now >= *retry_at_)) StepCommit(out);
  for (Nack& nack : std::exchange(nacks_, {})) out.frames.push_back(std::move(nack));
  for (Frame& frame : std::exchange(answers_, {})) out.frames.push_back(std::move(frame));
  if (hello_ && !in_flight_ && !Dirty()) {
    // Nothing is dirty now, so that every row is durable: also those of frames that came out of
    // order, above the watermark.
    Welcome welcome = MakeWelcome(*hello_, wall);
    welcomed_ = welcome.watermark;
    welcomed_dictionary_ = welcome.dictionary_n;
    ack_due_.reset();  // It says all that an ack would.
    out.frames.push_back(std::move(welcome));
    hello_.reset();
  }
  if (session_ != 0 && !hello_) StepLive(now, out);
  out.history = backfill_.TakeRequests();
  for (Frame& frame : backfill_.TakeFrames(Down())) out.frames.push_back(std::move(frame));
  out.changes = std::exchange(changes_, {});
  for (const Sender::Quarantined& entry : sender_.TakeQuarantined()) {
    if (entry.stream == Stream::kControl) verifier_.Refused(now);
    Notice("quarantined", "the device refuses number " + std::to_string(entry.seq) +
                              " of what is wanted of it; it is set aside until it changes");
  }
  out.notices = std::exchange(notices_, {});
  out.events = std::exchange(events_, {});
}

std::optional<MonoTime> CloudSession::NextStep() const {
  std::optional<MonoTime> next = sender_.NextTick();
  const auto earlier = [&next](const std::optional<MonoTime>& other) {
    if (other && (!next || *other < *next)) next = other;
  };
  if (session_ != 0 && !hello_) earlier(ack_due_);
  if (session_ != 0 && !hello_ && sender_.Drained(Stream::kControl)) earlier(verifier_.due());
  if (session_ != 0 && !hello_) earlier(scope_.due);
  if (claimant_) earlier(std::min(claimant_->ask_at, claimant_->until));
  if (!in_flight_) earlier(retry_at_);
  return next;
}

CloudStatus CloudSession::status() const {
  CloudStatus status = counts_;
  status.connected = session_ != 0;
  status.software = software_;
  status.hardware = hardware_;
  status.admission = admission_;
  status.claim = claim_;
  status.superseded_n = superseded_.size();
  status.probing = claimant_.has_value();
  status.heal_bytes = heal_.bytes();
  status.trouble = trouble_;
  status.state = received_[At(Stream::kState)];
  status.state_durable = durable_[At(Stream::kState)];
  status.control = received_[At(Stream::kControl)];
  status.control_durable = durable_[At(Stream::kControl)];
  status.head = twin_.head();
  status.desired_head = twin_.stream_head(Stream::kControl);
  status.desired_durable = desired_durable_;
  status.desired_acked = sender_.acked(Stream::kControl);
  status.round_trip = sender_.srtt();
  status.frames_resent = sender_.resent();
  status.quarantined = sender_.quarantined();
  status.events = received_[At(Stream::kEvents)];
  status.events_durable = durable_[At(Stream::kEvents)];
  status.interest = interest_;
  status.interest_held = scope_.held;
  status.epoch = epoch_;
  status.history = backfill_.status();
  return status;
}

}  // namespace edgetwin::sync
