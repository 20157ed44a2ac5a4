// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstddef>
#include <string_view>

namespace edgetwin::sync {

// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF).
bool IsUtf8(std::string_view text);

// The longest prefix of `text` within `bytes_max` that doesn't end inside a character.
std::string_view CutUtf8(std::string_view text, std::size_t bytes_max);

}  // namespace edgetwin::sync
