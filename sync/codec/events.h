// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Events and commands ↔ their messages.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// Seqs must ascend within (from, to]; kinds, names, paths and values be within their limits: what
// Decode would refuse is asserted. Texts for people are cut.
void EncodeEvents(std::uint64_t from, std::uint64_t to, std::span<const WireEvent> events,
                  v1::Frame& frame);
void EncodeCommands(std::uint64_t from, std::uint64_t to, std::span<const model::Command> commands,
                    v1::Frame& frame);

// The texts of `frame` move into the events, and the commands.
Result<std::vector<WireEvent>> DecodeEvents(std::uint64_t from, std::uint64_t to, v1::Frame& frame);
Result<std::vector<model::Command>> DecodeCommands(std::uint64_t from, std::uint64_t to,
                                                   v1::Frame& frame);

}  // namespace edgetwin::sync
