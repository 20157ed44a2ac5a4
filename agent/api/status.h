// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The agent's state in one document.

#pragma once

#include <string>
#include <vector>

#include "agent/api/json.h"
#include "agent/api/view.h"
#include "twin/model/batch.h"

namespace edgetwin::api {

// `api_limits`: of the server that answers.
Json StatusJson(const View& view, const std::vector<LimitReport>& api_limits);
// What a store says beside its twin.
struct StoredFacts {
  std::string store;  // Its file.
  std::uint64_t cloud_control = 0;
  model::Epoch epoch;
};
// The same document of a store whose agent is down; what only a running agent knows is null.
Json StoredStatusJson(const View& view, const std::string& device, const std::string& description,
                      const StoredFacts& facts);

}  // namespace edgetwin::api
