// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The sending half of a session: which rows go into which frame, how many frames may be under way,
// and when to send them again. The same on both sides. Pure.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "sync/engine/frame.h"
#include "twin/base/limit.h"
#include "twin/model/command_log.h"
#include "twin/model/event_log.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

struct SenderLimits {
  std::size_t frame_rows_max = 2'000;
  std::size_t frame_bytes_max = 48 << 10;  // Estimated before encoding; kept well below the wire's.
  std::size_t window_frames_max = 16;      // Under way without an ack.
};

// When a stream's frames left and were acknowledged, for `why`.
struct FrameRecord {
  model::Stream stream = model::Stream::kState;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::size_t entries = 0;
  MonoTime sent{};
  std::optional<MonoTime> acked;
};

// What a sender sends. Each but the twin may be missing.
struct SenderSources {
  const model::Twin& twin;
  const model::EventLog* events = nullptr;
  const model::CommandLog* commands = nullptr;
  // Whether the peer is to hold a row of this property at all; frames pass over the others.
  std::function<bool(model::PropertyId)> shared = {};
  // The peer's lineage as both know it in this session: incarnations that statuses refer to and
  // that follow from it need not be sent.
  const model::Lineage* peer_lineage = nullptr;
};

class Sender {
 public:
  Sender(SenderSources sources, SenderLimits limits)
      : sources_(std::move(sources)), twin_(sources_.twin), limits_(limits) {}

  // A session begins: the peer holds everything up to `watermark`.
  void Begin(const Watermarks& watermark, MonoTime now);
  // The session ended: nothing is under way any more. What was acknowledged stays acknowledged.
  void End();
  void SetLimits(SenderLimits limits) { limits_ = limits; }
  const SenderLimits& limits() const { return limits_; }

  // The next frame of `stream` with rows up to `seq_max`, or nothing when there is nothing to send
  // or the window is full. Stops before the first row whose pid is above `pid_max`: its dictionary
  // entry isn't with the peer yet.
  std::optional<Delta> Next(model::Stream stream, std::uint64_t seq_max, model::Pid pid_max,
                            std::uint32_t session, MonoTime now);

  // Whether the peer was sent every row of the stream.
  bool Drained(model::Stream stream) const {
    return sent_[Index(stream)] >= twin_.stream_head(stream);
  }
  // A frame without rows that claims nothing new: a probe, or the carrier of a digest.
  Delta Empty(model::Stream stream, std::uint32_t session) const;

  // How far frames of control may claim while `batch` is not durable: a crash brings back the rows
  // that it replaces, and a peer that was told it holds everything beyond them never gets them.
  std::uint64_t ClaimMax(const model::Batch& batch, std::uint64_t seq_max) const;

  // The peer refuses everything of a frame that holds something it can't take. The `entries` that
  // it names are set aside from then on. Where it names none, half of the frame is sent at a time,
  // until one entry is left, and set aside. docs/PROTOCOL.md, "Poison".
  void OnRefused(const FrameSpan& span, const std::vector<std::uint64_t>& entries);
  // What was set aside since the last call.
  struct Quarantined {
    model::PropertyId id = model::kNoProperty;  // Of a row or event; none for a command.
    model::Stream stream = model::Stream::kState;
    std::uint64_t seq = 0;
  };
  std::vector<Quarantined> TakeQuarantined() { return std::exchange(quarantined_new_, {}); }
  std::size_t quarantined() const { return quarantined_.size(); }
  LimitReport quarantined_limit() const { return quarantined_limit_.Report("entries_set_aside"); }
  // The properties of which a row of the stream is set aside as it stands, ascending: the peer
  // can't have it, and a digest with it can't be ours. Nothing when a digest can't name them: they
  // are too many, or one has no number.
  std::optional<std::vector<model::Pid>> Withheld(model::Stream stream) const;

  // Returns whether anything that was owed is acknowledged now.
  bool OnAck(const Ack& ack, MonoTime now);
  // The peer stands at `watermark` and wants everything above it again. At most once a round trip;
  // returns whether it is now.
  bool OnGap(const Watermarks& watermark, MonoTime now);

  // Sends again from the last acknowledged place when the oldest frame under way is overdue.
  // Returns whether it was.
  bool Tick(MonoTime now);
  std::optional<MonoTime> NextTick() const;
  int timeouts() const { return timeouts_; }  // In a row.

