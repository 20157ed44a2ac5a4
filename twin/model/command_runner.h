// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's half of commands: each has its effect at most once, whatever is repeated and
// whenever the power goes. docs/PROTOCOL.md, "Commands". Pure: it asks for reads and writes, and is
// told how they went.
//
// A command is on flash before it begins; what a restart finds without an answer may have begun,
// and is answered "unknown", never tried again.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "twin/base/limit.h"
#include "twin/model/batch.h"
#include "twin/model/control.h"
#include "twin/model/event_log.h"
#include "twin/model/twin.h"

namespace edgetwin::model {

class CommandRunner {
 public:
  // Tickets of its driver calls have this bit, those of Control have not.
  static constexpr std::uint64_t kTicketBit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kOpenMax = 256;    // More are answered "failed".
  static constexpr std::size_t kAnsweredMax = 512;  // Remembered, to know a repetition.

  // Runs a command that is no driver's business, such as "ack_alarm".
  using Local = std::function<Status(const Command&, MonoTime, WallTime)>;

  // `twin` and `events`, which take the answers, must outlive it.
  CommandRunner(Twin& twin, EventLog& events, Local local)
      : twin_(twin), events_(events), local_(std::move(local)) {}

  // What the store held: what has no answer gets "unknown". Once, after EventLog::Load.
  void Resume(std::vector<Command> commands, WallTime wall);

  // The cloud asks for it. `batch` is the number of the commit that will hold it; `left` what is
  // left of its time; `epoch` the current one.
  void Arrived(const Command& command, std::uint64_t batch, std::chrono::milliseconds left,
               const Epoch& epoch, MonoTime now, WallTime wall);
  // It is answered "failed", with nothing of it looked at but its id, version and epoch.
  void Refuse(const Command& command, std::string why, WallTime wall);
  // All batches up to number `batch` are on flash.
  void Durable(std::uint64_t batch, MonoTime now, WallTime wall);
  // Its answer was about a property that is local-only now. The cloud gets another one, which says
  // what became of it and nothing of the property.
  void Withheld(std::uint64_t id);
  // The epoch has changed: what has not begun never will.
  void EpochChanged(WallTime wall);

  void ReadDone(std::uint64_t ticket, Result<Value> result, WallTime wall);
  void WriteDone(std::uint64_t ticket, Result<Value> result, WallTime wall);
  std::vector<DriverCall> TakeCalls();

  // Those that are open or were answered not long ago, by id.
  const std::map<std::uint64_t, Command>& all() const { return commands_; }
  Batch TakePending();
  bool pending() const { return !pending_.empty(); }
  LimitReport limit() const { return open_limit_.Report("commands_open"); }

 private:
  struct Waiting {
    std::uint64_t batch = 0;
    MonoTime expires = MonoTime::max();
  };

  void Begin(std::uint64_t id, MonoTime now, WallTime wall);
  void Answer(std::uint64_t id, CommandState state, Value value, std::string text, WallTime wall);
  void Done(std::uint64_t ticket, Result<Value> result, WallTime wall);
  void Trim();

  Twin& twin_;
  EventLog& events_;
  Local local_;
  Limit open_limit_{kOpenMax};
  std::map<std::uint64_t, Command> commands_;       // By id.
  std::map<std::uint64_t, Waiting> waiting_;        // Not begun yet, by id.
  std::map<std::uint64_t, std::uint64_t> tickets_;  // Of the driver's calls: the command's id.
  std::vector<DriverCall> calls_;
  std::uint64_t last_ticket_ = kTicketBit;
  Batch pending_;
};

}  // namespace edgetwin::model
