// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// libzstd (RFC 8878) for pieces of memory.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgetwin {

// `level`: 1, the quickest, to 19. Nothing when there is no memory for it.
std::optional<std::string> ZstdPack(std::string_view plain, int level);
// Fills all of `plain`; false if `packed` isn't exactly that much.
bool ZstdUnpack(std::string_view packed, std::string& plain);

}  // namespace edgetwin
