// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "edgetwin/v1/sync.pb.h"
#include "sync/codec/entries.h"
#include "sync/codec/rows.h"
#include "sync/codec/utf8.h"
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

// Parts of several frames.

void EncodeMarks(const Watermarks& marks, v1::Marks* out) {
  out->set_control(Of(marks, Stream::kControl));
  out->set_state(Of(marks, Stream::kState));
  out->set_events(Of(marks, Stream::kEvents));
  out->set_history(Of(marks, Stream::kHistory));
}

Watermarks DecodeMarks(const v1::Marks& marks) {
  Watermarks result{};
  Of(result, Stream::kControl) = marks.control();
  Of(result, Stream::kState) = marks.state();
  Of(result, Stream::kEvents) = marks.events();
  Of(result, Stream::kHistory) = marks.history();
  return result;
}

void EncodeEpoch(const model::Epoch& epoch, v1::Epoch* out) {
  out->set_counter(epoch.counter);
  out->set_token(epoch.token);
}

model::Epoch DecodeEpoch(const v1::Epoch& epoch) {
  return {epoch.counter(), epoch.token()};
}

// All but the session.
void EncodeAck(const Ack& ack, v1::Frame& frame) {
  frame.set_ack(Of(ack.watermark, Stream::kState));
  frame.set_ack_control(Of(ack.watermark, Stream::kControl));
  frame.set_ack_events(Of(ack.watermark, Stream::kEvents));
  frame.set_ack_history(Of(ack.watermark, Stream::kHistory));
  frame.set_ack_dictionary(ack.dictionary_n);
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
  ack.held_ms = frame.ack_held_ms();
  return ack;
}

std::string ForPeople(const std::string& text) {
  return std::string(CutUtf8(text, model::kNoteBytesMax));
}

Result<std::string> DecodeForPeople(const std::string& text) {
  if (text.size() > model::kNoteBytesMax) {
    return Exhausted("a text of " + std::to_string(text.size()) + " bytes is longer than " +
                     std::to_string(model::kNoteBytesMax));
  }
  if (!IsUtf8(text)) return Invalid("a text is not UTF-8");
  return text;
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
    out.set_state_durable(hello.state_durable);
    EncodeMarks(hello.watermark, out.mutable_held());
    out.set_cloud_inc(hello.cloud_inc);
    out.set_dictionary_n(hello.dictionary_n);
    out.set_dictionary_chain(hello.dictionary_chain);
    out.set_scope_version(hello.scope_version);
    EncodeEpoch(hello.epoch, out.mutable_epoch());
    out.set_wall_ms(hello.wall_ms);
    out.set_boot_ms(hello.boot_ms);
    out.set_software(ForPeople(hello.software));
  }

  void operator()(const Welcome& welcome) {
    EDGETWIN_CHECK(welcome.frame_bytes_max != 0 && welcome.window_frames_max != 0);
    frame.set_session(welcome.session);
    v1::Welcome& out = *frame.mutable_welcome();
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
    if (welcome.returned.empty()) return;
    const std::uint64_t first = welcome.returned.front().row.dot.seq;
    const std::uint64_t last = welcome.returned.back().row.dot.seq;
    EDGETWIN_CHECK(first > 0);
    out.set_returned_to(last);
    EncodeRows(Stream::kState, first - 1, last, welcome.returned, frame);
  }

  void operator()(const Delta& delta) {
    frame.set_session(delta.session);
    frame.set_to(delta.to);
    EncodeRows(delta.stream, delta.from, delta.to, delta.rows, frame);
    if (!delta.ack) return;
    EDGETWIN_CHECK(delta.ack->session == delta.session);
    EncodeAck(*delta.ack, frame);
  }

  void operator()(const Ack& ack) {
    frame.set_session(ack.session);
    EncodeAck(ack, frame);
  }

  void operator()(const Nack& nack) {
    (*this)(nack.cursors);
    v1::Nack& out = *frame.mutable_nack();
    out.set_reason(static_cast<v1::Nack::Reason>(nack.reason));
    out.set_text(ForPeople(nack.text));
    out.set_spread_ms(nack.spread_ms);
  }

  void operator()(const DictionaryFrame& dictionary) {
    frame.set_session(dictionary.session);
    EncodeEntries(dictionary, *frame.mutable_dictionary());
  }

  void operator()(const Bye& bye) {
    frame.set_session(bye.session);
    frame.mutable_bye();
  }
};

