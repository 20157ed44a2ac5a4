// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Records' messages, and how a record frames one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sync/carry/carry.h"

namespace edgetwin::sync {

// A record: the message's bytes (32 bits, little-endian), its kind, the message, and CRC-32 of all
// that.
inline constexpr std::size_t kRecordHeadBytes = 5;
inline constexpr std::size_t kRecordChecksumBytes = 4;
inline constexpr std::uint8_t kCarryVersion = 1;  // The last byte of the magic.

std::uint32_t ReadUint32(std::string_view bytes);

// kCorrupt, with what is wrong; kUnsupported for a kind that isn't known.
Result<CarryContent> DecodeMessage(std::uint8_t kind, std::string_view message);

}  // namespace edgetwin::sync
