// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/command_runner.h"

#include <algorithm>
#include <utility>

#include "twin/base/guard.h"

namespace edgetwin::model {
namespace {

std::string_view EventKind(CommandState state) {
  switch (state) {
    case CommandState::kOpen: break;
    case CommandState::kDone: return "command_done";
    case CommandState::kFailed: return "command_failed";
    case CommandState::kExpired: return "command_expired";
    case CommandState::kUnknown: return "command_unknown";
  }
  return "command_open";
}

// Neither what was read nor what a driver says of it may leave.
void Hide(Event& event) {
  event.id = kNoProperty;
  event.value = {};
  event.text = "the property is local-only";
}

}  // namespace

void CommandRunner::Resume(std::vector<Command> commands, WallTime wall) {
  for (Command& command : commands) {
    const std::uint64_t id = command.id;
    commands_.insert_or_assign(id, std::move(command));
  }
  std::vector<std::uint64_t> open;
  for (const auto& [id, command] : commands_) {
    if (command.state == CommandState::kOpen) open.push_back(id);
  }
  for (const std::uint64_t id : open) {
    Answer(id, CommandState::kUnknown, {},
           "the device stopped while it was under way; it may have had its effect", wall);
  }
}

void CommandRunner::Arrived(const Command& command, std::uint64_t batch,
                            std::chrono::milliseconds left, const Epoch& epoch, MonoTime now,
                            WallTime wall) {
  if (commands_.contains(command.id))
    return;  // Its answer is an event, which is kept and repeated.
  Command& own = commands_[command.id] = command;
  own.state = CommandState::kOpen;
  own.result.clear();
  if (command.epoch != epoch.counter && On(Guard::kCommandEpoch)) {
    return Answer(command.id, CommandState::kFailed, {},
                  "it was given in epoch " + std::to_string(command.epoch) + ", and this is " +
                      std::to_string(epoch.counter),
                  wall);
  }
  if (left.count() <= 0) {
    return Answer(command.id, CommandState::kExpired, {}, "its time was over when it arrived",
                  wall);
  }
  if (!open_limit_.Fits(waiting_.size() + tickets_.size() + 1)) {
    open_limit_.Hit();
    return Answer(command.id, CommandState::kFailed, {},
                  "more than " + std::to_string(kOpenMax) + " commands at once", wall);
  }
  waiting_[command.id] = {batch, now + left};
  open_limit_.Use(waiting_.size() + tickets_.size());
  pending_.commands.push_back(own);
  if (!On(Guard::kCommandIdBeforeEffect)) Durable(batch, now, wall);
}

void CommandRunner::Refuse(const Command& command, std::string why, WallTime wall) {
  if (commands_.contains(command.id)) return;
  Command& own = commands_[command.id];
  own.id = command.id;
  own.dot = command.dot;
  own.epoch = command.epoch;
  Answer(command.id, CommandState::kFailed, {}, std::move(why), wall);
}

void CommandRunner::Durable(std::uint64_t batch, MonoTime now, WallTime wall) {
  std::vector<std::uint64_t> ready;
  for (const auto& [id, waiting] : waiting_) {
    if (waiting.batch <= batch) ready.push_back(id);
  }
  // In the order in which they were given.
  std::ranges::sort(ready, {}, [this](std::uint64_t id) { return commands_[id].dot.seq; });
  for (const std::uint64_t id : ready) Begin(id, now, wall);
}

void CommandRunner::Begin(std::uint64_t id, MonoTime now, WallTime wall) {
  const Waiting waiting = waiting_[id];
  waiting_.erase(id);
  const Command& command = commands_[id];
  if (now >= waiting.expires) {
    return Answer(id, CommandState::kExpired, {}, "its time was over before it was on flash", wall);
  }
  const bool read = command.name == "read";
  if (!read && command.name != "write") {
    const Status status = local_(command, now, wall);
    return Answer(id, status ? CommandState::kDone : CommandState::kFailed, {},
                  status ? std::string() : status.error().text, wall);
  }
  const PropertyId property = twin_.Find(command.path);
  if (property == kNoProperty || !twin_.defined(property) || twin_.pid(property) == 0) {
    return Answer(id, CommandState::kFailed, {}, "no driver knows '" + command.path + "'", wall);
  }
  DriverCall call;
  call.kind = read ? DriverCall::Kind::kRead : DriverCall::Kind::kWrite;
  call.id = property;
  call.cause = DriverCall::Cause::kCommand;
  call.dot = command.dot;
  if (!read) {
    const Status fits = CheckWritable(twin_.def(property), command.value);
    if (!fits) return Answer(id, CommandState::kFailed, {}, fits.error().text, wall);
    call.value = Coerce(twin_.def(property).type, command.value);
  }
  call.ticket = ++last_ticket_;
  tickets_.emplace(call.ticket, id);
  calls_.push_back(std::move(call));
}

void CommandRunner::EpochChanged(WallTime wall) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  if (!On(Guard::kCommandEpoch)) return;
  for (const std::uint64_t id : ids) {
    waiting_.erase(id);
    Answer(id, CommandState::kFailed, {}, "its epoch ended before it began", wall);
  }
}

