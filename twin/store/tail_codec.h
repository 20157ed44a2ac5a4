// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The compact form of a commit in the tail: what changed in rows, counters, events, commands,
// alarms and holds, a few bytes a value.
//
// A record is
//   format   1 byte, kTailFormat
//   flags    varint: which counters and sections there are
//   counters a varint each: bit 0 seq_limit, bit 1 state_durable, bit 2 + s the watermark of the
//            peer's stream s, bit 6 events_acked, bit 7 seq_floor, bit 8 events_floor
//   count    varint, the number of rows; when it isn't 0, these columns follow, each for all rows
//            in turn:
//     keys     varint of property·4 + side, ascending; all but the first as the difference to the
//              one before
//     incs     varint n, n·8 bytes; then, if n > 1, a varint index for each row
//     seqs     zigzag varint of the difference to the row before (the first: to 0), modulo 2^64
//     times    likewise, in milliseconds
//     kinds    runs of (1 byte, varint length): bits 0–3 the form of the value, 4–5 quality, 6
//              unsynced, 7 has control information
//     values   by form: 0 none, 1 false, 2 true: nothing; 3 int: zigzag varint; 4 double: its 8
//              bytes; 5 varint length·2 + is_bytes, then the bytes; 6 + d a double with d
//              decimals: zigzag varint of the double·10^d
//     control  of rows that have it: 8 bytes inc and varint seq it refers to, 1 byte state, zigzag
//              varint until, the note
//   sections each a varint number of entries that isn't 0, and the entries; a text is a varint
//            length and its bytes; a property is a varint, here 1 above its number, 0 for none:
//     bit 9    events: 1 byte (bits 0–3 the form of the value, 4–5 severity, 6 unsynced, 7 an inc
//              of 8 bytes follows: it isn't that of the event before, or 0), seq and time as
//              differences to the event before, property, kind, value, text, varint command
//     bit 10   commands: 8 bytes id, 8 bytes inc, varint seq, varint epoch, name, path, 1 byte
//              form, value, zigzag varint expires, who, 1 byte state, result
//     bit 11   commands to forget: 8 bytes id
//     bit 12   alarms: 1 byte (bits 0–3 the form of the value, 4 kind, 5 raised, 6 acknowledged),
//              property, zigzag varint since, value, who
//     bit 13   holds: property, zigzag varint of what is left in milliseconds
//   check    4 bytes, XXH32 of all before
// or, where that is shorter,
//   format   1 byte, kTailPacked
//   size     varint of the bytes between format and check above, at most 16 times the frame's
//   frame    a zstd frame of them
//   check    likewise
// Fixed-width numbers are little-endian. A record describes itself: it is read without the
// properties' definitions.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "twin/base/result.h"
#include "twin/model/batch.h"

namespace edgetwin::store {

inline constexpr char kTailFormat = 1;
inline constexpr char kTailPacked = 2;

// Encodes what HoldsTail asks for; nothing else of the batch. Of several changes to one row the
// last counts. `decimals[property]` is tried first for doubles, where the property is inside the
// span; kUnknownDecimals and beyond: the fewest decimals of at most 4 that keep every bit, or else
// 8 bytes.
inline constexpr std::int8_t kUnknownDecimals = -1;
std::string EncodeTail(const model::Batch& batch, std::span<const std::int8_t> decimals);

// Whether the batch has anything that goes into a tail record: rows, seq_limit, state_durable,
// seq_floor, peer_watermark, events, events_acked, events_floor, commands, commands_gone, alarms or
// holds.
bool HoldsTail(const model::Batch& batch);

// The inverse, with rows ascending by property and side. kCorrupt for anything EncodeTail can't
// have written; safe on hostile bytes; takes at most some forty times the record's size in memory,
// as it is unpacked.
Result<model::Batch> DecodeTail(std::string_view record);

}  // namespace edgetwin::store
