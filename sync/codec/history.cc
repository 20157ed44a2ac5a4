// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/history.h"

#include <limits>
#include <string>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::sync {
namespace {

using model::Pid;

constexpr std::int64_t kEpochMs = 1'767'225'600'000;  // 2026-01-01T00:00:00Z; P-8.19.
constexpr Pid kPidMax = std::numeric_limits<Pid>::max();

std::uint64_t Bits(std::int64_t number) {
  return static_cast<std::uint64_t>(number);
}
std::uint64_t ZigZag(std::int64_t number) {
  return Bits(number) << 1 ^ Bits(number >> 63);
}
std::int64_t UnZigZag(std::uint64_t number) {
  return static_cast<std::int64_t>(number >> 1 ^ (~(number & 1) + 1));
}

// `step` from `pid`, if that is a property's number.
Result<Pid> Step(Pid pid, std::int64_t step) {
  const std::uint64_t next = pid + Bits(step);
  if (next == 0 || next > kPidMax) return Invalid("a step to a pid that there can't be");
  return static_cast<Pid>(next);
}

void EncodeLoss(const WireLoss& loss, v1::Loss& out) {
  const LossRecord& record = loss.record;
  EDGETWIN_CHECK(loss.pid != 0 && record.first <= record.last && record.count != 0);
  EDGETWIN_CHECK(record.count - 1 <= record.last - record.first && record.from <= record.to);
  out.set_pid(loss.pid);
  out.set_reason(record.reason);
  out.set_at_most(!record.exact);
  out.set_inc(record.inc);
  out.set_first(record.first);
  out.set_length(record.last - record.first);
  out.set_kept(record.last - record.first - (record.count - 1));
  const std::int64_t from = record.from.time_since_epoch().count();
  const std::int64_t to = record.to.time_since_epoch().count();
  out.set_from(static_cast<std::int64_t>(Bits(from) - Bits(kEpochMs)));
  out.set_lasting(Bits(to) - Bits(from));
}

Result<WireLoss> DecodeLoss(const v1::Loss& in) {
  if (in.pid() == 0) return Invalid("a loss of pid 0");
  if (in.length() > std::numeric_limits<std::uint64_t>::max() - in.first()) {
    return Invalid("a loss that ends beyond the last ordinal");
  }
  if (in.kept() > in.length()) return Invalid("a loss of which everything is kept");
  const auto from = static_cast<std::int64_t>(Bits(in.from()) + Bits(kEpochMs));
  const auto to = static_cast<std::int64_t>(Bits(from) + in.lasting());
  if (to < from) return Invalid("a loss that ends before it begins");
  WireLoss loss;
  loss.pid = in.pid();
  loss.record = {.reason = in.reason(),
                 .exact = !in.at_most(),
                 .inc = in.inc(),
                 .first = in.first(),
                 .last = in.first() + in.length(),
                 .count = in.length() - in.kept() + 1,
                 .from = WallTime(std::chrono::milliseconds(from)),
                 .to = WallTime(std::chrono::milliseconds(to))};
  // All of 64 bits' ordinals are more than 64 bits count.
  if (loss.record.count == 0) return Invalid("a loss of everything that there can be");
  return loss;
}

void EncodeMark(const HistoryMark& mark, v1::Commit* out) {
  out->set_inc(mark.inc);
  out->set_number(mark.commit);
}
HistoryMark DecodeMark(const v1::Commit& in) {
  return {in.inc(), in.number()};
}

void EncodeHeld(const HeldSpans& held, v1::Held& out) {
  out.set_inc(held.inc);
  Pid before = 0;
  for (std::size_t i = 0; i < held.spans.size();) {
    const OrdinalSpan& span = held.spans[i];
    EDGETWIN_CHECK(span.pid != 0 && span.first <= span.last);
    std::size_t same = 1;
    while (i + same < held.spans.size() && held.spans[i + same].pid == span.pid + same &&
           held.spans[i + same].first == span.first && held.spans[i + same].last == span.last) {
      ++same;
    }
    out.add_spans(ZigZag(std::int64_t{span.pid} - before));
    out.add_spans(same - 1);
    out.add_spans(span.first);
    out.add_spans(span.last - span.first);
    before = span.pid + static_cast<Pid>(same) - 1;
    i += same;
  }
}

// `spans_left`: how many there may be, at most; lessened.
Result<HeldSpans> DecodeHeld(const v1::Held& in, std::size_t& spans_left) {
  if (in.spans_size() % 4 != 0) return Invalid("an interval of ordinals is four numbers");
  HeldSpans held;
  held.inc = in.inc();
  Pid pid = 0;
  for (int i = 0; i < in.spans_size(); i += 4) {
    const Result<Pid> first = Step(pid, UnZigZag(in.spans(i)));
    if (!first) return first.error();
    const std::uint64_t more = in.spans(i + 1);
    if (more >= spans_left) {
      return Exhausted("more than " + std::to_string(kHistorySpansMax) + " intervals of ordinals");
    }
    if (more > kPidMax - *first) return Invalid("an interval of pids that there can't be");
    OrdinalSpan span;
    span.first = in.spans(i + 2);
    if (in.spans(i + 3) > std::numeric_limits<std::uint64_t>::max() - span.first) {
      return Invalid("an interval that ends beyond the last ordinal");
    }
    span.last = span.first + in.spans(i + 3);
    for (std::uint64_t one = 0; one <= more; ++one) {
      span.pid = *first + static_cast<Pid>(one);
      held.spans.push_back(span);
    }
    pid = span.pid;
    spans_left -= more + 1;
  }
  return held;
}

}  // namespace

