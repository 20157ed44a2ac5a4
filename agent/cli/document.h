// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reading the API's documents, and saying what they hold.

#pragma once

#include <string>
#include <string_view>

#include "agent/cli/failure.h"
#include "agent/cli/output.h"

namespace edgetwin::cli {

// A member of a document, null where there is none: another release's daemon may leave some out.
const Json& At(const Json& json, std::string_view key);
// Its text or number; `otherwise` where it has another type.
std::string TextAt(const Json& json, std::string_view key, std::string_view otherwise = "");
std::uint64_t NumberAt(const Json& json, std::string_view key);

Style QualityStyle(std::string_view quality);
// "14:03:22 (3 s ago)"; "-" for none.
std::string TimeAt(const Json& json, std::string_view key);
// "3 s ago".
std::string AgoAt(const Json& json, std::string_view key);
// "12 KiB".
std::string Bytes(std::uint64_t bytes);

}  // namespace edgetwin::cli
