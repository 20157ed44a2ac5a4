// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// zstd, in one call each.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgetwin::history {

// Nothing when there is no memory for it.
std::optional<std::string> ZstdPack(std::string_view plain);
// Fills all of `plain`; false if `packed` isn't exactly that much.
bool ZstdUnpack(std::string_view packed, std::string& plain);

}  // namespace edgetwin::history
