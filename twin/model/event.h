// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What happened, as opposed to what is: events are never coalesced, and each is kept until the
// peer has it. Commands are what the cloud asks for once; their results are events.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/clock.h"
#include "twin/model/property.h"
#include "twin/model/row.h"

namespace edgetwin::model {

enum class Severity : std::uint8_t {
  kInfo = 0,     // Worth remembering.
  kWarning = 1,  // Somebody should look when there is time.
  kAlarm = 2,    // Somebody should look now.
};
std::string_view ToString(Severity severity);

// Words that programs match on; people read the text.
inline constexpr std::size_t kEventKindBytesMax = 64;
inline constexpr std::size_t kEventTextBytesMax = 512;

struct Event {
  Dot dot;  // Its place in the device's event stream.
  WallTime time{};
  bool unsynced = false;  // The clock was not trusted then.
  Severity severity = Severity::kInfo;
  std::string kind;             // "alarm_raised", "rolled_back", "command_done", ….
  PropertyId id = kNoProperty;  // Whom it is about, if one property.
  Value value;                  // The property's then, or a command's result.
  std::string text;
  std::uint64_t command = 0;  // The command that it answers, or 0.
  friend bool operator==(const Event&, const Event&) = default;
};

// Where a command stands. The device tells by events; the cloud keeps what it was told.
enum class CommandState : std::uint8_t {
  kOpen = 0,     // Not answered yet.
  kDone = 1,     // Had its effect once.
  kFailed = 2,   // Was refused, or failed; had no effect that the device knows of.
  kExpired = 3,  // Its time was over before it began.
  kUnknown = 4,  // Begun, and then the device crashed, or lost its memory: nobody knows.
};
std::string_view ToString(CommandState state);

inline constexpr std::size_t kCommandNameBytesMax = 64;

struct Command {
  std::uint64_t id = 0;  // Random, not 0; never used again. What has run is never run again.
  Dot dot;               // Its place in the cloud's control stream.
  std::uint64_t epoch =
      0;             // The epoch's counter that it was given in; of another one it isn't run.
  std::string name;  // "write", "read", "ack_alarm", ….
  std::string path;  // Of the property it is for, or empty.
  Value value;
  WallTime expires{};  // On the cloud's clock.
  std::string who;
  CommandState state = CommandState::kOpen;
  std::string result;  // Why, for people.
  friend bool operator==(const Command&, const Command&) = default;
};

}  // namespace edgetwin::model
