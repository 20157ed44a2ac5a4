// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// CRC-32 (ISO 3309, as in Ethernet and gzip): finds every damage of up to 32 bits in a row.

#pragma once

#include <cstdint>
#include <string_view>

namespace edgetwin::history {

std::uint32_t Crc32(std::string_view bytes);

}  // namespace edgetwin::history
