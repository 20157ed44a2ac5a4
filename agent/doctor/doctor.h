// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Examines the device from the configuration up to the cloud, with the agent or without it.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/api/json.h"
#include "agent/config/agent_config.h"
#include "agent/doctor/finding.h"

namespace edgetwin::doctor {

// What the agent says of itself, GET /v1/status; `version`: of who asks.
Findings ExamineStatus(const api::Json& status, const std::string& version);

// Whether the agent answers: kForbidden: not this user; kSilent: it runs, and hangs.
enum class Answer : std::uint8_t { kGiven, kForbidden, kSilent, kDown };

// {"findings": [{"check", "verdict", "text", "advice"}], "failed", "warnings", "skipped"}.
api::Json FindingsJson(const Findings& findings);
std::uint64_t Number(const Findings& findings, Verdict verdict);

struct Patient {
  std::string config_file;
  // Where the stores are as far as the configuration can be read.
  std::string store;
  std::string history;
  std::string root = "/";  // Of proc(5) and sysfs(5): a recorded tree in tests.
  std::string version;     // Of who asks.
  Answer answer = Answer::kDown;
  api::Json status;     // With kGiven.
  std::string trouble;  // Else.
};

// In the order in which they depend on each other. `progress` is told of what may take more than
// two seconds.
Findings Examine(const Patient& patient, const std::function<void(const std::string&)>& progress);

}  // namespace edgetwin::doctor
