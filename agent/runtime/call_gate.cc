// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/call_gate.h"

#include <utility>

namespace edgetwin::runtime {
namespace {

using model::DriverCall;
using Kind = sync::CrashItem::Kind;

// A command is never begun twice, so there is nothing to keep from it.
bool Watched(const DriverCall& call) {
  return call.cause != DriverCall::Cause::kCommand;
}

// What a call of this kind, on behalf of the same row, is marked as.
sync::CrashItem ItemOf(const DriverCall& call, DriverCall::Kind kind) {
  const bool read = kind == DriverCall::Kind::kRead;
  const bool hold = call.cause == DriverCall::Cause::kOverride;
  const Kind of_hold = read ? Kind::kOverrideRead : Kind::kOverrideWrite;
  return {hold ? of_hold : (read ? Kind::kDesiredRead : Kind::kDesiredWrite), call.dot.inc,
          call.dot.seq};
}

}  // namespace

bool CallGate::Suspect(const DriverCall& call) const {
  return marks_->crashes(ItemOf(call, call.kind)) > 0;
}

// A read that crashes keeps its write back as well: nothing is written without looking. A write
// that crashes does not keep its read back: the device may show the value by now.
std::optional<sync::CrashItem> CallGate::Refusal(const DriverCall& call) const {
  const sync::CrashItem read = ItemOf(call, DriverCall::Kind::kRead);
  if (marks_->Quarantined(read)) return read;
  const sync::CrashItem own = ItemOf(call, call.kind);
  if (marks_->Quarantined(own)) return own;
  return {};
}

void CallGate::Call(const DriverCall& call) {
  if (closed_) return;
  if (marks_ == nullptr || !Watched(call)) return pass_(call);
  if (const auto why = Refusal(call)) return refuse_(call, *why);
  waiting_.push_back(call);
  Pump();
}

void CallGate::Answered(const DriverCall& call) {
  if (marks_ == nullptr || out_.erase(call.ticket) == 0) return;
  marks_->Done(ItemOf(call, call.kind));
  if (out_.empty()) alone_ = false;
}

void CallGate::Close() {
  closed_ = true;
  waiting_.clear();
}

void CallGate::Pump() {
  while (!waiting_.empty() && !alone_) {
    const bool suspect = Suspect(waiting_.front());
    if (suspect && !out_.empty()) return;
    const DriverCall call = std::move(waiting_.front());
    waiting_.pop_front();
    out_.insert(call.ticket);
    alone_ = suspect;
    marks_->Enter(ItemOf(call, call.kind));
    pass_(call);
    marks_->Leave();
  }
}

}  // namespace edgetwin::runtime
