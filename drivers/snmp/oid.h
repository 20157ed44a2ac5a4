// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Object identifiers, in numbers. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::snmp_driver {

using Oid = std::vector<std::uint32_t>;

inline constexpr std::size_t kOidPartsMax = 128;  // RFC 2578, 3.5.

// "1.3.6.1.2.1.1.3.0", with or without a leading dot. kInvalid also for names, since no MIB is
// read, and for what can't be encoded (X.690, 8.19).
Result<Oid> ParseOid(std::string_view text);
std::string ToString(const Oid& oid);

// Whether `oid` is one of those that begin with `root` and go on.
bool IsBelow(const Oid& oid, const Oid& root);

}  // namespace edgetwin::snmp_driver
