// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The cloud's half of the sync protocol for one device. Pure, like EdgeEngine: (event, now) in,
// frames, commits and changes out.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sync/engine/frame.h"
#include "sync/engine/sender.h"
#include "twin/model/twin.h"

namespace edgetwin::sync {

struct CloudOptions {
  std::uint32_t frame_bytes_max = 64 << 10;  // What devices may send in one frame …
  std::uint32_t window_frames_max = 16;      // … and at once without an ack.
  std::size_t returned_rows_max = 10'000;    // In one Welcome.
  std::function<std::uint64_t(std::uint64_t below)> random;  // For epoch tokens.
};

struct CloudStatus {
  bool connected = false;
  std::string software;     // The device's, as it says.
  std::string trouble;      // What was wrong last with this device's frames; empty when nothing.
  std::uint64_t state = 0;  // The device's revision that we hold …
  std::uint64_t state_durable = 0;  // … and have on disk.
  std::uint64_t control = 0, control_durable = 0;
  std::uint64_t head = 0;  // Our own revision of this twin.
  std::uint64_t desired_head = 0, desired_durable = 0, desired_acked = 0;
  std::optional<std::chrono::microseconds> round_trip;
  std::uint64_t sessions = 0, resets = 0, gaps = 0, refused_frames = 0, refused_rows = 0;
  std::uint64_t frames_resent = 0;
  model::Epoch epoch;
};

struct CloudOutput {
  std::vector<Frame> frames;
  struct Commit {
    std::uint64_t token = 0;
    model::Batch batch;
  };
  std::optional<Commit> commit;  // Never while another one of this twin is out.
  struct Change {
    model::PropertyId id = model::kNoProperty;
    model::Side side = model::Side::kReported;
  };
  std::vector<Change> changes;  // Rows that are new since the last Step, for those who watch.
  // What an operator should know: a device's store was replaced, ….
  std::vector<std::string> events;
};

// SINGLE-THREADED. Call Step after every event, and at NextStep.
class CloudSession {
 public:
  // `stored` is moved into `twin`, which must be fresh and outlive this. Its lineage's last entry
  // is this opening's.
  CloudSession(CloudOptions options, model::Twin& twin, model::Stored stored);

  void Receive(Frame frame, MonoTime now, WallTime wall);
  // The broker is gone, and with it every session.
  void LinkDown();
  void Committed(std::uint64_t token, const Status& result, MonoTime now);

  // Wants `value` of a property (none: wants nothing any more). Durable, and sent, after the commit
  // that the next Step asks for.
  void SetDesired(model::PropertyId id, model::Value value, std::string who, WallTime until,
                  WallTime wall);
  // Whether our own row with this seq is durable.
  bool Durable(std::uint64_t seq) const { return seq <= desired_durable_; }
  // Whether the device's row with this seq is durable here.
  bool PeerDurable(model::Side side, std::uint64_t seq) const;

  void Step(MonoTime now, WallTime wall, CloudOutput& out);
  std::optional<MonoTime> NextStep() const;

  bool connected() const { return session_ != 0; }
  CloudStatus status() const;
  // What we hold of the device's streams, durable or not.
  const Watermarks& watermark() const { return received_; }

 private:
  struct InFlight {
    std::uint64_t token = 0;
    model::Batch batch;
    Watermarks received{};
    MonoTime received_at{};  // When the last of it came.
    std::uint64_t desired_head = 0;
    model::Pid dictionary_n = 0;
    std::uint64_t device_store = 0;  // Which device's: device_store_ then.
  };

  void OnHello(Hello hello, MonoTime now);
  bool Classify(const Hello& hello);
  void ForgetDevice();
  std::uint64_t Issued() const { return twin_.stream_head(model::Stream::kControl); }
  void OnDelta(const Delta& delta, MonoTime now);
  bool ApplyRow(const WireRow& wire, model::Stream stream);
  void OnDictionary(const DictionaryFrame& frame, MonoTime now);
  void Refuse(NackReason reason, std::uint32_t session, std::string text);
  void AckSoon(MonoTime now);
  Ack Cursors(std::uint32_t session) const;
  Ack HeldCursors(MonoTime now) const;
  std::uint64_t ControlMax() const;
  void SendWelcome(MonoTime now, WallTime wall, CloudOutput& out);
  void StepCommit(CloudOutput& out);
  bool Dirty() const { return twin_.pending() || !peer_batch_.empty() || !failed_.empty(); }

  const CloudOptions options_;
  model::Twin& twin_;
  Sender sender_;

  std::uint32_t session_ = 0;
  std::optional<Hello> hello_;  // Waits for its commit before it is answered.
  std::string software_;
  std::string trouble_;
  model::Lineage peer_lineage_;
  model::Epoch epoch_;
  Watermarks received_{};
  Watermarks durable_{};
  std::uint64_t device_store_ = 0;  // Counts the device's stores that we have met.
  MonoTime received_at_{};
  model::Pid dictionary_durable_ = 0;
  std::uint64_t desired_durable_ = 0;

  std::vector<Nack> nacks_;
  std::optional<MonoTime> ack_due_;
  std::optional<MonoTime> ack_sent_;
  MonoTime acked_arrival_{};

  model::Batch peer_batch_;
  model::Batch failed_;
  std::optional<InFlight> in_flight_;
  std::optional<MonoTime> retry_at_;
  std::uint64_t last_token_ = 0;

  std::vector<CloudOutput::Change> changes_;
  std::vector<std::string> events_;
  CloudStatus counts_;
};

}  // namespace edgetwin::sync