void EncodeHistory(const HistoryFrame& history, v1::History& out) {
  EDGETWIN_CHECK(history.blocks.size() <= kHistoryBlocksMax &&
                 history.losses.size() <= kHistoryLossesMax);
  out.set_number(history.number);
  out.set_inc(history.inc);
  Pid before = 0;
  for (const WireBlock& block : history.blocks) {
    EDGETWIN_CHECK(block.pid != 0);
    out.add_pid_steps(std::int64_t{block.pid} - before);
    out.add_blocks(block.bytes);
    before = block.pid;
  }
  for (const WireLoss& loss : history.losses) EncodeLoss(loss, *out.add_losses());
}

Result<HistoryFrame> DecodeHistory(v1::History& in) {
  const auto blocks = static_cast<std::size_t>(in.blocks_size());
  const auto losses = static_cast<std::size_t>(in.losses_size());
  if (blocks > kHistoryBlocksMax) {
    return Exhausted(std::to_string(blocks) + " blocks are more than " +
                     std::to_string(kHistoryBlocksMax));
  }
  if (losses > kHistoryLossesMax) {
    return Exhausted(std::to_string(losses) + " losses are more than " +
                     std::to_string(kHistoryLossesMax));
  }
  if (in.pid_steps_size() != in.blocks_size()) return Invalid("each block is one property's");
  HistoryFrame history;
  history.number = in.number();
  history.inc = in.inc();
  Pid pid = 0;
  for (int i = 0; i < in.blocks_size(); ++i) {
    const Result<Pid> next = Step(pid, in.pid_steps(i));
    if (!next) return next.error();
    pid = *next;
    history.blocks.push_back({pid, std::move(*in.mutable_blocks(i))});
  }
  for (const v1::Loss& message : in.losses()) {
    Result<WireLoss> loss = DecodeLoss(message);
    if (!loss) return loss.error();
    history.losses.push_back(std::move(*loss));
  }
  return history;
}

void EncodeHistoryAck(const HistoryAck& ack, v1::HistoryAck& out) {
  EDGETWIN_CHECK(ack.refused.size() <= kHistoryBlocksMax &&
                 ack.held.spans.size() <= kHistorySpansMax);
  out.set_number(ack.number);
  EncodeHeld(ack.held, *out.mutable_held());
  for (const std::uint32_t place : ack.refused) out.add_refused(place);
  EncodeMark(ack.mark, out.mutable_commit());
}

Result<HistoryAck> DecodeHistoryAck(const v1::HistoryAck& in) {
  if (static_cast<std::size_t>(in.refused_size()) > kHistoryBlocksMax) {
    return Exhausted(std::to_string(in.refused_size()) + " refused blocks are more than " +
                     std::to_string(kHistoryBlocksMax));
  }
  std::size_t spans_left = kHistorySpansMax;
  Result<HeldSpans> held = DecodeHeld(in.held(), spans_left);
  if (!held) return held.error();
  HistoryAck ack;
  ack.number = in.number();
  ack.held = std::move(*held);
  for (const std::uint32_t place : in.refused()) {
    if (!ack.refused.empty() && place <= ack.refused.back()) {
      return Invalid("refused blocks do not ascend");
    }
    ack.refused.push_back(place);
  }
  ack.mark = DecodeMark(in.commit());
  return ack;
}

void EncodeHistoryAsk(const HistoryAsk& ask, v1::HistoryAsk& out) {
  if (ask.known.inc != 0) EncodeMark(ask.known, out.mutable_known());
  out.set_from(ask.from);
}

Result<HistoryAsk> DecodeHistoryAsk(const v1::HistoryAsk& in) {
  HistoryAsk ask;
  ask.known = DecodeMark(in.known());
  if (ask.known.inc == 0) ask.known = {};
  ask.from = in.from();
  return ask;
}

void EncodeHistoryHeld(const HistoryHeld& held, v1::HistoryHeld& out) {
  out.set_continues(held.continues);
  EncodeMark(held.mark, out.mutable_commit());
  std::size_t spans = 0;
  for (const HeldSpans& part : held.held) {
    EncodeHeld(part, *out.add_held());
    spans += part.spans.size();
  }
  EDGETWIN_CHECK(spans <= kHistorySpansMax);
  out.set_next(held.next);
}

Result<HistoryHeld> DecodeHistoryHeld(const v1::HistoryHeld& in) {
  HistoryHeld held;
  held.continues = in.continues();
  held.mark = DecodeMark(in.commit());
  if (static_cast<std::size_t>(in.held_size()) > kHistorySpansMax) {
    return Exhausted("intervals of " + std::to_string(in.held_size()) + " openings are too many");
  }
  std::size_t spans_left = kHistorySpansMax;
  for (const v1::Held& message : in.held()) {
    Result<HeldSpans> part = DecodeHeld(message, spans_left);
    if (!part) return part.error();
    held.held.push_back(std::move(*part));
  }
  held.next = in.next();
  return held;
}

}  // namespace edgetwin::sync
