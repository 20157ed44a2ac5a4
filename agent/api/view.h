// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the API's documents are made from: a running agent, or the store of one that is down.

#pragma once

#include <optional>

#include "agent/runtime/agent.h"
#include "twin/base/clock.h"
#include "twin/model/twin.h"

namespace edgetwin::api {

struct View {
  const model::Twin* twin = nullptr;
  const runtime::Agent* agent = nullptr;  // Null: it is down, and the twin is what its store held.
  MonoTime now{};
  WallTime wall{};
  bool wall_trusted = true;
  std::optional<MonoTime>
      sync_since;  // When the sync's state changed last; the start at the latest.

  WallTime ToWall(MonoTime time) const {
    return wall - std::chrono::duration_cast<std::chrono::milliseconds>(now - time);
  }
};

}  // namespace edgetwin::api
