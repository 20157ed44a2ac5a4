// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where the daemon's socket and store are.

#pragma once

#include <string>

#include "agent/cli/failure.h"

namespace edgetwin::cli {

inline constexpr const char* kConfigDefault = "/etc/edgetwin/edgetwin.toml";

struct Places {
  std::string socket;
  std::string store;    // Its directory.
  std::string history;  // Its directory.
  std::string device;   // As in the cloud; empty when not known.
  std::string description;
};

// From the configuration, as far as it can be read: what is wrong in it is `config check`'s to say,
// and must not keep anybody from asking the daemon. kConfig when `config` was named by the user and
// can't be read at all.
Outcome<Places> FindPlaces(const std::string& config, bool named);

}  // namespace edgetwin::cli
