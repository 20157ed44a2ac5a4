// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The frames of the sync protocol as the engine sees them. docs/PROTOCOL.md says what each must
// hold; proto/edgetwin/v1/sync.proto how they look on the wire; sync/codec translates.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sync/engine/digest.h"
#include "sync/engine/history.h"
#include "twin/base/guard.h"
#include "twin/model/batch.h"
#include "twin/model/row.h"

namespace edgetwin::sync {

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kFrameBytesMax = 256 << 10;  // Checked before parsing.
inline constexpr std::size_t kFrameRowsMax = 20'000;
inline constexpr std::size_t kFrameEntriesMax = 5'000;  // Dictionary entries.
inline constexpr std::size_t kAddressBytesMax = 8;      // Hello::address.
inline constexpr std::size_t kFrameEventsMax = 2'000;
inline constexpr std::size_t kFrameCommandsMax = 2'000;

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

// One event in a frame. `event.id` is not sent: its property is named by pid, and by nothing when
// the event is about none. `event.dot.inc` is 0 when it follows from the sender's lineage by seq.
struct WireEvent {
  model::Pid pid = 0;
  model::Event event;
  friend bool operator==(const WireEvent&, const WireEvent&) = default;
};

// A part of the rows that entered the device's interest when it adopted `version`. Parts count from
// 1; the last one says so.
struct ScopeIn {
  std::uint32_t version = 0;
  std::uint32_t part = 0;
  bool last = false;
  friend bool operator==(const ScopeIn&, const ScopeIn&) = default;
};

// The receiver's cursors over the sender's streams, durable at the receiver.
struct Ack {
  std::uint32_t session = 0;
  Watermarks watermark{};
  model::Pid dictionary_n = 0;  // Entries held, without gaps.
  // Device: the interest whose rows it has, up to part `scope_part` of the one being taken up.
  std::uint32_t scope_version = 0;
  std::uint32_t scope_part = 0;
  // Streams whose digest was found equal since the last ack, and where; 0: none was.
  Watermarks verified{};
  // From the arrival of what advanced the watermark last to this ack; for round-trip times.
  std::uint32_t held_ms = 0;
  friend bool operator==(const Ack&, const Ack&) = default;
};

// Ack::held_ms of such a time. A few milliseconds are nothing beside what round-trip times are for
// (a timeout of 1.5 s and more), and 0 takes no bytes.
inline std::uint32_t HeldMs(std::chrono::microseconds held) {
  constexpr std::int64_t kMin = 16, kMax = 60'000;
  const std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(held).count();
  return ms < kMin ? 0 : static_cast<std::uint32_t>(ms < kMax ? ms : kMax);
}

// Before a device says Hello again to a cloud that is busy, whatever that one says.
inline constexpr std::chrono::milliseconds kBusyPauseMin{1'000};

enum class NackReason : std::uint8_t {
  kUnknownSession = 1,  // Say Hello (again).
  kGap = 2,             // A frame began above the watermark: resend from there.
  kUnknownPid = 3,      // Dictionary entries are missing.
  kContent = 4,         // A frame can't be applied, ever; `text` says why.
  kFenced = 5,          // The epoch is stale: stop syncing until an operator decides.
  kVersion = 6,         // No common protocol version.
  kDigest = 7,          // Everything arrived, and yet the rows differ: heal.
  kBusy = 8,            // Not now: say Hello after `spread_ms` and up to as much again.
};

// The frame that a Nack is about.
struct FrameSpan {
  model::Stream stream = model::Stream::kState;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  friend bool operator==(const FrameSpan&, const FrameSpan&) = default;
};

struct Nack {
  NackReason reason = NackReason::kUnknownSession;
  Ack cursors = {};  // Where the receiver stands.
  std::string text = {};
  // kContent: nothing of it was applied, for `entries`: ascending seqs in it; none: not known.
  // kDigest: what carried the digest.
  std::optional<FrameSpan> refused = {};
  std::vector<std::uint64_t> entries = {};
  std::uint64_t sum = 0;        // kDigest: the low half of the digest's sum; 0: not known.
  std::uint32_t spread_ms = 0;  // kUnknownSession to everybody: answer after a random part of this.
  friend bool operator==(const Nack&, const Nack&) = default;
};

inline constexpr std::size_t kRefusedEntriesMax = 64;  // Named in one Nack.
inline constexpr std::size_t kDigestExceptMax = 64;    // Left out of one digest.

// The fingerprint of every row of the stream that stands at `Delta::to`; see digest.h.
struct DigestTag {
  Digest sum;
  // What both sides must agree on for the sums to be comparable. Device: the number of its
  // dictionary's entries; cloud: the version of the device's interest, and the entries it holds.
  std::uint32_t scope = 0;
  std::uint32_t entries = 0;
  // Whose rows are not in the sum: the receiver has refused one. Ascending.
  std::vector<model::Pid> except = {};
  friend bool operator==(const DigestTag&, const DigestTag&) = default;
};

// Where a dictionary stands after its first n entries.
struct ChainMark {
  model::Pid n = 0;
  std::uint64_t chain = 0;
  friend bool operator==(const ChainMark&, const ChainMark&) = default;
};
inline constexpr std::size_t kLadderMax = 40;

// What Hello carries of the state stream: all that is current with from < seq <= to, as in a Delta.
struct FirstDelta {
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // Not 0.
  std::vector<WireRow> rows;
  friend bool operator==(const FirstDelta&, const FirstDelta&) = default;
};

// Device → cloud, first frame of a session.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::uint32_t session = 0;  // Random, not 0; each later frame of the device's carries it.
  // The session that the connection's Will names, when that is another one: a connection may see
  // several handshakes. 0: it is this one.
  std::uint32_t will_session = 0;
  std::uint32_t will() const { return will_session != 0 ? will_session : session; }
  model::Lineage lineage;  // The device's; the last is current.
  Watermarks head{};       // Highest seq of each of our streams.
  // The device's flash has every row of the stream up to here. While nothing came back yet of what
  // a crash took, that is what the store held when it was opened.
  Watermarks durable{};
  Watermarks watermark{};       // What we hold of the cloud's streams.
  std::uint64_t cloud_inc = 0;  // The incarnation that gave us the last of it; 0: none.
  // The highest seq of the cloud's that we ever held, above the watermark when the cloud lost it.
  std::uint64_t cloud_seq_max = 0;
  model::Pid dictionary_n = 0;
  std::uint64_t dictionary_chain = 0;
  bool dictionary_anew = false;  // It began anew: what the cloud holds is of another one.
  std::uint32_t scope_version = 0;
  model::Epoch epoch;
  std::int64_t wall_ms = 0;   // The device's wall clock at sending; 0 when not trusted.
  std::uint64_t boot_ms = 0;  // Its monotonic clock.
  std::string software;       // "edgetwind 0.1.0", for people.
  std::string hardware;       // A label of the board, for people.
  // At which the device is reached as well, and for fewer bytes; empty: nowhere else. The link's.
  std::string address;
  // For a cloud that finds this store as it left it, and none that doesn't; the Welcome's watermark
  // tells which it was.
  std::optional<FirstDelta> first;
  friend bool operator==(const Hello&, const Hello&) = default;
};

// Cloud → device, the answer.
struct Welcome {
  std::uint32_t version = kProtocolVersion;
  std::uint32_t session = 0;  // The Hello's.
  std::uint64_t to = 0;       // The device's opening that is welcome: the last one of its lineage.
  model::Lineage lineage;     // The cloud's, of this twin.
  Watermarks head{};
  Watermarks watermark{};              // What the cloud holds of the device's streams.
  model::Pid dictionary_n = 0;         // Entries the cloud holds …
  std::uint64_t dictionary_chain = 0;  // … and the chain's hash there.
  std::uint32_t scope_version = 0;
  model::Epoch epoch;
  std::int64_t wall_ms = 0;  // The cloud's wall clock at sending.
  // The device was set back: what it has above `common` was not seen here before, and its next seq
  // must be above `seq_floor`. 0: it was not.
  std::uint64_t seq_floor = 0;
  Watermarks common{};
  // What the device lost: its own rows above Hello::durable, ascending by seq.
  std::vector<WireRow> returned;
  // When the dictionaries parted: where ours stood, ascending by n. Else empty.
  std::vector<ChainMark> ladder;
  std::uint32_t frame_bytes_max = 64 << 10;  // The device sends no larger ones …
  std::uint32_t window_frames_max = 16;  // … and no more at once without an ack. Neither is 0.
  std::uint32_t backoff_ms_max = 0;      // The cap of its pauses between connections; 0: its own.
  bool history = false;                  // It takes history.
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// Both ways: everything current of `stream` with from < seq <= to, ascending by seq.
struct Delta {
  std::uint32_t session = 0;
  model::Stream stream = model::Stream::kState;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::vector<WireRow> rows;      // Of the streams control and state.
  std::vector<WireEvent> events;  // Device to cloud, stream events.
  // Cloud to device, stream control. Of each travel id, dot, epoch, name, path, value, expires,
  // who.
  std::vector<model::Command> commands;
  // Cloud to device, stream control: the rows are those of a scope-in, with their own old dots, and
  // `from` and `to` claim nothing (both are 0).
  std::optional<ScopeIn> scope_in;
  std::optional<Ack> ack;  // Piggybacked: of the same session.
  std::optional<DigestTag> digest;
  friend bool operator==(const Delta&, const Delta&) = default;
};

// Entries `first` … of the device's dictionary. Device → cloud: new ones; without any: a request
// for what the cloud holds from `first` on. Cloud → device: the answer.
struct DictionaryFrame {
  std::uint32_t session = 0;
  model::Pid first = 1;
  std::vector<model::DictionaryEntry> entries;  // `id` is not sent; only the last one's `chain` is.
};

// Cloud → device: is anybody there? The device sends it back as it is.
struct Probe {
  std::uint32_t session = 0;
  std::uint64_t nonce = 0;
  friend bool operator==(const Probe&, const Probe&) = default;
};

// Device → cloud: rows of the cloud's that this cloud does not have any more.
struct Offer {
  std::uint32_t session = 0;
  std::vector<WireRow> rows;  // Desired ones.
  friend bool operator==(const Offer&, const Offer&) = default;
};

// Device → cloud: what of the cloud's view the device wants to compare with its own, frozen where
// the streams stand. docs/PROTOCOL.md, "Healing".
struct HealAsk {
  std::uint32_t session = 0;
  std::uint32_t attempt = 0;  // Salts the hashes.
  Watermarks at{};            // The device's streams: all up to here is sent.
  model::Pid dictionary_n = 0;
  std::uint32_t first_cell = 0;
  std::uint32_t cells = 0;          // 0: the hash list, from property `first_cell` on.
  std::vector<model::Pid> desired;  // Only these properties' desired rows, and no cells.
  // Nor cells, but rows of paths that have no pid.
  struct Unnumbered {
    std::uint64_t seq = 0;  // The device's own, up to here, were sent anew: to be forgotten.
    std::string after;      // A path; the desired rows of those that come after it are wanted.
    friend bool operator==(const Unnumbered&, const Unnumbered&) = default;
  };
  std::optional<Unnumbered> unnumbered;
  friend bool operator==(const HealAsk&, const HealAsk&) = default;
};

// Cloud → device.
struct HealAnswer {
  std::uint32_t session = 0;
  std::uint32_t attempt = 0;
  // In the cloud's view; where unnumbered ones are wanted, those that come after the path.
  std::uint32_t rows_n = 0;
  // The first cell, or property of the hash list; of `desired`, how many this answers; the number
  // of unnumbered rows.
  std::uint32_t first_cell = 0;
  std::uint64_t unnumbered = 0;  // With cells and hashes: the low half of UnnumberedDigest.
  std::string cells;             // 10 bytes each, or a part of the hash list.
  std::vector<WireRow> rows;     // Desired rows asked for: the truth.
  friend bool operator==(const HealAnswer&, const HealAnswer&) = default;
};
inline constexpr std::size_t kHealCellsMax = 16'000;   // In one answer.
inline constexpr std::size_t kHealDesiredMax = 2'000;  // In one request.

// Device → cloud: which of the cloud's properties it wants to hold.
struct InterestFrame {
  std::uint32_t session = 0;
  model::Interest interest;
  friend bool operator==(const InterestFrame&, const InterestFrame&) = default;
};
inline constexpr std::size_t kInterestPatternsMax = 64;

// Device → cloud: the session is over. Also the MQTT Will.
struct Bye {
  std::uint32_t session = 0;
  friend bool operator==(const Bye&, const Bye&) = default;
};

using Frame =
    std::variant<Hello, Welcome, Delta, Ack, Nack, DictionaryFrame, Bye, Probe, Offer, HealAsk,
                 HealAnswer, InterestFrame, HistoryFrame, HistoryAck, HistoryAsk, HistoryHeld>;

// What the frames of a cloud carry in the place of the session's number once it has sent its
// Welcome: a device that two clouds hear (one of them from a backup of the other) tells their
// frames apart. `cloud_inc` is the last one of the Welcome's lineage; 21 bits of it are enough.
inline std::uint32_t DownSession(std::uint32_t session, std::uint64_t cloud_inc) {
  if (!On(Guard::kPeerSession)) return session;
  constexpr std::uint32_t kBits = 21;
  const std::uint32_t down = session ^ static_cast<std::uint32_t>(cloud_inc & ((1u << kBits) - 1));
  return down != 0 ? down : 1u << kBits;  // 0 is everybody's.
}

inline std::uint32_t SessionOf(const Frame& frame) {
  return std::visit(
      [](const auto& kind) {
        if constexpr (requires { kind.cursors; }) {
          return kind.cursors.session;
        } else {
          return kind.session;
        }
      },
      frame);
}

}  // namespace edgetwin::sync
