// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/sender.h"

#include <algorithm>
#include <memory>

#include "twin/base/guard.h"

namespace edgetwin::sync {
namespace {

using model::Stream;
using std::chrono::microseconds;
using std::chrono::seconds;

// protocol.md, "Transport": RTO = 1.5 s + 2·SRTT, doubling.
constexpr microseconds kRtoBase{1'500'000};
constexpr microseconds kRtoMax = seconds(60);

}  // namespace

WireRow ToWire(const model::Twin& twin, model::PropertyId id, model::Side side,
               const model::Row& row) {
  WireRow wire;
  wire.pid = twin.pid(id);
  if (wire.pid == 0) wire.path = twin.def(id).path.text();
  wire.side = side;
  wire.row = row;
  if (model::IncOf(twin.lineage(), row.dot.seq) == row.dot.inc) wire.row.dot.inc = 0;
  return wire;
}

std::size_t EstimateBytes(const model::Value& value) {
  if (value.type() == model::ValueType::kString) return value.text().size();
  return value.type() == model::ValueType::kBytes ? value.bytes().data.size() : 0;
}

std::size_t EstimateBytes(const WireRow& wire) {
  std::size_t bytes = 24 + wire.path.size() + EstimateBytes(wire.row.value);
  if (wire.row.control) bytes += 32 + wire.row.control->note.size();
  return bytes;
}

void Sender::Begin(const Watermarks& watermark, MonoTime now) {
  // A Welcome acknowledges: what came before the link broke, or inside the Hello.
  for (FrameRecord& record : records_) {
    if (!record.acked && record.to <= watermark[Index(record.stream)]) record.acked = now;
  }
  acked_ = watermark;
  sent_ = watermark;
  most_sent_ = watermark;
  under_way_.clear();
  timeouts_ = 0;
  rewound_.reset();
}

void Sender::End() {
  round_trip_min_.reset();  // The next one may take another way.
  sent_ = acked_;
  under_way_.clear();
  timeouts_ = 0;
}

std::size_t Sender::EntriesMax(Stream stream) const {
  const Bisection& bisection = bisections_[Index(stream)];
  const bool inside = sent_[Index(stream)] < bisection.to;
  return inside ? bisection.entries_max : limits_.frame_rows_max;
}

// Rows and commands share the stream's order, and the frame's room. A frame ends with what was set
// aside: beyond it, it might be taken for the one that was refused, when that is answered again.
std::size_t Sender::FillRows(Delta& delta, std::uint64_t seq_max, model::Pid pid_max) {
  std::size_t bytes = 64;
  const std::size_t entries_max = EntriesMax(delta.stream);
  const auto fits = [&](std::size_t more) {
    const std::size_t entries = delta.rows.size() + delta.commands.size();
    const bool fit = entries == 0 || (entries < entries_max && bytes + more <= frame_bytes());
    if (fit) bytes += more;
    return fit;
  };
  bool full = false;
  const auto add_commands = [&](std::uint64_t below) {
    if (sources_.commands == nullptr || delta.stream != Stream::kControl) return true;
    sources_.commands->ForEachAfter(delta.to, [&](const model::Command& command) {
      if (command.dot.seq >= below) return false;
      if (!quarantined_.contains({delta.stream, command.dot.seq})) {
        const std::size_t more = 64 + command.path.size() + command.who.size();
        if (full = !fits(more + EstimateBytes(command.value)); full) return false;
        model::Command& wire = delta.commands.emplace_back(command);
        if (model::IncOf(twin_.lineage(), command.dot.seq) == command.dot.inc) wire.dot.inc = 0;
      }
      delta.to = command.dot.seq;
      return true;
    });
    return !full;
  };
  twin_.ForEachAfter(delta.stream, delta.from,
                     [&](model::PropertyId id, model::Side side, const model::Row& row) {
                       if (row.dot.seq > seq_max || !add_commands(row.dot.seq)) return false;
                       if (full = twin_.pid(id) > pid_max; full) return false;
                       if (quarantined_.contains({delta.stream, row.dot.seq})) {
                         full = true;
                         delta.to = row.dot.seq;
                         return false;
                       }
                       const bool passed = sources_.shared && !sources_.shared(id);
                       if (!passed) {
                         WireRow wire = ToWire(twin_, id, side, row);
                         if (side == model::Side::kStatus) LeaveOutRefer(wire);
                         if (full = !fits(EstimateBytes(wire)); full) return false;
                         delta.rows.push_back(std::move(wire));
                       }
                       delta.to = row.dot.seq;
                       return true;
                     });
  const std::uint64_t end = std::min(twin_.stream_head(delta.stream), seq_max);
  if (!full && end > delta.to && add_commands(end + 1)) delta.to = std::max(delta.to, end);
  return bytes;
}

void Sender::LeaveOutRefer(WireRow& wire) const {
  if (sources_.peer_lineage == nullptr || wire.row.info().refers_to.seq == 0) return;
  model::ControlInfo info = wire.row.info();
  if (model::IncOf(*sources_.peer_lineage, info.refers_to.seq) != info.refers_to.inc) return;
  info.refers_to.inc = 0;
  wire.row.control = std::make_shared<const model::ControlInfo>(std::move(info));
}

std::size_t Sender::FillEvents(Delta& delta, std::uint64_t seq_max, model::Pid pid_max) {
  std::size_t bytes = 64;
  bool full = false;
  const std::size_t entries_max = EntriesMax(delta.stream);
  sources_.events->ForEachAfter(delta.from, [&](const model::Event& event) {
    const bool of_property = event.id != model::kNoProperty;
    const model::Pid pid = of_property ? twin_.pid(event.id) : 0;
    if (event.dot.seq > seq_max) return false;
    if (full = pid > pid_max; full) return false;
    if (quarantined_.contains({delta.stream, event.dot.seq})) {
      full = true;
      delta.to = event.dot.seq;
      return false;
    }
    // What happened to a local-only property is nobody's business.
    const bool passed = of_property && pid == 0;
    if (!passed) {
      const std::size_t more =
          48 + event.kind.size() + event.text.size() + EstimateBytes(event.value);
      full = !delta.events.empty() &&
             (delta.events.size() >= entries_max || bytes + more > frame_bytes());
      if (full) return false;
      bytes += more;
      WireEvent& wire = delta.events.emplace_back(WireEvent{pid, event});
      wire.event.id = model::kNoProperty;
      if (model::IncOf(twin_.lineage(), event.dot.seq) == event.dot.inc) wire.event.dot.inc = 0;
    }
    delta.to = event.dot.seq;
    return true;
  });
  if (!full) delta.to = std::max(delta.to, std::min(twin_.stream_head(delta.stream), seq_max));
  return bytes;
}

std::optional<Delta> Sender::Next(Stream stream, std::uint64_t seq_max, model::Pid pid_max,
                                  std::uint32_t session, MonoTime now) {
  std::uint64_t& sent = sent_[Index(stream)];
  if (std::min(twin_.stream_head(stream), seq_max) <= sent) return {};
  const bool bisecting = sent < bisections_[Index(stream)].to;
  const bool busy = bisecting && std::ranges::any_of(under_way_, [stream](const UnderWay& frame) {
                      return frame.stream == stream;
                    });
  if (window_full() || busy) {
    ++window_waits_;
    return {};
  }
  Delta delta;
  delta.session = session;
  delta.stream = stream;
  delta.from = sent;
  delta.to = sent;
  std::size_t bytes = 0;
  if (stream == Stream::kEvents) {
    if (sources_.events != nullptr) bytes = FillEvents(delta, seq_max, pid_max);
  } else {
    bytes = FillRows(delta, seq_max, pid_max);
  }
  if (delta.to == sent) return {};
  const std::size_t entries = delta.rows.size() + delta.events.size() + delta.commands.size();
  sent = delta.to;
  const bool again = delta.from < most_sent_[Index(stream)];
  if (again) ++resent_;
  most_sent_[Index(stream)] = std::max(most_sent_[Index(stream)], delta.to);
  std::size_t ahead = bytes;
  for (const UnderWay& frame : under_way_) ahead += frame.bytes;
  under_way_.push_back({stream, delta.from, delta.to, entries, now, again, bytes, ahead});
  records_.push_back({stream, delta.from, delta.to, entries, now, {}});
  if (records_.size() > kRecordsMax) records_.pop_front();
  return delta;
}

void Sender::OnRefused(const FrameSpan& span, const std::vector<std::uint64_t>& entries) {
  const auto same = [&span](const auto& frame) {
    return frame.stream == span.stream && frame.from == span.from && frame.to == span.to;
  };
  // It was under way, or still would be had a gap not made everything be sent again.
  const auto record = std::find_if(records_.rbegin(), records_.rend(), same);
  if (record == records_.rend() || !On(Guard::kQuarantine)) return;
  const bool under_way = std::ranges::any_of(under_way_, same);
  if (!entries.empty()) {
    // One that names nothing new is a repetition, or its frame still waits for an answer.
    if (SetAsideNamed(span, entries) || under_way) Resend(span.stream);
    return;
  }
  const std::size_t halved = record->entries;
  if (!under_way) {
    const Bisection& bisection = bisections_[Index(span.stream)];
    const bool known = span.from < bisection.to && bisection.entries_max < halved;
    if (known || halved == 1 || span.to <= acked_[Index(span.stream)]) return;
  }
  if (halved > 1) {
    bisections_[Index(span.stream)] = {span.to, (halved + 1) / 2};
  } else if (RoomAside()) {
    SetAside(span);
  }
  Resend(span.stream);
}

// What of other streams is under way has nothing to do with it.
void Sender::Resend(Stream stream) {
  sent_[Index(stream)] = acked_[Index(stream)];
  std::erase_if(under_way_, [stream](const UnderWay& frame) { return frame.stream == stream; });
}

// Returns whether any was set aside now. A seq names one entry for ever: unlike half of a frame, it
// may be told late, and again.
bool Sender::SetAsideNamed(const FrameSpan& span, const std::vector<std::uint64_t>& entries) {
  bool any = false;
  const auto add = [&](model::PropertyId id, std::uint64_t seq) {
    if (seq > span.to) return false;
    const bool named = seq > acked_[Index(span.stream)] && std::ranges::binary_search(entries, seq);
    const std::pair entry(span.stream, seq);
    if (!named || quarantined_.contains(entry) || !RoomAside()) return true;
    quarantined_.insert(entry);
    quarantined_limit_.Use(quarantined_.size());
    quarantined_new_.push_back({id, span.stream, seq});
    return any = true;
  };
  if (span.stream == Stream::kEvents) {
    if (sources_.events == nullptr) return false;
    sources_.events->ForEachAfter(
        span.from, [&](const model::Event& event) { return add(event.id, event.dot.seq); });
    return any;
  }
  twin_.ForEachAfter(span.stream, span.from,
                     [&](model::PropertyId id, model::Side, const model::Row& row) {
                       return add(id, row.dot.seq);
                     });
  if (sources_.commands == nullptr || span.stream != Stream::kControl) return any;
  sources_.commands->ForEachAfter(span.from, [&](const model::Command& command) {
    return add(model::kNoProperty, command.dot.seq);
  });
  return any;
}

// The one entry that the frame had.
void Sender::SetAside(const FrameSpan& span) {
  const auto add = [&](model::PropertyId id, std::uint64_t seq) {
    if (seq > span.to || quarantined_.contains({span.stream, seq})) return seq <= span.to;
    if (sources_.shared && id != model::kNoProperty && !sources_.shared(id)) return true;
    quarantined_.insert({span.stream, seq});
    quarantined_limit_.Use(quarantined_.size());
    quarantined_new_.push_back({id, span.stream, seq});
    return false;
  };
  if (span.stream == Stream::kEvents && sources_.events != nullptr) {
    sources_.events->ForEachAfter(
        span.from, [&](const model::Event& event) { return add(event.id, event.dot.seq); });
    return;
  }
  twin_.ForEachAfter(span.stream, span.from,
                     [&](model::PropertyId id, model::Side, const model::Row& row) {
                       return add(id, row.dot.seq);
                     });
  if (!quarantined_new_.empty() || sources_.commands == nullptr) return;
  sources_.commands->ForEachAfter(span.from, [&](const model::Command& command) {
    return add(model::kNoProperty, command.dot.seq);
  });
}

// What was set aside and has changed since, or is gone, makes room.
bool Sender::RoomAside() {
  if (quarantined_.size() < kQuarantinedMax) return true;
  std::erase_if(quarantined_, [this](const auto& entry) { return !Stands(entry); });
  quarantined_limit_.Use(quarantined_.size());
  if (quarantined_.size() < kQuarantinedMax) return true;
  quarantined_limit_.Hit();
  return false;
}

model::PropertyId Sender::RowOf(const std::pair<Stream, std::uint64_t>& entry) const {
  model::PropertyId found = model::kNoProperty;
  twin_.ForEachAfter(entry.first, entry.second - 1,
                     [&](model::PropertyId id, model::Side, const model::Row& row) {
                       if (row.dot.seq == entry.second) found = id;
                       return false;
                     });
  return found;
}

bool Sender::Stands(const std::pair<Stream, std::uint64_t>& entry) const {
  if (RowOf(entry) != model::kNoProperty) return true;
  bool stands = false;
  const auto compare = [&](const auto& found) {
    stands = found.dot.seq == entry.second;
    return false;
  };
  if (entry.first == Stream::kEvents && sources_.events != nullptr) {
    sources_.events->ForEachAfter(entry.second - 1, compare);
  } else if (entry.first == Stream::kControl && sources_.commands != nullptr) {
    sources_.commands->ForEachAfter(entry.second - 1, compare);
  }
  return stands;
}

std::optional<std::vector<model::Pid>> Sender::Withheld(Stream stream) const {
  std::vector<model::Pid> pids;
  for (const auto& entry : quarantined_) {
    if (entry.first != stream) continue;
    const model::PropertyId id = RowOf(entry);
    if (id == model::kNoProperty) continue;
    const model::Pid pid = twin_.pid(id);
    if (pid == 0 || pids.size() == kDigestExceptMax) return {};
    pids.push_back(pid);
  }
  std::ranges::sort(pids);
  // A status and an override of one property, say.
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

Delta Sender::Empty(model::Stream stream, std::uint32_t session) const {
  Delta delta;
  delta.session = session;
  delta.stream = stream;
  delta.from = delta.to = sent_[Index(stream)];
  return delta;
}

std::uint64_t Sender::ClaimMax(const model::Batch& batch, std::uint64_t seq_max) const {
  const std::uint64_t sent = sent_[Index(Stream::kControl)];
  for (const model::RowChange& change : batch.rows) {
    if (change.replaces > sent) seq_max = std::min(seq_max, change.replaces - 1);
  }
  return seq_max;
}

void Sender::Measured(microseconds round_trip) {
  round_trip = std::max(round_trip, microseconds(1));
  srtt_ = srtt_ ? *srtt_ + (round_trip - *srtt_) / 8 : round_trip;
  round_trip_min_ = std::min(round_trip_min_.value_or(round_trip), round_trip);
}

// What a frame took longer than the way does is what the link took for it and what was ahead of it.
// Too much is believed slowly, and too little as well: both may have had other reasons.
void Sender::MeasuredRate(std::size_t bytes, microseconds round_trip) {
  if (bytes < kFrameBytesMin) return;
  const microseconds took = std::max<microseconds>(
      round_trip - round_trip_min_.value_or(microseconds(0)), microseconds(1));
  const std::uint64_t a_second =
      bytes * std::uint64_t{1'000'000} / static_cast<std::uint64_t>(took.count());
  const std::uint64_t now = frame_bytes();
  frame_bytes_ = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(std::clamp<std::uint64_t>(a_second, now / 4, now * 2),
                                kFrameBytesMin, std::max(limits_.frame_bytes_max, kFrameBytesMin)));
}

bool Sender::OnAck(const Ack& ack, MonoTime now) {
  bool progress = false;
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    const std::uint64_t watermark = std::min(ack.watermark[i], most_sent_[i]);
    if (watermark <= acked_[i]) continue;
    acked_[i] = watermark;
    sent_[i] = std::max(sent_[i], watermark);
    progress = true;
  }
  std::erase_if(under_way_, [&](const UnderWay& frame) {
    if (frame.to > acked_[Index(frame.stream)]) return false;
    // A frame that was sent twice can't tell which copy was answered (Karn's rule).
    const bool exact = frame.to == ack.watermark[Index(frame.stream)];
    if (exact && !frame.again) {
      const microseconds round_trip = now - frame.sent - std::chrono::milliseconds(ack.held_ms);
      Measured(round_trip);
      MeasuredRate(frame.ahead, round_trip);
    }
    return true;
  });
  if (!progress) return false;
  timeouts_ = 0;
  for (FrameRecord& record : records_) {
    if (!record.acked && record.to <= acked_[Index(record.stream)]) record.acked = now;
  }
  return true;
}

