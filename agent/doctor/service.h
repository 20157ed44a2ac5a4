// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What systemd makes of the agent.

#pragma once

#include <string>
#include <string_view>

#include "agent/doctor/finding.h"

namespace edgetwin::doctor {

// Of `systemctl show`'s lines KEY=VALUE (org.freedesktop.systemd1(5)): LoadState, ActiveState,
// Result, ExecMainStatus, NRestarts. Nothing when there is no such service here.
Findings ReadService(std::string_view properties);

// Asks systemctl; nothing where there is none, or nobody answers.
Findings ExamineService();

}  // namespace edgetwin::doctor
