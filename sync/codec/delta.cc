// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/delta.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "sync/codec/entries.h"
#include "sync/codec/events.h"
#include "sync/codec/rows.h"
#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::Stream;

std::uint64_t& Of(Watermarks& marks, Stream stream) {
  return marks[static_cast<std::size_t>(stream)];
}
std::uint64_t Of(const Watermarks& marks, Stream stream) {
  return marks[static_cast<std::size_t>(stream)];
}

// What tells the stream of a delta without rows.
v1::Side SideOf(Stream stream) {
  switch (stream) {
    case Stream::kControl: return v1::SIDE_DESIRED;
    case Stream::kState: return v1::SIDE_REPORTED;
    case Stream::kEvents: return v1::SIDE_NONE_EVENTS;
    case Stream::kHistory: break;
  }
  return v1::SIDE_NONE_HISTORY;
}

Result<Stream> StreamOf(v1::Side side) {
  switch (side) {
    case v1::SIDE_REPORTED: return Stream::kState;
    case v1::SIDE_DESIRED:
    case v1::SIDE_STATUS:
    case v1::SIDE_OVERRIDE: return Stream::kControl;
    case v1::SIDE_NONE_EVENTS: return Stream::kEvents;
    case v1::SIDE_NONE_HISTORY: return Stream::kHistory;
    default: return Invalid("no side " + std::to_string(side) + " is known");
  }
}

// What only some deltas may have; the same of a frame that comes and of one that goes.
struct Extras {
  Stream stream;
  bool events, commands, digest, scope_in;
};
Status Check(const Extras& extras) {
  const bool control = extras.stream == Stream::kControl;
  if (extras.events && extras.stream != Stream::kEvents) {
    return Invalid("events are of the event stream only");
  }
  if (extras.commands && !control) return Invalid("commands are of the control stream only");
  if (extras.digest && !control && extras.stream != Stream::kState) {
    return Invalid("a digest is of the control or state stream only");
  }
  if (!extras.scope_in) return {};
  if (!control) return Invalid("a scope-in is of the control stream only");
  if (extras.commands || extras.digest) {
    return Invalid("a scope-in has neither commands nor a digest");
  }
  return {};
}

// Both ascend.
bool ShareASeq(const std::vector<WireRow>& rows, const std::vector<model::Command>& commands) {
  auto row = rows.begin();
  for (const model::Command& command : commands) {
    while (row != rows.end() && row->row.dot.seq < command.dot.seq) ++row;
    if (row != rows.end() && row->row.dot.seq == command.dot.seq) return true;
  }
  return false;
}

// The rows of a scope-in have a range of their own, which claims nothing.
void EncodeScopeIn(const Delta& delta, v1::Frame& frame) {
  EDGETWIN_CHECK(delta.from == 0 && delta.to == 0);
  EDGETWIN_CHECK(delta.scope_in->part != 0);
  v1::ScopeIn& out = *frame.mutable_scope_in();
  out.set_version(delta.scope_in->version);
  out.set_part(delta.scope_in->part);
  out.set_last(delta.scope_in->last);
  EncodeRows(RowsOf::kCloud, delta.rows, frame);
  if (delta.rows.empty()) return frame.set_to(0);
  const std::uint64_t first = delta.rows.front().row.dot.seq;
  const std::uint64_t last = delta.rows.back().row.dot.seq;
  EDGETWIN_CHECK(first > 0);
  frame.set_to(last);
  EncodeSeqs(first - 1, last, 0, delta.rows, frame);
}

Status DecodeScopeIn(v1::Frame& frame, Delta& delta) {
  const v1::ScopeIn& in = frame.scope_in();
  if (in.part() == 0) return Invalid("the parts of a scope-in count from 1");
  delta.scope_in = ScopeIn{in.version(), in.part(), in.last()};
  Result<std::vector<WireRow>> rows = DecodeRows(RowsOf::kCloud, frame);
  if (!rows) return rows.error();
  const Result<std::uint64_t> from = DecodeSeqs(frame.to(), 0, frame, *rows);
  if (!from) return from.error();
  delta.rows = std::move(*rows);
  return {};
}

// Everything in (from, to].
Status DecodeRange(v1::Frame& frame, Delta& delta) {
  Result<std::vector<WireRow>> rows = DecodeRows(RowsOfStream(delta.stream), frame);
  if (!rows) return rows.error();
  const auto others = static_cast<std::size_t>(frame.events_size() + frame.commands_size());
  const Result<std::uint64_t> from = DecodeSeqs(frame.to(), others, frame, *rows);
  if (!from) return from.error();
  Result<std::vector<WireEvent>> events = DecodeEvents(*from, frame.to(), frame);
  if (!events) return events.error();
  Result<std::vector<model::Command>> commands = DecodeCommands(*from, frame.to(), frame);
  if (!commands) return commands.error();
  if (ShareASeq(*rows, *commands)) return Invalid("a row and a command have the same seq");
  delta.from = *from;
  delta.to = frame.to();
  delta.rows = std::move(*rows);
  delta.events = std::move(*events);
  delta.commands = std::move(*commands);
  return {};
}

}  // namespace