Result<Frame> DecodeHello(const v1::Frame& frame) {
  const v1::Hello& in = frame.hello();
  Hello hello;
  if (frame.session() == 0) return Invalid("a hello needs a session");
  Result<model::Lineage> lineage = DecodeLineage(in.lineage());
  if (!lineage) return lineage.error();
  Result<std::string> software = DecodeForPeople(in.software());
  if (!software) return software.error();
  hello.version = in.version();
  hello.session = frame.session();
  hello.lineage = std::move(*lineage);
  hello.head = DecodeMarks(in.head());
  hello.state_durable = in.state_durable();
  hello.watermark = DecodeMarks(in.held());
  hello.cloud_inc = in.cloud_inc();
  hello.dictionary_n = in.dictionary_n();
  hello.dictionary_chain = in.dictionary_chain();
  hello.scope_version = in.scope_version();
  hello.epoch = DecodeEpoch(in.epoch());
  hello.wall_ms = in.wall_ms();
  hello.boot_ms = in.boot_ms();
  hello.software = std::move(*software);
  return Frame(std::move(hello));
}

Result<std::vector<WireRow>> DecodeReturned(v1::Frame& frame) {
  Result<RowRange> range = DecodeRows(frame.welcome().returned_to(), frame);
  if (!range) return range.error();
  if (!range->rows.empty() && range->stream != Stream::kState) {
    return Invalid("a welcome returns rows of the state stream only");
  }
  return std::move(range->rows);
}

Result<Frame> DecodeWelcome(v1::Frame& frame) {
  const v1::Welcome& in = frame.welcome();
  Welcome welcome;
  Result<model::Lineage> lineage = DecodeLineage(in.lineage());
  if (!lineage) return lineage.error();
  if (in.frame_bytes_max() == 0 || in.window_frames_max() == 0) {
    return Invalid("a welcome that allows no frames");
  }
  Result<std::vector<WireRow>> returned = DecodeReturned(frame);
  if (!returned) return returned.error();
  welcome.version = in.version();
  welcome.session = frame.session();
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
  return Frame(std::move(welcome));
}

Result<Frame> DecodeDelta(v1::Frame& frame) {
  Result<RowRange> range = DecodeRows(frame.to(), frame);
  if (!range) return range.error();
  Delta delta;
  delta.session = frame.session();
  delta.stream = range->stream;
  delta.from = range->from;
  delta.to = range->to;
  delta.rows = std::move(range->rows);
  if (frame.has_ack()) delta.ack = DecodeAck(frame);
  return Frame(std::move(delta));
}

Result<Frame> DecodeNack(const v1::Frame& frame) {
  const v1::Nack& in = frame.nack();
  if (in.reason() < v1::Nack::REASON_UNKNOWN_SESSION || in.reason() > v1::Nack::REASON_VERSION) {
    return Invalid("no nack reason " + std::to_string(in.reason()) + " is known");
  }
  Result<std::string> text = DecodeForPeople(in.text());
  if (!text) return text.error();
  Nack nack;
  nack.reason = static_cast<NackReason>(in.reason());
  nack.cursors = DecodeAck(frame);
  nack.text = std::move(*text);
  nack.spread_ms = in.spread_ms();
  return Frame(std::move(nack));
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
    case v1::Frame::kTo: return DecodeDelta(frame);
    case v1::Frame::kNack: return DecodeNack(frame);
    case v1::Frame::kDictionary: {
      Result<DictionaryFrame> dictionary = DecodeEntries(*frame.mutable_dictionary());
      if (!dictionary) return dictionary.error();
      dictionary->session = frame.session();
      return Frame(std::move(*dictionary));
    }
    case v1::Frame::kBye: return Frame(Bye{frame.session()});
    case v1::Frame::KIND_NOT_SET: break;
  }
  if (!frame.has_ack()) return Invalid("a frame of no known kind");
  return Frame(DecodeAck(frame));
}

}  // namespace edgetwin::sync
