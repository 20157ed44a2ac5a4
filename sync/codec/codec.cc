// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/codec.h"

#include <algorithm>
#include <utility>

#include "edgetwin/v1/sync.pb.h"
#include "sync/codec/delta.h"
#include "sync/codec/entries.h"
#include "sync/codec/heal.h"
#include "sync/codec/history.h"
#include "sync/codec/rows.h"
#include "sync/codec/texts.h"
#include "twin/base/check.h"
#include "twin/model/path.h"

namespace edgetwin::sync {
namespace {

using model::Stream;

// Parts of several frames.

void EncodeEpoch(const model::Epoch& epoch, v1::Epoch* out) {
  out->set_counter(epoch.counter);
  out->set_token(epoch.token);
}

model::Epoch DecodeEpoch(const v1::Epoch& epoch) {
  return {epoch.counter(), epoch.token()};
}

Result<std::string> DecodeForPeople(const std::string& text) {
  if (const Status ok = CheckText("a text", text, model::kNoteBytesMax); !ok) return ok.error();
  return text;
}

bool IsOfAddress(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// Writes each kind into the frame.
struct Encoder {
  v1::Frame& frame;

  void operator()(const Hello& hello) {
    EDGETWIN_CHECK(hello.session != 0);
    frame.set_session(hello.session);
    v1::Hello& out = *frame.mutable_hello();
    out.set_version(hello.version);
    EncodeLineage(hello.lineage, *out.mutable_lineage());
    EncodeMarks(hello.head, out.mutable_head());
    EncodeMarks(hello.durable, out.mutable_durable());
    EncodeMarks(hello.watermark, out.mutable_held());
    out.set_cloud_inc(hello.cloud_inc);
    out.set_dictionary_n(hello.dictionary_n);
    out.set_dictionary_chain(hello.dictionary_chain);
    out.set_scope_version(hello.scope_version);
    EncodeEpoch(hello.epoch, out.mutable_epoch());
    out.set_wall_ms(hello.wall_ms);
    out.set_boot_ms(hello.boot_ms);
    out.set_software(ForPeople(hello.software, model::kNoteBytesMax));
    out.set_cloud_seq_max(hello.cloud_seq_max);
    out.set_will_session(hello.will_session);
    out.set_dictionary_anew(hello.dictionary_anew);
    out.set_hardware(ForPeople(hello.hardware, model::kNoteBytesMax));
    out.set_address(hello.address);
    if (!hello.first) return;
    EDGETWIN_CHECK(hello.first->to != 0);
    out.set_delta_to(hello.first->to);
    EncodeRows(RowsOf::kState, hello.first->rows, frame);
    EncodeSeqs(hello.first->from, hello.first->to, 0, hello.first->rows, frame);
  }

  void operator()(const Welcome& welcome) {
    EDGETWIN_CHECK(welcome.frame_bytes_max != 0 && welcome.window_frames_max != 0);
    frame.set_session(welcome.session);
    v1::Welcome& out = *frame.mutable_welcome();
    out.set_to(welcome.to);
    out.set_version(welcome.version);
    EncodeLineage(welcome.lineage, *out.mutable_lineage());
    EncodeMarks(welcome.head, out.mutable_head());
    EncodeMarks(welcome.watermark, out.mutable_held());
    out.set_dictionary_n(welcome.dictionary_n);
    out.set_dictionary_chain(welcome.dictionary_chain);
    out.set_scope_version(welcome.scope_version);
    EncodeEpoch(welcome.epoch, out.mutable_epoch());
    out.set_wall_ms(welcome.wall_ms);
    out.set_frame_bytes_max(welcome.frame_bytes_max);
    out.set_window_frames_max(welcome.window_frames_max);
    out.set_seq_floor(welcome.seq_floor);
    if (welcome.common != Watermarks{}) EncodeMarks(welcome.common, out.mutable_common());
    EncodeLadder(welcome.ladder, *out.mutable_ladder());
    out.set_backoff_ms_max(welcome.backoff_ms_max);
    out.set_history(welcome.history);
    if (welcome.returned.empty()) return;
    const std::uint64_t first = welcome.returned.front().row.dot.seq;
    const std::uint64_t last = welcome.returned.back().row.dot.seq;
    EDGETWIN_CHECK(first > 0);
    out.set_returned_to(last);
    EncodeRows(RowsOf::kDevice, welcome.returned, frame);
    EncodeSeqs(first - 1, last, 0, welcome.returned, frame);
  }

  void operator()(const Delta& delta) {
    frame.set_session(delta.session);
    EncodeDelta(delta, frame);
  }

  void operator()(const Ack& ack) {
    frame.set_session(ack.session);
    EncodeAck(ack, frame);
  }

  void operator()(const Nack& nack) {
    (*this)(nack.cursors);
    v1::Nack& out = *frame.mutable_nack();
    out.set_reason(static_cast<v1::Nack::Reason>(nack.reason));
    out.set_text(ForPeople(nack.text, model::kNoteBytesMax));
    out.set_spread_ms(nack.spread_ms);
    if (!nack.refused) return;
    EDGETWIN_CHECK(nack.refused->from <= nack.refused->to);
    v1::Span& refused = *out.mutable_refused();
    refused.set_stream(static_cast<v1::Stream>(nack.refused->stream));
    refused.set_from(nack.refused->from);
    refused.set_to(nack.refused->to);
    EDGETWIN_CHECK(nack.entries.size() <= kRefusedEntriesMax);
    std::uint64_t before = nack.refused->from;
    for (const std::uint64_t seq : nack.entries) {
      EDGETWIN_CHECK(before < seq && seq <= nack.refused->to);
      out.add_entries(seq - before);
      before = seq;
    }
  }

  void operator()(const DictionaryFrame& dictionary) {
    frame.set_session(dictionary.session);
    EncodeEntries(dictionary, *frame.mutable_dictionary());
  }

  void operator()(const Bye& bye) {
    frame.set_session(bye.session);
    frame.mutable_bye();
  }

  void operator()(const Probe& probe) {
    frame.set_session(probe.session);
    frame.mutable_probe()->set_nonce(probe.nonce);
  }

  void operator()(const Offer& offer) {
    frame.set_session(offer.session);
    EncodeOffer(offer, frame);
  }

  void operator()(const HealAsk& ask) {
    frame.set_session(ask.session);
    EncodeHealAsk(ask, *frame.mutable_heal_ask());
  }

  void operator()(const HealAnswer& answer) {
    frame.set_session(answer.session);
    EncodeHealAnswer(answer, frame);
  }

  void operator()(const HistoryFrame& history) {
    frame.set_session(history.session);
    EncodeHistory(history, *frame.mutable_history());
  }

  void operator()(const HistoryAck& ack) {
    frame.set_session(ack.session);
    EncodeHistoryAck(ack, *frame.mutable_history_ack());
  }

  void operator()(const HistoryAsk& ask) {
    frame.set_session(ask.session);
    EncodeHistoryAsk(ask, *frame.mutable_history_ask());
  }

  void operator()(const HistoryHeld& held) {
    frame.set_session(held.session);
    EncodeHistoryHeld(held, *frame.mutable_history_held());
  }

  void operator()(const InterestFrame& wanted) {
    frame.set_session(wanted.session);
    EDGETWIN_CHECK(wanted.interest.patterns.size() <= kInterestPatternsMax);
    v1::Interest& out = *frame.mutable_interest();
    out.set_version(wanted.interest.version);
    for (const std::string& pattern : wanted.interest.patterns) {
      EDGETWIN_CHECK(model::ValidPattern(pattern));
      out.add_patterns(pattern);
    }
  }
};

Result<std::optional<FirstDelta>> DecodeFirst(v1::Frame& frame) {
  FirstDelta first;
  first.to = frame.hello().delta_to();
  if (first.to == 0) return std::optional<FirstDelta>();
  Result<std::vector<WireRow>> rows = DecodeRows(RowsOf::kState, frame);
  if (!rows) return rows.error();
  const auto from = DecodeSeqs(first.to, 0, frame, *rows);
  if (!from) return from.error();
  first.from = *from;
  first.rows = std::move(*rows);
  return std::optional(std::move(first));
}

Result<Frame> DecodeHello(v1::Frame& frame) {
  const v1::Hello& in = frame.hello();
  Hello hello;
  if (frame.session() == 0) return Invalid("a hello needs a session");
  Result<model::Lineage> lineage = DecodeLineage(in.lineage());
  if (!lineage) return lineage.error();
  Result<std::string> software = DecodeForPeople(in.software());
  if (!software) return software.error();
  Result<std::string> hardware = DecodeForPeople(in.hardware());
  if (!hardware) return hardware.error();
  if (in.address().size() > kAddressBytesMax || !std::ranges::all_of(in.address(), IsOfAddress)) {
    return Invalid("a Hello's address is at most " + std::to_string(kAddressBytesMax) +
                   " characters of A-Z a-z 0-9 _ -");
  }
  hello.version = in.version();
  hello.session = frame.session();
  hello.lineage = std::move(*lineage);
  hello.head = DecodeMarks(in.head());
  hello.durable = DecodeMarks(in.durable());
  hello.watermark = DecodeMarks(in.held());
  hello.cloud_inc = in.cloud_inc();
  hello.dictionary_n = in.dictionary_n();
  hello.dictionary_chain = in.dictionary_chain();
  hello.scope_version = in.scope_version();
  hello.epoch = DecodeEpoch(in.epoch());
  hello.wall_ms = in.wall_ms();
  hello.boot_ms = in.boot_ms();
  hello.software = std::move(*software);
  hello.cloud_seq_max = in.cloud_seq_max();
  hello.will_session = in.will_session();
  hello.dictionary_anew = in.dictionary_anew();
  hello.hardware = std::move(*hardware);
  hello.address = in.address();
  Result<std::optional<FirstDelta>> first = DecodeFirst(frame);
  if (!first) return first.error();
  hello.first = std::move(*first);
  return Frame(std::move(hello));
}

Result<std::vector<WireRow>> DecodeReturned(v1::Frame& frame) {
  Result<std::vector<WireRow>> rows = DecodeRows(RowsOf::kDevice, frame);
  if (!rows) return rows.error();
  const auto from = DecodeSeqs(frame.welcome().returned_to(), 0, frame, *rows);
  if (!from) return from.error();
  return rows;
}

Result<Frame> DecodeWelcome(v1::Frame& frame) {
  const v1::Welcome& in = frame.welcome();
  Welcome welcome;
  Result<model::Lineage> lineage = DecodeLineage(in.lineage());
  if (!lineage) return lineage.error();
  if (in.frame_bytes_max() == 0 || in.window_frames_max() == 0) {
    return Invalid("a welcome that allows no frames");
  }
  Result<std::vector<ChainMark>> ladder = DecodeLadder(in.ladder());
  if (!ladder) return ladder.error();
  Result<std::vector<WireRow>> returned = DecodeReturned(frame);
  if (!returned) return returned.error();
  welcome.version = in.version();
  welcome.session = frame.session();
  welcome.to = in.to();
  welcome.lineage = std::move(*lineage);
  welcome.head = DecodeMarks(in.head());
  welcome.watermark = DecodeMarks(in.held());
  welcome.dictionary_n = in.dictionary_n();
  welcome.dictionary_chain = in.dictionary_chain();
  welcome.scope_version = in.scope_version();
  welcome.epoch = DecodeEpoch(in.epoch());
  welcome.wall_ms = in.wall_ms();
  welcome.returned = std::move(*returned);
  welcome.frame_bytes_max = in.frame_bytes_max();
  welcome.window_frames_max = in.window_frames_max();
  welcome.seq_floor = in.seq_floor();
  welcome.common = DecodeMarks(in.common());
  welcome.ladder = std::move(*ladder);
  welcome.backoff_ms_max = in.backoff_ms_max();
  welcome.history = in.history();
  return Frame(std::move(welcome));
}

Result<Frame> DecodeNack(const v1::Frame& frame) {
  const v1::Nack& in = frame.nack();
  if (in.reason() < v1::Nack::REASON_UNKNOWN_SESSION || in.reason() > v1::Nack::REASON_BUSY) {
    return Invalid("no nack reason " + std::to_string(in.reason()) + " is known");
  }
  Result<std::string> text = DecodeForPeople(in.text());
  if (!text) return text.error();
  Nack nack;
  nack.reason = static_cast<NackReason>(in.reason());
  nack.cursors = DecodeAck(frame);
  nack.text = std::move(*text);
  nack.spread_ms = in.spread_ms();
  if (in.has_refused()) {
    const v1::Span& span = in.refused();
    if (!v1::Stream_IsValid(span.stream())) {
      return Invalid("no stream " + std::to_string(span.stream()) + " is known");
    }
    if (span.from() > span.to()) return Invalid("a nack of a delta that ends before it begins");
    nack.refused = FrameSpan{static_cast<Stream>(span.stream()), span.from(), span.to()};
  }
  const auto entries = static_cast<std::size_t>(in.entries_size());
  if (entries > kRefusedEntriesMax) {
    return Exhausted(std::to_string(entries) + " refused entries are more than " +
                     std::to_string(kRefusedEntriesMax));
  }
  std::uint64_t seq = in.refused().from();
  for (const std::uint64_t step : in.entries()) {
    if (step == 0 || step > in.refused().to() - seq) {
      return Invalid("a nack names an entry outside of its delta");
    }
    seq += step;
    nack.entries.push_back(seq);
  }
  return Frame(std::move(nack));
}

Result<Frame> DecodeInterest(v1::Frame& frame) {
  v1::Interest& in = *frame.mutable_interest();
  const auto count = static_cast<std::size_t>(in.patterns_size());
  if (count > kInterestPatternsMax) {
    return Exhausted("an interest of " + std::to_string(count) + " patterns is more than " +
                     std::to_string(kInterestPatternsMax));
  }
  InterestFrame wanted;
  wanted.session = frame.session();
  wanted.interest.version = in.version();
  for (std::string& pattern : *in.mutable_patterns()) {
    // First, so that no error text quotes what is not text.
    const Status ok = CheckText("a pattern", pattern, model::kPathBytesMax);
    if (!ok) return ok.error();
    if (!model::ValidPattern(pattern)) return Invalid("'" + pattern + "' is no pattern of paths");
    wanted.interest.patterns.push_back(std::move(pattern));
  }
  return Frame(std::move(wanted));
}

// Puts the session into a frame that was decoded without it.
template <class Kind>
Result<Frame> With(std::uint32_t session, Result<Kind> decoded) {
  if (!decoded) return decoded.error();
  decoded->session = session;
  return Frame(std::move(*decoded));
}

}  // namespace

std::string Encode(const Frame& frame) {
  v1::Frame out;
  std::visit(Encoder{out}, frame);
  return out.SerializeAsString();
}

Result<Frame> Decode(std::span<const std::byte> bytes) {
  if (bytes.size() > kFrameBytesMax) {
    return Exhausted("a frame of " + std::to_string(bytes.size()) + " bytes is larger than " +
                     std::to_string(kFrameBytesMax));
  }
  v1::Frame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Invalid(std::to_string(bytes.size()) + " bytes that are not a protobuf frame");
  }
  switch (frame.kind_case()) {
    case v1::Frame::kHello: return DecodeHello(frame);
    case v1::Frame::kWelcome: return DecodeWelcome(frame);
    case v1::Frame::kTo: return With(frame.session(), DecodeDelta(frame));
    case v1::Frame::kNack: return DecodeNack(frame);
    case v1::Frame::kDictionary:
      return With(frame.session(), DecodeEntries(*frame.mutable_dictionary()));
    case v1::Frame::kBye: return Frame(Bye{frame.session()});
    case v1::Frame::kProbe: return Frame(Probe{frame.session(), frame.probe().nonce()});
    case v1::Frame::kOffer: return With(frame.session(), DecodeOffer(frame));
    case v1::Frame::kHealAsk: return With(frame.session(), DecodeHealAsk(frame.heal_ask()));
    case v1::Frame::kHealAnswer: return With(frame.session(), DecodeHealAnswer(frame));
    case v1::Frame::kInterest: return DecodeInterest(frame);
    case v1::Frame::kHistory: return With(frame.session(), DecodeHistory(*frame.mutable_history()));
    case v1::Frame::kHistoryAck:
      return With(frame.session(), DecodeHistoryAck(frame.history_ack()));
    case v1::Frame::kHistoryAsk:
      return With(frame.session(), DecodeHistoryAsk(frame.history_ask()));
    case v1::Frame::kHistoryHeld:
      return With(frame.session(), DecodeHistoryHeld(frame.history_held()));
    case v1::Frame::KIND_NOT_SET: break;
  }
  if (!frame.has_ack()) return Invalid("a frame of no known kind");
  return Frame(DecodeAck(frame));
}

}  // namespace edgetwin::sync