void EncodeDelta(const Delta& delta, v1::Frame& frame) {
  const Status ok = Check({delta.stream, !delta.events.empty(), !delta.commands.empty(),
                           delta.digest.has_value(), delta.scope_in.has_value()});
  EDGETWIN_CHECK(ok.has_value());
  if (delta.scope_in) {
    EncodeScopeIn(delta, frame);
  } else {
    EDGETWIN_CHECK(!ShareASeq(delta.rows, delta.commands));
    frame.set_to(delta.to);
    EncodeRows(RowsOfStream(delta.stream), delta.rows, frame);
    EncodeSeqs(delta.from, delta.to, delta.events.size() + delta.commands.size(), delta.rows,
               frame);
    EncodeEvents(delta.from, delta.to, delta.events, frame);
    EncodeCommands(delta.from, delta.to, delta.commands, frame);
  }
  if (delta.rows.empty()) frame.set_side(SideOf(delta.stream));
  if (delta.digest) {
    v1::Digest& out = *frame.mutable_digest();
    out.set_low(delta.digest->sum.low);
    out.set_high(delta.digest->sum.high);
    out.set_scope(delta.digest->scope);
    out.set_entries(delta.digest->entries);
    out.mutable_except()->Assign(delta.digest->except.begin(), delta.digest->except.end());
  }
  if (!delta.ack) return;
  EDGETWIN_CHECK(delta.ack->session == delta.session);
  EncodeAck(*delta.ack, frame);
}

Result<Delta> DecodeDelta(v1::Frame& frame) {
  const Result<Stream> stream = StreamOf(frame.side());
  if (!stream) return stream.error();
  Status ok = Check({*stream, frame.events_size() > 0, frame.commands_size() > 0,
                     frame.has_digest(), frame.has_scope_in()});
  if (!ok) return ok.error();
  Delta delta;
  delta.stream = *stream;
  ok = frame.has_scope_in() ? DecodeScopeIn(frame, delta) : DecodeRange(frame, delta);
  if (!ok) return ok.error();
  if (frame.has_digest()) {
    const v1::Digest& digest = frame.digest();
    if (static_cast<std::size_t>(digest.except_size()) > kDigestExceptMax ||
        std::ranges::adjacent_find(digest.except(), std::ranges::greater_equal()) !=
            digest.except().end()) {
      return Invalid("a digest leaves out at most 64 properties, named once in ascending order");
    }
    delta.digest = DigestTag{{digest.low(), digest.high()},
                             digest.scope(),
                             digest.entries(),
                             {digest.except().begin(), digest.except().end()}};
  }
  if (frame.has_ack()) delta.ack = DecodeAck(frame);
  return delta;
}

void EncodeAck(const Ack& ack, v1::Frame& frame) {
  frame.set_ack(Of(ack.watermark, Stream::kState));
  frame.set_ack_control(Of(ack.watermark, Stream::kControl));
  frame.set_ack_events(Of(ack.watermark, Stream::kEvents));
  frame.set_ack_history(Of(ack.watermark, Stream::kHistory));
  frame.set_ack_dictionary(ack.dictionary_n);
  frame.set_ack_scope(ack.scope_version);
  frame.set_ack_scope_part(ack.scope_part);
  if (ack.verified != Watermarks{}) EncodeMarks(ack.verified, frame.mutable_ack_verified());
  frame.set_ack_held_ms(ack.held_ms);
}

Ack DecodeAck(const v1::Frame& frame) {
  Ack ack;
  ack.session = frame.session();
  Of(ack.watermark, Stream::kState) = frame.ack();
  Of(ack.watermark, Stream::kControl) = frame.ack_control();
  Of(ack.watermark, Stream::kEvents) = frame.ack_events();
  Of(ack.watermark, Stream::kHistory) = frame.ack_history();
  ack.dictionary_n = frame.ack_dictionary();
  ack.scope_version = frame.ack_scope();
  ack.scope_part = frame.ack_scope_part();
  ack.verified = DecodeMarks(frame.ack_verified());
  ack.held_ms = frame.ack_held_ms();
  return ack;
}

}  // namespace edgetwin::sync
