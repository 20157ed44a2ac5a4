// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/sender.h"

#include <algorithm>

namespace edgetwin::sync {
namespace {

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

std::size_t EstimateBytes(const WireRow& wire) {
  std::size_t bytes = 24 + wire.path.size();
  if (wire.row.value.type() == model::ValueType::kString) bytes += wire.row.value.text().size();
  if (wire.row.value.type() == model::ValueType::kBytes) {
    bytes += wire.row.value.bytes().data.size();
  }
  if (wire.row.control) bytes += 32 + wire.row.control->note.size();
  return bytes;
}

void Sender::Begin(const Watermarks& watermark, MonoTime) {
  acked_ = watermark;
  sent_ = watermark;
  most_sent_ = watermark;
  under_way_.clear();
  timeouts_ = 0;
  rewound_.reset();
}

void Sender::End() {
  sent_ = acked_;
  under_way_.clear();
  timeouts_ = 0;
}

std::optional<Delta> Sender::Next(model::Stream stream, std::uint64_t seq_max, model::Pid pid_max,
                                  std::uint32_t session, MonoTime now) {
  std::uint64_t& sent = sent_[Index(stream)];
  if (std::min(twin_.stream_head(stream), seq_max) <= sent) return {};
  if (window_full()) {
    ++window_waits_;
    return {};
  }
  Delta delta;
  delta.session = session;
  delta.stream = stream;
  delta.from = sent;
  delta.to = sent;
  std::size_t bytes = 64;
  twin_.ForEachAfter(
      stream, sent, [&](model::PropertyId id, model::Side side, const model::Row& row) {
        if (row.dot.seq > seq_max || twin_.pid(id) > pid_max) return false;
        WireRow wire = ToWire(twin_, id, side, row);
        bytes += EstimateBytes(wire);
        const bool full =
            delta.rows.size() >= limits_.frame_rows_max || bytes > limits_.frame_bytes_max;
        if (full && !delta.rows.empty()) return false;
        delta.to = row.dot.seq;
        delta.rows.push_back(std::move(wire));
        return true;
      });
  if (delta.rows.empty()) return {};
  sent = delta.to;
  const bool again = delta.from < most_sent_[Index(stream)];
  if (again) ++resent_;
  most_sent_[Index(stream)] = std::max(most_sent_[Index(stream)], delta.to);
  under_way_.push_back({stream, delta.to, now, again});
  records_.push_back({stream, delta.from, delta.to, now, {}});
  if (records_.size() > kRecordsMax) records_.pop_front();
  return delta;
}

std::uint64_t Sender::ClaimMax(const model::Batch& batch, std::uint64_t seq_max) const {
  const std::uint64_t sent = sent_[Index(model::Stream::kControl)];
  for (const model::RowChange& change : batch.rows) {
    if (change.replaces > sent) seq_max = std::min(seq_max, change.replaces - 1);
  }
  return seq_max;
}

void Sender::Measured(microseconds round_trip) {
  round_trip = std::max(round_trip, microseconds(1));
  srtt_ = srtt_ ? *srtt_ + (round_trip - *srtt_) / 8 : round_trip;
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
    if (exact && !frame.again) Measured(now - frame.sent - std::chrono::milliseconds(ack.held_ms));
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
  ++timeouts_;
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
