// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The topics' shape, in one place for both directions.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgetwin::sync {

inline constexpr std::size_t kDeviceIdBytesMax = 64;

bool IsDeviceId(std::string_view id);

enum class Direction : char { kUp = 'u', kDown = 'd' };

// Writes "et/<device>/<direction>" into `topic`, which keeps its memory.
void FormatTopic(std::string_view device, Direction direction, std::string& topic);
std::string Topic(std::string_view device, Direction direction);

// A short address, 1 to 8 characters of A-Z a-z 0-9 _ -, and its topic, "e/<address>".
bool IsShortAddress(std::string_view address);
std::string ShortTopic(std::string_view address);

// The device of such a topic, "*" included for kDown; nothing when it isn't exactly one.
std::optional<std::string_view> DeviceOfTopic(std::string_view topic, Direction direction);

}  // namespace edgetwin::sync