  std::uint64_t acked(model::Stream stream) const { return acked_[Index(stream)]; }
  std::uint64_t sent(model::Stream stream) const { return sent_[Index(stream)]; }
  bool window_full() const { return under_way_.size() >= limits_.window_frames_max; }
  std::size_t under_way() const { return under_way_.size(); }
  // Smoothed round-trip time (RFC 6298's estimator); nothing before the first measurement.
  std::optional<std::chrono::microseconds> srtt() const { return srtt_; }
  // 1.5 s + 2·SRTT, doubled by each timeout in a row, at most a minute.
  std::chrono::microseconds rto() const;
  void Measured(std::chrono::microseconds round_trip);

  // The frame that carried `seq` of `stream`, if it was among the last ones.
  std::optional<FrameRecord> Find(model::Stream stream, std::uint64_t seq) const;
  // What frames are held to, estimated: about a second of the link, as far as that was measured.
  std::size_t frame_bytes() const { return std::min(frame_bytes_, limits_.frame_bytes_max); }
  std::uint64_t resent() const { return resent_; }
  std::uint64_t window_waits() const { return window_waits_; }

 private:
  static std::size_t Index(model::Stream stream) { return static_cast<std::size_t>(stream); }
  void Rewind(MonoTime now);
  // Return about how many bytes the frame has.
  std::size_t FillRows(Delta& delta, std::uint64_t seq_max, model::Pid pid_max);
  std::size_t FillEvents(Delta& delta, std::uint64_t seq_max, model::Pid pid_max);
  void MeasuredRate(std::size_t bytes, std::chrono::microseconds round_trip);
  bool SetAsideNamed(const FrameSpan& span, const std::vector<std::uint64_t>& entries);
  void LeaveOutRefer(WireRow& wire) const;
  void SetAside(const FrameSpan& span);
  bool RoomAside();
  bool Stands(const std::pair<model::Stream, std::uint64_t>& entry) const;
  // The property of which it is a row, if it still is.
  model::PropertyId RowOf(const std::pair<model::Stream, std::uint64_t>& entry) const;
  void Resend(model::Stream stream);
  std::size_t EntriesMax(model::Stream stream) const;

  struct UnderWay {
    model::Stream stream;
    std::uint64_t from;
    std::uint64_t to;
    std::size_t entries;
    MonoTime sent;
    bool again;
    std::size_t bytes;  // Estimated.
    std::size_t ahead;  // With what was under way before it.
  };
  // Up to `to`, frames of the stream have at most so many entries, and one is under way at a time.
  struct Bisection {
    std::uint64_t to = 0;
    std::size_t entries_max = 0;
  };

  // A frame has at least so much, if there is so much: less tells nothing of the link's rate.
  static constexpr std::size_t kFrameBytesMin = 512;
  // Before anything was measured. Doubles with each acknowledgement where the link is fast.
  static constexpr std::size_t kFrameBytesFirst = 4 << 10;
  static constexpr std::size_t kRecordsMax = 256;
  // When so many stand, what is refused beside them is sent again and again.
  static constexpr std::size_t kQuarantinedMax = 1'000;

  const SenderSources sources_;
  const model::Twin& twin_;
  SenderLimits limits_;
  Watermarks acked_{};
  Watermarks sent_{};
  Watermarks most_sent_{};  // Beyond it nothing was ever sent in this session.
  std::deque<UnderWay> under_way_;
  std::deque<FrameRecord> records_;
  std::array<Bisection, model::kStreams> bisections_{};
  // By stream and seq: an entry that changes has another seq, and another chance.
  std::set<std::pair<model::Stream, std::uint64_t>> quarantined_;
  std::vector<Quarantined> quarantined_new_;
  Limit quarantined_limit_{kQuarantinedMax};
  std::optional<std::chrono::microseconds> srtt_;
  std::optional<std::chrono::microseconds> round_trip_min_;  // Of this session, and its handshake.
  std::size_t frame_bytes_ = kFrameBytesFirst;
  int timeouts_ = 0;
  std::optional<MonoTime> rewound_;
  std::uint64_t resent_ = 0;
  std::uint64_t window_waits_ = 0;
};

// A twin's row as it goes into a frame: by pid, or by path when the device has no pid for it;
// without its incarnation where that follows from the lineage.
WireRow ToWire(const model::Twin& twin, model::PropertyId id, model::Side side,
               const model::Row& row);

// What a frame with this row grows by, at most.
std::size_t EstimateBytes(const WireRow& row);
std::size_t EstimateBytes(const model::Value& value);

}  // namespace edgetwin::sync
