// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/cloud_session.h"

#include <algorithm>
#include <utility>

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
constexpr std::size_t kReturnedBytesMax = 128 << 10;  // Estimated; kFrameBytesMax is the wire's.
constexpr std::size_t kNacksMax = 8;                  // Waiting to be sent; more say nothing new.

std::size_t At(Stream stream) {
  return static_cast<std::size_t>(stream);
}

bool Contains(const model::Lineage& lineage, std::uint64_t inc) {
  return std::any_of(lineage.begin(), lineage.end(),
                     [inc](const model::Incarnation& entry) { return entry.inc == inc; });
}

}  // namespace

CloudSession::CloudSession(CloudOptions options, model::Twin& twin, model::Stored stored)
    : options_(std::move(options)), twin_(twin), sender_(twin, {}) {
  peer_lineage_ = std::move(stored.peer_lineage);
  epoch_ = stored.epoch;
  received_ = durable_ = stored.peer_watermark;
  twin_.Load(std::move(stored));
  dictionary_durable_ = twin_.dictionary_size();
  desired_durable_ = twin_.stream_head(Stream::kControl);
}

void CloudSession::LinkDown() {
  session_ = 0;
  hello_.reset();
  ack_due_.reset();
  nacks_.clear();
  sender_.End();
}

void CloudSession::Receive(Frame frame, MonoTime now, WallTime) {
  if (auto* hello = std::get_if<Hello>(&frame)) return OnHello(std::move(*hello), now);
  if (const auto* bye = std::get_if<Bye>(&frame)) {
    if (session_ != 0 && bye->session == session_) LinkDown();
    return;
  }
  if (const auto* delta = std::get_if<Delta>(&frame)) {
    if (session_ == 0 || delta->session != session_) {
      return Refuse(NackReason::kUnknownSession, delta->session, "say Hello");
    }
    if (delta->ack) sender_.OnAck(*delta->ack, now);
    return OnDelta(*delta, now);
  }
  if (const auto* dictionary = std::get_if<DictionaryFrame>(&frame)) {
    if (session_ == 0 || dictionary->session != session_) {
      return Refuse(NackReason::kUnknownSession, dictionary->session, "say Hello");
    }
    return OnDictionary(*dictionary, now);
  }
  if (const auto* ack = std::get_if<Ack>(&frame)) {
    if (ack->session == session_ && session_ != 0) sender_.OnAck(*ack, now);
    return;
  }
  if (const auto* nack = std::get_if<Nack>(&frame)) {
    if (nack->cursors.session == session_ && nack->reason == NackReason::kGap) {
      sender_.OnGap(nack->cursors.watermark, now);
    }
    return;
  }
  ++counts_.refused_frames;  // A kind that only the cloud sends.
}

void CloudSession::Refuse(NackReason reason, std::uint32_t session, std::string text) {
  if (nacks_.size() >= kNacksMax) return;
  const bool said = std::any_of(nacks_.begin(), nacks_.end(), [&](const Nack& nack) {
    return nack.reason == reason && nack.cursors.session == session;
  });
  if (!said) nacks_.push_back({reason, Cursors(session), std::move(text), 0});
}