void Sender::Rewind(MonoTime now) {
  sent_ = acked_;
  under_way_.clear();
  rewound_ = now;
}

bool Sender::OnGap(const Watermarks& watermark, MonoTime now) {
  const microseconds pause = srtt_.value_or(microseconds(50'000));
  if (rewound_ && now - *rewound_ < pause) return false;
  for (std::size_t i = 0; i < model::kStreams; ++i) {
    acked_[i] = std::max(acked_[i], std::min(watermark[i], most_sent_[i]));
  }
  Rewind(now);
  return true;
}

microseconds Sender::rto() const {
  const microseconds base = kRtoBase + 2 * srtt_.value_or(microseconds(0));
  return std::min(base * (1 << std::min(timeouts_, 6)), kRtoMax);
}

bool Sender::Tick(MonoTime now) {
  if (under_way_.empty() || now < under_way_.front().sent + rto()) return false;
  if (!On(Guard::kRetransmission)) return false;
  ++timeouts_;
  // Perhaps it was only too much for the link.
  frame_bytes_ = std::max(frame_bytes() / 2, kFrameBytesMin);
  Rewind(now);
  return true;
}

std::optional<MonoTime> Sender::NextTick() const {
  if (under_way_.empty()) return {};
  return under_way_.front().sent + rto();
}

std::optional<FrameRecord> Sender::Find(model::Stream stream, std::uint64_t seq) const {
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (record->stream == stream && record->from < seq && seq <= record->to) return *record;
  }
  return {};
}

}  // namespace edgetwin::sync
