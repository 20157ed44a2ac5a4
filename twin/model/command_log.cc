// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/command_log.h"

#include <algorithm>
#include <utility>

namespace edgetwin::model {

void CommandLog::Load(std::vector<Command> commands) {
  for (Command& command : commands) {
    twin_.Reaches(Stream::kControl, command.dot.seq);
    by_seq_.emplace(command.dot.seq, std::move(command));
  }
  Count();
}

Command* CommandLog::Lookup(std::uint64_t id) {
  const auto found =
      std::ranges::find_if(by_seq_, [id](const auto& entry) { return entry.second.id == id; });
  return found == by_seq_.end() ? nullptr : &found->second;
}

const Command* CommandLog::Find(std::uint64_t id) const {
  return const_cast<CommandLog*>(this)->Lookup(id);  // NOLINT
}

void CommandLog::Count() {
  open_.Use(static_cast<std::uint64_t>(std::ranges::count_if(
      by_seq_, [](const auto& entry) { return entry.second.state == CommandState::kOpen; })));
}

Status CommandLog::Add(Command command) {
  if (command.id == 0) return Invalid("a command needs an id that is not 0");
  if (command.name.empty() || command.name.size() > kCommandNameBytesMax) {
    return Invalid("a command's name has 1 to " + std::to_string(kCommandNameBytesMax) + " bytes");
  }
  if (command.who.size() > kNoteBytesMax) {
    return Invalid("who asks is longer than " + std::to_string(kNoteBytesMax) + " bytes");
  }
  if (Lookup(command.id) != nullptr) return Conflict("a command with this id is known already");
  const auto open = static_cast<std::uint64_t>(std::ranges::count_if(
      by_seq_, [](const auto& entry) { return entry.second.state == CommandState::kOpen; }));
  if (!open_.Fits(open + 1)) {
    open_.Hit();
    return Exhausted(std::to_string(open) + " commands are open; more than " +
                     std::to_string(kOpenMax) + " at once are not taken");
  }
  command.dot = twin_.TakeDot(Stream::kControl);
  command.state = CommandState::kOpen;
  pending_.commands.push_back(command);
  by_seq_.emplace(command.dot.seq, std::move(command));
  Trim();
  Count();
  return {};
}

void CommandLog::Trim() {
  for (auto entry = by_seq_.begin(); by_seq_.size() > kKeptMax && entry != by_seq_.end();) {
    if (entry->second.state == CommandState::kOpen) {
      ++entry;
      continue;
    }
    pending_.commands_gone.push_back(entry->second.id);
    entry = by_seq_.erase(entry);
  }
}

bool CommandLog::Answer(std::uint64_t id, CommandState state, Value value, std::string result) {
  Command* command = Lookup(id);
  if (command == nullptr) return false;
  const bool guess = command->state == CommandState::kUnknown && state != CommandState::kUnknown;
  if (command->state != CommandState::kOpen && !guess) return true;
  command->state = state;
  command->result = std::move(result);
  if (!value.none()) command->value = std::move(value);
  pending_.commands.push_back(*command);
  Count();
  return true;
}

std::size_t CommandLog::CloseOpen(const std::string& why, std::uint64_t seq) {
  std::size_t closed = 0;
  for (auto& [at, command] : by_seq_) {
    if (at > seq) break;
    if (command.state != CommandState::kOpen) continue;
    command.state = CommandState::kUnknown;
    command.result = why;
    pending_.commands.push_back(command);
    ++closed;
  }
  Count();
  return closed;
}

void CommandLog::Renumber(std::uint64_t held, std::uint64_t seq) {
  std::vector<Command> again;
  for (auto entry = by_seq_.upper_bound(held); entry != by_seq_.end() && entry->first <= seq;) {
    again.push_back(std::move(entry->second));
    entry = by_seq_.erase(entry);
  }
  for (Command& command : again) {
    command.dot = twin_.TakeDot(Stream::kControl);
    pending_.commands.push_back(command);
    by_seq_.emplace(command.dot.seq, std::move(command));
  }
}

void CommandLog::ForEachAfter(std::uint64_t after,
                              const std::function<bool(const Command&)>& visit) const {
  for (auto entry = by_seq_.upper_bound(after); entry != by_seq_.end(); ++entry) {
    if (entry->second.state == CommandState::kOpen && !visit(entry->second)) return;
  }
}

Batch CommandLog::TakePending() {
  return std::exchange(pending_, Batch{});
}

}  // namespace edgetwin::model
