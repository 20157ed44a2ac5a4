// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A device as its operator sees it: who speaks for it, and who may. README.md describes it.

#pragma once

#include <string>

#include "sync/cloud/fleet.h"

namespace edgetwin::cloud {

// Where a device stands.
enum class DeviceState {
  kConnected,
  kAway,            // Not connected, and nobody was refused.
  kFenced,          // Not connected, and who said that it is this device was refused.
  kAwaiting,        // An operator lets the next claimant in.
  kDecommissioned,  // Nobody may speak for it.
};
std::string_view ToString(DeviceState state);
DeviceState StateOf(const Fleet::Listed& device);

// {"id", "state", "connected", "last_heard", "epoch", "admission", "claim", …}: one entry of the
// list.
std::string DeviceSummary(const Fleet::Listed& device);
// The same, with counters, and with "explanation" and "actions": why it stands so, and what the
// operator can do.
std::string DeviceDocument(const Fleet::Listed& device, const LiveTwin& live);

}  // namespace edgetwin::cloud
