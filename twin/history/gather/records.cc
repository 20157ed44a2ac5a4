// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/gather/records.h"

namespace edgetwin::history {

std::string_view ToString(Priority priority) {
  switch (priority) {
    case Priority::kLow: return "low";
    case Priority::kNormal: return "normal";
    case Priority::kHigh: return "high";
  }
  return "?";
}

std::string_view ToString(LossReason reason) {
  switch (reason) {
    case LossReason::kUncleanStop: return "unclean_stop";
    case LossReason::kBytesMax: return "bytes_max";
    case LossReason::kAgeMax: return "age_max";
    case LossReason::kNotStored: return "not_stored";
    case LossReason::kDamaged: return "damaged";
    case LossReason::kFileLost: return "file_lost";
    case LossReason::kDelivered: return "delivered";
    case LossReason::kPeerRolledBack: return "peer_rolled_back";
  }
  return "?";
}

}  // namespace edgetwin::history
