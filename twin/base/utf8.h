// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace edgetwin {

// The bytes of the character at the front of `text`: 1 to 4, or 0 when there is none.
std::size_t Utf8CharacterBytes(std::string_view text);

// The bytes at the front of `text` that are UTF-8; text.size() when all of it is.
std::size_t Utf8ValidBytes(std::string_view text);

// `text` as it can be stored and sent, whatever bytes it had: '?' for each that is not UTF-8, cut
// between two characters to `bytes_max`.
std::string ToUtf8(std::string_view text, std::size_t bytes_max);

}  // namespace edgetwin