// With how long what it acknowledges was held here: the device tells the link's time from ours.
Ack CloudSession::HeldCursors(MonoTime now) const {
  Ack ack = Cursors(session_);
  const auto held = duration_cast<milliseconds>(now - acked_arrival_).count();
  ack.held_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(held, 0, 60'000));
  return ack;
}

Ack CloudSession::Cursors(std::uint32_t session) const {
  Ack ack;
  ack.session = session;
  ack.watermark = durable_;
  ack.dictionary_n = dictionary_durable_;
  return ack;
}

// docs/PROTOCOL.md, "Classification". False when the device must not sync.
bool CloudSession::Classify(const Hello& hello) {
  const bool first_contact = peer_lineage_.empty();
  const std::uint64_t claimant = first_contact ? 0 : peer_lineage_.back().inc;
  const std::uint64_t opening = hello.lineage.empty() ? 0 : hello.lineage.back().inc;
  if (opening != claimant && Contains(peer_lineage_, opening)) {
    // From before the opening that we know: late on its way, and nobody waits for an answer.
    ++counts_.refused_frames;
    return false;
  }
  const std::uint64_t newest =
      std::max(received_[At(Stream::kState)], received_[At(Stream::kControl)]);
  const std::uint64_t known = newest == 0 ? claimant : model::IncOf(peer_lineage_, newest);
  // An older copy of the device's store has our newest seqs beyond its limit.
  const bool continues = !first_contact && !hello.lineage.empty() &&
                         model::Gave(hello.lineage, known, newest, hello.lineage.back().limit);
  const bool behind = hello.epoch.counter < epoch_.counter ||
                      (hello.epoch.counter == epoch_.counter && !(hello.epoch == epoch_));
  // Whom the current epoch was issued to, and who has not got it: its Welcome was lost, or it
  // crashed before it had it on flash.
  const bool issued = behind && Contains(hello.lineage, claimant);
  if (hello.epoch.counter != 0 && !first_contact && behind && !issued) {
    Refuse(NackReason::kFenced, hello.session,
           "its epoch " + std::to_string(hello.epoch.counter) + " is not the current one");
    events_.push_back("fenced: a device with a stale epoch said Hello");
    return false;
  }
  const bool lost_ours =
      hello.cloud_inc != 0 && !model::Gave(twin_.lineage(), hello.cloud_inc,
                                           hello.watermark[At(Stream::kControl)], Issued());
  if (!continues && !first_contact) {
    ++counts_.resets;
    events_.push_back(
        "the device has another store than before: its reported values are taken anew");
    ForgetDevice();
  }
  if (epoch_.counter == 0 || !continues || hello.epoch.counter > epoch_.counter ||
      (lost_ours && !issued)) {
    epoch_.counter = std::max(epoch_.counter, hello.epoch.counter) + 1;
    epoch_.token = options_.random(~std::uint64_t{0});
    peer_batch_.epoch = epoch_;
  }
  if (lost_ours) {
    events_.push_back("the device knew a cloud store that is not this one's ancestor");
  }
  return true;
}

// What is out for commit, or waits for it, speaks of a store that is gone: nothing of it may stand
// above what comes now.
void CloudSession::ForgetDevice() {
  twin_.ForEachProperty([this](model::PropertyId id) {
    if (twin_.row(id, Side::kReported)) changes_.push_back({id, Side::kReported});
  });
  peer_batch_.rows.clear();
  twin_.ForgetDevice();
  ++device_store_;
  received_ = durable_ = {};
  dictionary_durable_ = 0;
  for (auto& watermark : peer_batch_.peer_watermark) watermark = 0;
}

void CloudSession::OnHello(Hello hello, MonoTime now) {
  if (hello.version != kProtocolVersion) {
    Refuse(NackReason::kVersion, hello.session,
           "version " + std::to_string(hello.version) + " is not spoken here, " +
               std::to_string(kProtocolVersion) + " is");
    return;
  }
  // The same Hello again: its Welcome is on its way or was lost.
  if (hello_ && hello_->session == hello.session && hello_->lineage == hello.lineage) return;
  if (!Classify(hello)) return;
  session_ = hello.session;
  software_ = hello.software;
  ack_due_.reset();
  if (peer_lineage_ != hello.lineage) {
    peer_lineage_ = hello.lineage;
    peer_batch_.peer_lineage = peer_lineage_;
  }
  Watermarks watermark{};
  const std::uint64_t held = hello.watermark[At(Stream::kControl)];
  if (model::Gave(twin_.lineage(), hello.cloud_inc, held, Issued())) {
    watermark[At(Stream::kControl)] = held;
  }
  sender_.Begin(watermark, now);
  ++counts_.sessions;
  hello_ = std::move(hello);
}

void CloudSession::SendWelcome(MonoTime, WallTime wall, CloudOutput& out) {
  const Hello hello = *std::exchange(hello_, {});
  Welcome welcome;
  welcome.session = session_;
  welcome.lineage = twin_.lineage();
  welcome.head[At(Stream::kControl)] = twin_.stream_head(Stream::kControl);
  welcome.watermark = durable_;
  welcome.dictionary_n = dictionary_durable_;
  welcome.dictionary_chain = twin_.chain(dictionary_durable_);
  welcome.epoch = epoch_;
  welcome.wall_ms = wall.time_since_epoch().count();
  welcome.frame_bytes_max = options_.frame_bytes_max;
  welcome.window_frames_max = options_.window_frames_max;
  // Nothing is dirty now, so that every row is durable: also those of frames that came out of
  // order, above the watermark.
  if (hello.state_durable != ~std::uint64_t{0}) {
    twin_.ForEachProperty([&](model::PropertyId id) {
      const model::Row* row = twin_.row(id, Side::kReported);
      if (row == nullptr || row->dot.seq <= hello.state_durable || twin_.pid(id) == 0) {
        return;
      }
      WireRow wire;
      wire.pid = twin_.pid(id);
      wire.row = *row;
      if (model::IncOf(peer_lineage_, row->dot.seq) == row->dot.inc) wire.row.dot.inc = 0;
      welcome.returned.push_back(std::move(wire));
    });
    std::sort(welcome.returned.begin(), welcome.returned.end(),
              [](const WireRow& a, const WireRow& b) { return a.row.dot.seq < b.row.dot.seq; });
    // One frame has to take them; the rest comes back from the drivers.
    std::size_t fits = 0;
    for (std::size_t bytes = 0; fits < welcome.returned.size(); ++fits) {
      bytes += EstimateBytes(welcome.returned[fits]);
      if (fits >= options_.returned_rows_max || bytes > kReturnedBytesMax) break;
    }
    welcome.returned.resize(fits);
  }
  out.frames.push_back(std::move(welcome));
}

void CloudSession::OnDictionary(const DictionaryFrame& frame, MonoTime now) {
  model::Pid pid = frame.first;
  for (const model::DictionaryEntry& given : frame.entries) {
    model::DictionaryEntry entry = given;
    entry.pid = pid++;
    // The device counts from 1 again when the chains parted, wherever that was; what we hold of it
    // is then another dictionary's.
    const bool contradicts = entry.pid <= twin_.dictionary_size() &&
                             model::ChainHash(twin_.chain(entry.pid - 1), entry.pid, entry.def) !=
                                 twin_.chain(entry.pid);
    if (contradicts) {
      events_.push_back("the device's dictionary is another one than before: it is taken anew");
      ForgetDevice();
      Refuse(NackReason::kUnknownSession, session_, "the dictionary parted; say Hello");
      session_ = 0;
      return;
    }
    const bool next = entry.pid == twin_.dictionary_size() + 1;
    if (twin_.TakeEntry(std::move(entry))) continue;
    // What comes next and is not taken is one too many; asking for it again would not help.
    if (next) return Refuse(NackReason::kContent, session_, "more properties than the cloud takes");
    return Refuse(NackReason::kUnknownPid, session_, "entries are missing before this one");
  }
  if (!Dirty()) AckSoon(now);
}

bool CloudSession::ApplyRow(const WireRow& wire, Stream stream) {
  model::PropertyId id = twin_.FindPid(wire.pid);
  if (wire.pid == 0) {
    const auto path = model::Path::Parse(wire.path);
    const auto found = path ? twin_.FindOrAdd(*path) : Result<model::PropertyId>(path.error());
    if (found) id = *found;
  }
  if (id == model::kNoProperty) return false;
  const bool theirs = wire.side != Side::kDesired && model::StreamOf(wire.side) == stream;
  const bool fits = wire.row.value.none() || wire.side == Side::kStatus ||
                    wire.row.value.type() == twin_.def(id).type;
  if (!theirs || !fits) {
    ++counts_.refused_rows;
    trouble_ = "a row of '" + twin_.def(id).path.text() + "' does not fit its definition";
    return true;
  }
  model::Row row = wire.row;
  if (row.dot.inc == 0) row.dot.inc = model::IncOf(peer_lineage_, row.dot.seq);
  if (!twin_.Apply(id, wire.side, row)) return true;
  peer_batch_.rows.push_back({id, wire.side, std::move(row)});
  changes_.push_back({id, wire.side});
  return true;
}

void CloudSession::OnDelta(const Delta& delta, MonoTime now) {
  if (delta.stream != Stream::kState && delta.stream != Stream::kControl) {
    ++counts_.refused_frames;
    return;
  }
  for (const WireRow& wire : delta.rows) {
    if (wire.pid != 0 && twin_.FindPid(wire.pid) == model::kNoProperty) {
      return Refuse(NackReason::kUnknownPid, session_, "an entry of the dictionary is missing");
    }
  }
  bool all = true;
  for (const WireRow& wire : delta.rows) all = ApplyRow(wire, delta.stream) && all;
  std::uint64_t& watermark = received_[At(delta.stream)];
  if (delta.from > watermark) {
    ++counts_.gaps;
    return Refuse(NackReason::kGap, session_, {});
  }
  if (!all) {
    // Rows that can't be held yet (too many unknown paths): refuse the watermark, so that they are
    // owed still.
    return Refuse(NackReason::kContent, session_, "too many unknown paths");
  }
  if (delta.to > watermark) {
    watermark = delta.to;
    received_at_ = now;
    peer_batch_.peer_watermark[At(delta.stream)] = watermark;
  } else {
    AckSoon(now);  // Nothing new: a probe, or our ack was lost.
  }
}

void CloudSession::AckSoon(MonoTime now) {
  if (ack_due_) return;
  ack_due_ = ack_sent_ ? std::max(now, *ack_sent_ + kAckPause) : now;
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
  twin_.Set(id, Side::kDesired, std::move(row));
  changes_.push_back({id, Side::kDesired});
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
  desired_durable_ = std::max(desired_durable_, done.desired_head);
  if (done.device_store != device_store_) return;
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
  std::uint64_t seq_max = sender_.ClaimMax(twin_.pending_batch(), desired_durable_);
  seq_max = sender_.ClaimMax(failed_, seq_max);
  return in_flight_ ? sender_.ClaimMax(in_flight_->batch, seq_max) : seq_max;
}

void CloudSession::StepCommit(CloudOutput& out) {
  InFlight flight;
  flight.token = ++last_token_;
  flight.batch = std::exchange(failed_, {});
  flight.batch.Merge(twin_.TakePending());
  flight.batch.Merge(std::exchange(peer_batch_, {}));
  flight.received = received_;
  flight.received_at = received_at_;
  flight.desired_head = twin_.stream_head(Stream::kControl);
  flight.dictionary_n = twin_.dictionary_size();
  flight.device_store = device_store_;
  out.commit = CloudOutput::Commit{flight.token, flight.batch};
  in_flight_ = std::move(flight);
}

void CloudSession::Step(MonoTime now, WallTime wall, CloudOutput& out) {
  if (!in_flight_ && Dirty() && (!retry_at_ || now >= *retry_at_)) StepCommit(out);
  for (Nack& nack : std::exchange(nacks_, {})) out.frames.push_back(std::move(nack));
  if (hello_ && !in_flight_ && !Dirty()) SendWelcome(now, wall, out);
  if (session_ != 0 && !hello_) {
    if (sender_.Tick(now) && sender_.timeouts() >= kTimeoutsMax) {
      // A device that hears us still, and has nothing to say itself, would not notice for minutes.
      out.frames.push_back(
          Nack{NackReason::kUnknownSession, Cursors(session_), "nothing was acknowledged", 0});
      LinkDown();
    }
    std::optional<Delta> delta;
    while (session_ != 0 &&
           (delta = sender_.Next(Stream::kControl, ControlMax(), ~model::Pid{0}, session_, now))) {
      if (ack_due_) {
        delta->ack = HeldCursors(now);
        ack_due_.reset();
        ack_sent_ = now;
      }
      out.frames.push_back(std::move(*delta));
    }
    if (ack_due_ && now >= *ack_due_) {
      Ack ack = HeldCursors(now);
      out.frames.push_back(ack);
      ack_due_.reset();
      ack_sent_ = now;
    }
  }
  out.changes = std::exchange(changes_, {});
  out.events = std::exchange(events_, {});
}

std::optional<MonoTime> CloudSession::NextStep() const {
  std::optional<MonoTime> next = sender_.NextTick();
  const auto earlier = [&next](const std::optional<MonoTime>& other) {
    if (other && (!next || *other < *next)) next = other;
  };
  if (session_ != 0 && !hello_) earlier(ack_due_);
  if (!in_flight_) earlier(retry_at_);
  return next;
}

CloudStatus CloudSession::status() const {
  CloudStatus status = counts_;
  status.connected = session_ != 0;
  status.software = software_;
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
  status.epoch = epoch_;
  return status;
}

}  // namespace edgetwin::sync
