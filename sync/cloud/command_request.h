// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a client asks a device to do, checked against its twin. Pure.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "twin/model/event.h"
#include "twin/model/twin.h"

namespace edgetwin::cloud {

inline constexpr std::chrono::seconds kCommandTime{300};  // Unless the client says.
inline constexpr std::chrono::seconds kCommandTimeMax{std::chrono::hours(24 * 30)};

struct CommandRefusal {
  std::string key;  // Of the body's member that is wrong; empty when the body as a whole is.
  std::string detail;
};

// {"name", "path", "value", "expires_in", "id"}: all but the name may be left out. `expires_in` is
// in seconds, `id` 16 hexadecimal digits; without one the command's is 0. A value that the device
// has told a type for becomes one of that type; one that can't be written there is refused. Epoch,
// dot and who are the caller's.
tl::expected<model::Command, CommandRefusal> ReadCommand(std::string_view body,
                                                         const model::Twin& twin, WallTime now);

// 16 hexadecimal digits, not all 0.
std::optional<std::uint64_t> ParseCommandId(std::string_view text);

// Whether `known`, which has been taken, is what `again` asks for: a client that didn't hear the
// answer asks anew under the same id.
bool IsSameCommand(const model::Command& known, const model::Command& again);

}  // namespace edgetwin::cloud
