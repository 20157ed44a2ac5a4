// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Whether the agent could log in at its brokers.

#pragma once

#include <chrono>
#include <string>

#include "agent/config/agent_config.h"
#include "agent/doctor/finding.h"
#include "twin/base/clock.h"

namespace edgetwin::doctor {

// How much longer the certificate in `file` is good for; `whose` for the text. `now`: nothing while
// the clock isn't trusted, and nothing is said then.
Findings ExamineCertificate(const std::string& whose, const std::string& file, WallTime now);

// Resolves, connects, and logs in as the agent does, with its certificates, user and access rules,
// at the first broker that lets it in; says nothing to the cloud. While the agent runs, ask it
// instead. Blocks for `at_most`.
Findings ExamineBrokers(const config::AgentConfig& config, std::chrono::milliseconds at_most);

}  // namespace edgetwin::doctor
