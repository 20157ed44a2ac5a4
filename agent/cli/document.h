// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reading the API's documents, and saying what they hold.

#pragma once

#include <string>
#include <string_view>

#include "agent/api/json.h"
#include "agent/api/text.h"
#include "agent/cli/failure.h"
#include "agent/cli/output.h"

namespace edgetwin::cli {

using api::At;
using api::Bytes;
using api::NumberAt;
using api::TextAt;

Style QualityStyle(std::string_view quality);
// "14:03:22 (3 s ago)"; "-" for none.
std::string TimeAt(const Json& json, std::string_view key);
// "3 s ago".
std::string AgoAt(const Json& json, std::string_view key);

}  // namespace edgetwin::cli
