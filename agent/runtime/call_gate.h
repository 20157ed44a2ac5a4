// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Between the engine and the drivers: marks each call while it is under way, and keeps back those
// that ended the process twice in a row. What ended it once is done alone, so that another end
// names it and nothing else.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>

#include "sync/crash/crash_marks.h"
#include "twin/model/control.h"

namespace edgetwin::runtime {

// SINGLE-THREADED, on the loop.
class CallGate {
 public:
  using Pass = std::function<void(const model::DriverCall&)>;
  using Refuse = std::function<void(const model::DriverCall&, const sync::CrashItem& why)>;

  // `pass` hands a call to its driver; `refuse` answers it with a refusal, not before it returns.
  // Without `marks`, which must outlive this, everything passes at once.
  CallGate(sync::CrashMarks* marks, Pass pass, Refuse refuse)
      : marks_(marks), pass_(std::move(pass)), refuse_(std::move(refuse)) {}

  // At most one a property waits here, as the engine asks for no more.
  void Call(const model::DriverCall& call);
  // The driver has answered. What waited for that passes with the next Pump, not from in here: who
  // answers may be in the middle of stopping drivers.
  void Answered(const model::DriverCall& call);
  // Passes what may pass now.
  void Pump();
  // Nothing passes any more.
  void Close();

 private:
  bool Suspect(const model::DriverCall& call) const;
  std::optional<sync::CrashItem> Refusal(const model::DriverCall& call) const;

  sync::CrashMarks* const marks_;
  const Pass pass_;
  const Refuse refuse_;
  std::deque<model::DriverCall> waiting_;
  std::set<std::uint64_t> out_;  // By ticket.
  bool alone_ = false;           // What is out is a suspect.
  bool closed_ = false;
};

}  // namespace edgetwin::runtime
