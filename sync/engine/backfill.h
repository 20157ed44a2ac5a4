// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's half of P3: history goes up beside live values, one frame at a time. Pure: it asks
// for blocks, and is given them; how much waits on flash makes no difference to it.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sync/engine/frame.h"
#include "sync/engine/ordinal_set.h"
#include "twin/base/result.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

enum class BackfillOrder : std::uint8_t { kNewest = 0, kOldest = 1 };

struct BackfillOptions {
  BackfillOrder order = BackfillOrder::kNewest;
  // What P3 may send in an hour, frames with everything in them; 0: what the link lets through.
  std::uint64_t bytes_per_hour_max = 0;
};

// What is asked of flash; one at a time, in this order: `anew`, `delivered`, `mark`, then the next
// blocks.
struct BackfillRead {
  std::uint64_t token = 0;
  // Nothing counts as delivered any more; the cloud holds these, and no others that it had.
  struct HeldPath {
    std::string path;
    std::vector<OrdinalSet::Interval> intervals;  // Of all openings together.
  };
  std::optional<std::vector<HeldPath>> anew;
  bool delivered = false;  // What the read before gave is with the cloud now.
  HistoryMark mark;        // To be remembered with that; its inc is 0 when there is no news of it.
  BackfillOrder order = BackfillOrder::kNewest;
  std::size_t bytes_max = 0;  // Of all blocks together; one is given in any case.
};

struct StoredBlock {
  std::string path;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::string bytes;
};
struct StoredLoss {
  std::string path;
  LossRecord record;
};

// What isn't delivered yet: blocks of one opening, and records of losses. Nothing of either: that
// was all.
struct BackfillChunk {
  std::uint64_t inc = 0;
  std::vector<StoredBlock> blocks;
  std::vector<StoredLoss> losses;
};

struct BackfillStatus {
  bool takes = false;      // The cloud takes history.
  bool caught_up = false;  // Nothing waits, as far as is known.
  std::uint64_t frames = 0, frames_resent = 0, bytes = 0;
  std::uint64_t blocks = 0, samples = 0, losses = 0;  // With the cloud since the start.
  std::uint64_t blocks_held = 0;                      // Found to be there already.
  std::uint64_t blocks_withheld = 0;  // Of properties that aren't shared; never sent.
  std::uint64_t blocks_refused = 0;   // The cloud can't take them.
  std::uint64_t walks = 0;            // Begun anew, for a cloud that lacks what it had.
  std::string trouble;                // Why nothing can be read; empty.
};

// SINGLE-THREADED.
class Backfill {
 public:
  Backfill(BackfillOptions options, const model::Twin& twin) : options_(options), twin_(twin) {}

  // There is a history on flash, which remembers `known`; or there is none any more. A read that is
  // out then has no answer to wait for.
  void Attach(HistoryMark known);
  void Detach();
  // Something was committed there.
  void Stored() { idle_ = false; }
  void SetOptions(const BackfillOptions& options) { options_ = options; }

  // A session with a cloud that takes history, or doesn't.
  void Begin(bool takes);
  void End();
  void OnHeld(const HistoryHeld& held);
  void OnAck(const HistoryAck& ack, MonoTime now);
  // The answer to `read`. Others than the last one's are ignored. An error is tried again.
  void OnRead(std::uint64_t token, Result<BackfillChunk> chunk, MonoTime now);

  struct Turn {
    std::uint32_t session = 0;
    model::Pid pid_max = 0;  // Up to which the cloud holds the dictionary.
    std::size_t frame_bytes_max = 48 << 10;
    std::chrono::microseconds rto{};
    bool room = true;  // A frame may leave now: nothing live wants to.
  };
  struct Output {
    std::optional<Frame> frame;  // At most one a turn.
    std::optional<BackfillRead> read;
  };
  void Step(const Turn& turn, MonoTime now, Output& out);
  std::optional<MonoTime> NextStep(bool room) const;

  BackfillStatus status() const;

 private:
  // A block of the chunk as it is in the frame that was sent last.
  struct Sent {
    model::Pid pid = 0;
    std::size_t place = 0;  // In the chunk.
  };

  static constexpr std::size_t kFrameBytesMin = 1 << 10;
  static constexpr std::size_t kFrameBytesFirst = 4 << 10;

  bool active() const { return attached_ && takes_; }
  void Ask(const Turn& turn, MonoTime now, Output& out);
  void Read(const Turn& turn, MonoTime now, Output& out);
  void Send(const Turn& turn, MonoTime now, Output& out);
  bool Lacks(model::Pid pid, const Turn& turn);
  void PassOver();
  bool Held(const StoredBlock& block, model::Pid pid) const;
  std::vector<BackfillRead::HeldPath> HeldPaths() const;
  model::Pid PidOf(const std::string& path) const;
  void Remove(std::vector<bool> done);
  void Finish();
  void NoteSpeed(MonoTime now);
  bool Affordable(MonoTime now);
  void Pay(std::uint64_t bytes);
  void Drop();

  BackfillOptions options_;
  const model::Twin& twin_;
  bool attached_ = false;
  bool takes_ = false;

  // The handshake.
  HistoryMark known_;
  bool told_ = false;  // What the cloud holds, in this session.
  model::Pid ask_from_ = 0;
  std::optional<MonoTime> ask_at_;
  int asked_ = 0;
  // Of the cloud that lacks what it had: until everything was looked at once.
  std::map<std::pair<std::uint64_t, model::Pid>, OrdinalSet> held_;
  std::size_t held_n_ = 0;

  // Reading.
  std::uint64_t token_ = 0;
  bool reading_ = false;
  bool idle_ = false;  // There was nothing more, when last read.
  bool anew_ = false;  // To be told with the next read, like the two after it.
  bool delivered_ = false;
  HistoryMark mark_;
  std::optional<MonoTime> read_at_;
  std::string trouble_;

  // Under way.
  std::optional<BackfillChunk> chunk_;
  bool changed_ = true;  // Since it was sent.
  std::vector<Sent> sent_;
  std::uint32_t number_ = 0;
  int sends_ = 0;
  // A property of the chunk has a higher number than that, up to which the cloud held the
  // dictionary.
  std::optional<model::Pid> lacks_above_;
  std::optional<MonoTime> send_at_;
  MonoTime sent_at_{};
  // What a frame may have, by how long the last ones took: about a second of a slow link.
  std::size_t frame_bytes_ = kFrameBytesFirst;

  // The budget: what may be sent now, in bytes, as of `credit_at_`; below 0 nothing.
  std::int64_t credit_bytes_ = 0;
  std::optional<MonoTime> credit_at_;

  BackfillStatus counts_;
};

}  // namespace edgetwin::sync
