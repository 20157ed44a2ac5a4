// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The link to the broker that a configuration asks for.

#pragma once

#include "agent/config/agent_config.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/result.h"

namespace edgetwin::runtime {

// All but client_id, which is the caller's, and the Will. Reads the secrets; fails as ReadSecret
// and Locate do.
Result<sync::MqttOptions> LinkOptions(const config::AgentConfig& config);

}  // namespace edgetwin::runtime
