// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/event.h"

#include "twin/model/alarm.h"

namespace edgetwin::model {

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kWarning: return "warning";
    case Severity::kAlarm: return "alarm";
  }
  return "unknown";
}

std::string_view ToString(CommandState state) {
  switch (state) {
    case CommandState::kOpen: return "open";
    case CommandState::kDone: return "done";
    case CommandState::kFailed: return "failed";
    case CommandState::kExpired: return "expired";
    case CommandState::kUnknown: return "unknown";
  }
  return "unknown";
}

std::string_view ToString(AlarmKind kind) {
  return kind == AlarmKind::kHigh ? "high" : "low";
}

}  // namespace edgetwin::model
