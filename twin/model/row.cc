// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/row.h"

namespace edgetwin::model {

std::string_view ToString(Side side) {
  switch (side) {
    case Side::kReported: return "reported";
    case Side::kDesired: return "desired";
    case Side::kStatus: return "status";
    case Side::kOverride: return "override";
  }
  return "unknown";
}

std::string_view ToString(Stream stream) {
  switch (stream) {
    case Stream::kControl: return "control";
    case Stream::kState: return "state";
    case Stream::kEvents: return "events";
    case Stream::kHistory: return "history";
  }
  return "unknown";
}

bool Gave(const Lineage& lineage, std::uint64_t inc, std::uint64_t seq, std::uint64_t head) {
  for (const Incarnation& entry : lineage) {
    if (entry.inc == inc) return seq <= (&entry == &lineage.back() ? head : entry.limit);
  }
  return false;
}

std::string_view ToString(Quality quality) {
  switch (quality) {
    case Quality::kGood: return "good";
    case Quality::kUncertain: return "uncertain";
    case Quality::kBad: return "bad";
    case Quality::kStale: return "stale";
  }
  return "unknown";
}

std::string_view ToString(DesiredState state) {
  switch (state) {
    case DesiredState::kNone: return "none";
    case DesiredState::kPending: return "pending";
    case DesiredState::kApplied: return "applied";
    case DesiredState::kRejected: return "rejected";
    case DesiredState::kMasked: return "masked";
    case DesiredState::kSuperseded: return "superseded";
    case DesiredState::kExpired: return "expired";
    case DesiredState::kUnknownPath: return "unknown_path";
  }
  return "unknown";
}

bool IsTerminal(DesiredState state) {
  return state == DesiredState::kApplied || state == DesiredState::kRejected ||
         state == DesiredState::kSuperseded || state == DesiredState::kExpired ||
         state == DesiredState::kUnknownPath;
}

std::uint64_t IncOf(const Lineage& lineage, std::uint64_t seq) {
  for (auto entry = lineage.rbegin(); entry != lineage.rend(); ++entry) {
    if (seq >= entry->first_seq) return entry->inc;
  }
  return 0;
}

const ControlInfo& Row::info() const {
  static const ControlInfo kNone;
  return control ? *control : kNone;
}

bool operator==(const Row& a, const Row& b) {
  return a.value == b.value && a.dot == b.dot && a.time == b.time && a.quality == b.quality &&
         a.unsynced == b.unsynced && a.info() == b.info();
}

}  // namespace edgetwin::model
