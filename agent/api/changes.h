// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a technician changes through the API: overrides.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "agent/api/json.h"
#include "agent/runtime/agent.h"
#include "twin/base/event_loop.h"
#include "twin/http/http_server.h"

namespace edgetwin::api {

inline constexpr std::chrono::milliseconds kOverrideDefault{15 * 60'000};
inline constexpr std::chrono::milliseconds kOverrideMax{30LL * 86'400'000};
// How long a client waits for the driver's answer before it is told that there is none yet.
inline constexpr std::chrono::milliseconds kAnswerWait{10'000};

struct OverrideRequest {
  model::Value value;
  std::chrono::milliseconds duration = kOverrideDefault;
  std::string who;
};

// {"value":JSON or "text":as a person types it,"for_ms":N?,"who":"…"?}. `user`: who asks according
// to the kernel; a `who` is shown beside it, not in its place. kInvalid says what is wrong.
Result<OverrideRequest> ParseOverride(std::string_view body, const model::PropertyDef& def,
                                      const std::string& user);

// "who" of a body: shown beside the kernel's `user`, not in its place. kInvalid.
Result<std::string> ReadWho(const Json& json, const std::string& user);

// Answers 200 with the effective value, 202 when it is held but not applied (yet), or a problem.
// `alive` ends with the server: after it nothing is touched.
void AnswerOverride(EventLoop& loop, runtime::Agent& agent, model::PropertyId id,
                    OverrideRequest request, std::shared_ptr<http::Responder> responder,
                    std::weak_ptr<void> alive);

}  // namespace edgetwin::api
