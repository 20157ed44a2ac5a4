// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the API's documents are made from: a running agent, or the store of one that is down.

#pragma once

#include <optional>

#include "agent/runtime/agent.h"
#include "twin/base/clock.h"
#include "twin/model/batch.h"
#include "twin/model/twin.h"

namespace edgetwin::api {

struct View {
  const model::Twin* twin = nullptr;
  const runtime::Agent* agent = nullptr;  // Null: it is down, and the twin is what its store held.
  const model::Stored* stored = nullptr;  // Then what else it held: events, alarms, ….
  MonoTime now{};
  WallTime wall{};
  bool wall_trusted = true;
  bool own_clock = true;  // That trust is the machine's own, not the cloud's word.
  std::optional<MonoTime>
      sync_since;  // When the sync's state changed last; the start at the latest.

  WallTime ToWall(MonoTime time) const {
    return wall - std::chrono::duration_cast<std::chrono::milliseconds>(now - time);
  }
};

}  // namespace edgetwin::api