void CommandRunner::ReadDone(std::uint64_t ticket, Result<Value> result, WallTime wall) {
  Done(ticket, std::move(result), wall);
}

void CommandRunner::WriteDone(std::uint64_t ticket, Result<Value> result, WallTime wall) {
  Done(ticket, std::move(result), wall);
}

void CommandRunner::Done(std::uint64_t ticket, Result<Value> result, WallTime wall) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return;
  const std::uint64_t id = found->second;
  tickets_.erase(found);
  open_limit_.Use(waiting_.size() + tickets_.size());
  if (result) return Answer(id, CommandState::kDone, std::move(*result), {}, wall);
  // A write that ran into its deadline may have been done all the same.
  const bool unclear = commands_[id].name == "write" && result.error().code == ErrorCode::kTimeout;
  Answer(id, unclear ? CommandState::kUnknown : CommandState::kFailed, {}, result.error().text,
         wall);
}

void CommandRunner::Answer(std::uint64_t id, CommandState state, Value value, std::string text,
                           WallTime wall) {
  Command& command = commands_[id];
  command.state = state;
  command.result = text;
  pending_.commands.push_back(command);
  Event event;
  event.time = wall;
  event.severity = state == CommandState::kDone ? Severity::kInfo : Severity::kWarning;
  event.kind = EventKind(state);
  event.value = std::move(value);
  event.text = std::move(text);
  event.command = id;
  const PropertyId property = command.path.empty() ? kNoProperty : twin_.Find(command.path);
  if (property != kNoProperty && twin_.pid(property) != 0) {
    event.id = property;
  } else if (property != kNoProperty && twin_.def(property).local_only) {
    Hide(event);  // It was shared when the command began.
  }
  events_.Add(std::move(event));
  Trim();
}

void CommandRunner::Withheld(std::uint64_t id) {
  const std::deque<Event>& answers = events_.all();
  const auto last = std::ranges::find(answers.rbegin(), answers.rend(), id, &Event::command);
  if (last == answers.rend() || last->id == kNoProperty) return;
  Event event = *last;
  Hide(event);
  events_.Add(std::move(event));
}

void CommandRunner::Trim() {
  if (commands_.size() <= kAnsweredMax + kOpenMax) return;
  std::vector<const Command*> answered;
  for (const auto& [id, command] : commands_) {
    if (command.state != CommandState::kOpen) answered.push_back(&command);
  }
  if (answered.size() <= kAnsweredMax) return;
  std::ranges::sort(answered, {}, [](const Command* command) { return command->dot.seq; });
  answered.resize(answered.size() - kAnsweredMax);
  std::vector<std::uint64_t> ids;
  for (const Command* command : answered) ids.push_back(command->id);
  for (const std::uint64_t id : ids) {
    commands_.erase(id);
    pending_.commands_gone.push_back(id);
  }
}

std::vector<DriverCall> CommandRunner::TakeCalls() {
  return std::exchange(calls_, {});
}

Batch CommandRunner::TakePending() {
  return std::exchange(pending_, Batch{});
}

}  // namespace edgetwin::model
