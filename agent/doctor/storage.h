// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Where the stores lie, and whether they can be read.

#pragma once

#include <cstdint>
#include <string>

#include "agent/doctor/finding.h"

namespace edgetwin::doctor {

// One folder that a store lies in: that it is there, who owns it, whether its file system keeps
// what it is given (statfs(2)), has room, and isn't read-only. `grows_by`: bytes that the store may
// still take. `check` names the findings.
Findings ExamineFolder(const std::string& check, const std::string& folder, std::uint64_t grows_by);

struct StorePlaces {
  std::string store;  // Folders.
  std::string history;
  std::uint64_t history_bytes_max = 0;  // 0: there is no history.
  std::string device;                   // That the store must be of; empty: not known.
};

// Folders and stores. `open`: the agent has them open, and has looked at them itself; only what was
// put aside is examined then, and the room.
Findings ExamineStorage(const StorePlaces& places, bool open);

}  // namespace edgetwin::doctor
