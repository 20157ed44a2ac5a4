// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The frames of the sync protocol as the engine sees them. docs/PROTOCOL.md says what each must
// hold; proto/edgetwin/v1/sync.proto how they look on the wire; sync/codec translates.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "twin/model/batch.h"
#include "twin/model/row.h"

namespace edgetwin::sync {

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kFrameBytesMax = 256 << 10;  // Checked before parsing.
inline constexpr std::size_t kFrameRowsMax = 20'000;
inline constexpr std::size_t kFrameEntriesMax = 5'000;  // Dictionary entries.

using Watermarks = std::array<std::uint64_t, model::kStreams>;

// One row in a frame. Its property is named by pid, or by path when the device has no pid for it.
// `row.dot.inc` is 0 when it follows from the sender's lineage by seq.
struct WireRow {
  model::Pid pid = 0;
  std::string path;  // Only when pid is 0.
  model::Side side = model::Side::kReported;
  model::Row row;
  friend bool operator==(const WireRow&, const WireRow&) = default;
};

// The receiver's cursors over the sender's streams, durable at the receiver.
struct Ack {
  std::uint32_t session = 0;
  Watermarks watermark{};
  model::Pid dictionary_n = 0;  // Entries held, without gaps.
  // From the arrival of what advanced the watermark last to this ack; for round-trip times.
  std::uint32_t held_ms = 0;
  friend bool operator==(const Ack&, const Ack&) = default;
};

enum class NackReason : std::uint8_t {
  kUnknownSession = 1,  // Say Hello (again).
  kGap = 2,             // A frame began above the watermark: resend from there.
  kUnknownPid = 3,      // Dictionary entries are missing.
  kContent = 4,         // A frame can't be applied, ever; `text` says why.
  kFenced = 5,          // The epoch is stale: stop syncing until an operator decides.
  kVersion = 6,         // No common protocol version.
};

struct Nack {
  NackReason reason = NackReason::kUnknownSession;
  Ack cursors;  // Where the receiver stands.
  std::string text;
  std::uint32_t spread_ms = 0;  // kUnknownSession to everybody: answer after a random part of this.
  friend bool operator==(const Nack&, const Nack&) = default;
};

// Device → cloud, first frame of a session.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::uint32_t session = 0;        // Random, not 0; each later frame of the session carries it.
  model::Lineage lineage;           // The device's; the last is current.
  Watermarks head{};                // Highest seq of each of our streams.
  std::uint64_t state_durable = 0;  // Every reported row up to here is on the device's flash.
  Watermarks watermark{};           // What we hold of the cloud's streams.
  std::uint64_t cloud_inc = 0;      // The cloud's newest incarnation that we know; 0: none.
  model::Pid dictionary_n = 0;
  std::uint64_t dictionary_chain = 0;
  std::uint32_t scope_version = 0;
  model::Epoch epoch;
  std::int64_t wall_ms = 0;   // The device's wall clock at sending; 0 when not trusted.
  std::uint64_t boot_ms = 0;  // Its monotonic clock.
  std::string software;       // "edgetwind 0.1.0", for people.
  friend bool operator==(const Hello&, const Hello&) = default;
};

// Cloud → device, the answer.
struct Welcome {
  std::uint32_t version = kProtocolVersion;
  std::uint32_t session = 0;
  model::Lineage lineage;  // The cloud's, of this twin.
  Watermarks head{};
  Watermarks watermark{};              // What the cloud holds of the device's streams.
  model::Pid dictionary_n = 0;         // Entries the cloud holds …
  std::uint64_t dictionary_chain = 0;  // … and the chain's hash there.
  std::uint32_t scope_version = 0;
  model::Epoch epoch;
  std::int64_t wall_ms = 0;  // The cloud's wall clock at sending.
  // Reported rows above the device's state_durable, ascending by seq: what a crash took from it.
  std::vector<WireRow> returned;
  std::uint32_t frame_bytes_max = 64 << 10;  // The device sends no larger ones …
  std::uint32_t window_frames_max = 16;  // … and no more at once without an ack. Neither is 0.
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// Both ways: every current row of `stream` with from < seq <= to, ascending by seq.
struct Delta {
  std::uint32_t session = 0;
  model::Stream stream = model::Stream::kState;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<WireRow> rows;
  std::optional<Ack> ack;  // Piggybacked: of the same session.
  friend bool operator==(const Delta&, const Delta&) = default;
};

// Device → cloud: entries `first` … of the dictionary.
struct DictionaryFrame {
  std::uint32_t session = 0;
  model::Pid first = 1;
  std::vector<model::DictionaryEntry> entries;  // `id` is not sent; only the last one's `chain` is.
};

// Device → cloud: the session is over. Also the MQTT Will.
struct Bye {
  std::uint32_t session = 0;
  friend bool operator==(const Bye&, const Bye&) = default;
};

using Frame = std::variant<Hello, Welcome, Delta, Ack, Nack, DictionaryFrame, Bye>;

}  // namespace edgetwin::sync
