// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What an agent says of one object, apart from the library's own structures.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/snmp/oid.h"

namespace edgetwin::snmp_driver {

// RFC 2578, 7.1, RFC 3416, 3, and the floats that net-snmp's agents wrap into an Opaque.
enum class Syntax {
  kInteger,   // INTEGER, Integer32; std::int64_t.
  kUnsigned,  // Gauge32, Unsigned32; std::uint64_t, as the next three.
  kCounter32,
  kCounter64,
  kTimeTicks,  // Hundredths of seconds.
  kOctets,     // OCTET STRING, BITS; std::string.
  kOid,        // Oid.
  kIpAddress,  // Four bytes in a std::string.
  kOpaque,     // std::string, still encoded.
  kFloat,      // double.
  kDouble,
  kNull,  // No data, as the next four.
  kNoSuchObject,
  kNoSuchInstance,
  kEndOfMibView,
  kOther,
};

// "INTEGER", "OCTET STRING".
std::string_view ToString(Syntax syntax);

struct Data {
  Syntax syntax = Syntax::kNull;
  std::variant<std::monostate, std::int64_t, std::uint64_t, double, std::string, Oid> value;
};

struct Binding {
  Oid oid;
  Data data;
};

// A response. `status` and `index` as RFC 3416, 3 has them; index 0: of no binding.
struct Answer {
  int status = 0;
  int index = 0;
  std::vector<Binding> bindings;
};

inline constexpr int kTooBig = 1;

// "noAccess", "wrongValue"; RFC 3416, 3.
std::string StatusName(int status);

}  // namespace edgetwin::snmp_driver
