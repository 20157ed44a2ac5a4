// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Taking apart what the kernel prints, without ever reading past it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace edgetwin::sysfs {

// Takes the first line off `rest`, without its end.
std::string_view TakeLine(std::string_view& rest);
// Takes the first word off `rest`, between blanks; empty at the end.
std::string_view TakeWord(std::string_view& rest);

// The whole of `text` must be a decimal number in range.
std::optional<std::uint64_t> ParseUnsigned(std::string_view text);
std::optional<std::int64_t> ParseSigned(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);  // Finite ones only.

// The next word as a number; nothing when it isn't one.
std::optional<std::uint64_t> TakeUnsigned(std::string_view& rest);

// The number in the middle of a name ("temp12_input" between "temp" and "_input"); nothing for
// other names.
std::optional<std::uint64_t> NumberIn(std::string_view name, std::string_view before,
                                      std::string_view after);

// Without blanks and line ends on both sides.
std::string_view Trimmed(std::string_view text);

// Undoes the kernel's \040 for blanks and the like in mount points.
std::string Unescaped(std::string_view text);

}  // namespace edgetwin::sysfs
